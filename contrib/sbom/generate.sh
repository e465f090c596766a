#!/bin/sh
# Prints the bill of materials of the Linux program: CycloneDX 1.5 as JSON, made offline from Cargo.lock.
# Listed is what is linked, so neither what only tests nor what only the build needs.
# The same bytes each time; with SOURCE_DATE_EPOCH the time that it says.
# Usage: sh contrib/sbom/generate.sh > openclaw-sec.cdx.json
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
target=x86_64-unknown-linux-gnu

linked=$(cargo tree --locked --offline --target "$target" \
    --edges normal,no-proc-macro --prefix none --format '{p}')
cargo metadata --locked --offline --filter-platform "$target" --format-version 1 |
    LINKED=$linked python3 "$here/cyclonedx.py" Cargo.lock
