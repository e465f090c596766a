#!/bin/sh
# Makes one Debian package of a finished binary; no compiler is asked.
#   sh contrib/deb/build.sh [--binary FILE] [--output DIR]
# Prints the path of the package. The same input gives the same bytes, wherever and whenever.
set -eu

usage='usage: build.sh [--binary FILE] [--output DIR]'
fail() {
    printf 'build.sh: %s\n' "$*" >&2
    exit 2
}

source=$(cd "$(dirname "$0")/../.." && pwd)
binary=$source/target/release/openclaw-sec
output=.
while [ $# -gt 0 ]; do
    case $1 in
    --binary) binary=${2:?$usage} && shift 2 ;;
    --output) output=${2:?$usage} && shift 2 ;;
    *) fail "$1? $usage" ;;
    esac
done
[ -f "$binary" ] || fail "$binary is missing; make it with: cargo build --release --locked"

# Nothing of this machine may show: language, time zone, masks.
export LC_ALL=C TZ=UTC
umask 022

name=openclaw-sec
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source/Cargo.toml" | head -n 1)
# The day of the newest entry of the changelog, unless somebody knows better.
day=$(sed -n 's/^## \[.*\] - \(....-..-..\)$/\1/p' "$source/CHANGELOG.md" | head -n 1)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date -u -d "$day" +%s)}
export SOURCE_DATE_EPOCH

# number OFFSET SIZE: a number in the head of the binary (elf(5), little-endian).
number() {
    od -An -v -t "u$2" -j "$1" -N "$2" "$binary" | tr -d ' \n'
}

[ "$(head -c 4 "$binary" | tail -c 3)" = ELF ] || fail "$binary is no ELF program"
case $(number 18 2) in
62) architecture=amd64 ;;
183) architecture=arm64 ;;
243) architecture=riscv64 ;;
*) fail "$binary is for a processor that this script does not know" ;;
esac

# Whether a program asks for the loader of shared libraries (a program header of type PT_INTERP).
is_dynamic() {
    at=$(number 32 8)
    end=$((at + $(number 54 2) * $(number 56 2)))
    while [ "$at" -lt "$end" ]; do
        [ "$(number "$at" 4)" != 3 ] || return 0
        at=$((at + $(number 54 2)))
    done
    return 1
}

# The libraries by their Debian names; of glibc, the newest version whose symbols are used.
depends() {
    is_dynamic || return 0
    glibc=$(grep -ao 'GLIBC_2\.[0-9.]*' "$binary" | sed 's/GLIBC_//; s/\.$//' | sort -Vu | tail -n 1)
    printf 'Depends: libc6 (>= %s)' "$glibc"
    if grep -aq 'libgcc_s\.so\.1' "$binary"; then
        printf ', libgcc-s1 (>= 4.2)'
    fi
    printf '\n'
}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 130' INT TERM
tree=$root/tree

# put MODE FILE PLACE: a file goes into the package.
put() {
    mkdir -p "$tree/${3%/*}"
    install -m "$1" "$2" "$tree/$3"
}

# pressed FILE PLACE: the same for a text that is compressed.
pressed() {
    mkdir -p "$tree/${2%/*}"
    gzip -9n <"$1" >"$tree/$2"
}

put 755 "$binary" usr/bin/$name
# Symbols are of use to whoever built it; a binary of `cargo build --release` has none.
if command -v strip >/dev/null && ! nm "$tree/usr/bin/$name" 2>&1 | grep -q 'no symbols'; then
    strip "$tree/usr/bin/$name"
fi

for page in "$source"/man/*.1; do
    pressed "$page" "usr/share/man/man1/${page##*/}.gz"
done
put 644 "$source/completions/$name.bash" usr/share/bash-completion/completions/$name
put 644 "$source/completions/_$name" usr/share/zsh/vendor-completions/_$name
put 644 "$source/completions/$name.fish" usr/share/fish/vendor_completions.d/$name.fish
for unit in "$source"/contrib/systemd/*; do
    put 644 "$unit" "lib/systemd/system/${unit##*/}"
done
put 644 "$source/contrib/deb/config.toml" etc/$name/config.toml

documents=usr/share/doc/$name
for example in logrotate/openclaw cron/openclaw-sec prometheus/openclaw-security.rules.yml; do
    put 644 "$source/contrib/$example" "$documents/examples/$example"
done
pressed "$source/README.md" $documents/README.md.gz
pressed "$source/CHANGELOG.md" $documents/CHANGELOG.md.gz
{
    cat "$source/contrib/deb/copyright"
    sed 's/^$/./; s/^/ /' "$source/LICENSE-MIT"
} >"$root/copyright"
put 644 "$root/copyright" $documents/copyright
# The changelog again, in Debian's form: an entry per release, its points wrapped.
awk -v name=$name -v who="$(sed -n 's/^Maintainer: //p' "$source/contrib/deb/control")" '
    function close_point(    words, count, i, line) {
        count = split(point, words)
        point = ""
        line = "  *"
        for (i = 1; i <= count; i++) {
            if (length(line) + length(words[i]) > 78) { print line; line = "   " }
            line = line " " words[i]
        }
        if (count) print line
    }
    function close_entry(    command, written) {
        close_point()
        if (date == "") return
        command = "date -u -R -d " date
        command | getline written
        close(command)
        printf "\n -- %s  %s\n\n", who, written
    }
    /^## \[[0-9]/ {
        close_entry()
        date = $4
        gsub(/[^0-9-]/, "", date)
        printf "%s (%s) unstable; urgency=medium\n\n", name, substr($2, 2, length($2) - 2)
        next
    }
    date == "" { next }
    /^- / { close_point(); point = substr($0, 3) }
    /^  / { point = point " " $0 }
    /^### / { close_point(); printf "  [ %s ]\n", substr($0, 5) }
    END { close_entry() }
' "$source/CHANGELOG.md" >"$root/changelog"
pressed "$root/changelog" $documents/changelog.gz
# The bill of materials is read from the lock file by cargo, which builds nothing for it.
if command -v cargo >/dev/null && sh "$source/contrib/sbom/generate.sh" >"$root/sbom" 2>"$root/said"; then
    pressed "$root/sbom" $documents/$name.cdx.json.gz
else
    printf 'build.sh: the package has no bill of materials: %s\n' \
        "$(sed 1q "$root/said" 2>/dev/null | grep . || echo cargo is missing)" >&2
fi
# What the unit and the exporter expect to be there.
mkdir -p "$tree/var/lib/prometheus/node-exporter"

mkdir "$tree/DEBIAN"
for script in postinst prerm postrm; do
    install -m 755 "$source/contrib/deb/$script" "$tree/DEBIAN/$script"
done
(cd "$tree" && find etc -type f | sort | sed 's,^,/,') >"$tree/DEBIAN/conffiles"
(cd "$tree" && find . -type f ! -path './DEBIAN/*' | sed 's,^\./,,' | sort | xargs md5sum) >"$tree/DEBIAN/md5sums"
# Rounded up file by file, as dpkg-gencontrol does: the sum must not depend on the file system.
size=$(cd "$tree" && find . ! -path './DEBIAN*' -printf '%y %s\n' |
    awk '{ sum += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print sum }')
awk -v version="$version" -v architecture="$architecture" -v depends="$(depends)" -v size="$size" '
    /^Version:/ { $0 = "Version: " version }
    /^Architecture:/ { $0 = "Architecture: " architecture "\nInstalled-Size: " size }
    /^Depends:/ { $0 = depends }
    $0 != ""
' "$source/contrib/deb/control" >"$tree/DEBIAN/control"
chmod 644 "$tree/DEBIAN/control" "$tree/DEBIAN/conffiles" "$tree/DEBIAN/md5sums"

find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$output"
package=$output/${name}_${version}_$architecture.deb
# One thread: liblzma divides the work, and with it the bytes, by the number of threads.
dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$tree" "$package" >/dev/null
printf '%s\n' "$package"
