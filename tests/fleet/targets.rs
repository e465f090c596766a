//! Deployments that are asked now.

use serde_json::{Value, json};

use crate::Fleet;
use crate::servers::{Manner, Servers, skipped};
use crate::support::{HARDENED, KEY, PAGE, Place, is_root};

/// A list of targets, each given as the lines of its table.
fn list(targets: &[&str]) -> String {
    targets
        .iter()
        .map(|target| format!("[[target]]\n{target}\n"))
        .collect()
}

/// A report without what differs between any two runs.
fn timeless(report: &Value) -> Value {
    let mut report = report.clone();
    for field in ["started_at", "duration_ms"] {
        report[field] = Value::Null;
    }
    report["target"]["name"] = Value::Null;
    report
}

#[test]
fn each_target_gets_the_report_of_a_run_of_its_own_in_the_order_of_the_list() {
    let place = Place::new();
    let servers = Servers::start(2, Manner::Answers);
    place.write("page.env", PAGE);
    place.write("bots/hardened.env", HARDENED);
    let (first, second) = (servers.url(0), servers.url(1));
    place.write(
        "fleet.toml",
        list(&[
            &format!("name = 'z'\nenv = 'page.env'\nurl = '{first}'"),
            "name = 'm'\nenv = 'bots/hardened.env'\nprofile = 'tailscale'",
            &format!("name = 'a'\nurl = '{second}'"),
        ]),
    );
    let skip = "--skip host --skip code --profile telegram";
    let fleet = Fleet::of(&place, &format!("--targets fleet.toml {skip}"));
    assert_eq!(fleet.names(), ["z", "m", "a"]);
    let alone = [
        ("z", format!("--env page.env --url {first} {skip}")),
        (
            "m",
            "--env bots/hardened.env --skip host --skip code --profile tailscale".to_owned(),
        ),
        ("a", format!("--url {second} {skip}")),
    ];
    for (name, line) in alone {
        let (report, _) = place.report(&line);
        let target = fleet.target(name);
        assert_eq!(target["report"]["target"]["name"], name);
        assert_eq!(
            timeless(&target["report"]),
            timeless(&report.document),
            "{name}"
        );
        assert_eq!(target["reason"], Value::Null);
    }
    assert_eq!(fleet.code, 1);
    assert_eq!(fleet.document["summary"]["targets"], 3);
}

#[test]
fn the_env_file_of_the_folder_is_nobodys() {
    let place = Place::with_env(PAGE);
    let servers = Servers::start(1, Manner::Answers);
    let url = servers.url(0);
    place.write(
        "fleet.toml",
        list(&[&format!("url = '{url}'"), "name = 'empty'"]),
    );
    let fleet = Fleet::of(&place, "--targets fleet.toml --only declared --only live");
    assert_eq!(fleet.names(), [&*url, "empty"]);
    assert_eq!(fleet.target(&url)["report"]["target"]["env"], Value::Null);
    assert_eq!(fleet.status("empty"), "unknown");
    assert!(fleet.reason("empty").contains("names neither"));
}

#[test]
fn what_goes_wrong_with_one_target_is_its_own_unknown() {
    let place = Place::new();
    place.write("good.env", HARDENED);
    place.write("binary.env", [0u8, 159, 146, 150].repeat(100));
    place.write("secret.env", format!("WEB_API_KEY={KEY}\n"));
    std::fs::create_dir(place.path("folder.env")).unwrap();
    let closed = place.write("closed.env", HARDENED);
    let nobody = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(closed, nobody).unwrap();
    let silent = Servers::start(1, Manner::Silent);
    let nonsense = Servers::start(1, Manner::Nonsense);
    let broken_tls = nonsense.url(0).replace("http:", "https:");
    // Nobody can listen at port 1 without root's help.
    let mut targets = vec![
        "name = 'good'\nenv = 'good.env'".to_owned(),
        "name = 'missing'\nenv = 'nowhere.env'".to_owned(),
        "name = 'folder'\nenv = 'folder.env'".to_owned(),
        "name = 'scheme'\nurl = 'ftp://bot.example'".to_owned(),
        "name = 'words'\nurl = 'not a url'".to_owned(),
        "url = 'https://mia:hunter2hunter2@bot.example'".to_owned(),
        format!("name = 'key'\nenv = 'secret.env'\nurl = 'https://bot.example/{KEY}'"),
        "name = 'refused'\nurl = 'https://127.0.0.1:1'".to_owned(),
        "name = 'unresolved'\nurl = 'https://nobody.invalid'".to_owned(),
        format!("name = 'silent'\nurl = '{}'", silent.url(0)),
        format!("name = 'tls'\nurl = '{broken_tls}'"),
    ];
    if !is_root() {
        targets.push("name = 'closed'\nenv = 'closed.env'".to_owned());
    }
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    place.write("fleet.toml", list(&targets));
    let line = "--targets fleet.toml --only declared --only live --timeout 3";
    let fleet = Fleet::of(&place, line);
    assert_eq!(fleet.targets().len(), targets.len());
    assert_eq!(fleet.status("good"), "pass");
    let others = fleet.names();
    for name in others.into_iter().filter(|name| *name != "good") {
        assert_eq!(fleet.status(name), "unknown", "{name}");
        let report = &fleet.target(name)["report"];
        assert_ne!(report["summary"]["unknown"], 0, "{name}");
    }
    assert_eq!(fleet.code, 3);
    for (name, expected) in [
        ("missing", "nowhere.env"),
        ("scheme", "another scheme"),
        ("words", "the url is not one"),
        ("https://bot.example", "user name or password"),
        ("key", "carry a key"),
    ] {
        assert!(
            fleet.reason(name).contains(expected),
            "{name}: {}",
            fleet.reason(name)
        );
    }
    let all = format!("{}{}", fleet.text, fleet.stderr);
    for secret in ["hunter2hunter2", KEY] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    let warned = |words: &str| {
        let mut lines = fleet.stderr.lines();
        lines.any(|line| {
            line.contains("warning: ") && line.contains("fleet.toml:") && line.contains(words)
        })
    };
    for words in ["another scheme", "the url is not one", "user name"] {
        assert!(warned(words), "{words}: {}", fleet.stderr);
    }
}

#[test]
fn a_wrong_list_or_flag_is_a_usage_error_and_nobody_is_asked() {
    let place = Place::new();
    let servers = Servers::start(1, Manner::Answers);
    let good = list(&[&format!("name = 'a'\nurl = '{}'", servers.url(0))]);
    let lists = [
        ("", "lists no deployment"),
        (
            "[[target]]\nnmae = 'a'",
            "unknown key `nmae`; did you mean `name`?",
        ),
        ("[[target]]\nname = 'a'\nurls = 'x'", "did you mean `url`?"),
        (
            "[[target]]\nname = 'a'\n[[target]]\nname = 'a'",
            "called a as well",
        ),
        (
            "[[target]]\nname = 'a'\nprofile = 'tailscal'",
            "did you mean tailscale?",
        ),
        ("[[target]\n", "not valid TOML"),
    ];
    for (text, expected) in lists {
        place.write(
            "bad.toml",
            format!("{text}\n{}", if text.is_empty() { "" } else { &good }),
        );
        let ended = place.line("check --targets bad.toml");
        assert_eq!(ended.code, 2, "{text}: {}", ended.both());
        assert!(ended.stderr.contains(expected), "{text}: {}", ended.stderr);
    }
    place.write("fleet.toml", good);
    place.write("text", "no certificate");
    let cases = [
        ("--env .env", "name their own env files and endpoints"),
        (
            "--url https://bot.example",
            "name their own env files and endpoints",
        ),
        ("--fix", "cannot be used with"),
        ("--jobs 0", "1..=256"),
        ("--jobs 257", "1..=256"),
        ("--timeout 0", "--timeout"),
        ("--profile tailscal", "did you mean tailscale?"),
        ("--only nothing", "nothing"),
        ("--connect-to x", "--connect-to"),
        ("--auth-scheme basic", "--auth-scheme"),
        ("--ca-file nowhere", "--ca-file nowhere"),
        ("--ca-file text", "--ca-file"),
        ("--openclaw-config nowhere", "nowhere"),
        ("--output fleet.toml", "would be lost"),
    ];
    for (flags, expected) in cases {
        let ended = place.line(&format!("check --targets fleet.toml {flags}"));
        assert_eq!(ended.code, 2, "{flags}: {}", ended.both());
        assert!(ended.stderr.contains(expected), "{flags}: {}", ended.stderr);
    }
    let ended = place.line("check --targets nowhere.toml");
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("nowhere.toml"), "{}", ended.stderr);
    assert_eq!(place.line("check --jobs 3").code, 2);
    assert_eq!(servers.called(), 0);
}

#[test]
fn a_dozen_are_asked_at_the_same_time() {
    let place = Place::new();
    // Each holds its callers until all twelve have been called: one after the other, they would
    // take a quarter of an hour.
    let servers = Servers::start(12, Manner::WaitsForAll);
    let targets: Vec<String> = (0..12)
        .map(|n| format!("url = '{}'", servers.url(n)))
        .collect();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    place.write("fleet.toml", list(&targets));
    let fleet = Fleet::of(&place, "--targets fleet.toml --only live --timeout 50");
    assert_eq!(servers.called(), 12);
    assert_eq!(fleet.targets().len(), 12);
    assert_eq!(fleet.code, 3);
}

#[test]
fn a_waiver_may_name_a_target_and_is_unused_when_nobody_needs_it() {
    let place = Place::new();
    for name in ["a", "b", "c"] {
        place.write(&format!("{name}.env"), PAGE);
    }
    place.write("good.env", HARDENED);
    place.write(
        "fleet.toml",
        list(&[
            "name = 'first'\nenv = 'a.env'",
            "name = 'second'\nenv = 'b.env'",
            "name = 'third'\nenv = 'c.env'\nurl = 'https://127.0.0.1:1'",
            "name = 'fourth'\nenv = 'good.env'",
        ]),
    );
    let expires = place.shell("date -u -d '90 days' +%F").stdout;
    let expires = expires.trim();
    let waiver = |id: &str, target: &str| {
        format!("[[waiver]]\nid = \"{id}\"\n{target}reason = \"r\"\nexpires = {expires}\n")
    };
    let waivers = [
        waiver("secrets.placeholder", "target = \"first\"\n"),
        waiver("secrets.placeholder", "target = \"b.env\"\n"),
        waiver("secrets.placeholder", "target = \"https://127.0.0.1:1\"\n"),
        waiver("rate-limit.invalid", ""),
        waiver("logs.level", ""),
    ];
    place.write("openclaw-sec.toml", waivers.concat());
    let fleet = Fleet::of(&place, "--targets fleet.toml --only declared --fail-on low");
    for name in ["first", "second", "third"] {
        assert_eq!(
            fleet.target(name)["report"]["summary"]["waived"],
            2,
            "{name}"
        );
    }
    assert_eq!(fleet.code, 0, "{}", fleet.stderr);
    let warnings: Vec<&str> = fleet.stderr.lines().collect();
    assert_eq!(
        warnings,
        ["warning: the waiver for logs.level matches no finding: delete it"]
    );
}

#[test]
fn every_format_names_every_target_and_ends_alike() {
    let place = Place::new();
    place.write("page.env", PAGE);
    place.write(
        "fleet.toml",
        list(&[
            "name = 'support'\nenv = 'page.env'",
            "name = 'sales'\nenv = 'nowhere.env'",
        ]),
    );
    for format in [
        "human",
        "json",
        "sarif",
        "junit",
        "gitlab",
        "markdown",
        "html",
        "prometheus",
        "ocsf",
    ] {
        let ended = place.line(&format!(
            "check --targets fleet.toml --only declared --format {format}"
        ));
        assert_eq!(ended.code, 1, "{format}: {}", ended.both());
        for name in ["support", "sales"] {
            assert!(ended.stdout.contains(name), "{format} does not name {name}");
        }
    }
}

#[test]
fn flags_and_defaults_of_other_runs_go_together_with_a_list() {
    let place = Place::new();
    place.write("page.env", PAGE);
    place.write("other.env", "WEB_API_KEY=x\n");
    place.write(
        "fleet.toml",
        list(&["env = 'page.env'", "env = 'other.env'"]),
    );
    place.write(
        "openclaw-sec.toml",
        "[check]\nenv = \"nowhere.env\"\nurl = \"https://bot.example\"\n",
    );
    let line =
        "--targets fleet.toml --only secrets.shared-between-environments --compare-env page.env";
    let fleet = Fleet::of(&place, line);
    assert_eq!(fleet.names(), ["page.env", "other.env"]);
    // Nobody shares secrets with itself.
    assert_eq!(
        fleet.code,
        if fleet.status("page.env") == "unknown" {
            3
        } else {
            0
        }
    );
    // And a list in the configuration gives way to an env file on the command line.
    place.write("openclaw-sec.toml", "[check]\ntargets = \"fleet.toml\"\n");
    let (report, _) = place.report("--env page.env --only declared");
    assert_eq!(report.document["schema"], json!("openclaw-sec/check/1"));
    let fleet = Fleet::of(&place, "--only declared");
    assert_eq!(fleet.names(), ["page.env", "other.env"]);
}

#[test]
fn this_machine_is_looked_at_once() {
    let place = Place::new();
    if place.shell("strace -V").code != 0 {
        skipped("strace is not installed");
        return;
    }
    let opened = |count: usize| {
        let targets: Vec<String> = (0..count)
            .map(|number| format!("env = '{number}.env'"))
            .collect();
        let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
        place.write("fleet.toml", list(&targets));
        let ended = place.shell(
            "strace -f -e trace=openat -o calls $B check --targets fleet.toml --only host -q",
        );
        assert_ne!(ended.code, 2, "{}", ended.both());
        String::from_utf8(place.read("calls")).unwrap()
    };
    for number in 0..5 {
        place.write(&format!("{number}.env"), HARDENED);
    }
    let (one, five) = (opened(1), opened(5));
    for file in [
        "\"/proc/stat\"",
        "\"/etc/systemd/system/timers.target.wants\"",
        "\"/proc/net/route\"",
        "\"/proc/net/tcp\"",
    ] {
        let count = |calls: &str| calls.lines().filter(|call| call.contains(file)).count();
        assert_eq!(count(&five), count(&one), "{file}");
    }
    assert!(one.contains("\"/proc/stat\""));
}

#[test]
fn a_person_sees_how_far_it_is_and_nothing_of_it_stays() {
    let place = Place::new();
    let servers = Servers::start(3, Manner::Silent);
    let targets: Vec<String> = (0..3)
        .map(|n| format!("name = 'bot-{n}'\nurl = '{}'", servers.url(n)))
        .collect();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    place.write("fleet.toml", list(&targets));
    let check =
        "$B check --targets fleet.toml --only live --timeout 4 --format json --output r.json";
    let seen = place
        .shell(&format!("script -qec \"{check}\" /dev/null"))
        .stdout;
    if seen.contains("not found") {
        skipped("script is not installed");
        return;
    }
    assert!(seen.contains("0 of 3 deployments"), "{seen:?}");
    assert!(seen.contains("slow: bot-"), "{seen:?}");
    assert!(
        seen.trim_end_matches('\n').ends_with("\r\u{1b}[K"),
        "{seen:?}"
    );
    let quiet = place
        .shell(&format!("script -qec \"{check} -q\" /dev/null"))
        .stdout;
    assert!(!quiet.contains("deployments"), "{quiet:?}");
}
