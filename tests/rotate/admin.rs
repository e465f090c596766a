//! Keys made and taken back by the providers' own APIs.

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::*;

const ADMIN: &str = "management-key-0000000000000001";

/// A key as OpenRouter keeps it.
#[derive(Debug, Clone)]
struct Row {
    key: String,
    name: String,
}

type Rows = Arc<Mutex<Vec<Row>>>;

fn openrouter_key(digit: char, end: char) -> String {
    format!("sk-or-v1-{}{end}", digit.to_string().repeat(63))
}

fn label(key: &str) -> String {
    format!("{}...{}", &key[..12], &key[key.len() - 4..])
}

/// OpenRouter with its key list, two to a page.
fn openrouter(rows: &Rows, env: std::path::PathBuf, log: &Rows) -> Mock {
    let (rows, log) = (Arc::clone(rows), Arc::clone(log));
    Mock::start(move |seen| {
        let mut rows = rows.lock().unwrap();
        if seen.path == "/api/v1/key" {
            let is_alive = rows.iter().any(|row| row.key == seen.key());
            return if is_alive {
                Reply::Json(
                    200,
                    json!({"data": {"label": "x", "is_management_key": false}}),
                )
            } else {
                Reply::Json(
                    401,
                    json!({"error": {"message": "User not found.", "code": 401}}),
                )
            };
        }
        if seen.key() != ADMIN {
            return Reply::Json(401, json!({"error": {"message": "no", "code": 401}}));
        }
        match seen.method.as_str() {
            "GET" => {
                let offset: usize = seen
                    .path
                    .split("offset=")
                    .nth(1)
                    .unwrap_or("0")
                    .parse()
                    .unwrap();
                let page: Vec<Value> = rows.iter().enumerate().skip(offset).take(2)
                    .map(|(at, row)| json!({"hash": format!("hash{at}x{}", row.key.len()), "label": label(&row.key), "name": row.name, "disabled": false}))
                    .collect();
                Reply::Json(200, json!({ "data": page }))
            }
            "POST" => {
                let body: Value = serde_json::from_str(&seen.body).unwrap();
                let row = Row {
                    key: openrouter_key('b', 'e'),
                    name: body["name"].as_str().unwrap().to_owned(),
                };
                rows.push(row.clone());
                Reply::Json(
                    201,
                    json!({"data": {"hash": "new", "name": row.name}, "key": row.key}),
                )
            }
            _ => {
                let at: usize = seen
                    .path
                    .split("/hash")
                    .nth(1)
                    .unwrap()
                    .split('x')
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap();
                let row = rows.remove(at);
                log.lock().unwrap().push(Row {
                    key: row.key,
                    name: fs::read_to_string(&env).unwrap(),
                });
                Reply::Json(200, json!({"deleted": true}))
            }
        }
    })
}

fn bench(old: &str, rows: &Rows, log: &Rows) -> (Bench, Mock) {
    let bench = Bench::new("", &format!("OPENROUTER_API_KEY={old}\n"));
    let mock = openrouter(rows, bench.env(), log);
    (
        Bench {
            url: mock.url.clone(),
            ..bench
        },
        mock,
    )
}

fn run(bench: &Bench, arguments: &[&str]) -> Done {
    let mut command = bench.command(arguments);
    Done::of(command.env("ADMIN", ADMIN).output().unwrap(), bench)
}

const AUTO: &[&str] = &[
    "--name",
    "OPENROUTER_API_KEY",
    "--admin-key-env",
    "ADMIN",
    "--revoke",
    "auto",
    "--restart",
    "true",
];

fn row(key: &str, name: &str) -> Row {
    Row {
        key: key.to_owned(),
        name: name.to_owned(),
    }
}

#[test]
fn a_key_is_made_put_in_place_and_the_old_one_taken_back() {
    let old = openrouter_key('a', 'd');
    let rows: Rows = Arc::new(Mutex::new(vec![
        row("sk-or-v1-zz11", "x"),
        row("sk-or-v1-zz22", "y"),
        row(&old, "mine"),
    ]));
    let log = Rows::default();
    let (bench, mock) = bench(&old, &rows, &log);
    run(&bench, AUTO).expect(0, "done");
    assert_eq!(mock.count("POST"), 1);
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].key, old);
    // When the revocation came in, the new key was in its place.
    assert_eq!(
        log[0].name,
        format!("OPENROUTER_API_KEY={}\n", openrouter_key('b', 'e'))
    );
    assert_eq!(bench.beside(), [".env"]);
}

#[test]
fn twins_are_left_to_the_person() {
    let old = openrouter_key('a', 'd');
    let twin = format!("{}7{}", &old[..20], &old[21..]);
    let rows: Rows = Arc::new(Mutex::new(vec![
        row(&old, "mine"),
        row("sk-or-v1-zz11", "x"),
        row(&twin, "twin"),
    ]));
    let log = Rows::default();
    let (bench, mock) = bench(&old, &rows, &log);
    run(&bench, AUTO).expect(3, "waiting").at("revoke");
    assert_eq!(mock.count("DELETE"), 0);
    rows.lock().unwrap().retain(|row| row.key != old);
    run(&bench, &["resume"]).expect(0, "done");
    assert_eq!(mock.count("DELETE"), 0);
}

#[test]
fn a_failed_restart_deletes_the_key_that_was_made() {
    let old = openrouter_key('a', 'd');
    let rows: Rows = Arc::new(Mutex::new(vec![row(&old, "mine")]));
    let log = Rows::default();
    let (bench, _mock) = bench(&old, &rows, &log);
    let arguments = [
        "--name",
        "OPENROUTER_API_KEY",
        "--admin-key-env",
        "ADMIN",
        "--restart",
        "sh -c '! grep -q bbbb env/.env'",
    ];
    run(&bench, &arguments).expect(1, "rolled-back");
    let left: Vec<String> = rows
        .lock()
        .unwrap()
        .iter()
        .map(|row| row.name.clone())
        .collect();
    assert_eq!(left, ["mine"]);
    assert_eq!(bench.text(), format!("OPENROUTER_API_KEY={old}\n"));
}

#[test]
fn an_abort_without_the_admin_key_leaves_no_key_alive_unless_a_person_says_so() {
    let old = openrouter_key('a', 'd');
    let new = openrouter_key('b', 'e');
    let twin = format!("{}7{}", &old[..20], &old[21..]);
    for by_hand in [false, true] {
        let rows: Rows = Arc::new(Mutex::new(vec![row(&old, "mine"), row(&twin, "twin")]));
        let (bench, mock) = bench(&old, &rows, &Rows::default());
        run(&bench, AUTO).expect(3, "waiting").at("revoke");
        let refused = bench.rotate(&["abort"]);
        refused.expect(2, "failed");
        assert!(
            refused.stderr.contains("the variable ADMIN")
                && refused.stderr.contains("--admin-key-env"),
            "{refused:?}"
        );
        assert_eq!(bench.text(), format!("OPENROUTER_API_KEY={new}\n"));
        let done = if by_hand {
            bench.rotate(&["abort", "--revoke", "manual"])
        } else {
            run(&bench, &["abort"])
        };
        done.expect(0, "rolled-back");
        let is_alive = rows.lock().unwrap().iter().any(|row| row.key == new);
        assert_eq!(is_alive, by_hand);
        assert_eq!(mock.count("DELETE"), usize::from(!by_hand));
        assert_eq!(done.stderr.contains("delete it in the console"), by_hand);
        assert_eq!(bench.text(), format!("OPENROUTER_API_KEY={old}\n"));
        assert_eq!(bench.beside(), [".env"]);
    }
}

#[test]
fn an_admin_key_that_is_refused_changes_nothing() {
    let old = openrouter_key('a', 'd');
    let rows: Rows = Arc::new(Mutex::new(vec![row(&old, "mine")]));
    let log = Rows::default();
    let (bench, _mock) = bench(&old, &rows, &log);
    let mut command = bench.command(AUTO);
    let done = Done::of(
        command.env("ADMIN", "another-key-000001").output().unwrap(),
        &bench,
    );
    assert_eq!(done.code, 2, "{done:?}");
    assert_eq!(bench.beside(), [".env"]);
}

#[test]
fn anthropic_and_openai_find_the_one_key_over_all_pages() {
    let admin = "sk-ant-admin01-000000000000000000001";
    let keys = alive(&[OLD, NEW]);
    let shared = Arc::clone(&keys);
    let mock = Mock::start(move |seen| {
        if seen.path.starts_with("/v1/models") {
            return anthropic(&shared, seen);
        }
        if seen.key() != admin {
            return Reply::Json(401, json!({"error": {"type": "authentication_error"}}));
        }
        if seen.method == "POST" {
            assert_eq!(
                (seen.path.as_str(), seen.body.as_str()),
                (
                    "/v1/organizations/api_keys/apikey_2",
                    "{\"status\":\"inactive\"}"
                )
            );
            kill(&shared, OLD);
            return Reply::Json(200, json!({"id": "apikey_2", "status": "inactive"}));
        }
        let hint = |key: &str| format!("{}...{}", &key[..17], &key[key.len() - 4..]);
        if seen.path.contains("after_id=apikey_1") {
            Reply::Json(
                200,
                json!({"data": [{"id": "apikey_2", "status": "active", "partial_key_hint": hint(OLD)}], "has_more": false, "last_id": "apikey_2"}),
            )
        } else {
            Reply::Json(
                200,
                json!({"data": [
                {"id": "apikey_0", "status": "inactive", "partial_key_hint": hint(OLD)},
                {"id": "apikey_1", "status": "active", "partial_key_hint": hint(NEW)}], "has_more": true, "last_id": "apikey_1"}),
            )
        }
    });
    let bench = Bench::new(&mock.url, &format!("{NAME}={OLD}\n"));
    let mut command = bench.command(&[
        "--name",
        NAME,
        "--new-key-file",
        "new",
        "--admin-key-env",
        "ADMIN",
        "--revoke",
        "auto",
        "--restart",
        "true",
    ]);
    Done::of(command.env("ADMIN", admin).output().unwrap(), &bench).expect(0, "done");
    assert!(!is_alive(&keys, OLD));
}
