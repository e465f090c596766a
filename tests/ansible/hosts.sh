#!/bin/sh
# Five hosts that answer to ssh and one that is dead, in a network of their own.
#
# hosts.sh FOLDER COMMAND...: FOLDER holds host_key, user_key and user_key.pub. The hosts are
# 198.51.100.1 to .5, the dead one is .9: nobody takes what is sent there. Run it by
# `unshare --net`.
set -eu

folder=$1
shift
ip link set lo up
ip link add lab type veth peer name far
ip addr add 198.51.100.1/24 dev lab
for last in 2 3 4 5; do
    ip addr add "198.51.100.$last/32" dev lab
done
ip link set far up
ip link set lab up
# A neighbour that is known and never answers costs a whole time-out, not a quick "no route".
ip neigh add 198.51.100.9 lladdr 02:00:00:00:00:09 dev lab

mkdir -p /run/sshd
cat >"$folder/sshd_config" <<CONFIG
ListenAddress 198.51.100.1
ListenAddress 198.51.100.2
ListenAddress 198.51.100.3
ListenAddress 198.51.100.4
ListenAddress 198.51.100.5
HostKey $folder/host_key
AuthorizedKeysFile $folder/user_key.pub
PermitRootLogin prohibit-password
PidFile none
StrictModes no
UsePAM no
MaxStartups 100
Subsystem sftp internal-sftp
CONFIG
/usr/sbin/sshd -D -e -f "$folder/sshd_config" 2>"$folder/sshd.log" &
server=$!
trap 'kill $server' EXIT
tries=0
until ssh-keyscan -t ed25519 198.51.100.5 2>/dev/null | grep -q ed25519; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { cat "$folder/sshd.log" >&2; exit 1; }
    sleep 0.2
done
"$@"
