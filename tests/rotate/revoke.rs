//! `--revoke auto` at every provider with an API of its own, and what proves the old key dead.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::*;

/// A provider that takes keys back, as its own pages describe it.
struct Case {
    name: &'static str,
    old: &'static str,
    new: &'static str,
    /// The variable with the admin key is named.
    has_admin: bool,
    /// Further flags.
    flags: &'static [&'static str],
    answer: fn(&Alive, &Seen, &Case) -> Reply,
    /// The one request that takes the key back.
    revoked_by: (&'static str, &'static str),
}

const ADMIN: &str = "admin-key-000000000000000000000001";

const CASES: &[Case] = &[
    Case {
        name: "OPENAI_API_KEY",
        old: "sk-proj-old00000000000000000000000000000001AA",
        new: "sk-proj-new00000000000000000000000000000002AA",
        has_admin: true,
        flags: &[],
        answer: openai,
        revoked_by: (
            "DELETE",
            "/v1/organization/projects/proj_b/api_keys/key_old",
        ),
    },
    Case {
        name: "CLOUDFLARE_API_TOKEN",
        old: "cfut_oldoldoldoldoldoldoldoldoldoldoldoldold12345678",
        new: "cfut_newnewnewnewnewnewnewnewnewnewnewnewnew12345678",
        has_admin: true,
        flags: &[],
        answer: cloudflare,
        revoked_by: ("DELETE", "/client/v4/user/tokens/id0old"),
    },
    Case {
        name: "SLACK_BOT_TOKEN",
        old: "xoxb-0000000001-0000000000001-oldoldoldoldoldoldoldold",
        new: "xoxb-0000000001-0000000000002-newnewnewnewnewnewnewnew",
        has_admin: false,
        flags: &[],
        answer: slack,
        revoked_by: ("POST", "/api/auth.revoke"),
    },
    Case {
        name: "GITHUB_TOKEN",
        old: "ghp_oldoldoldoldoldoldoldoldoldoldoldold",
        new: "ghp_newnewnewnewnewnewnewnewnewnewnewnew",
        has_admin: false,
        flags: &[],
        answer: github,
        revoked_by: ("POST", "/credentials/revoke"),
    },
    Case {
        name: "PERPLEXITY_API_KEY",
        old: "pplx-oldoldoldoldoldoldoldoldoldoldoldoldoldoldoldold",
        new: "pplx-newnewnewnewnewnewnewnewnewnewnewnewnewnewnewnew",
        has_admin: false,
        // Nobody can try a key of this provider: the new one is used on the person's word.
        flags: &["--yes"],
        answer: perplexity,
        revoked_by: ("POST", "/revoke_auth_token"),
    },
];

fn refused(body: Value) -> Reply {
    Reply::Json(401, body)
}

fn openai(keys: &Alive, seen: &Seen, case: &Case) -> Reply {
    let hint = |key: &str| format!("{}{}{}", &key[..12], "*".repeat(20), &key[key.len() - 5..]);
    let key = |id: &str, key: &str| json!({"id": id, "redacted_value": hint(key), "owner": {"type": "user"}});
    if seen.path == "/v1/models" {
        return match is_alive(keys, &seen.key()) {
            true => Reply::Json(200, json!({"object": "list", "data": []})),
            false => refused(
                json!({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}),
            ),
        };
    }
    assert_eq!(seen.key(), ADMIN);
    match (seen.method.as_str(), seen.path.split('?').next().unwrap()) {
        ("GET", "/v1/organization/projects") => Reply::Json(
            200,
            json!({"data": [{"id": "proj_a"}, {"id": "proj_b"}], "has_more": false}),
        ),
        ("GET", "/v1/organization/projects/proj_a/api_keys") => Reply::Json(
            200,
            json!({"data": [key("key_new", case.new)], "has_more": false}),
        ),
        ("GET", "/v1/organization/projects/proj_b/api_keys")
            if seen.path.contains("after=key_other") =>
        {
            Reply::Json(
                200,
                json!({"data": [key("key_old", case.old)], "has_more": false}),
            )
        }
        ("GET", "/v1/organization/projects/proj_b/api_keys") => Reply::Json(
            200,
            json!({"data": [key("key_other", "sk-proj-other00000000000000000000000000003BB")], "has_more": true, "last_id": "key_other"}),
        ),
        ("DELETE", _) => {
            kill(keys, case.old);
            Reply::Json(200, json!({"deleted": true}))
        }
        _ => Reply::Json(404, json!({"error": {"message": "not found"}})),
    }
}

fn cloudflare(keys: &Alive, seen: &Seen, case: &Case) -> Reply {
    let id = |key: &str| if key == case.old { "id0old" } else { "id0new" };
    match (seen.method.as_str(), seen.path.split('?').next().unwrap()) {
        ("GET", "/client/v4/user/tokens/verify") if is_alive(keys, &seen.key()) => Reply::Json(
            200,
            json!({"success": true, "errors": [], "result": {"id": id(&seen.key()), "status": "active"}}),
        ),
        ("GET", "/client/v4/user/tokens/verify") => refused(
            json!({"success": false, "errors": [{"code": 1000, "message": "Invalid API Token"}], "result": null}),
        ),
        ("GET", "/client/v4/user/tokens") if seen.key() == ADMIN => {
            Reply::Json(200, json!({"success": true, "result": []}))
        }
        ("DELETE", _) if seen.key() == ADMIN => {
            kill(keys, case.old);
            Reply::Json(200, json!({"success": true, "result": {"id": "id0old"}}))
        }
        _ => refused(json!({"success": false, "errors": [{"code": 9109}]})),
    }
}

fn slack(keys: &Alive, seen: &Seen, _case: &Case) -> Reply {
    match seen.path.as_str() {
        _ if !is_alive(keys, &seen.key()) => {
            Reply::Json(200, json!({"ok": false, "error": "token_revoked"}))
        }
        "/api/auth.test" => Reply::Json(200, json!({"ok": true, "team_id": "T1"})),
        _ => {
            kill(keys, &seen.key());
            Reply::Json(200, json!({"ok": true, "revoked": true}))
        }
    }
}

fn github(keys: &Alive, seen: &Seen, case: &Case) -> Reply {
    if seen.path == "/credentials/revoke" {
        assert!(!seen.headers.contains_key("authorization"));
        assert_eq!(seen.body, json!({"credentials": [case.old]}).to_string());
        kill(keys, case.old);
        return Reply::Json(202, json!({}));
    }
    match is_alive(keys, &seen.key()) {
        true => Reply::Json(200, json!({"login": "bot", "id": 1})),
        false => refused(json!({"message": "Bad credentials"})),
    }
}

fn perplexity(keys: &Alive, seen: &Seen, case: &Case) -> Reply {
    assert_eq!(seen.path, "/revoke_auth_token");
    assert_eq!(seen.body, json!({"auth_token": case.old}).to_string());
    if !is_alive(keys, &seen.key()) {
        return refused(json!({"detail": "Unauthorized"}));
    }
    kill(keys, &seen.key());
    Reply::Json(200, json!({}))
}

fn bench(case: &'static Case, keys: &Alive) -> (Bench, Mock) {
    let keys = Arc::clone(keys);
    let mock = Mock::start(move |seen| (case.answer)(&keys, seen, case));
    let bench = Bench::new(&mock.url, &format!("{}={}\n", case.name, case.old));
    std::fs::write(bench.path("new"), format!("{}\n", case.new)).unwrap();
    (bench, mock)
}

fn run(bench: &Bench, case: &Case) -> Done {
    let mut arguments = vec![
        "--name",
        case.name,
        "--new-key-file",
        "new",
        "--revoke",
        "auto",
        "--restart",
        "true",
    ];
    arguments.extend(case.flags);
    if case.has_admin {
        arguments.extend(["--admin-key-env", "ADMIN"]);
    }
    let mut command = bench.command(&arguments);
    let output = command.env("ADMIN", ADMIN).output().unwrap();
    let done = Done::of(output, bench);
    let shown = format!("{} {} {}", done.json, done.stderr, bench.state_bytes());
    for key in [case.old, case.new, ADMIN] {
        assert!(!shown.contains(key), "{shown}");
    }
    done
}

#[test]
fn each_api_takes_the_old_key_back_and_proves_it_dead() {
    std::thread::scope(|scope| {
        for case in CASES {
            scope.spawn(move || {
                let keys = alive(&[case.old, case.new]);
                let (bench, mock) = bench(case, &keys);
                run(&bench, case).expect(0, "done");
                assert!(!is_alive(&keys, case.old) && is_alive(&keys, case.new));
                assert_eq!(bench.text(), format!("{}={}\n", case.name, case.new));
                assert_eq!(bench.beside(), [".env"], "{}", case.name);
                let seen = mock.seen.lock().unwrap();
                let (method, path) = case.revoked_by;
                assert!(
                    seen.iter()
                        .any(|one| one.method == method && one.path == path),
                    "{}",
                    case.name
                );
            });
        }
    });
}

#[test]
fn a_revocation_that_only_looks_done_proves_nothing() {
    std::thread::scope(|scope| {
        for case in CASES {
            scope.spawn(move || {
                let keys = alive(&[case.old, case.new]);
                let shared = Arc::clone(&keys);
                let (path, method) = (case.revoked_by.1, case.revoked_by.0);
                let mock = Mock::start(move |seen| {
                    if seen.path == path && seen.method == method {
                        return Reply::Json(200, json!({"ok": true}));
                    }
                    (case.answer)(&shared, seen, case)
                });
                let bench = Bench::new(&mock.url, &format!("{}={}\n", case.name, case.old));
                std::fs::write(bench.path("new"), format!("{}\n", case.new)).unwrap();
                run(&bench, case).expect(3, "waiting").at("revoke");
                assert_eq!(bench.text(), format!("{}={}\n", case.name, case.new));
                assert_eq!(bench.beside().len(), 2, "the backup stays");
            });
        }
    });
}

#[test]
fn a_key_that_nobody_can_try_is_used_only_on_the_person_s_word() {
    let case = CASES.last().unwrap();
    let keys = alive(&[case.old, case.new]);
    let (bench, mock) = bench(case, &keys);
    let done = bench.rotate(&[
        "--name",
        case.name,
        "--new-key-file",
        "new",
        "--restart",
        "true",
    ]);
    done.expect(3, "waiting").at("generate");
    assert!(done.json["message"].as_str().unwrap().contains("--yes"));
    assert_eq!(bench.text(), format!("{}={}\n", case.name, case.old));
    assert!(mock.seen.lock().unwrap().is_empty());
}
