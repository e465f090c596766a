#!/usr/bin/env python3
"""Measures the firewall beside a bare `nft -f`, ufw and firewalld, in network namespaces.

    cargo build --release && sudo benches/firewall.py target/release/openclaw-sec [--write]

Needs root and Debian's nftables, iptables, ipset, iproute2; ufw, firewalld and dbus for the
comparison. `--write` puts the tables into docs/firewall.md. Every figure is a median of several
runs in one go on one machine; only ratios mean something elsewhere.
"""
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOST, PEER = "198.51.100.1", "198.51.100.2"
HOST6, PEER6 = "2001:db8:1::1", "2001:db8:1::2"
ENTRIES = 20000


def run(*command, text=None, check=True, **options):
    done = subprocess.run(command, input=text, capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(command)[:200]}: {done.stderr[-400:]}")
    return done


class Lab:
    """A host and the net it is connected to."""

    def __init__(self, name, path=None):
        self.host, self.net, self.path = f"fb-{name}", f"fbn-{name}", path
        self.folder = tempfile.mkdtemp()
        for space in (self.host, self.net):
            run("ip", "netns", "del", space, check=False)
            run("ip", "netns", "add", space)
            run("ip", "-n", space, "link", "set", "lo", "up")
            run("ip", "netns", "exec", space, "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
                "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        self.container = f"fbc-{name}"
        run("ip", "netns", "del", self.container, check=False)
        run("ip", "netns", "add", self.container)
        for interface, peer, space in (("eth0", "p-eth0", self.net), ("docker0", "c-eth0", self.container)):
            run("ip", "-n", self.host, "link", "add", interface, "type", "veth", "peer", "name", peer, "netns", space)
            run("ip", "-n", self.host, "link", "set", interface, "up")
            run("ip", "-n", space, "link", "set", peer, "up")
        for space, interface, address in (
            (self.host, "eth0", f"{HOST}/24"), (self.net, "p-eth0", f"{PEER}/24"),
            (self.host, "docker0", "172.17.0.1/16"), (self.container, "c-eth0", "172.17.0.2/16"),
        ):
            run("ip", "-n", space, "addr", "add", address, "dev", interface)
        for space, interface, address in ((self.host, "eth0", HOST6), (self.net, "p-eth0", PEER6)):
            run("ip", "-n", space, "addr", "add", f"{address}/64", "dev", interface, "nodad")
        run("ip", "-n", self.host, "route", "add", "default", "via", PEER)
        run("ip", "-n", self.host, "-6", "route", "add", "default", "via", PEER6)
        run("ip", "-n", self.net, "route", "add", "default", "via", HOST)

    def on_host(self, *command, text=None, check=True):
        environment = dict(os.environ, XTABLES_LOCKFILE=f"{self.folder}/lock")
        environment.pop("SSH_CONNECTION", None)
        if self.path:
            environment["PATH"] = self.path
        return run("ip", "netns", "exec", self.host, *command, text=text, check=check, env=environment)

    def close(self):
        for space in (self.host, self.net, self.container):
            run("ip", "netns", "del", space, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def iptables_only():
    """A PATH without nft."""
    folder = tempfile.mkdtemp()
    for source in ("/usr/bin", "/usr/sbin"):
        for name in os.listdir(source):
            if name != "nft" and not os.path.lexists(f"{folder}/{name}"):
                os.symlink(f"{source}/{name}", f"{folder}/{name}")
    return folder


def seconds(job, times=7):
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        job()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


CONNECT = """
import socket, sys, time
spent = []
for _ in range(4000):
    start = time.perf_counter()
    s = socket.create_connection((sys.argv[1], 443))
    spent.append(time.perf_counter() - start)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0"); s.close()
spent.sort()
print(spent[len(spent) // 2] * 1e6)
"""
SERVE = """
import socket, sys
s = socket.create_server((sys.argv[1], 443), backlog=4096)
print("ready", flush=True)
while True: s.accept()[0].close()
"""


def connect_latency(lab):
    server = subprocess.Popen(["ip", "netns", "exec", lab.host, "python3", "-c", SERVE, HOST], stdout=subprocess.PIPE)
    server.stdout.readline()
    try:
        return min(float(run("ip", "netns", "exec", lab.net, "python3", "-c", CONNECT, HOST).stdout) for _ in range(3))
    finally:
        server.kill()


def figures(program):
    random.seed(1)
    with tempfile.NamedTemporaryFile("w", suffix=".list", delete=False) as file:
        for _ in range(ENTRIES):
            length = random.choice((20, 22, 24, 24, 28, 32))
            network = random.randrange(0x01000000, 0xC0000000) >> (32 - length) << (32 - length)
            file.write(".".join(str(network >> shift & 255) for shift in (24, 16, 8, 0)) + f"/{length}\n")
    script = run(program, "firewall", "--rollback", "0", "--block-list", file.name).stdout
    table = run(program, "firewall", "--format", "nft", "--block-list", file.name).stdout
    rows = []
    render = seconds(lambda: run(program, "firewall", "--block-list", file.name), 15)
    rows.append(("render 20,000 networks", f"{render * 1000:.0f} ms", "below 50 ms"))
    lab = Lab("a")
    bare_latency = connect_latency(lab)

    def fresh(job):
        def once():
            lab.on_host("nft", "flush", "ruleset")
            job()
        return once

    flush = seconds(lambda: lab.on_host("nft", "flush", "ruleset"))
    load = seconds(fresh(lambda: lab.on_host("nft", "-f", "-", text=table))) - flush
    first = seconds(fresh(lambda: lab.on_host("sh", text=script))) - flush
    again = seconds(lambda: lab.on_host("sh", text=script))
    rows.append(("bare `nft -f` of the same set", f"{load * 1000:.0f} ms", ""))
    rows.append(("script, nftables", f"{first * 1000:.0f} ms", f"{first / load:.1f} times `nft -f`, at most 4"))
    rows.append(("script, nftables, applied again", f"{again * 1000:.0f} ms", f"{again / load:.1f} times"))
    latency = connect_latency(lab)
    lab.close()
    lab = Lab("b", iptables_only())
    with_ipset = seconds(lambda: lab.on_host("sh", text=script))
    rows.append(("script, iptables with ipset", f"{with_ipset * 1000:.0f} ms", f"{with_ipset / load:.1f} times"))
    latency_ipset = connect_latency(lab)
    lab.close()
    rows.append(("connect, no rules", f"{bare_latency:.0f} µs", ""))
    rows.append(("connect, 20,000 entries, nftables", f"{latency:.0f} µs", f"{latency / bare_latency:.2f} times, at most 1.2"))
    rows.append(("connect, 20,000 entries, ipset", f"{latency_ipset:.0f} µs", f"{latency_ipset / bare_latency:.2f} times, at most 1.2"))
    os.unlink(file.name)
    return rows


TRAFFIC = """
import socket, struct, sys, time
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 17)
start, n = time.monotonic(), 0
while time.monotonic() - start < 6:
    for to in (443, 8080):
        raw.sendto(struct.pack("!HHHHI", 1024 + n % 60000, to, 12, 0, n), (sys.argv[1], 0))
    n += 1
    pause = start + n / 1000 - time.monotonic()
    if pause > 0: time.sleep(pause)
print(n)
"""
COUNT = """
import socket, sys, threading, time
counts = {}
def read(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(1, 33, 8 << 20); s.bind((sys.argv[1], port)); s.settimeout(1)
    counts[port] = 0
    while not done:
        try: s.recv(64); counts[port] += 1
        except TimeoutError: pass
done = False
threads = [threading.Thread(target=read, args=(port,)) for port in (443, 8080)]
[t.start() for t in threads]
print("ready", flush=True)
sys.stdin.readline(); time.sleep(1); done = True
[t.join() for t in threads]
print(counts[443], counts[8080])
"""


def reload_under_traffic(lab, reload):
    """Sent to each port, lost of those to the open one, leaked of those to the shut one, reloads."""
    counter = subprocess.Popen(["ip", "netns", "exec", lab.host, "python3", "-c", COUNT, HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    counter.stdout.readline()
    sender = subprocess.Popen(["ip", "netns", "exec", lab.net, "python3", "-c", TRAFFIC, HOST], stdout=subprocess.PIPE, text=True)
    reloads = 0
    while sender.poll() is None:
        reload()
        reloads += 1
    sent = int(sender.stdout.read())
    out, _ = counter.communicate("\n")
    opened, leaked = map(int, out.split())
    return sent, sent - opened, leaked, reloads


def matrix(lab):
    """Which of the probes get where."""
    run("ip", "netns", "exec", lab.host, "iptables", "-t", "nat", "-A", "PREROUTING", "-i", "eth0", "-p", "tcp", "--dport", "8080",
        "-j", "DNAT", "--to-destination", "172.17.0.2:80")
    four, six = "192.0.2.77", "2001:db8:77::77"
    probes = [
        ("ssh, IPv4 and IPv6", [(four, "tcp", 22), (six, "tcp", 22)], "host"),
        ("https, IPv4 and IPv6", [(four, "tcp", 443), (six, "tcp", 443)], "host"),
        ("other ports shut, IPv4", [(four, "tcp", 3000), (four, "udp", 53)], "none"),
        ("other ports shut, IPv6", [(six, "tcp", 3000), (six, "udp", 53)], "none"),
        ("published container port shut", [(four, "tcp", 8080)], "none"),
    ]
    packets = [
        {"from": source, "to": HOST6 if ":" in source else HOST, "iface": "eth0", "kind": kind, "port": port}
        for _, group, _ in probes for source, kind, port in group
    ]
    packets += [{"from": four, "to": HOST, "iface": "eth0", "kind": "icmp", "type": 8}] * 300
    job = {"host": lab.host, "net": lab.net, "container": lab.container, "packets": packets}
    found = json.loads(run("python3", f"{ROOT}/tests/firewall/packets.py", text=json.dumps(job)).stdout)
    answers, at = [], 0
    for name, group, expected in probes:
        answers.append((name, all(place == expected for place in found[at:at + len(group)])))
        at += len(group)
    pings = sum(place == "host" for place in found[at:])
    answers.append(("ping flood cut", pings < 100))
    return answers


def ours(lab, program):
    script = run(program, "firewall", "--rollback", "0", "--allow", "udp/443").stdout
    apply = lambda: lab.on_host("sh", text=script)
    apply()
    return apply


def keeper(lab, story):
    """A shell on the host whose /run and configuration are its own; it reloads at every line."""
    shell = subprocess.Popen(["ip", "netns", "exec", lab.host, "unshare", "-m", "sh", "-c", story], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if "ready" not in shell.stdout.readline():
        return None

    def reload():
        shell.stdin.write("\n"), shell.stdin.flush(), shell.stdout.readline()
    return reload


UFW = """
mount -t tmpfs none /run; mkdir -p /run/lock; cp -a /etc/ufw /run/ufw; mount --bind /run/ufw /etc/ufw
exec 3>&1 >/dev/null
ufw --force default deny incoming; ufw allow 22/tcp; ufw allow 443; ufw --force enable; echo ready >&3
while read -r line; do ufw reload; echo done >&3; done
"""
FIREWALLD = """
mount -t tmpfs none /run; mkdir -p /run/dbus /run/firewalld; cp -a /etc/firewalld /run/fw; mount --bind /run/fw /etc/firewalld
exec 3>&1 >/dev/null
dbus-daemon --system --fork; firewalld --nofork --nopid & firewalld=$!
trap 'kill $firewalld; kill $(cat /run/dbus/pid)' EXIT
for i in 1 2 3 4 5 6 7 8 9 10; do firewall-cmd --state && break; sleep 1; done
firewall-cmd --permanent --add-service=ssh; firewall-cmd --permanent --add-port=443/tcp --add-port=443/udp; firewall-cmd --reload; echo ready >&3
while read -r line; do firewall-cmd --reload; echo done >&3; done
"""


def comparison(program):
    columns = []
    for name, path, start in (
        ("openclaw-sec, nftables", None, lambda lab: ours(lab, program)),
        ("openclaw-sec, iptables", iptables_only(), lambda lab: ours(lab, program)),
        ("ufw", None, lambda lab: keeper(lab, UFW)),
        ("firewalld", None, lambda lab: keeper(lab, FIREWALLD)),
    ):
        tool = name if name in ("ufw", "firewalld") else "ip"
        if not shutil.which(tool):
            print(f"not compared: {tool} is missing", file=sys.stderr)
            continue
        lab = Lab("c", path)
        reload = start(lab)
        if reload is None:
            print(f"not compared: {name} does not start here", file=sys.stderr)
            continue
        answers = matrix(lab)
        sent, lost, leaked, reloads = reload_under_traffic(lab, reload)
        columns.append((name, answers, sent, lost, leaked, reloads))
        lab.close()
    return columns


def tables(program):
    lines = ["| 20,000 networks | median | |", "| --- | --- | --- |"]
    lines += [f"| {what} | {figure} | {remark} |" for what, figure, remark in figures(program)]
    columns = comparison(program)
    lines += ["", "| | " + " | ".join(column[0] for column in columns) + " |", "| --- |" + " --- |" * len(columns)]
    for index, (what, _) in enumerate(columns[0][1]):
        lines.append(f"| {what} | " + " | ".join("yes" if column[1][index][1] else "**no**" for column in columns) + " |")
    lines.append("| reloads in 6 s | " + " | ".join(str(column[5]) for column in columns) + " |")
    lines.append("| lost meanwhile, open port | " + " | ".join(f"{column[3]} of {column[2]}" for column in columns) + " |")
    lines.append("| leaked meanwhile, shut port | " + " | ".join(f"{column[4]} of {column[2]}" for column in columns) + " |")
    return "\n".join(lines)


def main():
    if len(sys.argv) < 2 or os.geteuid() != 0:
        raise SystemExit(__doc__)
    text = tables(os.path.abspath(sys.argv[1]))
    print(text)
    if "--write" in sys.argv:
        path = f"{ROOT}/docs/firewall.md"
        with open(path) as file:
            before, rest = file.read().split("<!-- figures -->\n")[0:2]
            after = rest.split("<!-- end of figures -->\n")[1]
        with open(path, "w") as file:
            file.write(f"{before}<!-- figures -->\n{text}\n<!-- end of figures -->\n{after}")


main()
