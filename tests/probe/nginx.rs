//! A real nginx with one fault per address, in a network namespace where ports 443 and 80 are free.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use openclaw_sec::probe::{EndpointInput, Profile, verdicts};

use crate::certificates::Certificates;
use crate::namespace::{furnish, inside, run_inside};
use crate::servers::{self, is_missing};
use crate::{faults, gather, in_words, input};

/// One server with one fault (or none).
struct Case {
    name: &'static str,
    host: &'static str,
    certificate: &'static str,
    /// What TLS is spoken.
    ciphers: &'static str,
    /// Lines of the server on port 443.
    tls: &'static str,
    /// Lines of the server on port 80; nothing leaves the port closed.
    plain: Option<&'static str>,
    auth_paths: &'static [&'static str],
    /// The ids that fail; `id?` for unknown.
    expected: &'static [&'static str],
}

/// Headers that leave nothing to wish for.
const HEADERS: &str = "
    add_header Strict-Transport-Security 'max-age=63072000; includeSubDomains' always;
    add_header X-Content-Type-Options nosniff always;
    add_header X-Frame-Options DENY always;
    add_header Referrer-Policy no-referrer always;";

/// A page behind which `/api` asks for a key.
const PAGES: &str = "
    default_type text/html;
    location = / { return 200 '<title>Bot</title>hello'; }
    location = /api { if ($http_authorization = 'Bearer made-up-key-of-the-test') { return 200 '[1]'; } return 401; }
    location / { return 404; }";

/// A gateway that asks for its token, as far as its answers are known.
const GUARDED_GATEWAY: &str = r#"
    if ($http_upgrade) { return 403; }
    default_type text/html;
    location = /tools/invoke { default_type application/json;
        if ($http_authorization = 'Bearer made-up-key-of-the-test') { return 400 '{"ok":false,"error":{"type":"invalid_request"}}'; } return 401 '{"error":{"type":"unauthorized"}}'; }
    location = /control-ui-config.json { default_type application/json; return 401 '{"error":{"type":"unauthorized"}}'; }
    location = /health { default_type application/json; return 200 '{"ok":true,"status":"live"}'; }
    location ~ \.json$ { return 404; }
    location / { return 200 '<title>OpenClaw Control</title><openclaw-app data-openclaw-control-ui-build-id="2026.9.6"></openclaw-app>'; }"#;

/// The same without authentication.
const OPEN_GATEWAY: &str = r#"
    if ($http_upgrade) { return 403; }
    default_type text/html;
    location = /tools/invoke { default_type application/json; return 400 '{"ok":false,"error":{"type":"invalid_request","message":"no tool"}}'; }
    location = /control-ui-config.json { default_type application/json; return 200 '{"serverVersion":"2026.9.6"}'; }
    location = /health { default_type application/json; return 200 '{"ok":true,"status":"live"}'; }
    location / { return 200 '<title>OpenClaw Control</title>'; }"#;

const REDIRECT: Option<&str> = Some("return 301 https://$host$request_uri;");
const API: &[&str] = &["/api"];

macro_rules! good {
    ($name:literal $(, $field:ident: $value:expr)*; $expected:expr) => {
        Case { $($field: $value,)* ..case($name, $expected) }
    };
}

const fn case(name: &'static str, expected: &'static [&'static str]) -> Case {
    Case {
        name,
        host: "bot.example",
        certificate: "good",
        ciphers: "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=0;",
        tls: "HEADERS PAGES",
        plain: REDIRECT,
        auth_paths: API,
        expected,
    }
}

/// What cannot be asked where modern TLS is not spoken; the certificate is seen in clear.
const ONLY_WEAK: &[&str] = &[
    "https.hsts?",
    "https.legacy-protocol",
    "https.weak-cipher",
    "https.security-headers?",
    "auth.anonymous-access?",
    "auth.websocket-origin?",
    "auth.right-key-rejected?",
    "network.cors-reflected?",
    "secrets.exposed-over-http?",
];

/// The same where the version is new and the cipher is none.
const ONLY_NULL: &[&str] = &[
    "https.hsts?",
    "https.weak-cipher",
    "https.security-headers?",
    "auth.anonymous-access?",
    "auth.websocket-origin?",
    "auth.right-key-rejected?",
    "network.cors-reflected?",
    "secrets.exposed-over-http?",
];

const CASES: &[Case] = &[
    good!("good"; &[]),
    good!("port 80 closed", plain: None; &[]),
    good!("port 80 refuses", plain: Some("return 403;"); &[]),
    good!("plain page", plain: Some("return 200 hello;"); &["https.plaintext", "https.redirect"]),
    good!("temporary redirect", plain: Some("return 302 https://$host$request_uri;"); &["https.redirect"]),
    good!("redirect to www", plain: Some("return 301 https://www.$host$request_uri;"); &["https.redirect"]),
    good!("redirect to http", plain: Some("return 301 http://$host/start;"); &["https.redirect"]),
    good!("plain backend down", plain: Some("return 502;"); &["https.plaintext?", "https.redirect?"]),
    good!("expired", certificate: "expired"; &["https.certificate-expired", "auth.right-key-rejected?"]),
    good!("not yet valid", certificate: "future"; &["https.certificate-expired", "auth.right-key-rejected?"]),
    good!("expiring", certificate: "expiring"; &["https.certificate-expiring"]),
    good!("six days, half of them left", certificate: "sixdays"; &[]),
    good!("wrong host", certificate: "otherhost"; &["https.certificate-host", "auth.right-key-rejected?"]),
    good!("wildcard", host: "bot.home.example", certificate: "wildcard"; &[]),
    good!("self-signed", certificate: "selfsigned"; &["https.certificate-untrusted", "auth.right-key-rejected?"]),
    good!("no intermediate", certificate: "nochain"; &["https.certificate-untrusted", "auth.right-key-rejected?"]),
    good!("no headers", tls: "PAGES"; &["https.hsts", "https.security-headers"]),
    good!("short hsts", tls: "add_header Strict-Transport-Security max-age=86400 always;
        add_header X-Content-Type-Options nosniff always; add_header Referrer-Policy origin always;
        add_header Content-Security-Policy \"frame-ancestors 'none'\" always; PAGES"; &["https.hsts"]),
    good!("reflected origin", tls: "add_header Access-Control-Allow-Origin $http_origin always; HEADERS PAGES";
        &["network.cors-reflected"]),
    good!("any origin", tls: "add_header Access-Control-Allow-Origin * always; HEADERS PAGES";
        &["network.cors-reflected"]),
    good!("fixed origin", tls: "add_header Access-Control-Allow-Origin https://friend.example always; HEADERS PAGES";
        &[]),
    good!("origin by suffix", tls: "set $o ''; if ($http_origin ~ 'bot\\.example$') { set $o $http_origin; }
        add_header Access-Control-Allow-Origin $o always; HEADERS PAGES"; &["network.cors-reflected"]),
    good!("open api", tls: "HEADERS location = /api { default_type application/json; return 200 '[1]'; } location / { return 404; }";
        &["auth.anonymous-access"]),
    good!("shell for every path", tls: "HEADERS default_type text/html; location / { return 200 '<title>Bot</title>$uri'; }";
        &["auth.anonymous-access?"]),
    good!("no marks, no path", auth_paths: &[]; &["auth.anonymous-access?", "auth.right-key-rejected?"]),
    good!("another key is live", tls: "HEADERS location = / { return 200 hello; } location = /api { return 401; } location / { return 404; }";
        &["auth.right-key-rejected"]),
    good!("key is redirected", tls: "HEADERS location = / { return 200 hello; } location = /api {
        if ($http_authorization) { return 302 https://127.0.1.1/stolen; } return 401; } location / { return 404; }";
        &["auth.right-key-rejected?"]),
    good!("env file served", tls: "HEADERS PAGES location = /.env { default_type text/plain; return 200 'WEB_API_KEY=made-up-1\\nB=2\\n'; }";
        &["secrets.exposed-over-http"]),
    good!("git configuration below a shell", tls: "HEADERS default_type text/html; location = /api { return 401; }
        location = /.git/config { return 200 '[core]\\n\\trepositoryformatversion = 0\\n'; } location / { return 200 '<title>Bot</title>'; }";
        &["auth.right-key-rejected", "secrets.exposed-over-http"]),
    good!("env text for every path", tls: "HEADERS location = / { return 200 hello; } location = /api { return 401; }
        location / { default_type text/plain; return 200 'WEB_API_KEY=made-up-1\\n'; }";
        &["auth.right-key-rejected"]),
    good!("guarded gateway", tls: "HEADERS GUARDED", auth_paths: &[]; &[]),
    good!("open gateway", tls: "HEADERS OPEN", auth_paths: &[]; &["auth.anonymous-access"]),
    good!("as Debian ships it", ciphers: ""; &["https.weak-cipher"]),
    good!("TLS 1.0 and 1.1 too", ciphers: "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0;";
        &["https.legacy-protocol", "https.weak-cipher"]),
    good!("TLS 1.1 listed but refused by OpenSSL", ciphers: "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:@SECLEVEL=1;";
        &[]),
    good!("CBC", ciphers: "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0;";
        &["https.weak-cipher"]),
    good!("no authentication", ciphers: "ssl_protocols TLSv1.2; ssl_ciphers ECDHE+AESGCM:AECDH-AES128-SHA:@SECLEVEL=0;";
        &["https.weak-cipher"]),
    good!("short prime", certificate: "rsa2048", ciphers: "ssl_dhparam DH1024; ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:DHE+AESGCM:@SECLEVEL=0;";
        &["https.weak-cipher"]),
    good!("long prime", certificate: "rsa2048", ciphers: "ssl_dhparam DH2048; ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:DHE+AESGCM:@SECLEVEL=0;";
        &[]),
    good!("only TLS 1.0", ciphers: "ssl_protocols TLSv1; ssl_ciphers ALL:@SECLEVEL=0;"; ONLY_WEAK),
    good!("only without encryption", certificate: "rsa2048", ciphers: "ssl_protocols TLSv1.2; ssl_ciphers NULL-SHA256:@SECLEVEL=0;"; ONLY_NULL),
    good!("backend down", tls: "HEADERS location / { return 502; }";
        &["https.hsts?", "https.security-headers?", "auth.anonymous-access?",
            "auth.websocket-origin?",
            "auth.right-key-rejected?", "network.cors-reflected?", "secrets.exposed-over-http?"]),
];

fn address(place: usize) -> String {
    format!("127.0.1.{}", place + 1)
}

#[test]
fn nginx_with_one_fault_each_fails_exactly_those_ids() {
    if is_missing("nginx", "-v", "nginx-light") || is_missing("openssl", "version", "openssl") {
        return;
    }
    run_inside("nginx::inside_the_namespace");
}

#[test]
#[ignore = "runs inside the network namespace that the test above makes"]
fn inside_the_namespace() {
    if !inside() {
        return;
    }
    furnish("198.51.100.10/32");
    furnish("198.51.100.11/32");
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let blocks = blocks(folder.path());
    let _server = servers::nginx(folder.path(), &blocks, &format!("{}:443", address(0)));
    let mut wrong = String::new();
    for (place, case) in CASES.iter().enumerate() {
        let started = Instant::now();
        let evidence = gather(question(place, case, &certificates));
        let took = started.elapsed();
        let found = faults(&evidence);
        let shown = in_words(&evidence) + &format!("{evidence:?}");
        assert!(
            !shown.contains(crate::KEY),
            "the key is shown: {}",
            case.name
        );
        assert!(
            !in_words(&evidence).contains("made-up-1"),
            "a value is shown: {}",
            case.name
        );
        let polite = evidence.connections <= 40 && evidence.requests <= 60;
        eprintln!(
            "{:<28} {:>4} ms {:>2} connections {:>2} requests {found:?}",
            case.name,
            took.as_millis(),
            evidence.connections,
            evidence.requests
        );
        if found != case.expected || !polite {
            write!(wrong, "{}: {found:?}\n{}", case.name, in_words(&evidence)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    private_chat_is_public_only_on_a_public_address(&certificates);
    origin_behind_cloudflare_may_not_answer(&certificates);
    self_signed_certificate_is_trusted_by_its_own_copy(&certificates);
    weak_certificates_are_weak_and_nothing_else(&certificates);
}

fn question(place: usize, case: &Case, certificates: &Certificates) -> EndpointInput {
    EndpointInput {
        connect_to: Some(format!("{}:443", address(place))),
        ca_file: Some(certificates.read("root.pem")),
        auth_paths: case
            .auth_paths
            .iter()
            .map(|path| (*path).to_owned())
            .collect(),
        ..input(&format!("https://{}/", case.host))
    }
}

fn private_chat_is_public_only_on_a_public_address(certificates: &Certificates) {
    for (address, expected) in [
        ("127.0.1.1:443", &[][..]),
        ("198.51.100.10:443", &["network.private-chat-public"]),
    ] {
        let evidence = gather(EndpointInput {
            connect_to: Some(address.to_owned()),
            profile: Profile::Tailscale,
            ..question(0, &CASES[0], certificates)
        });
        assert_eq!(faults(&evidence), expected, "{}", in_words(&evidence));
    }
    // Port 443 is closed there, and port 80 serves a page.
    let evidence = gather(EndpointInput {
        connect_to: Some("198.51.100.11:443".to_owned()),
        profile: Profile::Tailscale,
        ..question(0, &CASES[0], certificates)
    });
    let verdicts = verdicts::private_chat_public(&evidence);
    assert!(verdicts[0].is_fail(), "{verdicts:?}");
}

fn origin_behind_cloudflare_may_not_answer(certificates: &Certificates) {
    // Its TLS cannot be spoken here, but it speaks with everybody.
    let old = CASES.iter().position(|case| case.name == "only TLS 1.0");
    let old = format!("{}:443", address(old.unwrap()));
    for (origin, passes) in [
        ("198.51.100.10:443", false),
        ("198.51.100.10:444", true),
        (&old, false),
    ] {
        let evidence = gather(EndpointInput {
            connect_to: Some(origin.to_owned()),
            profile: Profile::CloudflareOrigin,
            ..EndpointInput {
                url: "https://127.0.1.1/".to_owned(),
                ..question(0, &CASES[0], certificates)
            }
        });
        let verdicts = verdicts::origin_bypass(&evidence);
        assert_eq!(verdicts[0].is_pass(), passes, "{verdicts:?}");
        assert_eq!(verdicts[0].is_fail(), !passes, "{verdicts:?}");
        assert!(verdicts::cloudflare_access_missing(&evidence)[0].is_fail());
    }
}

fn self_signed_certificate_is_trusted_by_its_own_copy(certificates: &Certificates) {
    let place = CASES
        .iter()
        .position(|case| case.name == "self-signed")
        .unwrap();
    let evidence = gather(EndpointInput {
        ca_file: Some(certificates.read("selfsigned.pem")),
        ..question(place, &CASES[place], certificates)
    });
    assert_eq!(
        faults(&evidence),
        Vec::<String>::new(),
        "{}",
        in_words(&evidence)
    );
}

/// These carry the real date, because the openssl program knows no other.
fn weak_certificates_are_weak_and_nothing_else(certificates: &Certificates) {
    for (offset, expected) in [
        (
            0,
            &["https.certificate-weak", "auth.right-key-rejected?"][..],
        ),
        (
            1,
            &[
                "https.certificate-untrusted?",
                "https.certificate-weak",
                "auth.right-key-rejected?",
            ][..],
        ),
    ] {
        let case = case("weak", &[]);
        let mut input = question(CASES.len() + offset, &case, certificates);
        input.now = today();
        let evidence = gather(input);
        assert_eq!(faults(&evidence), expected, "{}", in_words(&evidence));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "openssl dates its certificates by the real clock"
)]
fn today() -> jiff::Timestamp {
    jiff::Timestamp::now() + jiff::SignedDuration::from_mins(1)
}

fn blocks(folder: &Path) -> String {
    let folder = folder.display();
    let mut text = "server { listen 198.51.100.11:80; return 200 <openclaw-app>; }\n".to_owned();
    let weak = ["rsa1024", "sha1"].map(|certificate| Case {
        certificate,
        ..case(certificate, &[])
    });
    for (place, case) in CASES.iter().chain(&weak).enumerate() {
        let address = address(place);
        let lines = case
            .tls
            .replace("HEADERS", HEADERS)
            .replace("PAGES", PAGES)
            .replace("GUARDED", GUARDED_GATEWAY)
            .replace("OPEN", OPEN_GATEWAY);
        let certificate = case.certificate;
        let public = if place == 0 {
            "listen 198.51.100.10:443 ssl;"
        } else {
            ""
        };
        writeln!(
            text,
            "server {{ listen {address}:443 ssl; {public} ssl_certificate {folder}/{certificate}.pem;
            ssl_certificate_key {folder}/{certificate}.key; {} {lines} }}",
            case.ciphers
                .replace("DH1024", &format!("{folder}/dh1024.pem"))
                .replace("DH2048", &format!("{folder}/dh2048.pem"))
        )
        .unwrap();
        if let Some(plain) = case.plain {
            writeln!(text, "server {{ listen {address}:80; {plain} }}").unwrap();
        }
    }
    text
}
