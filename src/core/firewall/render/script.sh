#!/bin/sh
# openclaw-sec firewall, profile @PROFILE@: pipe this to `sh` as root.
# It is one command from the first brace to the last: cut anywhere, it does nothing.
{
say() { printf 'openclaw-sec: %s\n' "$*" >&2; }

refuse() {
	say "refused, nothing was changed: $*"
	exit 2
}

have() { command -v "$1" >/dev/null 2>&1; }

# The rules for nftables.
nft_rules() {
	cat <<'OPENCLAW_SEC_DATA'
@NFT@OPENCLAW_SEC_DATA
}

# The rules for iptables, IPv4.
iptables_v4() {
	cat <<'OPENCLAW_SEC_DATA'
@IPTABLES_V4@OPENCLAW_SEC_DATA
}

# The rules for ip6tables, IPv6.
iptables_v6() {
	cat <<'OPENCLAW_SEC_DATA'
@IPTABLES_V6@OPENCLAW_SEC_DATA
}

# Who gets in over TCP, for the lock-out guard.
tcp_policy() {
	cat <<'OPENCLAW_SEC_DATA'
@TCP_POLICY@OPENCLAW_SEC_DATA
}
@LISTS@
# The part that changes rules; it is also what undoes, confirms and loads at start-up.
engine() {
	cat <<'OPENCLAW_SEC_ENGINE'
@ENGINE@OPENCLAW_SEC_ENGINE
}

as_set() {
	printf '%s\n' "$*"
	awk -v set="$2" '{ print "add " set " " $0 }'
}

# Puts the lists into their sets: inline is twice as fast as added afterwards.
nft_lists() {
	:
@NFT_LISTS@	awk -v folder="$work" '
		{ print }
		/^\t\t# elements: / {
			list = folder "/" $3
			print "\t\telements = {"
			while ((getline network <list) > 0) print "\t\t\t" network ","
			close(list)
			print "\t\t}"
		}' "$work/new/nft" >"$work/nft" && mv "$work/nft" "$work/new/nft"
}

ipset_sets() {
	:
@IPSET_SETS@}

blocked_networks() {
	:
@BLOCKED@}

needs_ipset=@NEEDS_IPSET@
wants_rollback=@ROLLBACK@
wants_persist=@PERSIST@
table=@TABLE@

without_socket() { awk '!/ socket /'; }

ipv6_is_up() {
	[ -s /proc/net/if_inet6 ] && return 0
	[ "$(cat /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null)" = 0 ]
}

# A private folder for this run, and the lock of this network namespace.
begin() {
	[ "$(id -u)" = 0 ] || refuse 'this needs root; pipe it to: sudo sh'
	for tool in awk cat cp flock grep mkdir mv readlink rm setsid sleep; do
		have "$tool" || refuse "the command $tool is missing"
	done
	space=$(readlink /proc/self/ns/net)
	space=${space#*\[}
	space=${space%\]}
	case $space in '' | *[!0-9]*) space=host ;; esac
	home=/run/openclaw-sec/$space
	mkdir -p "$home" 2>/dev/null || refuse "the folder $home cannot be made"
	work=$home/run.$$
	trap 'leave' 0
	trap 'interrupted 129' HUP
	trap 'interrupted 130' INT
	trap 'interrupted 131' QUIT
	trap 'interrupted 143' TERM
	trap : PIPE
	rm -rf "$work" "$home/replaced.$$"
	mkdir "$work" "$work/new" && engine >"$work/engine.sh" || refuse "the folder $work cannot be written"
}

# Looking for the jump and adding it are two steps: one run at a time.
lock() {
	exec 9>"$home/lock"
	tries=60
	until flock -n 9; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || refuse 'another run holds the lock; try again when it has ended'
		sleep 1
	done
}

choose_back_end() {
	if have nft; then
		if nft_rules | nft -c -f - >/dev/null 2>&1; then
			back_end=nft
			nft_rules >"$work/new/nft"
			return
		fi
		if nft_rules | without_socket | nft -c -f - >/dev/null 2>&1; then
			back_end=nft
			nft_rules | without_socket >"$work/new/nft"
			return
		fi
	fi
	choose_iptables
}

choose_iptables() {
	back_end=nf
	if have iptables; then
		case $(iptables -V 2>/dev/null) in
		*nf_tables*) ;;
		*) back_end=legacy ;;
		esac
	fi
	v4=$(sh "$work/engine.sh" tool "$back_end" v4)
	v6=$(sh "$work/engine.sh" tool "$back_end" v6)
	[ -n "$v4" ] || refuse 'neither nft nor iptables with iptables-restore works here; install nftables'
	if [ -z "$v6" ] && ipv6_is_up; then
		refuse 'IPv6 is up and ip6tables is missing; install it, or nftables'
	fi
	[ "$needs_ipset" = no ] || have ipset || refuse 'a list is too long for single rules; install ipset, or nftables'
	test_iptables v4 "$v4"
	[ -z "$v6" ] || test_iptables v6 "$v6"
}

# Tests one family; a set is only there when the rules are loaded.
test_iptables() {
	rules=$work/new/$back_end.$1
	if socket_match_works "$2"; then
		"iptables_$1" >"$rules"
	else
		"iptables_$1" | without_socket >"$rules"
	fi
	awk '!/ --match-set /' "$rules" | "$2-restore" -w 5 --test --noflush >/dev/null 2>"$work/why" ||
		refuse "$2-restore does not take the rules: $(cat "$work/why")"
}

# A chain that nothing jumps to shows whether the kernel has the match.
socket_match_works() {
	scratch=OPENCLAW-SEC-TEST
	printf '*%s\n:%s - [0:0]\n-A %s -p tcp -m socket -j RETURN\nCOMMIT\n' "$table" "$scratch" "$scratch" |
		"$1-restore" -w 5 --noflush >/dev/null 2>&1 || return 1
	printf '*%s\n:%s - [0:0]\n-X %s\nCOMMIT\n' "$table" "$scratch" "$scratch" |
		"$1-restore" -w 5 --noflush >/dev/null 2>&1
}

# Container bridges pass everything: the way to the internet must not look like one.
check_default_route() {
	for interface in $(
		awk '$2 == "00000000" && $8 == "00000000" { print $1 }' /proc/net/route 2>/dev/null
		awk '$1 == "00000000000000000000000000000000" && $2 == "00" && $10 != "lo" { print $10 }' /proc/net/ipv6_route 2>/dev/null
	); do
		case $interface in
		@BRIDGES@) refuse "the default route leads over $interface, which has the name of a container bridge; rename the interface" ;;
		esac
	done
}

# Every ssh session above this process: sudo clears the variable, its ancestors still have it.
sessions() {
	[ -z "${SSH_CONNECTION-}" ] || printf 'session %s\n' "$SSH_CONNECTION"
	process=$$
	while [ "${process:-0}" -gt 1 ] 2>/dev/null; do
		tr '\n\0' ' \n' <"/proc/$process/environ" 2>/dev/null | awk 'sub(/^SSH_CONNECTION=/, "session ")'
		process=$(awk '$1 == "PPid:" { print $2 }' "/proc/$process/status" 2>/dev/null)
	done
}

# What translates the destination of TCP before the host sees it: `nat DIALLED PORT ADDRESS`. Asking
# legacy iptables for a table would load its module.
rewrites() {
	{
		! have nft || nft -t list ruleset 2>/dev/null
		for family in ip ip6; do
			for variant in '' -nft -legacy; do
				command=${family}tables$variant
				have "$command-save" || continue
				case $("$command" -V 2>/dev/null) in
				*nf_tables*) ;;
				*) grep -qx nat "/proc/net/${family}_tables_names" 2>/dev/null || continue ;;
				esac
				"$command-save" -t nat 2>/dev/null
			done
		done
	} | awk '
		/^-A OUTPUT / || !/redirect|REDIRECT|dnat|DNAT/ { next }
		{
			gsub(/[{},]/, " ")
			port = ""
			address = "-"
			ports = 0
			for (i = 1; i <= NF; i++) {
				if ($i ~ /^(dport|--dports?)$/) for (j = i + 1; j <= NF && $j ~ /^[0-9]+$/; j++) dialled[++ports] = $j
				if ($i ~ /^--to-ports?$/) port = $(i + 1)
				if ($i == "--to-destination" || $i == "to") {
					port = address = $(i + 1)
					sub(/.*:/, "", port)
					if (!sub(/:[0-9]+$/, "", address)) port = ""
					gsub(/[][]/, "", address)
					if (address == "") address = "-"
				}
			}
			if (port ~ /^[0-9]+$/) for (j = 1; j <= ports; j++) print "nat", dialled[j], port, address
		}'
}

# The port that each connection dialled: `flow CLIENT PORT DIALLED HERE`.
flows() {
	{ cat /proc/net/nf_conntrack || conntrack -L -p tcp; } 2>/dev/null | awk '
		/ tcp / || /^tcp / {
			client = from = dialled = here = ""
			for (i = 1; i <= NF; i++) {
				if (client == "" && sub(/^src=/, "", $i)) client = $i
				if (sub(/^sport=/, "", $i)) { if (from == "") from = $i; else here = $i }
				if (dialled == "" && sub(/^dport=/, "", $i)) dialled = $i
			}
			print "flow", client, from, dialled, here
		}'
}

# Would the same client get in again, to the same address and port, over the same interface?
check_lock_out() {
	sessions >"$work/sessions" 2>/dev/null
	[ -s "$work/sessions" ] || return 0
	{
		tcp_policy
		blocked_networks | awk '{ print "block " $0 }'
		if [ "$table" = mangle ]; then
			rewrites
			flows
		fi
		ip -o addr show 2>/dev/null | awk '{ sub(/\/.*/, "", $4); sub(/@.*/, "", $2); print "holds " $2 " " $4 }'
		cat "$work/sessions"
	} | awk '
		# Numbers of 16 bits: two for IPv4, eight for IPv6; the count, or 0 for what is no address.
		function words(text, out, parts, count, i, at, left, right, pieces, zeros) {
			sub(/%.*/, "", text)
			text = tolower(text)
			if (text ~ /^::ffff:[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/) sub(/^::ffff:/, "", text)
			if (text ~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/) {
				split(text, parts, ".")
				for (i = 1; i <= 4; i++) if (parts[i] > 255) return 0
				out[1] = parts[1] * 256 + parts[2]
				out[2] = parts[3] * 256 + parts[4]
				return 2
			}
			if (text !~ /^[0-9a-f:]+$/ || text !~ /:/) return 0
			at = index(text, "::")
			if (at) {
				left = substr(text, 1, at - 1)
				right = substr(text, at + 2)
			} else {
				left = text
				right = ""
			}
			for (i = 1; i <= 8; i++) out[i] = 0
			count = left == "" ? 0 : split(left, parts, ":")
			if (count > 8 || (!at && count != 8)) return 0
			for (i = 1; i <= count; i++) if ((out[i] = number(parts[i])) < 0) return 0
			pieces = right == "" ? 0 : split(right, parts, ":")
			zeros = 8 - count - pieces
			if (zeros < 0) return 0
			for (i = 1; i <= pieces; i++) if ((out[count + zeros + i] = number(parts[i])) < 0) return 0
			return 8
		}
		function number(hex, i, value) {
			if (length(hex) < 1 || length(hex) > 4) return -1
			for (i = 1; i <= length(hex); i++) value = value * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
			return value
		}
		function inside(network, count, address, parts, own, i, bits, step) {
			split(network, parts, "/")
			if (words(parts[1], own) != count) return 0
			for (i = 1; i <= count; i++) {
				bits = parts[2] - 16 * (i - 1)
				if (bits <= 0) return 1
				step = bits >= 16 ? 1 : 2 ^ (16 - bits)
				if (int(own[i] / step) != int(address[i] / step)) return 0
			}
			return 1
		}
		function fits(pattern, name) {
			if (pattern ~ /\*$/) return index(name, substr(pattern, 1, length(pattern) - 1)) == 1
			return pattern == name
		}
		function same(a, b, first, second, count, i) {
			count = words(a, first)
			if (!count || words(b, second) != count) return 0
			for (i = 1; i <= count; i++) if (first[i] != second[i]) return 0
			return 1
		}
		# Our chain stands before the translation of destinations and sees the port that was dialled.
		function judged(client, from, server, port, i, j, is_here, reason) {
			for (i = 1; i <= flows; i++)
				if (flow_from[i] == from && flow_here[i] == port && same(flow_client[i], client))
					return verdict(client, server, flow_dialled[i])
			reason = verdict(client, server, port)
			for (i = 1; reason == "" && i <= rewrites; i++) {
				if (rewrite_port[i] != port) continue
				is_here = rewrite_address[i] == "-"
				for (j = 1; j <= held; j++) if (same(holder[j], rewrite_address[i])) is_here = 1
				if (!is_here) continue
				reason = verdict(client, server, rewrite_dialled[i])
				if (reason != "")
					reason = reason "; a rule sends port " rewrite_dialled[i] " on to " port ", and it cannot be told which of them the session dialled"
			}
			return reason
		}
		function verdict(client, server, port, address, near, here, count, interface, i) {
			count = words(client, address)
			if (NF != 5 || !count || port !~ /^[0-9]+$/ || !words(server, here))
				return "SSH_CONNECTION of this session cannot be read; unset it if this is no ssh session"
			interface = ""
			for (i = 1; i <= held; i++) if (same(holder[i], server)) interface = holds[i]
			for (i = 1; i <= trusts; i++) if (interface != "" && fits(trust[i], interface)) return ""
			for (i = 1; i <= blocks; i++) if (inside(block[i], count, address))
				return "your ssh session comes from " client ", which the block list holds (" block[i] "); take it off the list"
			near = ""
			for (i = 1; i <= passes; i++) {
				if (pass_port[i] != port) continue
				if (pass_interface[i] != "-" && pass_interface[i] != interface) {
					if (near == "") near = "interface"
					continue
				}
				if (pass_source[i] == "-" || inside(pass_source[i], count, address)) return ""
				near = "source"
			}
			if (near == "source" && (port in ssh)) {
				sub(/%.*/, "", client)
				return "your ssh session comes from " client ", which may not use ssh on port " port " by these rules; add --ssh-from " client
			}
			if (near == "source")
				return "your ssh session comes from " client ", for which these rules do not open port " port "; add --ssh-port " port " (and leave out --no-ssh)"
			if (near == "interface")
				return "your ssh session to port " port " does not come over the interface that is open for it; add --ssh-port " port
			return "your ssh session uses port " port ", which these rules shut; add --ssh-port " port " (and leave out --no-ssh)"
		}
		$1 == "trust" { trust[++trusts] = $2 }
		$1 == "block" { block[++blocks] = $2 }
		$1 == "pass" { pass_port[++passes] = $2; pass_interface[passes] = $3; pass_source[passes] = $4 }
		$1 == "ssh" { ssh[$2] = 1 }
		$1 == "nat" { rewrite_dialled[++rewrites] = $2; rewrite_port[rewrites] = $3; rewrite_address[rewrites] = $4 }
		$1 == "flow" { flow_client[++flows] = $2; flow_from[flows] = $3; flow_dialled[flows] = $4; flow_here[flows] = $5 }
		$1 == "holds" { holds[++held] = $2; holder[held] = $3 }
		$1 == "session" {
			reason = judged($2, $3, $4, $5)
			if (reason != "") { print reason; exit }
		}' >"$work/why" || refuse 'the ssh sessions above this process cannot be judged'
	[ ! -s "$work/why" ] || refuse "$(cat "$work/why")"
}

there_is_a_terminal() { (exec </dev/tty) 2>/dev/null; }

rollback_seconds() {
	terminal=no
	! there_is_a_terminal || terminal=yes
	case $wants_rollback in
	automatic) [ "$terminal" = yes ] && seconds=60 || seconds=0 ;;
	*) seconds=$wants_rollback ;;
	esac
}

# What is ours as it was. Of an unconfirmed change that this run takes the place of, its own "before".
remember() {
	if [ -d "$home/pending" ] && mv "$home/pending" "$work/replaced" 2>/dev/null; then
		sh "$work/engine.sh" disarm "$work/replaced"
		sh "$work/engine.sh" replaced "$home" "$work/replaced"
		[ "$seconds" = 0 ] || mv "$work/replaced/old" "$work/old"
	fi
	[ -d "$work/old" ] && return
	# Nothing will be taken back, and nft changes everything or nothing by itself.
	[ "$seconds" != 0 ] || [ "$back_end" != nft ] || return 0
	mkdir "$work/old" && sh "$work/engine.sh" save "$work/old"
}

# The process that takes the change back lives in its own session and is there before the change.
arm() {
	echo "$$" >"$work/owner"
	mv "$work" "$home/pending" || refuse 'the rollback cannot be prepared'
	work=$home/pending
	setsid sh "$work/engine.sh" wait "$work" "$seconds" </dev/null >/dev/null 2>&1 9>&- &
	tries=100
	until [ -s "$work/pid" ]; do
		tries=$((tries - 1))
		if [ "$tries" = 0 ]; then
			refuse 'the rollback does not start'
		fi
		sleep 0.1 2>/dev/null || sleep 1
	done
}

# Where a rollback is armed, it does this itself: it survives whatever ends this process.
take_back() {
	waiter=$(cat "$work/pid" 2>/dev/null)
	if [ -n "$waiter" ] && kill -0 "$waiter" 2>/dev/null && : >"$work/now"; then
		while [ -e "$work" ] || [ -e "$work.undone" ]; do
			kill -0 "$waiter" 2>/dev/null || break
			sleep 0.1 2>/dev/null || sleep 1
		done
	fi
	[ ! -d "$work/old" ] || sh "$work/engine.sh" undo "$work"
}

# However this process ends by itself: an unconfirmed change does not stay.
leave() {
	[ "$stage" != changing ] || take_back
	rm -rf "$work"
}

interrupted() {
	trap '' HUP INT QUIT TERM
	if [ "$stage" = changing ]; then
		take_back
		stage=finished
		say 'interrupted; the rules are what they were'
	fi
	[ -z "${reader-}" ] || kill -9 "$reader" 2>/dev/null
	exit "$1"
}

change() {
	stage=changing
	if ! sh "$work/engine.sh" load "$work/new" 2>"$home/why.$$"; then
		why=$(cat "$home/why.$$")
		rm -f "$home/why.$$"
		take_back
		stage=finished
		say "failed, the rules are what they were: $why"
		exit 1
	fi
	rm -f "$home/why.$$"
}

keep() {
	if [ "$wants_persist" = yes ]; then
		sh "$work/engine.sh" persist "$work" || {
			say 'the rules are in force, but they could not be stored for the next start'
			exit 1
		}
	fi
	stage=finished
	say 'the rules are in force'
	[ "$wants_persist" = yes ] || sh "$work/engine.sh" outlook
}

# Standard input is the script, so the answer comes from the terminal itself.
ask() {
	if [ ! -t 2 ] && (exec 2>/dev/tty) 2>/dev/null; then
		exec 2>/dev/tty
	fi
	say "the rules are in force for $seconds seconds. Log in from a second terminal now;"
	say "when that works, type yes and Enter here to keep the rules:"
	(
		IFS= read -r answer </dev/tty && printf '%s\n' "$answer" >"$home/answer.$$"
	) 9>&- &
	reader=$!
	echo "$reader" >"$work/reader" 2>/dev/null
	[ -d "$work" ] || kill -9 "$reader" 2>/dev/null
	wait "$reader" 2>/dev/null
	reader=
	answer=$(cat "$home/answer.$$" 2>/dev/null)
	rm -f "$home/answer.$$"
	if [ -e "$home/replaced.$$" ]; then
		rm -f "$home/replaced.$$"
		# The folder of that name is the other run's by now.
		work=$home/run.$$
		stage=finished
		say 'another run took the place of this one before it was confirmed; what is in force is what that one made'
		exit 1
	fi
	if [ ! -d "$work" ]; then
		say 'not confirmed in time; the rules are what they were'
		exit 1
	fi
	if [ "$answer" = yes ]; then
		stage=finished
		sh "$work/engine.sh" confirm "$work"
		exit
	fi
	take_back
	stage=finished
	say 'not confirmed; the rules are what they were'
	exit 1
}

main() {
	set +eu
	umask 077
	unset IFS
	LC_ALL=C
	export LC_ALL
	stage=looking
	begin
	lock
	reason=$(sh "$work/engine.sh" reach) || refuse "$reason"
	check_default_route
	check_lock_out
	choose_back_end
	rollback_seconds
	if [ "$back_end" = nft ]; then
		nft_lists || refuse "the folder $work cannot be written"
	else
		ipset_sets >"$work/new/sets"
	fi
	[ "$wants_persist" = no ] || : >"$work/persist"
	remember || refuse 'the rules as they are cannot be read'
	[ "$seconds" = 0 ] || arm
	change
	exec 9>&-
	if [ "$seconds" = 0 ]; then
		keep
	elif [ "$terminal" = yes ]; then
		ask
	else
		stage=finished
		trap - 0
		say "the rules are in force and will be taken back in $seconds seconds; this keeps them:"
		printf 'sh %s confirm %s\n' "$work/engine.sh" "$work" >&2
	fi
}

main </dev/null >/dev/null; }
