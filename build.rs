//! Packs the list of words, and tells the linker what makes the program small and its start quick.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Puts the functions that every start runs side by side; written by `benches/start`.
const START: &str = "src/start.ld";
/// Functions that compile to the same code stand once; nothing compares their addresses.
const FOLDING: &str = "-Wl,--icf=all";
const WORDS: &str = "src/core/strength/words.txt";

#[expect(
    clippy::disallowed_methods,
    reason = "cargo talks to a build script by variables"
)]
fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={WORDS}");
    println!("cargo:rerun-if-changed={START}");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        // GNU's linker and LLVM's read this script; one of the builder's own choice may not.
        if env::var("PROFILE").as_deref() == Ok("release") && !flags.contains("-fuse-ld=") {
            let folder = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
            println!("cargo:rustc-link-arg-bins=-Wl,-T,{folder}/{START}");
        }
        if knows(FOLDING)? {
            println!("cargo:rustc-link-arg-bins={FOLDING}");
        }
    }
    let folder = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    let packed = pack(&fs::read_to_string(WORDS)?)?;
    fs::write(Path::new(&folder).join("words.deflate"), packed)
}

/// Whether the linker of this build takes an argument: a program that does nothing tells.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo names compiler and target by variables"
)]
fn knows(argument: &str) -> io::Result<bool> {
    let of_cargo = |name| env::var_os(name).ok_or_else(|| io::Error::other("cargo sets it"));
    let folder = of_cargo("OUT_DIR")?;
    let source = Path::new(&folder).join("nothing.rs");
    fs::write(&source, "fn main() {}")?;
    let mut compiler = Command::new(of_cargo("RUSTC")?);
    compiler.arg(&source).arg("--out-dir").arg(&folder);
    compiler.arg("--target").arg(of_cargo("TARGET")?);
    compiler.arg(format!("-Clink-arg={argument}"));
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        compiler.arg("-C").arg(join("linker=", &linker));
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    compiler.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    compiler.stdout(Stdio::null()).stderr(Stdio::null());
    Ok(compiler.status()?.success())
}

fn join(start: &str, rest: &OsStr) -> OsString {
    let mut all = OsString::from(start);
    all.push(rest);
    all
}

/// The words in alphabetical order, then the byte 0, then their ranks in the same order; deflated.
///
/// Of each word stands only what differs from the one before, after a capital letter that says how
/// many letters they share: A for none. A third of the text's size; `dictionary.rs` unpacks it.
fn pack(text: &str) -> io::Result<Vec<u8>> {
    let mut words = words(text);
    words.sort_unstable();
    let mut plain = Vec::new();
    let mut last = "";
    for (word, _) in &words {
        let shared = last
            .bytes()
            .zip(word.bytes())
            .take(25)
            .take_while(|(left, right)| left == right)
            .count();
        plain.push(b'A' + u8::try_from(shared).map_err(io::Error::other)?);
        plain.extend_from_slice(&word.as_bytes()[shared..]);
        last = word;
    }
    plain.push(0);
    plain.extend(words.iter().map(|(_, rank)| rank));
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&plain)?;
    packed.finish()
}

/// Each word with four times the binary logarithm of its rank.
fn words(text: &str) -> Vec<(&str, u8)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| {
            let mut fields = line.split(' ');
            let rank = fields.next().and_then(|field| field.parse().ok());
            fields.zip(std::iter::repeat(rank))
        })
        .filter_map(|(word, rank)| Some((word, rank?)))
        .collect()
}
