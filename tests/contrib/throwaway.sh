#!/bin/sh
# A throw-away copy of this system: the root as the lower folder of an overlay, in namespaces of its
# own. Usage: throwaway.sh chroot|boot FOLDER, where FOLDER has `put/`, files to lay over the copy, and
# `script`. The script's stdout and stderr become ours, its exit code too; what it left new or took
# away is listed in FOLDER/changed, with the letter of find's `%y` in front (`c`: taken away).
set -eu

mode=$1
folder=$2
machine=$folder/machine

mkdir -p "$folder/memory"
mount -t tmpfs tmpfs "$folder/memory"
mkdir "$folder/memory/upper" "$folder/memory/work"
mkdir -p "$machine"
mount -t overlay overlay \
    -o "lowerdir=/,upperdir=$folder/memory/upper,workdir=$folder/memory/work" "$machine"
# A link of the system must not lead the copy out of the machine.
cp -a --remove-destination "$folder/put/." "$machine/"
cp "$folder/script" "$machine/script"

in_chroot() {
    mount -t proc proc "$machine/proc"
    mount --bind /dev "$machine/dev"
    mount -t tmpfs tmpfs "$machine/run"
    chroot "$machine" /bin/sh /script || code=$?
    umount "$machine/proc" "$machine/dev" "$machine/run"
}

# As little of this system's own start as systemd can do with, then the script, then the end.
boot() {
    units=$machine/usr/lib/systemd/system
    rm -rf "$machine"/etc/systemd/system/*.wants "$units"/*.target.wants
    cat >"$units/script.target" <<'UNIT'
[Unit]
DefaultDependencies=no
Requires=systemd-journald.service script.service
UNIT
    cat >"$units/script.service" <<'UNIT'
[Unit]
DefaultDependencies=no
After=systemd-journald.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c '/bin/sh /script; echo $? >/code'
ExecStopPost=/bin/systemctl poweroff --force --force
StandardOutput=file:/stdout
StandardError=file:/stderr
TimeoutStartSec=120
UNIT
    # No terminal and no host journal are lent to it; NET_ADMIN is over its own network only.
    timeout 180 systemd-nspawn --quiet --directory="$machine" --boot --register=no --keep-unit \
        --link-journal=no --console=pipe --private-network --capability=CAP_NET_ADMIN \
        --uuid=00000000000000000000000000000001 \
        systemd.unit=script.target >"$folder/console" 2>&1 </dev/null || true
    if [ ! -f "$machine/code" ]; then
        echo 'systemd does not come up in a container here' >&2
        tail -n 5 "$folder/console" >&2
        exit 77
    fi
    cat "$machine/stdout"
    cat "$machine/stderr" >&2
    code=$(cat "$machine/code")
}

code=0
case $mode in
chroot) in_chroot ;;
boot) boot ;;
esac
(cd "$folder/memory/upper" && find . -mindepth 1 -printf '%y %P\n' | sort) >"$folder/changed"
exit "$code"
