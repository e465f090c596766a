//! Secrets with a mark, through every command, format, verbosity and error: in env files and
//! configuration, in logs and history, in file names and broken files, pasted where something else
//! belongs, and thrown back by servers. None of them comes out, whole, in part or in another spelling.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use aho_corasick::AhoCorasick;
use base64::Engine as _;

use crate::commands::{
    Case, Ended, KEY_NAME, NEW_KEY, OLD_KEY, PROGRAM, Place, Stdout, WEB_KEY, cases, collect,
    in_parallel, words,
};

const BOT_TOKEN: &str = "718293645:AAHk3Vq8ZtR2mWx6LcYp9Bn4JdGs7FoUe1I";
/// With what a string of JSON, a URL or a shell writes in another way.
const PASSWORD: &str = "zQ8#vL2\"mT6\\kR9$wX4/pY7&bN3";
const URL_PASSWORD: &str = "Gx7RkT2wNq9ZbV4cLm8Y";
const ROUTER_KEY: &str =
    "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";
const NEW_BOT_TOKEN: &str = "718293645:AAG9wQz5XbT1nKv7RmYc4Ls8HdJf2PoEu6M";
const UPSTREAM_TOKEN: &str = "c93f17e2b8a64d05971be3fc28a6d4105e7b93f2";
const PAST_KEY: &str = "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";
const PASTED_KEY: &str =
    "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";
const PASTED_TEXT: &str = "Bw4NzK8mXq2VtR6yLc9HpJ3dGs7FuEoT5iAx1WvQbM8=";
const VARIABLE: &str = "Tn6XvK2pZq8WmR4yLb9HcJ7dGs3FuEoA5iBx1NvQtM0=";
const ADMIN_KEY: &str = "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";
const BROKEN: &str = "Hd5KvX9mZq3WtR7yLb2NcJ6pGs8FuEoA4iBx1TvQnM6=";

/// Every secret, and how many of its first characters anybody may know.
const CANARIES: [(&str, usize); 15] = [
    (WEB_KEY, 0),
    (OLD_KEY, 13),
    (NEW_KEY, 13),
    (BOT_TOKEN, 12),
    (NEW_BOT_TOKEN, 12),
    (PASSWORD, 0),
    (URL_PASSWORD, 0),
    (ROUTER_KEY, 9),
    (UPSTREAM_TOKEN, 0),
    (PAST_KEY, 9),
    (PASTED_KEY, 9),
    (PASTED_TEXT, 0),
    (VARIABLE, 0),
    (ADMIN_KEY, 9),
    (BROKEN, 0),
];

/// Shorter pieces are found by chance.
const PIECE: usize = 8;

/// Finds any piece of any secret in any spelling.
fn finder() -> &'static (AhoCorasick, Vec<String>) {
    static FINDER: OnceLock<(AhoCorasick, Vec<String>)> = OnceLock::new();
    FINDER.get_or_init(|| {
        let mut pieces: BTreeMap<Vec<u8>, String> = BTreeMap::new();
        for (canary, known) in CANARIES {
            let secret = &canary.as_bytes()[known..];
            for (spelling, text, length) in spellings(secret) {
                for piece in text.windows(length) {
                    let what = format!("{} as {spelling}", &canary[..known + 4]);
                    pieces.insert(piece.to_vec(), what);
                }
            }
        }
        let (patterns, names): (Vec<Vec<u8>>, Vec<String>) = pieces.into_iter().unzip();
        (AhoCorasick::new(patterns).unwrap(), names)
    })
}

/// A secret as others write it, and how long a telling piece of that is.
fn spellings(secret: &[u8]) -> Vec<(&'static str, Vec<u8>, usize)> {
    let hex = |upper: bool| {
        let digits = secret.iter().map(|byte| match upper {
            true => format!("{byte:02X}"),
            false => format!("{byte:02x}"),
        });
        digits.collect::<String>().into_bytes()
    };
    let quoted = serde_json::to_string(&String::from_utf8_lossy(secret)).unwrap();
    let mut spellings = vec![
        ("itself", secret.to_vec(), PIECE),
        ("JSON", quoted.trim_matches('"').into(), PIECE + 2),
        (
            "part of a URL",
            openclaw_sec::redact::percent_encoded(secret),
            PIECE + 4,
        ),
        ("hex", hex(false), 2 * PIECE),
        ("HEX", hex(true), 2 * PIECE),
        ("its reverse", secret.iter().rev().copied().collect(), PIECE),
    ];
    // In base64 a text looks different at each of three places.
    for skipped in 0..3 {
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&secret[skipped..]);
        spellings.push(("base64", encoded.into_bytes(), 12));
    }
    spellings
}

/// Which secrets show in the text.
fn shown(text: &[u8]) -> Option<String> {
    let (finder, names) = finder();
    let found = finder.find(text)?;
    let start = found.start().saturating_sub(120);
    let end = (found.end() + 40).min(text.len());
    let around = String::from_utf8_lossy(&text[start..end]).into_owned();
    Some(format!(
        "{} stands in: {around}",
        names[found.pattern().as_usize()]
    ))
}

/// A place with every secret in it.
fn place(case: &Case) -> Place {
    Place::prepared(case, |place| {
        let env = format!(
            "# the web chat\nWEB_API_KEY={WEB_KEY}\n{KEY_NAME}='{OLD_KEY}' # mine\n\
             TELEGRAM_BOT_TOKEN={BOT_TOKEN}\nOPENCLAW_GATEWAY_PASSWORD='{PASSWORD}'\n\
             DATABASE_URL=postgres://mia:{URL_PASSWORD}@db.example/bot\nOPENROUTER_API_KEY={ROUTER_KEY}\n\
             CORS_ORIGINS=*\nLOG_LEVEL=silent\nAUDIT_LOG_PATH=audit.log\nTRUSTED_PROXIES=true\n\
             TRUSTED_PROXY_IPS={WEB_KEY}\nRATE_LIMIT_REQUESTS={WEB_KEY}\n"
        );
        place.write("work/.env", &env);
        place.write("work/telegram.key", &format!("{NEW_BOT_TOKEN}\n"));
        place.write("work/two.key", &format!("{NEW_KEY}\n{BROKEN}\n"));
        place.write(
            "work/openclaw.json",
            &format!("{{ gateway: {{ auth: {{ token: '{UPSTREAM_TOKEN}' }}, bind: 'lan' }} }}\n"),
        );
        for (name, text) in broken_files() {
            place.write(&format!("work/{name}"), &text);
        }
        let log: String = [
            WEB_KEY,
            OLD_KEY,
            BOT_TOKEN,
            PASSWORD,
            URL_PASSWORD,
            ROUTER_KEY,
        ]
        .iter()
        .flat_map(|key| log_lines(key))
        .collect();
        place.write("work/secrets.log", &log);
        place.write(
            &format!("work/tree/{WEB_KEY}.txt"),
            &format!("key = \"{OLD_KEY}\"\n"),
        );
        place.write(
            &format!("work/tree/{PAST_KEY}.js"),
            &format!("x = '{PASSWORD}'\n"),
        );
        place.write("work/tree/app.js", &format!(
            "fetch('https://mia:{URL_PASSWORD}@db.example/');\nconst a = \"{WEB_KEY}\", b = '{BOT_TOKEN}';\n// {PAST_KEY}\n"
        ));
        place.write(
            "work/leak.sh",
            "#!/bin/sh\ncat .env new.key\ncat .env new.key >&2\nexit 1\n",
        );
        place.set_mode("work/leak.sh", 0o755);
        place.write("work/certificate.pem", &certificate().0);
        if case.words.contains("--staged") || case.words.contains("--history") {
            repository(place);
        }
    })
}

/// A key where logs have them.
fn log_lines(key: &str) -> Vec<String> {
    let quoted = serde_json::to_string(key).unwrap();
    let in_url = String::from_utf8(openclaw_sec::redact::percent_encoded(key.as_bytes())).unwrap();
    let failure = format!(
        "{{\"time\":\"2026-11-20T10:00:00Z\",\"event\":\"auth.login\",\"success\":false,\"user\":{quoted},\"ip\":\"192.0.2.14\",\"message\":{quoted}}}\n"
    );
    let mut lines = vec![failure; 8];
    lines.extend([
        format!("{{\"time\":\"2026-11-20T10:01:00Z\",\"event\":\"auth.login\",\"success\":true,\"user\":{quoted},\"ip\":\"192.0.2.15\"}}\n"),
        format!("{{\"time\":\"2026-11-20T10:01:00Z\",\"req\":{{\"headers\":{{\"authorization\":\"Bearer {}\"}}}}}}\n", quoted.trim_matches('"')),
        format!("time=2026-11-20T10:02:00Z level=error user={quoted} msg={quoted} requestId={quoted}\n"),
        format!("<34>1 2026-11-20T10:03:00Z host {} 12 ID47 [a b={quoted}] login failed for {key}\n", &in_url),
        format!("192.0.2.14 - - [20/Nov/2026:10:04:00 +0000] \"GET /?token={in_url} HTTP/1.1\" 401 12 \"-\" \"agent {key}\"\n"),
        format!("CEF:0|a|b|1|login|{}|5|suser={key} src=192.0.2.14 outcome=failure\n", in_url),
        format!("plain text with {key}\n"),
    ]);
    lines
}

/// Files that do not parse, where a parser that quotes would quote the secret.
fn broken_files() -> Vec<(&'static str, String)> {
    vec![
        (
            "broken.env",
            format!(
                "WEB_API_KEY='{BROKEN}\nexport {BROKEN}\n{BROKEN}\n= {BROKEN}\n{BROKEN}={BROKEN} x\nCORS_ORIGINS={BROKEN}\nTRUSTED_PROXY_IPS={BROKEN}\nRATE_LIMIT_WINDOW={BROKEN}\nAUDIT_LOG_PATH={BROKEN}\nLOG_LEVEL={BROKEN}\nFORCE_HTTPS={BROKEN}\nTELEGRAM_WEBHOOK_URL=http://x:{BROKEN}@{BROKEN}/\n"
            ),
        ),
        (
            "broken.json",
            format!("{{\"schema\": \"openclaw-sec/check/1\", \"{BROKEN}\": {BROKEN}\n"),
        ),
        (
            "odd.json",
            format!(
                "{{\"schema\": 7, \"results\": [{{\"id\": \"{BROKEN}\", \"status\": \"{BROKEN}\", \"fingerprint\": 3}}], \"gateway\": {{\"auth\": \"{BROKEN}\", \"bind\": {{\"x\": \"{BROKEN}\"}}}}}}\n"
            ),
        ),
        (
            "broken.toml",
            format!("authorization = \"Bearer {BROKEN}\nx = {BROKEN}\n"),
        ),
        (
            "unknown.toml",
            format!("authorization = \"Bearer {BROKEN}\"\n"),
        ),
        (
            "value.toml",
            format!("[check]\ntimeout = \"{BROKEN}\"\nprofile = \"{BROKEN}\"\n"),
        ),
        ("format.toml", format!("format = \"{BROKEN}\"\n")),
        (
            "waiver.toml",
            format!(
                "[[waiver]]\nid = \"{BROKEN}\"\nreason = \"{BROKEN}\"\nexpires = \"{BROKEN}\"\n"
            ),
        ),
        (
            "rules-broken.toml",
            format!("[[rules]]\nid = \"a\"\nregex = '''({BROKEN}'''\n"),
        ),
        (
            "rules-odd.toml",
            format!("[[rules]]\nid = 1\n{BROKEN} = {BROKEN}\n"),
        ),
        (
            "fleet-broken.toml",
            format!("[[target]]\nname = {BROKEN}\n"),
        ),
        (
            "fleet-odd.toml",
            format!("[[target]]\nname = \"a\"\nenv = \".env\"\nkey = \"{BROKEN}\"\n"),
        ),
        (
            "fleet-url.toml",
            format!(
                "[[target]]\nname = \"a\"\nenv = \"clean.env\"\nurl = \"https://mia:{URL_PASSWORD}@localhost:1/?key={BROKEN}\"\n"
            ),
        ),
        ("networks.txt", format!("{BROKEN}\n198.51.100.0/{BROKEN}\n")),
        (
            "private.pem",
            format!("-----BEGIN CERTIFICATE-----\n{BROKEN}\n-----END CERTIFICATE-----\n"),
        ),
    ]
}

/// A history that holds keys which the tree holds no more, and a file name that is one.
fn repository(place: &Place) {
    let script = format!(
        "set -e; git init -q .; git config user.email a@b; git config user.name 'mia {WEB_KEY}'
        printf 'WEB_API_KEY=%s\\n' '{PAST_KEY}' >old.env
        printf '%s\\n' '{PAST_KEY}' >'{PAST_KEY}.txt'
        git add -f old.env '{PAST_KEY}.txt' tree; git commit -qm 'add {PAST_KEY} and {WEB_KEY}'
        git tag '{PAST_KEY}'; git checkout -q -b 'b-{PAST_KEY}'
        git rm -q old.env '{PAST_KEY}.txt'; git commit -qm 'remove {PAST_KEY}'
        printf 'key = \"%s\"\\n' '{OLD_KEY}' >'staged-{WEB_KEY}.js'; git add ."
    );
    let done = Command::new("sh")
        .args(["-c", &script])
        .current_dir(place.path("work"))
        .env("HOME", place.path("home"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// Files that may hold secrets: those that we made, and what the contract allows.
fn may_hold_secrets(name: &Path) -> bool {
    let text = name.to_string_lossy();
    text.starts_with("work/.git/") || text.ends_with(".openclaw-sec.backup")
}

/// Runs one line and looks everywhere.
fn look(line: &Case, verbosity: &str, variables: &[(String, String)]) -> Result<(), String> {
    let case = Case {
        words: format!("{} {verbosity}", line.words).trim().to_owned(),
        ..line.clone()
    };
    let place = place(&case);
    let before = place.files();
    let mut command = place.program(&case);
    command
        .env("RUST_BACKTRACE", "full")
        .env("RUST_LOG", "trace")
        .env("MY_OWN_SECRET", VARIABLE)
        .env("ADMIN", ADMIN_KEY)
        .env("NEW_KEY", NEW_KEY)
        .envs(variables.iter().cloned())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let ended = collect(&mut command, &case);
    let what = |where_: &str, fault: String| format!("{}: {where_}: {fault}", case.words);
    judge(&ended).map_err(|fault| what("output", fault))?;
    for (name, bytes) in place.files() {
        // A file in which we put secrets may keep them.
        let is_ours = before
            .get(&name)
            .is_some_and(|before| shown(before).is_some());
        if !is_ours && !may_hold_secrets(&name) {
            let fault = shown(&bytes).or_else(|| shown(name.as_os_str().as_encoded_bytes()));
            if let Some(fault) = fault {
                return Err(what(&name.display().to_string(), fault));
            }
        }
    }
    Ok(())
}

fn judge(ended: &Ended) -> Result<(), String> {
    if ended.code.is_none() || ended.stderr.contains("internal error") {
        return Err(format!("{:?}: {}", ended.code, ended.stderr));
    }
    match shown(ended.stdout.as_bytes()).or_else(|| shown(ended.stderr.as_bytes())) {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

fn line(words: impl Into<String>) -> Case {
    Case {
        words: words.into(),
        ..Case::new("", 0, Stdout::Reading)
    }
}

#[test]
fn no_secret_comes_out_of_any_command_or_format() {
    let lines: Vec<Case> = cases()
        .into_iter()
        .filter(|case| !case.words.ends_with("--help") && !case.words.ends_with("--version"))
        .chain(formats_over_secrets())
        .collect();
    let lines: Vec<(usize, Case)> = lines.into_iter().enumerate().collect();
    in_parallel(&lines, |(place, case)| {
        look(case, ["-vv", "-v", "--quiet"][place % 3], &[])
    });
}

/// What the table's own fixtures do not reach.
fn formats_over_secrets() -> Vec<Case> {
    let mut lines = Vec::new();
    for format in crate::commands::REPORT_FORMATS {
        lines.push(line(format!(
            "check --code tree --openclaw-config openclaw.json --compare-env other.env --format {format}"
        )));
        lines.push(line(format!(
            "check --only code --code . --history --format {format}"
        )));
    }
    lines.push(line("check --only code --staged"));
    lines.push(line("check --only code --history --unreachable --code ."));
    for format in crate::commands::EVENT_FORMATS {
        for more in [
            "--all",
            "--detect --alert-exec ./leak.sh",
            "--stats --detect",
        ] {
            lines.push(line(format!(
                "audit-tail secrets.log --env .env --no-follow {more} --format {format}"
            )));
        }
        lines.push(line(format!(
            "audit-tail .env --env .env --all --no-follow --format {format}"
        )));
    }
    lines
}

/// Flags that name a file, and the broken files that are written for their readers.
const READERS: &[(&str, &[&str])] = &[
    ("check --only declared --env", &["broken.env"]),
    ("check --only declared --compare-env", &["broken.env"]),
    ("check --only declared --openclaw-config", &["odd.json"]),
    (
        "check --only code --code tree --rules",
        &["rules-broken.toml", "rules-odd.toml"],
    ),
    ("check --only declared --baseline", &["odd.json"]),
    (
        "check --targets",
        &["fleet-broken.toml", "fleet-odd.toml", "fleet-url.toml"],
    ),
    ("check --merge", &["odd.json"]),
    (
        "check --merge odd.json --expect",
        &["odd.json", "unknown.toml"],
    ),
    (
        "check --only live --url https://localhost:1 --ca-file",
        &["private.pem"],
    ),
    ("check --only code --code", &["tree"]),
    ("keygen --env", &["broken.env"]),
    ("keygen --name CORS_ORIGINS --env", &["broken.env"]),
    ("keygen --output", &["broken.env"]),
    ("rotate --no-input --env", &["broken.env"]),
    ("rotate due --env", &["broken.env"]),
    ("rotate status --env", &["broken.env"]),
    ("rotate schedule --env", &["broken.env"]),
    (
        "rotate --name ANTHROPIC_API_KEY --no-input --restart true --provider-url {alive} --new-key-file",
        &["two.key"],
    ),
    ("firewall --env", &["broken.env"]),
    ("firewall --block-list", &["networks.txt"]),
    (
        "firewall --profile cloudflare-origin --cloudflare-ips",
        &["networks.txt", "odd.json"],
    ),
    (
        "firewall verify --format json --block-list",
        &["networks.txt"],
    ),
    (
        "firewall explain --proto tcp --port 22 --from 192.0.2.1 --block-list",
        &["networks.txt"],
    ),
    ("audit-tail --no-follow --env", &["broken.env"]),
    ("audit-tail audit.log --no-follow --env", &["broken.env"]),
    ("audit-tail seal", &["tree"]),
    ("audit-tail verify", &["odd.json"]),
    (
        "keygen --config",
        &["unknown.toml", "value.toml", "format.toml", "waiver.toml"],
    ),
    (
        "check --config",
        &["unknown.toml", "value.toml", "format.toml", "waiver.toml"],
    ),
    ("check --only declared --state-dir", &["broken.env"]),
];

/// Each reader with its own broken files, and with what people name by mistake.
fn errors() -> Vec<String> {
    let mistaken = [".env", "new.key", "broken.toml", "broken.json"];
    let lines = READERS.iter().flat_map(|(flag, own)| {
        let files = own.iter().chain(&mistaken);
        files.map(move |file| format!("{flag} {file}"))
    });
    lines.collect()
}

#[test]
fn no_error_about_a_file_quotes_it() {
    let lines: Vec<Case> = errors().into_iter().map(line).collect();
    in_parallel(&lines, |case| look(case, "-vv", &[]));
}

/// `K` is a key that was pasted where something else belongs.
const PASTED: &[&str] = &[
    "K",
    "--K",
    "-K",
    "keygen K",
    "keygen --bytes K",
    "keygen --prefix K",
    "keygen --env x.env --name K",
    "keygen --nmae=K",
    "keygen --output nowhere/K",
    "check --ulr K",
    "check --only K",
    "check --explain K",
    "check --env K",
    "check --url K",
    "check --url https://mia:K@localhost:1/",
    "check --url https://K@localhost:1/ --only live",
    "check --url https://localhost:1/?key=K --only live",
    "check --url https://localhost:1/#K --only live",
    "check --url https://localhost:1 --only live --auth-scheme header=K",
    "check --url https://localhost:1 --auth-scheme K",
    "check --url https://localhost:1 --only live --auth-path /K",
    "check --url https://localhost:1 --only live --burst-path /?key=K",
    "check --url https://localhost:1 --connect-to K",
    "check --url https://localhost:1 --key-name K",
    "check --targets K",
    "check --merge K",
    "check --merge reports --expect K",
    "check --max-age K",
    "check --jobs K --targets fleet.toml",
    "check --output nowhere/K",
    "check --format K",
    "check --fail-on K",
    "check --rules K",
    "rotate K",
    "rotate --name K",
    "rotate --provider K",
    "rotate --key K",
    "rotate --new-key K",
    "rotate --new-key=K",
    "rotate --new-key-file K",
    "rotate --name ANTHROPIC_API_KEY --no-input --new-key-env K",
    "rotate --name ANTHROPIC_API_KEY --no-input --admin-key-env K",
    "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart true --provider-url K",
    "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart true --provider-url https://mia:K@localhost:1",
    "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart true --provider-url {alive} --health K",
    "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart true --provider-url {alive} --health http://127.0.0.1:1/?key=K --health-timeout 0.2 --no-input",
    "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart 'true --token K' --provider-url {alive} --no-input",
    "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart 'nothing-so-called K' --provider-url {alive} --no-input",
    "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart-unit K --provider-url {alive} --no-input",
    "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart-compose K --provider-url {alive} --no-input",
    "rotate --health-timeout K",
    "rotate --revoke K",
    "rotate status K",
    "rotate status --name K",
    "rotate status --env K",
    "rotate resume --env K --format json",
    "rotate due --name K",
    "rotate due --max-age K",
    "rotate schedule --every K",
    "rotate resume --name K",
    "rotate abort --name K",
    "rotate --format json --name K",
    "firewall K",
    "firewall --profile K",
    "firewall --format K",
    "firewall --ssh-port K",
    "firewall --ssh-from K",
    "firewall --allow K",
    "firewall --allow tcp/1,from=K",
    "firewall --allow tcp/1,iface=K",
    "firewall --private-port K",
    "firewall --trust-interface K",
    "firewall --block-list K",
    "firewall --cloudflare-ips K",
    "firewall --rollback K",
    "firewall --hook K",
    "firewall --env K",
    "firewall explain --proto K --port 1 --from 1.2.3.4",
    "firewall explain --proto tcp --port K --from 1.2.3.4",
    "firewall explain --proto tcp --port 1 --from K",
    "firewall explain --proto tcp --port 1 --from 1.2.3.4 --iface K",
    "firewall verify --format K",
    "firewall off K",
    "audit-tail K",
    "audit-tail -n K audit.log",
    "audit-tail audit.log --since K",
    "audit-tail audit.log --until K",
    "audit-tail audit.log --kind K",
    "audit-tail audit.log --outcome K",
    "audit-tail audit.log --user K",
    "audit-tail audit.log --ip K",
    "audit-tail audit.log --level K",
    "audit-tail audit.log --grep '(K'",
    "audit-tail audit.log --grep K",
    "audit-tail audit.log --format K",
    "audit-tail audit.log --top K",
    "audit-tail audit.log --timezone K",
    "audit-tail audit.log --no-follow --alert-exec 'nothing-so-called K'",
    "audit-tail audit.log --alert-exec \"'K\"",
    "audit-tail seal K",
    "audit-tail verify K",
    "audit-tail verify audit.log --format K",
    "--config K check",
    "--color K check",
    "--state-dir K/K check",
];

#[test]
fn a_key_that_was_pasted_somewhere_is_not_repeated() {
    let lines: Vec<Case> = PASTED
        .iter()
        .flat_map(|pattern| {
            // Of text without a provider's shape, nobody can tell it from a container's id.
            let is_kept = ["--restart-", "--restart '", "?key=K --health-timeout"];
            let keys: &[&str] = match is_kept.iter().any(|words| pattern.contains(words)) {
                true => &[PASTED_KEY],
                false => &[PASTED_KEY, PASTED_TEXT],
            };
            keys.iter().map(|key| {
                line(
                    pattern
                        .replace('K', "\u{1}")
                        .replace("ANTHROPIC_API_\u{1}EY", KEY_NAME)
                        .replace('\u{1}', key),
                )
            })
        })
        .collect();
    in_parallel(&lines, |case| look(case, "-vv", &[]));
}

#[test]
fn a_key_in_a_variable_for_a_flag_is_not_repeated() {
    let names = [
        ("URL", "check --only live"),
        ("PROFILE", "check"),
        ("TIMEOUT", "check"),
        ("FORMAT", "check"),
        ("FORMAT", "rotate status"),
        ("FORMAT", "firewall"),
        ("FORMAT", "audit-tail audit.log"),
        ("COLOR", "check"),
        ("STATE_DIR", "rotate status"),
        ("CONFIG", "check"),
        ("ENV", "check"),
        ("BYTES", "keygen"),
        ("COUNT", "keygen"),
        ("NAME", "rotate"),
        ("SSH_FROM", "firewall"),
        ("ALLOW", "firewall"),
        (
            "PROVIDER_URL",
            "rotate --name ANTHROPIC_API_KEY --new-key-file new.key",
        ),
        ("NEW_KEY_ENV", "rotate --name ANTHROPIC_API_KEY --no-input"),
        ("ONLY", "check"),
        ("SINCE", "audit-tail audit.log"),
        ("VERBOSE", "check"),
        ("QUIET", "check"),
        ("NONSENSE", "check --only declared"),
    ];
    let lines: Vec<(Case, String)> = names
        .iter()
        .map(|(name, words)| (line(*words), format!("OPENCLAW_SEC_{name}")))
        .collect();
    in_parallel(&lines, |(case, name)| {
        for key in [PASTED_KEY, PASTED_TEXT] {
            let variable = (name.clone(), key.to_owned());
            look(case, "", &[variable]).map_err(|fault| format!("{name}: {fault}"))?;
        }
        Ok(())
    });
}

/// How a server throws back what it was sent, or what it knows of us.
#[derive(Debug, Clone, Copy)]
enum Evil {
    StatusLine,
    HeaderNames,
    HeaderValues,
    JsonError,
    Page,
    Redirect,
    RedirectToPlain,
    NoHttp,
}

const EVILS: [Evil; 8] = [
    Evil::StatusLine,
    Evil::HeaderNames,
    Evil::HeaderValues,
    Evil::JsonError,
    Evil::Page,
    Evil::Redirect,
    Evil::RedirectToPlain,
    Evil::NoHttp,
];

/// What every evil server says.
fn loot() -> String {
    format!(
        "{WEB_KEY} {OLD_KEY} {NEW_KEY} {BOT_TOKEN} {NEW_BOT_TOKEN} {PASSWORD} {ROUTER_KEY} {ADMIN_KEY}"
    )
}

/// A server on loopback; its address.
fn evil_server(evil: Evil) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || throw_back(stream, evil));
        }
    });
    url
}

fn throw_back(mut stream: TcpStream, evil: Evil) -> std::io::Result<()> {
    let head = head_of(&mut stream)?;
    stream.write_all(answer(&head, evil).as_bytes())
}

fn head_of(stream: &mut impl Read) -> std::io::Result<String> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    Ok(head)
}

fn answer(head: &str, evil: Evil) -> String {
    let loot = loot();
    let first = head.lines().next().unwrap_or_default();
    let sent = head.lines().skip(1).collect::<Vec<_>>().join(" ");
    let (status, headers, kind, body) = match evil {
        Evil::StatusLine => (format!("401 {loot} {sent}"), String::new(), "text/plain", String::new()),
        Evil::HeaderNames => ("401 x".into(), format!("x-{NEW_KEY}: 1\r\nx-{OLD_KEY}: 1\r\n{PAST_KEY}: x\r\n"), "text/plain", String::new()),
        Evil::HeaderValues => ("401 x".into(), format!("server: {loot}\r\nset-cookie: session={WEB_KEY}\r\nwww-authenticate: Bearer realm=\"{loot}\"\r\nstrict-transport-security: max-age={WEB_KEY}\r\naccess-control-allow-origin: https://{WEB_KEY}\r\nx-echo: {sent}\r\nretry-after: {NEW_KEY}\r\n"), "text/html", loot.clone()),
        Evil::JsonError => ("400 x".into(), String::new(), "application/json", serde_json::json!({"error": {"message": format!("bad key {loot} in {first} {sent}"), "type": loot, "code": WEB_KEY, "status": NEW_KEY}, "message": loot, "description": loot, "ok": false, "id": loot}).to_string()),
        Evil::Page => ("200 OK".into(), String::new(), "text/plain", format!("WEB_API_KEY={WEB_KEY}\nOPENAI_API_KEY={NEW_KEY}\nDATABASE_URL=postgres://a:{URL_PASSWORD}@b/c\n[core]\n\trepositoryformatversion = 0\n[remote \"origin\"]\n\turl = https://mia:{BOT_TOKEN}@git.example/x\n{loot}\n{sent}\n")),
        Evil::Redirect => ("302 Found".into(), format!("location: /login?key={WEB_KEY}&new={NEW_KEY}&old={OLD_KEY}#{loot}\r\n"), "text/plain", String::new()),
        Evil::RedirectToPlain => ("301 x".into(), format!("location: http://{WEB_KEY}:{NEW_KEY}@{UPSTREAM_TOKEN}.example/{OLD_KEY}\r\n"), "text/plain", String::new()),
        Evil::NoHttp => return format!("{loot} {sent}\r\n\r\n"),
    };
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{headers}connection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A certificate whose every text is a secret, and its key.
fn certificate() -> &'static (String, Arc<rustls::ServerConfig>) {
    static MADE: OnceLock<(String, Arc<rustls::ServerConfig>)> = OnceLock::new();
    MADE.get_or_init(|| {
        use rcgen::{CertificateParams, DnType, KeyPair};
        let host = format!("{UPSTREAM_TOKEN}.example");
        let mut params = CertificateParams::new(vec![host]).unwrap();
        for (kind, text) in [
            (DnType::CommonName, WEB_KEY),
            (DnType::OrganizationName, NEW_KEY),
            (DnType::OrganizationalUnitName, PASSWORD),
        ] {
            params.distinguished_name.push(kind, text);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        (certificate.pem(), Arc::new(config))
    })
}

/// The same over TLS, with the telling certificate.
fn evil_tls_server(evil: Evil) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let config = &certificate().1;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || -> std::io::Result<()> {
                let session = rustls::ServerConnection::new(Arc::clone(config));
                let session = session.map_err(std::io::Error::other)?;
                let mut stream = rustls::StreamOwned::new(session, stream);
                let head = head_of(&mut stream)?;
                stream.write_all(answer(&head, evil).as_bytes())?;
                stream.conn.send_close_notify();
                stream.flush()
            });
        }
    });
    url
}

#[test]
fn a_server_that_throws_secrets_back_does_not_get_them_shown() {
    let formats = [
        "human",
        "json",
        "html",
        "sarif",
        "junit",
        "ocsf",
        "github",
        "prometheus",
    ];
    let mut lines = Vec::new();
    for (evil, format) in EVILS.into_iter().zip(formats) {
        let url = evil_server(evil);
        let tls = evil_tls_server(evil);
        let live = format!(
            "check --only live --active --timeout 6 --format {format} --openclaw-config openclaw.json --auth-path /api --url"
        );
        let rotate = format!(
            "rotate --restart true --no-input --format {} --provider-url {url}",
            if format == "json" { "json" } else { "human" }
        );
        lines.extend([
            format!("{live} {url}"),
            format!("{live} {tls} --ca-file certificate.pem"),
            format!("{live} {tls} --connect-to {}", tls.trim_start_matches("https://")),
            format!("{rotate} --name {KEY_NAME} --new-key-file new.key"),
            format!("{rotate} --name TELEGRAM_BOT_TOKEN --new-key-file telegram.key"),
            format!("{rotate} --name OPENROUTER_API_KEY --admin-key-env ADMIN --revoke auto"),
            format!("rotate --restart true --no-input --name {KEY_NAME} --new-key-file new.key --provider-url {{alive}} --health {url} --health-timeout 0.3"),
        ]);
    }
    lines.extend([
        "check --only live --timeout 2 --url http://127.0.0.1:1".to_owned(),
        format!("rotate --restart true --no-input --name {KEY_NAME} --new-key-env NEW_KEY --provider-url http://127.0.0.1:1"),
        "rotate --restart true --no-input --name TELEGRAM_BOT_TOKEN --new-key-file telegram.key --provider-url http://127.0.0.1:1".to_owned(),
        "rotate --restart true --no-input --name OPENROUTER_API_KEY --admin-key-env ADMIN --provider-url http://127.0.0.1:1".to_owned(),
        format!("rotate --restart ./leak.sh --no-input --name {KEY_NAME} --new-key-file new.key --provider-url {{alive}}"),
        format!("rotate --restart ./leak.sh --no-input --format json --name {KEY_NAME} --new-key-env NEW_KEY --provider-url {{gone}}"),
    ]);
    let lines: Vec<Case> = lines.into_iter().map(line).collect();
    in_parallel(&lines, |case| look(case, "-vv", &[]));
}

#[test]
fn what_keygen_made_is_in_one_place_only() {
    let lines: Vec<Case> = cases()
        .into_iter()
        .filter(|case| {
            case.words.starts_with("keygen") && case.code == 0 && !case.words.contains("-h")
        })
        .filter(|case| !case.words.ends_with("--version"))
        .collect();
    in_parallel(&lines, |case| {
        let place = Place::for_case(case);
        let before = place.files();
        let mut command = place.program(case);
        command
            .arg("-vv")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let ended = collect(&mut command, case);
        let written = case
            .writes
            .first()
            .map(|name| place.path("work").join(name));
        let text = written.as_ref().map_or_else(
            || ended.stdout.clone(),
            |path| std::fs::read_to_string(path).unwrap(),
        );
        let keys = text.lines().map(|line| {
            line.strip_prefix("A_KEY=")
                .or(line.strip_prefix("WEB_API_KEY="))
                .unwrap_or(line)
        });
        for key in keys.filter(|key| key.len() >= 22 && !key.contains(' ')) {
            let mut elsewhere = vec![ended.stderr.clone().into_bytes()];
            if written.is_some() {
                elsewhere.push(ended.stdout.clone().into_bytes());
            }
            let files = place.files().into_iter();
            elsewhere.extend(
                files
                    .filter(|(name, bytes)| {
                        before.get(name) != Some(bytes)
                            && Some(place.path(&name.to_string_lossy())) != written
                    })
                    .map(|(_, bytes)| bytes),
            );
            for bytes in elsewhere {
                if key
                    .as_bytes()
                    .windows(PIECE)
                    .any(|piece| memchr::memmem::find(&bytes, piece).is_some())
                {
                    return Err(format!("{}: the key is elsewhere, too", case.words));
                }
            }
        }
        Ok(())
    });
}

/// What the system saw: arguments and variables of children, names of files, bytes for files.
#[test]
fn no_child_and_no_file_in_between_gets_a_secret() {
    if Command::new("strace").arg("-V").output().is_err() {
        skipped("strace is not installed (Debian: strace)");
        return;
    }
    let rotate = |more: &str| {
        line(format!(
            "rotate --name {KEY_NAME} --new-key-file new.key --no-input --provider-url {more}"
        ))
    };
    let lines = [
        line("check --code . --history --openclaw-config openclaw.json -vv"),
        line("check --only code --staged -vv"),
        line("check --only declared --format html --output report"),
        rotate("{gone} --restart ./leak.sh"),
        rotate("{alive} --restart true"),
        line("rotate due"),
        line("audit-tail secrets.log --env .env --no-follow --all --detect --alert-exec ./leak.sh"),
        line("audit-tail seal secrets.log"),
        line("firewall verify --env .env"),
        line("keygen --env .env --name OTHER_KEY"),
    ];
    in_parallel(&lines, |case| {
        let place = place(case);
        let mut command = Command::new("strace");
        command
            .args([
                "-f",
                "-v",
                "-y",
                "-s",
                "4096",
                "-e",
                "trace=execve,openat,write,writev,sendto,rename,renameat,renameat2",
                "-o",
            ])
            .arg(place.path("trace"))
            .arg(PROGRAM)
            .args(words(case));
        place.surround(&mut command, case);
        command
            .env("MY_OWN_SECRET", VARIABLE)
            .env(KEY_NAME, OLD_KEY)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let ended = collect(&mut command, case);
        judge(&ended).map_err(|fault| format!("{}: {fault}", case.words))?;
        let trace = std::fs::read(place.path("trace")).unwrap();
        let mut calls = trace.split(|byte| *byte == b'\n');
        // The first call starts the program, with our variables.
        if calls
            .next()
            .is_none_or(|call| memchr::memmem::find(call, b"execve(").is_none())
        {
            skipped(&format!("strace does not trace here: {}", ended.stderr));
            return Ok(());
        }
        // Processes that run another program: what they write is their business.
        let mut others = BTreeSet::new();
        for call in calls {
            let text = String::from_utf8_lossy(call);
            let process = text.split(' ').next().unwrap_or_default().to_owned();
            if text.contains("execve(\"") && !text.contains(PROGRAM) {
                others.insert(process.clone());
            }
            let is_write = ["write(", "writev(", "sendto("]
                .iter()
                .any(|name| text.contains(name));
            let target = text.split(['<', '>']).nth(1).unwrap_or_default();
            // Names that exist are read; the key goes to the provider and into the env file. Where a call is
            // written in two parts, the first has the name and the flags.
            let may = (text.contains("openat(") && !text.contains("O_CREAT"))
                || text.contains("<... openat resumed>")
                || (is_write && others.contains(&process))
                || (is_write && (target.contains("socket:[") || target.contains("/.env")));
            if !may && let Some(fault) = shown(call) {
                return Err(format!("{}: {fault}", case.words));
            }
        }
        Ok(())
    });
}

#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn skipped(reason: &str) {
    eprintln!("skipped: {reason}");
}
