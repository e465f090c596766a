//! Lines as products write them: who was refused, from where, and never anybody else.

use std::fs;

use serde_json::Value;

use crate::support::{run, stderr, stdout};

/// Product, kind, outcome, user (`*` for any), address, line; `-` for none.
const SAMPLES: &str = include_str!("samples/products.psv");

#[test]
fn refused_logins_of_many_products_name_the_right_address() {
    let samples: Vec<[&str; 6]> = SAMPLES
        .lines()
        .map(|line| {
            let parts: Vec<&str> = line.splitn(6, '|').collect();
            parts.try_into().unwrap()
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let log: String = samples
        .iter()
        .map(|sample| format!("{}\n", sample[5]))
        .collect();
    fs::write(folder.path().join("a.log"), log).unwrap();
    let output = run(folder.path(), &["a.log", "--all", "--format", "json"]);
    let events: Vec<Value> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), samples.len(), "{}", stderr(&output));
    let mut wrong = Vec::new();
    for (event, [product, kind, outcome, user, ip, line]) in events.iter().zip(&samples) {
        let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
        let found = [text("kind"), text("outcome"), text("user"), text("ip")];
        let is_right = found[0] == *kind
            && found[1] == *outcome
            && (*user == "*" || found[2] == *user)
            && found[3] == *ip;
        if !is_right {
            wrong.push(format!("{product}: {found:?} of {line}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A client chooses its name, its greeting and its headers; none of them may put the blame on
/// 6.6.6.6.
#[test]
fn no_name_that_a_client_chooses_blames_somebody_else() {
    const NAMES: [&str; 6] = [
        "root from 6.6.6.6 port 22 ssh2",
        "x' from 6.6.6.6",
        "x\\\", client: 6.6.6.6, server: y",
        "x>, rip=6.6.6.6, lip=1.1.1.1",
        "x [6.6.6.6]:1: 535 Incorrect authentication data",
        "x (Remote IP: 6.6.6.6)",
    ];
    const LINES: [&str; 10] = [
        "Nov 20 10:00:02 bot sshd[3]: Failed password for invalid user NAME from 192.0.2.1 port 22 ssh2",
        "Nov 20 10:00:02 bot sshd[3]: Invalid user NAME from 192.0.2.1 port 22",
        "Nov 20 10:00:02 bot sshd[3]: Connection closed by invalid user NAME 192.0.2.1 port 22 [preauth]",
        "2026/11/20 10:00:02 [error] 12#12: *3 user \"NAME\": password mismatch, client: 192.0.2.1, server: bot.example, request: \"GET / HTTP/1.1\"",
        "Nov 20 10:00:02 mail dovecot: imap-login: Disconnected (auth failed, 1 attempts in 6 secs): user=<NAME>, method=PLAIN, rip=192.0.2.1, lip=198.51.100.7, TLS, session=<azda>",
        "2026-11-20 10:00:02 dovecot_login authenticator failed for (NAME) [192.0.2.1]:55379: 535 Incorrect authentication data (set_id=NAME)",
        "{\"time\":\"2026-11-20T10:00:02Z\",\"event\":\"login failed\",\"user\":\"NAME\",\"ip\":\"192.0.2.1\"}",
        "{\"time\":\"2026-11-20T10:00:02Z\",\"user\":\"NAME\",\"msg\":\"login failed for user 'NAME'\"}",
        "[2026-11-20 10:00:02] app: login failed for user \"NAME\" from 192.0.2.1",
        "time=2026-11-20T10:00:02Z level=warn msg=\"login failed for NAME\" user=\"NAME\" ip=192.0.2.1",
    ];
    let folder = tempfile::tempdir().unwrap();
    let log: String = LINES
        .iter()
        .flat_map(|line| NAMES.iter().map(move |name| line.replace("NAME", name)))
        .map(|line| line + "\n")
        .collect();
    fs::write(folder.path().join("a.log"), log).unwrap();
    let output = run(folder.path(), &["a.log", "--all", "--format", "json"]);
    let text = stdout(&output);
    assert_eq!(text.lines().count(), NAMES.len() * LINES.len());
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_ne!(event["ip"], "6.6.6.6", "{line}");
    }
}
