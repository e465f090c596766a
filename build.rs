//! Packs the list of words, and tells the linker what makes the program small and its start quick.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Puts the functions that every start runs side by side; written by `benches/start`.
const START: &str = "src/start.ld";
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
    }
    let folder = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    let packed = pack(&fs::read_to_string(WORDS)?)?;
    fs::write(Path::new(&folder).join("words.deflate"), packed)
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
