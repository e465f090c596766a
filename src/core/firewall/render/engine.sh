#!/bin/sh
# openclaw-sec: makes the rules that are ours equal to a directory, or writes them into one.
#   engine.sh load DIR    the rules become what DIR holds, nothing where it is empty
#   engine.sh save DIR    DIR becomes what the rules are
#   engine.sh wait DIR S  after S seconds without a confirmation: undo DIR
#   engine.sh undo DIR    load DIR/old, and DIR is gone
#   engine.sh replaced HOME DIR  tells the run that waits for a confirmation of DIR
#   engine.sh confirm DIR nothing is undone any more, and DIR is gone
#   engine.sh persist DIR the rules of DIR come back after a reboot
#   engine.sh forget      no rules come back after a reboot
#   engine.sh outlook     says what a reboot brings where nothing was stored
#   engine.sh reach       fails, and says why, where rules may be in force that it could not take away
# DIR holds `nft` (one nftables table), `nf.v4` and `nf.v6` (iptables on nf_tables), `legacy.v4`
# and `legacy.v6` (legacy iptables), `sets` (ipset). Rules of others are never written.
set +eu
umask 077
LC_ALL=C
export LC_ALL

have() { command -v "$1" >/dev/null 2>&1; }

# The command of a kind (nf, legacy) and family (v4, v6), or nothing.
tool() {
	case $2 in v4) name=iptables ;; *) name=ip6tables ;; esac
	case $1 in nf) variant=nft ;; *) variant=legacy ;; esac
	if have "$name-$variant-restore"; then
		echo "$name-$variant"
	elif have "$name-restore" && have "$name"; then
		case $("$name" -V 2>/dev/null) in
		*nf_tables*) [ "$1" = nf ] && echo "$name" ;;
		?*) [ "$1" = legacy ] && echo "$name" ;;
		esac
	fi
}

# The live rules of one kind and family. Asking legacy iptables for a table would load its module.
live_iptables() {
	command=$(tool "$1" "$2")
	[ -n "$command" ] || return 0
	case $2 in v4) loaded=/proc/net/ip_tables_names ;; *) loaded=/proc/net/ip6_tables_names ;; esac
	for table in mangle filter; do
		if [ "$1" = nf ] || grep -qx "$table" "$loaded" 2>/dev/null; then
			"$command-save" -t "$table" 2>/dev/null
		fi
	done
}

# Our lines of one kind and family.
save_iptables() {
	live_iptables "$1" "$2" | awk '
		/^\*/ { table = $0; chain = 0 }
		/^:OPENCLAW-SEC / { chain = 1; print table; print ":OPENCLAW-SEC - [0:0]" }
		/^-A OPENCLAW-SEC / { print }
		/ -[jg] OPENCLAW-SEC$/ { print }
		/^COMMIT/ && chain { print }'
}

nft_table() { nft list table inet openclaw_sec 2>/dev/null; }

our_sets() { have ipset && ipset list -n 2>/dev/null | grep '^openclaw-sec-'; }

save() {
	if have nft && nft_table >"$1/listing" && [ -s "$1/listing" ]; then
		{
			echo 'table inet openclaw_sec'
			echo 'delete table inet openclaw_sec'
			# Sets that packets fill come back empty.
			awk '
				/^\tset .*_sources_v[46] \{/ { counters = 1 }
				/^\t\}/ { counters = 0; elements = 0 }
				counters && /elements = \{/ { elements = 1 }
				!elements { print }' "$1/listing"
		} >"$1/nft"
	fi
	rm -f "$1/listing"
	for kind in nf legacy; do
		for family in v4 v6; do
			save_iptables "$kind" "$family" >"$1/$kind.$family"
			[ -s "$1/$kind.$family" ] || rm -f "$1/$kind.$family"
		done
	done
	for set in $(our_sets); do
		ipset save "$set"
	done >"$1/sets"
	[ -s "$1/sets" ] || rm -f "$1/sets"
}

# From what is wanted (first file) and what is live (standard input): the commands that lead there.
# The jump stays where it is the first rule, and is put there where it is not.
difference() {
	awk '
		FNR == NR {
			if (/^\*/) { table = substr($0, 2); wanted[table] = 1 }
			else if (/^-A OPENCLAW-SEC /) { rules[table] = rules[table] $0 "\n" }
			next
		}
		/^\*/ { table = substr($0, 2); base = table == "mangle" ? "PREROUTING" : "INPUT"; seen = 0 }
		/^:OPENCLAW-SEC / { live[table] = 1 }
		/^-A / && $2 == base { seen++ }
		/ -[jg] OPENCLAW-SEC$/ {
			count[table]++
			if ($0 == "-A " base " -j OPENCLAW-SEC" && seen == 1) first[table] = 1
			line = $0; sub(/^-A /, "-D ", line); jumps[table] = jumps[table] line "\n"
		}
		function place(table, base) {
			if (!(table in wanted)) return
			printf "*%s\n:OPENCLAW-SEC - [0:0]\n%s", table, rules[table]
			if (count[table] != 1 || !first[table])
				printf "%s-I %s 1 -j OPENCLAW-SEC\n", jumps[table], base
			print "COMMIT"
		}
		function remove(table) {
			if ((table in wanted) || !(table in live)) return
			printf "*%s\n%s-F OPENCLAW-SEC\n-X OPENCLAW-SEC\nCOMMIT\n", table, jumps[table]
		}
		END { place("mangle", "PREROUTING"); place("filter", "INPUT"); remove("mangle"); remove("filter") }' "$1" -
}

load_iptables() {
	command=$(tool "$1" "$2")
	wanted=$3/$1.$2
	if [ -z "$command" ]; then
		[ ! -s "$wanted" ]
		return
	fi
	[ -s "$wanted" ] || wanted=/dev/null
	# At start-up /etc may still be read-only.
	scratch=/run/openclaw-sec/scratch.$$
	mkdir -p "$scratch" || return 1
	live_iptables "$1" "$2" >"$scratch/live"
	# A first line keeps the wanted file from being empty, which would make awk take the live rules for it.
	{ echo '#'; cat "$wanted"; } >"$scratch/wanted"
	difference "$scratch/wanted" <"$scratch/live" >"$scratch/steps"
	result=0
	if [ -s "$scratch/steps" ]; then
		"$command-restore" -w 5 --noflush <"$scratch/steps" >/dev/null || result=1
	fi
	rm -rf "$scratch"
	return "$result"
}

# The kinds of rules of ours that the commands in PATH show.
kinds() {
	! have nft || ! nft list tables 2>/dev/null | grep -q '^table inet openclaw_sec$' || echo nft
	for kind in nf legacy; do
		for family in v4 v6; do
			[ -z "$(save_iptables "$kind" "$family")" ] || echo "$kind.$family"
		done
	done
	[ -z "$(our_sets)" ] || echo sets
}

# Runs a function with the folders that the PATH of plain `su` lacks.
with_sbin() (
	PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/sbin:/sbin
	"$@"
)

tools() {
	for name in nft iptables ip6tables ipset; do
		! have "$name" || echo "$name"
	done
}

can_show() { nft list tables >/dev/null 2>&1 || [ -n "$(tool nf v4)$(tool legacy v4)" ]; }

reach() {
	if [ "$(tools)" != "$(with_sbin tools)" ] && [ "$(kinds)" != "$(with_sbin kinds)" ]; then
		echo 'rules of ours are in force that only a command outside PATH can change; put /usr/sbin and /sbin into PATH'
	elif ! can_show; then
		hint='; there is something in /usr/sbin, which is not in PATH'
		[ -x /usr/sbin/nft ] || [ -x /usr/sbin/iptables ] || hint=
		echo "neither nft nor iptables with iptables-restore works here; install nftables$hint"
	else
		return 0
	fi
	return 1
}

# Each set is filled beside the live one and takes its place in one step.
load_sets() {
	[ -s "$1/sets" ] || return 0
	have ipset || return 1
	for set in $(awk '$1 == "create" { print $2 }' "$1/sets"); do
		ipset list -n "$set" >/dev/null 2>&1 ||
			awk -v set="$set" '$1 == "create" && $2 == set { print }' "$1/sets" | ipset restore || return 1
		ipset destroy "$set-new" 2>/dev/null
		awk -v set="$set" '$2 == set { $2 = set "-new"; print }' "$1/sets" | ipset restore || return 1
		ipset swap "$set" "$set-new" || return 1
		ipset destroy "$set-new" || return 1
	done
}

# The kernel lets go of a set a moment after the last rule that named it.
drop_set() {
	last_try=$(($(uptime_seconds) + 5))
	until ipset destroy "$1" 2>/dev/null; do
		[ "$(uptime_seconds)" -lt "$last_try" ] && ipset list -n "$1" >/dev/null 2>&1 || return 0
		sleep 0.1 2>/dev/null || sleep 1
	done
}

drop_other_sets() {
	for set in $(our_sets); do
		grep -q "^create $set " "$1/sets" 2>/dev/null || drop_set "$set"
	done
	return 0
}

# What is wanted comes first, then what is not wanted goes, so that there is no gap between.
load() {
	load_sets "$1" || return 1
	if [ -s "$1/nft" ]; then
		nft -f "$1/nft" || return 1
	fi
	for kind in nf legacy; do
		for family in v4 v6; do
			if [ -s "$1/$kind.$family" ]; then
				load_iptables "$kind" "$family" "$1" || return 1
			fi
		done
	done
	if [ ! -s "$1/nft" ] && have nft && nft list tables 2>/dev/null | grep -q '^table inet openclaw_sec$'; then
		nft delete table inet openclaw_sec || return 1
	fi
	for kind in nf legacy; do
		for family in v4 v6; do
			if [ ! -s "$1/$kind.$family" ]; then
				load_iptables "$kind" "$family" "$1" || return 1
			fi
		done
	done
	drop_other_sets "$1"
}

# Whoever renames the directory decides; the others come too late.
undo() {
	mv "$1" "$1.undone" 2>/dev/null || return 1
	load "$1.undone/old" || load "$1.undone/old"
	result=$?
	rm -rf "$1.undone"
	return "$result"
}

uptime_seconds() {
	read -r uptime _ </proc/uptime
	echo "${uptime%.*}"
}

# The run that writes holds the lock: a change is undone once it is whole. Who asks to hurry may hold
# the lock itself, and one that was stopped must not keep its change for ever.
wait_for_writer() {
	exec 9>>"${1%/*}/lock"
	last=$(($(uptime_seconds) + 60))
	until flock -n 9; do
		[ ! -e "$1/now" ] && [ "$(uptime_seconds)" -lt "$last" ] || return 0
		sleep 0.2 2>/dev/null || sleep 1
	done
}

# Runs in a session of its own. The file `now` asks it to hurry: whoever asks may be killed meanwhile.
wait_and_undo() {
	trap '' HUP INT TERM QUIT PIPE TSTP
	# Parts of a second are cut off, which must not make the time shorter.
	end=$(($(uptime_seconds) + $2 + 1))
	echo "$$" >"$1/pid.new" && mv "$1/pid.new" "$1/pid" || exit 1
	while [ ! -e "$1/now" ] && [ "$(uptime_seconds)" -lt "$end" ]; do
		sleep 0.2 2>/dev/null || sleep 1
		[ "$(cat "$1/pid" 2>/dev/null)" = "$$" ] || exit 0
	done
	wait_for_writer "$1"
	reader=$(cat "$1/reader" 2>/dev/null)
	undo "$1" || exit 1
	[ -z "$reader" ] || kill -9 "$reader" 2>/dev/null
	exit 0
}

# Ends the process that would undo, and the sleep it waits for.
disarm() {
	waiter=$(cat "$1/pid" 2>/dev/null)
	[ -z "$waiter" ] || kill -9 "-$waiter" 2>/dev/null || kill -9 "$waiter" 2>/dev/null
	return 0
}

# Another run takes the place of the unconfirmed one of DIR: that one is told, and asks no more.
replaced() {
	owner=$(cat "$2/owner" 2>/dev/null)
	[ -z "$owner" ] || ! kill -0 "$owner" 2>/dev/null || : >"$1/replaced.$owner"
	reader=$(cat "$2/reader" 2>/dev/null)
	[ -z "$reader" ] || kill -9 "$reader" 2>/dev/null
	return 0
}

confirm() {
	kept=$1.kept.$$
	if ! mv "$1" "$kept" 2>/dev/null; then
		echo 'openclaw-sec: there is no change to confirm; it was taken back, or it is confirmed' >&2
		return 1
	fi
	disarm "$kept"
	result=0
	if [ -e "$kept/persist" ]; then
		persist "$kept" || result=1
	fi
	[ "$result" = 1 ] || echo 'openclaw-sec: the rules are kept' >&2
	[ -e "$kept/persist" ] || outlook
	rm -rf "$kept"
	return "$result"
}

home=/etc/openclaw-sec
unit=openclaw-sec-firewall.service
units=/etc/systemd/system

persist() {
	mkdir -p "$home" && rm -rf "$home/firewall.new" && cp -r "$1/new" "$home/firewall.new" &&
		cp "$1/engine.sh" "$home/firewall.sh.new" && mv "$home/firewall.sh.new" "$home/firewall.sh" &&
		rm -rf "$home/firewall" && mv "$home/firewall.new" "$home/firewall" || return 1
	if [ ! -d /etc/systemd ]; then
		echo "openclaw-sec: there is no systemd here; have this run at every start: sh $home/firewall.sh load $home/firewall" >&2
		return 0
	fi
	mkdir -p "$units/sysinit.target.wants" && cat >"$units/$unit.new" <<UNIT && mv "$units/$unit.new" "$units/$unit" || return 1
[Unit]
Description=openclaw-sec firewall rules
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=nftables.service netfilter-persistent.service systemd-modules-load.service local-fs.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh $home/firewall.sh load $home/firewall

[Install]
WantedBy=sysinit.target
UNIT
	chmod 644 "$units/$unit" && ln -sf "../$unit" "$units/sysinit.target.wants/$unit" || return 1
	reload_units
}

outlook() {
	if [ -d "$home/firewall" ]; then
		echo 'openclaw-sec: with the next start of the machine the rules that an earlier run stored come back; --persist stores these instead' >&2
	else
		echo 'openclaw-sec: they end with the next start of the machine; --persist keeps them' >&2
	fi
	return 0
}

forget() {
	rm -f "$units/sysinit.target.wants/$unit" "$units/$unit"
	if [ -e "$home/firewall.sh" ] || [ -d "$home/firewall" ]; then
		rm -rf "$home/firewall" "$home/firewall.new" "$home/firewall.sh"
		rmdir "$home" 2>/dev/null
		reload_units
	fi
	return 0
}

reload_units() {
	[ ! -d /run/systemd/system ] || ! have systemctl || systemctl daemon-reload 2>/dev/null
	return 0
}

case $1 in
load) load "$2" ;;
save) save "$2" ;;
undo) undo "$2" ;;
wait) wait_and_undo "$2" "$3" ;;
disarm) disarm "$2" ;;
replaced) replaced "$2" "$3" ;;
confirm) confirm "$2" ;;
persist) persist "$2" ;;
forget) forget ;;
outlook) outlook ;;
reach) reach ;;
tool) tool "$2" "$3" ;;
*) exit 2 ;;
esac
