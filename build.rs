//! Tells the linker to pack relative relocations: a smaller file and a quicker start.

#[expect(
    clippy::disallowed_methods,
    reason = "cargo talks to a build script by variables"
)]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
