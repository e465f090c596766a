#!/bin/sh
# Builds the release binary twice, in two folders with names of different length, and compares the bytes.
# Not part of CI: two builds with fat LTO take about nine minutes on two cores, as long as all the rest. Run it before a release.
# Usage: sh contrib/reproducible.sh [--keep FILE]     (FILE: where the binary is put when both are equal)
#
# What would tell where it was built, and how it is taken out: --remap-path-prefix for Rust's paths in
# panic messages, -ffile-prefix-map for those of the C in ring, zstd and liblzma. The compiler, the
# linker and Cargo.lock must be the same; the time is nowhere in the binary.
set -eu
keep=
[ "${1:-}" != --keep ] || keep=$2
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
crates=${CARGO_HOME:-$HOME/.cargo}/registry/src

build() {
    mkdir -p "$1"
    git -C "$here" archive --format=tar HEAD | tar -xf - -C "$1"
    remap="-C link-arg=-Wl,--build-id=sha1"
    for index in "$crates"/*/; do
        remap="$remap --remap-path-prefix=${index%/}=/crates"
    done
    (
        cd "$1"
        unset CARGO_TARGET_DIR CARGO_ENCODED_RUSTFLAGS CARGO_INCREMENTAL
        export RUSTFLAGS="$remap --remap-path-prefix=$1=/source"
        export CFLAGS="-ffile-prefix-map=$crates=/crates -ffile-prefix-map=$1=/source"
        cargo build --release --locked --quiet
        sha256sum target/release/openclaw-sec
    )
    mv "$1/target/release/openclaw-sec" "$2"
    rm -rf "$1"
}

build "$work/one" "$work/first"
build "$work/another/folder/far/below" "$work/second"
cmp "$work/first" "$work/second"
echo 'the same bytes twice'
[ -z "$keep" ] || cp "$work/first" "$keep"
