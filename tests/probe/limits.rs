//! Real limiters, good ones and ones with a fault, asked under `--active`.

use std::fmt::Write as _;
use std::time::Duration;

use openclaw_sec::probe::{DeclaredLimit, EndpointInput, LiveEvidence};

use crate::front::Front;
use crate::servers::{Server, command, free_ports, is_missing, nginx, start};
use crate::{KEY, gather, in_words, judges};

/// A server of nginx.
struct Case {
    name: &'static str,
    /// Lines of `http`; `ZONE` becomes the case's own name.
    zone: &'static str,
    /// Lines of the location `/api`.
    api: &'static str,
    /// The ids under `auth.` and `rate-limit.` that do not pass.
    expected: &'static [&'static str],
}

const PER_ADDRESS: &str = "limit_req_zone $binary_remote_addr zone=ZONE:1m rate=20r/m;";
const LIMITED: &str = "limit_req zone=ZONE burst=19 nodelay; limit_req_status 429; proxy_pass http://127.0.0.1:BACKEND;";
const SAYS_WHEN: &str = "error_page 429 = @slow;";
const NOTHING_REFUSED: &[&str] = &[
    "rate-limit.not-enforced",
    "rate-limit.spoofable?",
    "rate-limit.no-retry-after?",
];

const CASES: &[Case] = &[
    Case {
        name: "good",
        zone: PER_ADDRESS,
        api: "SAYS_WHEN LIMITED",
        expected: &[],
    },
    Case {
        name: "503, as nginx ships it",
        zone: PER_ADDRESS,
        api: "limit_req zone=ZONE burst=19 nodelay; proxy_pass http://127.0.0.1:BACKEND;",
        expected: &[],
    },
    Case {
        name: "429 without a word",
        zone: PER_ADDRESS,
        api: "LIMITED",
        expected: &["rate-limit.no-retry-after"],
    },
    Case {
        name: "no limit",
        zone: "",
        api: "proxy_pass http://127.0.0.1:BACKEND;",
        expected: NOTHING_REFUSED,
    },
    Case {
        name: "return runs before limit_req",
        zone: PER_ADDRESS,
        api: "limit_req zone=ZONE burst=19 nodelay;
            if ($http_authorization = 'Bearer made-up-key-of-the-test') { return 200 '[1]'; } return 401;",
        expected: NOTHING_REFUSED,
    },
    Case {
        name: "believes everybody's X-Forwarded-For",
        zone: PER_ADDRESS,
        api: "set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For; SAYS_WHEN LIMITED",
        expected: &["rate-limit.spoofable"],
    },
    Case {
        name: "counts by X-Forwarded-For alone",
        zone: "limit_req_zone $http_x_forwarded_for zone=ZONE:1m rate=20r/m;",
        api: "SAYS_WHEN LIMITED",
        expected: NOTHING_REFUSED,
    },
    Case {
        name: "counts by all of X-Forwarded-For",
        zone: "limit_req_zone $proxy_add_x_forwarded_for zone=ZONE:1m rate=20r/m;",
        api: "SAYS_WHEN LIMITED",
        expected: &["rate-limit.spoofable"],
    },
    Case {
        name: "any key will do",
        zone: PER_ADDRESS,
        api: "SAYS_WHEN if ($http_authorization = '') { return 401; }
            limit_req zone=ZONE burst=19 nodelay; limit_req_status 429; proxy_pass http://127.0.0.1:ANYBODY;",
        expected: &["auth.wrong-key-accepted"],
    },
    Case {
        name: "another key is live",
        zone: PER_ADDRESS,
        api: "return 401;",
        expected: &[
            "auth.right-key-rejected",
            "rate-limit.not-enforced?",
            "rate-limit.spoofable?",
            "rate-limit.no-retry-after?",
        ],
    },
    Case {
        name: "open to all",
        zone: PER_ADDRESS,
        api: "SAYS_WHEN limit_req zone=ZONE burst=19 nodelay; limit_req_status 429; proxy_pass http://127.0.0.1:ANYBODY;",
        expected: &["auth.anonymous-access", "auth.wrong-key-accepted?"],
    },
];

/// 20 requests a minute.
const LIMIT: DeclaredLimit = DeclaredLimit {
    requests: 20,
    window: Duration::from_secs(60),
};

fn active(front: &Front) -> EndpointInput {
    EndpointInput {
        auth_paths: vec!["/api".to_owned()],
        active: true,
        limit: Ok(LIMIT),
        ..front.input()
    }
}

/// The ids about keys and limits that do not pass, and the run's manners.
fn faults(evidence: &LiveEvidence) -> Vec<String> {
    assert!(evidence.connections <= 48 && evidence.requests <= 60);
    assert!(evidence.burst_requests <= 25 + 16);
    let of_active = |id: &str| id.starts_with("rate-limit.") || id.starts_with("auth.");
    let mut faults = Vec::new();
    for (id, judge) in judges(evidence).filter(|(id, _)| of_active(id)) {
        for verdict in judge(evidence) {
            match verdict {
                _ if verdict.is_fail() => faults.push((*id).to_owned()),
                openclaw_sec::probe::verdicts::LiveVerdict::Unknown { .. } => {
                    faults.push(format!("{id}?"));
                }
                _ => {}
            }
        }
    }
    faults
}

#[test]
fn nginx_with_one_fault_each_in_its_limit_fails_exactly_those_ids() {
    if is_missing("nginx", "-v", "nginx-light") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ports: [u16; CASES.len() + 2] = free_ports();
    let [backend, anybody] = [ports[CASES.len()], ports[CASES.len() + 1]];
    let mut blocks = format!(
        "server {{ listen 127.0.0.1:{anybody}; location / {{ return 200 '[1]'; }} }}
        server {{ listen 127.0.0.1:{backend}; location / {{
            if ($http_authorization = 'Bearer {KEY}') {{ return 200 '[1]'; }} return 401; }} }}\n"
    );
    for (place, case) in CASES.iter().enumerate() {
        let lines = format!(
            "{} server {{ listen 127.0.0.1:{}; location = /api {{ {} }}
            location @slow {{ add_header Retry-After 60 always; return 429; }}
            location = / {{ return 200 hello; }} location / {{ return 404; }} }}",
            case.zone, ports[place], case.api
        );
        let lines = lines
            .replace("SAYS_WHEN", SAYS_WHEN)
            .replace("LIMITED", LIMITED)
            .replace("ZONE", &format!("zone{place}"))
            .replace("BACKEND", &backend.to_string())
            .replace("ANYBODY", &anybody.to_string());
        writeln!(blocks, "{lines}").unwrap();
    }
    let _server = nginx(folder.path(), &blocks, &format!("127.0.0.1:{}", ports[0]));
    let mut wrong = String::new();
    for (place, case) in CASES.iter().enumerate() {
        let evidence = gather(active(&Front::of(ports[place])));
        let found = faults(&evidence);
        eprintln!(
            "{:<36} {:>2} connections {:>2}+{:>2} requests {found:?}",
            case.name, evidence.connections, evidence.requests, evidence.burst_requests
        );
        let shown = in_words(&evidence) + &format!("{evidence:?}");
        assert!(!shown.contains(KEY), "the key is shown: {}", case.name);
        if found != case.expected {
            writeln!(wrong, "{}: {found:?}\n{}", case.name, in_words(&evidence)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn haproxy_with_one_fault_each_in_its_limit_fails_exactly_those_ids() {
    if is_missing("haproxy", "-v", "haproxy") {
        return;
    }
    let over = "if { sc_http_req_rate(0) gt 20 } { path /api }";
    let cases = [
        (
            "good",
            "http-request track-sc0 src if { path /api }",
            format!("http-request return status 429 hdr Retry-After 60 {over}"),
            &[][..],
        ),
        (
            "403, as haproxy ships it",
            "http-request track-sc0 src if { path /api }",
            format!("http-request deny {over}"),
            &[],
        ),
        (
            "counts by X-Forwarded-For where there is one",
            "http-request set-src hdr(x-forwarded-for) if { req.hdr(x-forwarded-for) -m found }
             http-request track-sc0 src if { path /api }",
            format!("http-request return status 429 hdr Retry-After 60 {over}"),
            &["rate-limit.spoofable"],
        ),
        (
            "counts by X-Forwarded-For alone",
            "http-request track-sc0 hdr(x-forwarded-for) if { path /api }",
            format!("http-request return status 429 hdr Retry-After 60 {over}"),
            NOTHING_REFUSED,
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let ports: [u16; 4] = free_ports();
    let mut text = "global\n maxconn 200\ndefaults\n mode http\n timeout client 5s\n timeout server 5s\n timeout connect 5s\n".to_owned();
    for (place, (_, track, refuse, _)) in cases.iter().enumerate() {
        writeln!(
            text,
            "frontend f{place}\n bind 127.0.0.1:{}\n stick-table type string len 64 size 10k expire 60s store http_req_rate(60s)
 {track}\n {refuse}
 http-request return status 200 content-type text/plain string hello if {{ path / }}
 http-request return status 404 unless {{ path /api }}
 http-request return status 200 content-type application/json string [1] if {{ req.hdr(authorization) -m str \"Bearer {KEY}\" }}
 http-request return status 401",
            ports[place]
        )
        .unwrap();
    }
    let configuration = folder.path().join("haproxy.cfg");
    std::fs::write(&configuration, text).unwrap();
    let answers_at = format!("127.0.0.1:{}", ports[0]);
    let mut haproxy = command("haproxy");
    haproxy.arg("-db").arg("-f").arg(&configuration);
    let _server: Server = start(&mut haproxy, &answers_at, Duration::from_secs(60));
    for (place, (name, _, _, expected)) in cases.iter().enumerate() {
        let evidence = gather(active(&Front::of(ports[place])));
        let found = faults(&evidence);
        eprintln!("haproxy, {name}: {found:?}");
        assert_eq!(&found, expected, "{name}: {}", in_words(&evidence));
    }
}

#[test]
fn a_limit_that_cannot_be_counted_costs_no_burst() {
    if is_missing("nginx", "-v", "nginx-light") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [port]: [u16; 1] = free_ports();
    let block = format!("server {{ listen 127.0.0.1:{port}; location / {{ return 200 hello; }} }}");
    let _server = nginx(folder.path(), &block, &format!("127.0.0.1:{port}"));
    let front = Front::of(port);
    for limit in [
        Err("RATE_LIMIT_REQUESTS is not set".to_owned()),
        Ok(DeclaredLimit {
            requests: 10_000,
            ..LIMIT
        }),
    ] {
        let evidence = gather(EndpointInput {
            limit,
            ..active(&front)
        });
        assert_eq!(evidence.burst_requests, 0);
        assert!(evidence.burst.is_err());
    }
    // In a window so short the limit refills while it is counted.
    let evidence = gather(EndpointInput {
        limit: Ok(DeclaredLimit {
            window: Duration::from_micros(10),
            ..LIMIT
        }),
        burst_path: Some("/".to_owned()),
        ..active(&front)
    });
    assert!(faults(&evidence).contains(&"rate-limit.not-enforced?".to_owned()));
}
