//! Scripted answers that a careless reader takes for what they are not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use openclaw_sec::probe::verdicts::{self, LiveVerdict};
use openclaw_sec::probe::{DeclaredLimit, EndpointInput};

use crate::{gather, in_words, input};

/// A server of plain http that answers each request (its head) over a connection of its own.
pub fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || converse(stream, &*answer));
        }
    });
    port
}

fn converse(mut stream: TcpStream, answer: &dyn Fn(&str) -> Vec<u8>) {
    let mut received = Vec::new();
    while !received.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => received.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
    let _ = stream.write_all(&answer(&String::from_utf8_lossy(&received)));
}

/// An answer that ends with its connection.
pub fn said(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_private_file_that_is_stored_compressed_is_served_all_the_same() {
    for (coding, body, expected) in [
        ("gzip", gzip("# mine\nWEB_API_KEY=made-up\n"), "fail"),
        ("gzip", gzip("<p>hello</p>"), "pass"),
        ("br", b"something".to_vec(), "unknown"),
        ("gzip", b"something".to_vec(), "unknown"),
    ] {
        let port = serve(move |request| {
            let is_upgrade = request.contains("Upgrade: websocket");
            let asks_for_plain = request.contains("\r\naccept-encoding: identity\r\n");
            assert!(is_upgrade || asks_for_plain, "{request}");
            match request.starts_with("GET /.env ") {
                true => said("200 OK", &format!("Content-Encoding: {coding}\r\n"), &body),
                false => said("404 Not Found", "", b""),
            }
        });
        let evidence = gather(input(&format!("http://127.0.0.1:{port}/")));
        let found = word(&verdicts::exposed_over_http(&evidence));
        assert_eq!(found, expected, "{coding}: {}", in_words(&evidence));
    }
}

#[test]
fn a_redirect_is_judged_by_itself_and_never_followed() {
    for location in ["/login", "http://bot.example/login", "https://bot.example/"] {
        let port = serve(move |request| {
            assert!(!request.starts_with("GET /login "), "{request}");
            said("302 Found", &format!("Location: {location}\r\n"), b"")
        });
        let evidence = gather(input(&format!("http://127.0.0.1:{port}/")));
        let found = word(&verdicts::plaintext(&evidence));
        assert_eq!(found, "pass", "{location}: {}", in_words(&evidence));
        let found = word(&verdicts::redirect(&evidence));
        assert_eq!(found, "fail", "{location}: {}", in_words(&evidence));
    }
}

#[test]
fn a_made_up_key_is_tried_where_strangers_are_sent_to_a_login() {
    for (with_a_key, expected) in [("200 OK", "fail"), ("302 Found", "pass")] {
        let port = serve(move |request| {
            let has_key = request.contains("authorization: Bearer ");
            match request.starts_with("GET /api ") {
                true if has_key => said(with_a_key, "Location: /login\r\n", b"[1]"),
                true => said("302 Found", "Location: /login\r\n", b""),
                false => said("404 Not Found", "", b""),
            }
        });
        let evidence = gather(EndpointInput {
            auth_paths: vec!["/api".to_owned()],
            active: true,
            ..input(&format!("http://127.0.0.1:{port}/"))
        });
        let found = word(&verdicts::wrong_key_accepted(&evidence));
        assert_eq!(found, expected, "{}", in_words(&evidence));
    }
}

#[test]
fn a_run_that_is_limited_from_its_first_request_on_counts_nothing() {
    for (limited, counted) in [("GET ", "unknown"), ("GET /api ", "pass")] {
        let port = serve(move |request| match request.starts_with(limited) {
            true => said("429 Too Many Requests", "Retry-After: 60\r\n", b""),
            false => said("404 Not Found", "", b""),
        });
        let evidence = gather(EndpointInput {
            auth_paths: vec!["/api".to_owned()],
            active: true,
            limit: Ok(DeclaredLimit {
                requests: 20,
                window: Duration::from_secs(60),
            }),
            ..input(&format!("http://127.0.0.1:{port}/"))
        });
        let found = [
            word(&verdicts::limit_not_enforced(&evidence)),
            word(&verdicts::limit_spoofable(&evidence)),
            word(&verdicts::limit_without_retry_after(&evidence)),
        ];
        let expected = [counted, counted, "pass"];
        assert_eq!(found, expected, "{limited}: {}", in_words(&evidence));
    }
}

fn word(verdicts: &[LiveVerdict]) -> &'static str {
    match verdicts {
        [LiveVerdict::Fail { .. }] => "fail",
        [LiveVerdict::Pass { .. }] => "pass",
        [LiveVerdict::Unknown { .. }] => "unknown",
        [LiveVerdict::Skipped { .. }] => "skipped",
        _ => "several",
    }
}
