//! Running connections, bans, and a reload under traffic.

use openclaw_sec::firewall::Request;

use crate::lab::{BackEnd, HOST4, HOST6, Lab, eventually, profile, script};
use crate::needs_a_lab;

/// The far side speaks next on connections that began before there was any rule.
const STREAMS: &str = r#"
import socket, subprocess, sys, threading
host4, host6, net, script = sys.argv[1:5]
def far(code):
    return subprocess.Popen(["nsenter", f"--net=/run/netns/{net}", "python3", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
results = []
for family, host, peer in ((socket.AF_INET, host4, "198.51.100.2"), (socket.AF_INET6, host6, "2001:db8:1::2")):
    # The host called out.
    answer = far(f"""
import socket, sys
s = socket.socket(socket.{family.name}); s.setsockopt(1, 2, 1); s.bind(({peer!r}, 7000)); s.listen(); print("ready", flush=True)
c, _ = s.accept(); sys.stdin.readline(); c.sendall(b"x" * 64); print("sent", flush=True); sys.stdin.readline()
""")
    answer.stdout.readline()
    out = socket.create_connection((peer, 7000))
    # A client called in, on a port that the rules shut.
    listener = socket.socket(family); listener.setsockopt(1, 2, 1); listener.bind((host, 9999)); listener.listen()
    caller = far(f"""
import socket, sys
s = socket.create_connection(({host!r}, 9999)); print("ready", flush=True)
sys.stdin.readline(); s.sendall(b"x" * 64); print("sent", flush=True); sys.stdin.readline()
""")
    caller.stdout.readline()
    inside, _ = listener.accept()
    results.append((answer, out)); results.append((caller, inside))
done = subprocess.run(["sh", script], stderr=subprocess.DEVNULL)
assert done.returncode == 0, done
for process, connection in results:
    process.stdin.write("go\n"); process.stdin.flush(); process.stdout.readline()
    connection.settimeout(2)
    got = b""
    try:
        while len(got) < 64:
            got += connection.recv(64)
    except TimeoutError:
        pass
    print(len(got))
    process.kill()
"#;

#[test]
fn streams_that_began_before_the_first_rule_go_on() {
    needs_a_lab!();
    for back_end in BackEnd::ALL {
        let lab = Lab::with(back_end);
        let folder = lab.folder.path();
        std::fs::write(folder.join("script.sh"), script(&profile("vps"))).unwrap();
        std::fs::write(folder.join("streams.py"), STREAMS).unwrap();
        let program = folder.join("streams.py");
        let shell = folder.join("script.sh");
        let output = lab.run(
            &[
                "python3",
                program.to_str().unwrap(),
                HOST4,
                HOST6,
                &lab.net,
                shell.to_str().unwrap(),
            ],
            "",
        );
        let got = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            got,
            "64\n64\n64\n64\n",
            "{back_end:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Datagrams to an open and a shut port at 2,000/s while the script runs again and again.
const RELOAD: &str = r#"
import socket, subprocess, sys, threading, time
host, net, script, rounds = sys.argv[1:5]
receivers = []
for port in (443, 8080):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(1, 33, 8 << 20); s.bind((host, port)); s.settimeout(0.5)
    receivers.append(s)
sender = subprocess.Popen(["nsenter", f"--net=/run/netns/{net}", "python3", "-c", f"""
import select, socket, sys, time
# Every datagram has a source port of its own, so that none belongs to a known connection.
start = time.monotonic(); n = 0
sockets = socket.socket(socket.AF_INET, socket.SOCK_RAW, 17)
import struct
while not select.select([sys.stdin], [], [], 0)[0]:
    port = 1024 + n % 60000
    for to in (443, 8080):
        sockets.sendto(struct.pack('!HHHHI', port, to, 12, 0, n), ({host!r}, 0))
    n += 1
    pause = start + n / 1000 - time.monotonic()
    if pause > 0: time.sleep(pause)
print(n)
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
counts = [0, 0]
stop = False
def read(index):
    while True:
        try:
            receivers[index].recv(64); counts[index] += 1
        except TimeoutError:
            if stop: return
threads = [threading.Thread(target=read, args=(i,)) for i in (0, 1)]
[t.start() for t in threads]
# The first datagram has arrived: from here on the rules change under traffic.
until = time.monotonic() + 60
while counts[0] == 0 and time.monotonic() < until: time.sleep(0.01)
applied = 0
start = time.monotonic()
while applied < 5 or time.monotonic() - start < 2:
    assert subprocess.run(["sh", script], stderr=subprocess.DEVNULL).returncode == 0
    applied += 1
sender.stdin.close()
sent = int(sender.stdout.read())
stop = True
[t.join() for t in threads]
print(sent, sent - counts[0], counts[1], applied)
"#;

#[test]
fn a_reload_under_traffic_leaks_and_loses_nothing() {
    needs_a_lab!();
    for back_end in BackEnd::ALL {
        let lab = Lab::with(back_end);
        let folder = lab.folder.path();
        let request = Request {
            allow: vec!["udp/443".into()],
            ..profile("vps")
        };
        let (shell, program) = (folder.join("script.sh"), folder.join("reload.py"));
        std::fs::write(&shell, script(&request)).unwrap();
        std::fs::write(&program, RELOAD).unwrap();
        lab.must_apply(&request);
        let output = lab.run(
            &[
                "python3",
                program.to_str().unwrap(),
                HOST4,
                &lab.net,
                shell.to_str().unwrap(),
                "0",
            ],
            "",
        );
        let numbers: Vec<i64> = String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        let [sent, lost, leaked, applied] = numbers.as_slice() else {
            panic!("{}", String::from_utf8_lossy(&output.stderr));
        };
        assert!(
            *sent > 100 && *applied >= 5,
            "{back_end:?}: {sent} sent, {applied} times applied"
        );
        assert_eq!((*lost, *leaked), (0, 0), "{back_end:?}: of {sent}");
    }
}

/// A listed client talks on a running connection; then the host calls a listed server.
const BAN: &str = r#"
import socket, subprocess, sys
host, net, script = sys.argv[1:4]
def far(code):
    return subprocess.Popen(["nsenter", f"--net=/run/netns/{net}", "python3", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
# Tracked from the beginning, as on a host that has rules.
listener = socket.socket(); listener.setsockopt(1, 2, 1); listener.bind((host, 443)); listener.listen()
caller = far(f"""
import socket, sys
s = socket.create_connection(({host!r}, 443)); print("ready", flush=True)
sys.stdin.readline(); s.sendall(b"x" * 64); print("sent", flush=True); sys.stdin.readline()
""")
caller.stdout.readline()
inside, _ = listener.accept()
assert subprocess.run(["sh", script], stderr=subprocess.DEVNULL).returncode == 0
caller.stdin.write("go\n"); caller.stdin.flush(); caller.stdout.readline()
inside.settimeout(1)
try:
    print("running", len(inside.recv(64)))
except TimeoutError:
    print("running", 0)
server = far("""
import socket, sys
s = socket.socket(); s.setsockopt(1, 2, 1); s.bind(("198.51.100.2", 7000)); s.listen(); print("ready", flush=True)
c, _ = s.accept(); c.sendall(b"x" * 64); sys.stdin.readline()
""")
server.stdout.readline()
out = socket.create_connection(("198.51.100.2", 7000), timeout=60)
out.settimeout(60)
print("answer", len(out.recv(64)))
caller.kill(); server.kill()
"#;

#[test]
fn a_ban_cuts_running_sessions_and_lets_answers_in() {
    needs_a_lab!();
    for back_end in BackEnd::ALL {
        let lab = Lab::with(back_end);
        lab.must_apply(&profile("vps"));
        let folder = lab.folder.path();
        std::fs::write(
            folder.join("list"),
            "198.51.100.2\n172.16.0.0/12\n127.0.0.0/8\n",
        )
        .unwrap();
        let request = Request {
            block_list: Some(folder.join("list").to_str().unwrap().into()),
            ..profile("vps")
        };
        let (shell, program) = (folder.join("script.sh"), folder.join("ban.py"));
        std::fs::write(&shell, script(&request)).unwrap();
        std::fs::write(&program, BAN).unwrap();
        let output = lab.run(
            &[
                "python3",
                program.to_str().unwrap(),
                HOST4,
                &lab.net,
                shell.to_str().unwrap(),
            ],
            "",
        );
        let got = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            got,
            "running 0\nanswer 64\n",
            "{back_end:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        // Loopback and containers are not shut out by lists that hold their space.
        let talk = "import socket; s = socket.create_server((host, 8088)); c = socket.create_connection((host, 8088), 60); print('ok')";
        assert_eq!(
            lab.must(&format!("python3 -c \"host = '127.0.0.1'; {talk}\"")),
            "ok\n"
        );
        lab.must("python3 -c 'import socket; s = socket.create_server((\"172.17.0.1\", 8089)); s.settimeout(120); s.accept()' >/dev/null 2>&1 &");
        let call = "import socket; socket.create_connection(('172.17.0.1', 8089), 5)";
        eventually(&format!("{back_end:?}: an answer to the container"), || {
            let container = lab.run_in(&lab.container, &["python3", "-c", call], "");
            container.status.success()
        });
    }
}
