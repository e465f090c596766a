#!/bin/sh
# openclaw-sec firewall off: pipe this to `sh` as root. It takes away what is ours and nothing else.
# It is one command from the first brace to the last: cut anywhere, it does nothing.
{
say() { printf 'openclaw-sec: %s\n' "$*" >&2; }

refuse() {
	say "refused, nothing was changed: $*"
	exit 2
}

# The part that changes rules.
engine() {
	cat <<'OPENCLAW_SEC_ENGINE'
@ENGINE@OPENCLAW_SEC_ENGINE
}

main() {
	set +eu
	umask 077
	unset IFS
	[ "$(id -u)" = 0 ] || refuse 'this needs root; pipe it to: sudo sh'
	space=$(readlink /proc/self/ns/net)
	space=${space#*\[}
	space=${space%\]}
	case $space in '' | *[!0-9]*) space=host ;; esac
	home=/run/openclaw-sec/$space
	work=$home/off.$$
	mkdir -p "$work/empty" && engine >"$work/engine.sh" || exit 2
	trap 'rm -rf "$work"; rmdir /run/openclaw-sec 2>/dev/null' 0
	trap '' HUP INT TERM
	exec 9>"$home/lock"
	tries=60
	until flock -n 9; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || refuse 'another run holds the lock'
		sleep 1
	done
	reason=$(sh "$work/engine.sh" reach) || refuse "$reason"
	# A rollback that still waits has nothing left to take back.
	if [ -d "$home/pending" ] && mv "$home/pending" "$work/pending" 2>/dev/null; then
		sh "$work/engine.sh" disarm "$work/pending"
		sh "$work/engine.sh" replaced "$home" "$work/pending"
	fi
	if ! sh "$work/engine.sh" load "$work/empty"; then
		say 'failed; some of our rules are still there'
		exit 1
	fi
	sh "$work/engine.sh" forget
	say 'our rules are gone; the rules of others are as they were'
}

main </dev/null >/dev/null; }
