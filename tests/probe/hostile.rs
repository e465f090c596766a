//! Scripted servers that say nothing, too much, or nonsense: every run ends in time, in little
//! memory, and passes nothing that it did not see.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use openclaw_sec::probe::{EndpointInput, LiveEvidence};

use crate::servers::command;
use crate::{JUDGES, faults, gather, in_words, input};

/// What a server does with a connection; it returns when the client is gone.
pub type Script = fn(&mut TcpStream) -> std::io::Result<()>;

const TIMEOUT: Duration = Duration::from_secs(1);
/// A loaded machine may be late; a run without a deadline would never end.
const SLACK: Duration = Duration::from_secs(30);

/// A server that runs the script on each connection, and a count of the connections.
pub fn serve(script: Script) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            counter.fetch_add(1, Ordering::Relaxed);
            std::thread::spawn(move || script(&mut stream));
        }
    });
    (port, count)
}

fn forever(
    stream: &mut TcpStream,
    first: &[u8],
    again: &[u8],
    pause: Duration,
) -> std::io::Result<()> {
    stream.write_all(first)?;
    loop {
        stream.write_all(again)?;
        std::thread::sleep(pause);
    }
}

const NO_PAUSE: Duration = Duration::ZERO;
const DRIP: Duration = Duration::from_millis(50);
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";

fn request(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    stream.read(&mut buffer).map(|_| ())
}

pub fn silent(stream: &mut TcpStream) -> std::io::Result<()> {
    loop {
        let mut buffer = [0; 4096];
        if stream.read(&mut buffer)? == 0 {
            return Ok(());
        }
    }
}

fn body(rest: &str) -> Vec<u8> {
    [OK, rest.as_bytes()].concat()
}

/// Name, script, and whether the front page's header is seen.
const SCRIPTS: &[(&str, Script, bool)] = &[
    ("silence", silent, false),
    ("hangs up at once", |_| Ok(()), false),
    ("hangs up after the request", request, false),
    (
        "ssh banner",
        |s| {
            s.write_all(b"SSH-2.0-OpenSSH_9.2\r\n")
                .and_then(|()| silent(s))
        },
        false,
    ),
    (
        "noise",
        |s| forever(s, b"", &[0xfe, 0xfd, 0, 13, 10, 7, 255, 1], NO_PAUSE),
        false,
    ),
    (
        "dripping header",
        |s| forever(s, b"HTTP/1.1 200 OK\r\nX-A: ", b"a", DRIP),
        false,
    ),
    (
        "endless header line",
        |s| forever(s, b"HTTP/1.1 200 OK\r\nX-A: ", &[b'a'; 8192], NO_PAUSE),
        false,
    ),
    (
        "endless header lines",
        |s| forever(s, b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", NO_PAUSE),
        false,
    ),
    (
        "endless interim answers",
        |s| forever(s, b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", NO_PAUSE),
        false,
    ),
    (
        "long interim answers",
        |s| {
            let mut hint = b"HTTP/1.1 103 Early Hints\r\nLink: ".to_vec();
            hint.extend([b'a'; 8192]);
            hint.extend(b"\r\n\r\n");
            forever(s, b"", &hint, NO_PAUSE)
        },
        false,
    ),
    (
        "endless body",
        |s| {
            request(s)?;
            forever(s, &body("\r\n"), &[b'x'; 65536], NO_PAUSE)
        },
        true,
    ),
    (
        "dripping body",
        |s| {
            request(s)?;
            forever(s, &body("\r\n"), b"x", DRIP)
        },
        true,
    ),
    (
        "endless chunks",
        |s| {
            request(s)?;
            forever(
                s,
                &body("Transfer-Encoding: chunked\r\n\r\n"),
                b"1\r\nx\r\n",
                NO_PAUSE,
            )
        },
        true,
    ),
    (
        "endless chunk extension",
        |s| {
            request(s)?;
            forever(
                s,
                &body("Transfer-Encoding: chunked\r\n\r\n1;"),
                &[b'x'; 8192],
                NO_PAUSE,
            )
        },
        true,
    ),
    (
        "endless trailers",
        |s| {
            request(s)?;
            forever(
                s,
                &body("Transfer-Encoding: chunked\r\n\r\n0\r\n"),
                b"X-A: b\r\n",
                NO_PAUSE,
            )
        },
        true,
    ),
    (
        "claims a huge chunk",
        |s| {
            request(s)?;
            s.write_all(&body(
                "Transfer-Encoding: chunked\r\n\r\n3fffffffffffffff\r\nabc",
            ))?;
            silent(s)
        },
        true,
    ),
    (
        "claims a huge body",
        |s| {
            request(s)?;
            s.write_all(&body("Content-Length: 4611686018427387904\r\n\r\nabc"))?;
            silent(s)
        },
        true,
    ),
    (
        "compressed nonsense",
        |s| {
            request(s)?;
            s.write_all(&body(
                "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x08zz",
            ))?;
            silent(s)
        },
        true,
    ),
    (
        "redirect loop",
        |s| {
            request(s)?;
            s.write_all(b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        },
        true,
    ),
];

fn polite(evidence: &LiveEvidence, count: usize) -> bool {
    evidence.connections <= 40 && evidence.requests <= 60 && count <= 40
}

/// In a process of its own, because the memory of the whole process is measured.
fn run_alone(test: &str) {
    let status = command(std::env::current_exe().unwrap().to_str().unwrap())
        .args(["--exact", test, "--ignored"])
        .status()
        .unwrap();
    assert!(status.success(), "{test} failed");
}

#[test]
fn hostile_servers_cannot_hold_a_run_or_earn_a_pass() {
    run_alone("hostile::http_servers");
    run_alone("hostile::handshakes");
}

#[test]
#[ignore = "the test above runs it"]
fn http_servers() {
    for (name, script, header_seen) in SCRIPTS {
        let (port, count) = serve(*script);
        let started = Instant::now();
        let evidence = gather(EndpointInput {
            timeout: TIMEOUT,
            auth_paths: vec!["/api".into()],
            ..input(&format!("http://127.0.0.1:{port}/"))
        });
        let took = started.elapsed();
        let words = in_words(&evidence);
        assert!(took < TIMEOUT + SLACK, "{name}: {took:?}");
        assert!(polite(&evidence, count.load(Ordering::Relaxed)), "{name}");
        assert_eq!(
            evidence.front.is_ok(),
            *header_seen,
            "{name}: {:?}",
            evidence.front
        );
        if !header_seen {
            let passed = JUDGES
                .iter()
                .any(|(_, judge)| judge(&evidence)[0].is_pass());
            assert!(!passed, "{name}: {words}");
        }
        if let Ok(front) = &evidence.front {
            assert!(front.body.len() <= 64 * 1024, "{name}");
        }
    }
    assert!(peak_memory_kib() < 64 * 1024, "{} KiB", peak_memory_kib());
}

#[test]
#[ignore = "the test above runs it"]
fn handshakes() {
    let scripts: &[(&str, Script)] = &[
        ("silence", silent),
        ("hangs up at once", |_| Ok(())),
        ("http", |s| s.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        ("ssh banner", |s| {
            s.write_all(b"SSH-2.0-OpenSSH_9.2\r\n")
                .and_then(|()| silent(s))
        }),
        ("noise", |s| {
            forever(s, b"", &[0xfe, 0xfd, 0, 13, 10, 7, 255, 1], NO_PAUSE)
        }),
        ("a record that never ends", |s| {
            forever(s, &[22, 3, 3, 0x40, 0], b"x", DRIP)
        }),
        ("a handshake message of 16 MiB", |s| {
            forever(
                s,
                &[22, 3, 3, 0, 4, 2, 255, 255, 255],
                &[22, 3, 3, 0, 1, 0],
                NO_PAUSE,
            )
        }),
        ("endless warnings", |s| {
            forever(s, b"", &[21, 3, 3, 0, 2, 1, 90], NO_PAUSE)
        }),
    ];
    for (name, script) in scripts {
        let (port, count) = serve(*script);
        let started = Instant::now();
        let evidence = gather(EndpointInput {
            timeout: TIMEOUT,
            auth_paths: vec!["/api".into()],
            ..input(&format!("https://127.0.0.1:{port}/"))
        });
        let took = started.elapsed();
        assert!(took < TIMEOUT + SLACK, "{name}: {took:?}");
        assert!(polite(&evidence, count.load(Ordering::Relaxed)), "{name}");
        assert!(evidence.tls.is_err() && evidence.front.is_err(), "{name}");
        // Port 80 of this machine is not ours, so what it says is left out.
        for (id, judge) in &JUDGES[2..] {
            assert!(!judge(&evidence)[0].is_pass(), "{name}: {id}");
        }
    }
    assert!(peak_memory_kib() < 64 * 1024, "{} KiB", peak_memory_kib());
}

#[test]
fn a_closed_port_and_a_name_without_address_leave_everything_unknown() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for url in [
        format!("http://127.0.0.1:{closed}/"),
        "http://does-not-exist.invalid/".to_owned(),
    ] {
        let evidence = gather(EndpointInput {
            timeout: TIMEOUT,
            auth_paths: vec!["/api".into()],
            ..input(&url)
        });
        let unknown = faults(&evidence);
        // The three of other profiles are skipped.
        assert_eq!(unknown.len(), JUDGES.len() - 3, "{unknown:?}");
        assert!(unknown.iter().all(|id| id.ends_with('?')), "{unknown:?}");
    }
}

fn peak_memory_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}
