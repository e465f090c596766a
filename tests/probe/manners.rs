//! A scripted gateway that counts what it is asked: connections, requests, methods, refused keys.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openclaw_sec::probe::verdicts::{self, LiveVerdict};
use openclaw_sec::probe::{DeclaredLimit, EndpointInput, Wanted};

use crate::front::Front;
use crate::{KEY, faults, gather, in_words, input};

/// What the server saw.
#[derive(Debug, Default)]
struct Seen {
    requests: Vec<Request>,
    refused_keys: usize,
    served: usize,
}

#[derive(Debug)]
struct Request {
    method: String,
    path: String,
    head: String,
    body: String,
}

/// A gateway whose live key is `key`, behind a limiter of `limit` requests.
fn serve(key: &'static str, limit: usize) -> (u16, Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let shared = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = shared.clone();
            std::thread::spawn(move || converse(stream, key, limit, &shared));
        }
    });
    (port, seen)
}

fn converse(mut stream: TcpStream, key: &str, limit: usize, seen: &Mutex<Seen>) {
    let mut received = Vec::new();
    while let Some(request) = read(&mut stream, &mut received) {
        let answer = answer(&request, key, limit, &mut seen.lock().unwrap());
        seen.lock().unwrap().requests.push(request);
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<Request> {
    loop {
        let text = String::from_utf8_lossy(received).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse().unwrap())
            });
            let length: usize = length.unwrap_or(0);
            if rest.len() >= length {
                let body = rest[..length].to_owned();
                received.drain(..head.len() + 4 + length);
                let mut words = head.split(' ');
                return Some(Request {
                    method: words.next()?.to_owned(),
                    path: words.next()?.to_owned(),
                    head: head.to_owned(),
                    body,
                });
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => received.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}

fn answer(request: &Request, key: &str, limit: usize, seen: &mut Seen) -> String {
    let authorization = request
        .head
        .lines()
        .find_map(|line| line.strip_prefix("authorization: Bearer "));
    let (status, body) = match request.path.as_str() {
        "/health" => ("200 OK", r#"{"ok":true,"status":"live"}"#),
        "/tools/invoke" | "/control-ui-config.json" => match authorization {
            None => ("401 Unauthorized", r#"{"error":{"type":"unauthorized"}}"#),
            Some(given) if given != key => {
                seen.refused_keys += 1;
                ("401 Unauthorized", r#"{"error":{"type":"unauthorized"}}"#)
            }
            Some(_) if seen.served >= limit => ("429 Too Many Requests", ""),
            Some(_) => {
                seen.served += 1;
                ("400 Bad Request", r#"{"error":{"type":"invalid_request"}}"#)
            }
        },
        "/api/admin" => {
            let is_with_key = authorization.is_some();
            seen.refused_keys += usize::from(is_with_key);
            ("403 Forbidden", "")
        }
        path if path.ends_with(".json") => ("404 Not Found", ""),
        _ => ("200 OK", "<title>OpenClaw Control</title>"),
    };
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nRetry-After: 60\r\nReferrer-Policy: no-referrer\r\n\
         X-Content-Type-Options: nosniff\r\n\r\n{body}",
        body.len()
    )
}

fn question(front: &Front, requests: u64) -> EndpointInput {
    active(front.input(), requests)
}

fn active(input: EndpointInput, requests: u64) -> EndpointInput {
    EndpointInput {
        active: true,
        limit: Ok(DeclaredLimit {
            requests,
            window: Duration::from_secs(60),
        }),
        ..input
    }
}

#[test]
fn an_active_run_stays_within_its_budget_as_the_server_counts_it() {
    for (key, limit, declared, refused_keys, fails) in [
        (KEY, 100, 100, 1, None),
        (KEY, 1000, 100, 1, Some("rate-limit.not-enforced")),
        (KEY, 1000, 180, 1, Some("rate-limit.not-enforced")),
        (KEY, 1000, 1_000_000, 1, None),
        ("another", 100, 100, 2, Some("auth.right-key-rejected")),
    ] {
        let (port, seen) = serve(key, limit);
        let front = Front::of(port);
        let evidence = gather(question(&front, declared));
        let seen = seen.lock().unwrap();
        let found: Vec<_> = faults(&evidence)
            .into_iter()
            .filter(|id| !id.ends_with('?') && !id.starts_with("https."))
            .collect();
        assert_eq!(found, Vec::from_iter(fails), "{}", in_words(&evidence));
        assert_eq!(seen.refused_keys, refused_keys);
        // Port 80 is asked, too.
        assert!(front.connections() <= evidence.connections);
        assert!(evidence.connections <= 48, "{}", evidence.connections);
        assert_eq!(
            seen.requests.len(),
            evidence.requests + evidence.burst_requests
        );
        assert!(evidence.requests <= 60, "{} requests", evidence.requests);
        assert!(evidence.burst_requests <= 216);
        for request in &seen.requests {
            let is_harmless = match request.method.as_str() {
                "GET" | "HEAD" | "OPTIONS" => request.body.is_empty(),
                "POST" => matches!(request.body.as_str(), "" | "{}"),
                _ => false,
            };
            assert!(is_harmless, "{request:?}");
            let agent = format!("openclaw-sec/{}", env!("CARGO_PKG_VERSION"));
            assert!(
                request
                    .head
                    .to_lowercase()
                    .contains(&format!("user-agent: {agent}"))
            );
            assert!(!request.path.contains(KEY) && !request.body.contains(KEY));
        }
    }
}

#[test]
fn a_burst_path_that_refuses_the_key_ends_the_burst_with_the_first_request() {
    let (port, seen) = serve(KEY, 1000);
    let front = Front::of(port);
    let evidence = gather(EndpointInput {
        burst_path: Some("/api/admin".to_owned()),
        ..question(&front, 100)
    });
    let seen = seen.lock().unwrap();
    // A made-up key, and the configured one on a path that does not take it.
    assert_eq!(seen.refused_keys, 2);
    assert_eq!(evidence.burst_requests, 1);
    let judges = [
        verdicts::limit_not_enforced,
        verdicts::limit_spoofable,
        verdicts::limit_without_retry_after,
    ];
    for judge in judges {
        let verdicts = judge(&evidence);
        let [LiveVerdict::Unknown { reason }] = &verdicts[..] else {
            panic!("{verdicts:?}");
        };
        assert!(reason.contains("refuses the key with 403"), "{reason}");
    }
}

#[test]
fn without_active_no_made_up_key_and_no_burst_is_sent() {
    let (port, seen) = serve(KEY, 1000);
    let front = Front::of(port);
    let evidence = gather(EndpointInput {
        active: false,
        ..question(&front, 100)
    });
    let seen = seen.lock().unwrap();
    assert_eq!((seen.refused_keys, seen.served), (0, 1));
    assert_eq!(seen.requests.len(), evidence.requests);
    assert!(front.connections() <= 40);
    assert_eq!(evidence.burst_requests, 0);
}

#[test]
fn credentials_and_the_burst_come_last() {
    let (port, seen) = serve(KEY, 100);
    let _ = gather(question(&Front::of(port), 100));
    let seen = seen.lock().unwrap();
    let carries = |request: &Request| request.head.contains("authorization: Bearer");
    let first = seen.requests.iter().position(carries).unwrap();
    assert!(seen.requests[first..].iter().all(carries));
}

#[test]
fn over_plain_http_the_key_stays_here_on_loopback_too() {
    let (port, seen) = serve(KEY, 100);
    let evidence = gather(active(input(&format!("http://127.0.0.1:{port}/")), 100));
    let seen = seen.lock().unwrap();
    assert!(!seen.requests.is_empty());
    assert!(seen.requests.iter().all(|one| !one.head.contains(KEY)));
    let verdicts = verdicts::right_key_rejected(&evidence);
    let [LiveVerdict::Unknown { reason, .. }] = &verdicts[..] else {
        panic!("{verdicts:?}");
    };
    assert!(reason.contains("--url is http, so the key was not sent"));
}

/// What a server was asked, as far as it costs or tells something.
#[derive(Debug, Default, PartialEq, Eq)]
struct Costs {
    key: bool,
    made_up_key: bool,
    burst: bool,
    files: bool,
    websocket: bool,
    cors: bool,
}

fn costs(active: bool, is_asked: impl Fn(&str) -> bool) -> Costs {
    let (port, seen) = serve(KEY, 1000);
    let front = Front::of(port);
    let evidence = gather(EndpointInput {
        active,
        wanted: Wanted::of(is_asked),
        ..question(&front, 100)
    });
    let seen = seen.lock().unwrap();
    let any = |wanted: &dyn Fn(&Request) -> bool| seen.requests.iter().any(wanted);
    let is_upgrade = |one: &Request| one.head.contains("Upgrade: websocket");
    Costs {
        key: any(&|one| one.head.contains(KEY)),
        made_up_key: seen.refused_keys > 0,
        burst: evidence.burst_requests > 0,
        files: any(&|one| one.path == "/.env"),
        websocket: any(&is_upgrade),
        cors: any(&|one| !is_upgrade(one) && one.head.to_lowercase().contains("\norigin:")),
    }
}

#[test]
fn nothing_is_asked_that_no_check_of_the_run_needs() {
    let everything = || Costs {
        key: true,
        made_up_key: true,
        burst: true,
        files: true,
        websocket: true,
        cors: true,
    };
    let nothing = Costs::default;
    assert_eq!(costs(true, |_| true), everything());
    assert_eq!(costs(true, |_| false), nothing());
    let without = |prefix: &'static str| move |id: &str| !id.starts_with(prefix);
    for (found, expected) in [
        (
            costs(true, without("rate-limit.")),
            Costs {
                burst: false,
                ..everything()
            },
        ),
        (
            costs(true, without("auth.wrong-key-accepted")),
            Costs {
                made_up_key: false,
                ..everything()
            },
        ),
        // The burst rests on what the key was answered.
        (
            costs(true, without("auth.right-key-rejected")),
            everything(),
        ),
        (
            costs(false, without("auth.right-key-rejected")),
            Costs {
                key: false,
                made_up_key: false,
                burst: false,
                ..everything()
            },
        ),
        (
            costs(true, |id| id == "secrets.exposed-over-http"),
            Costs {
                files: true,
                ..nothing()
            },
        ),
        (
            costs(true, |id| id == "auth.websocket-origin"),
            Costs {
                websocket: true,
                ..nothing()
            },
        ),
    ] {
        assert_eq!(found, expected);
    }
}
