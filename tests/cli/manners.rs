//! Exit codes, streams, colours and secrecy: what every command owes its caller.

use super::support::{HARDENED, KEY, PAGE, Place};

#[test]
fn a_lost_stdout_never_ends_well_where_the_output_is_the_result() {
    let place = Place::with_env(PAGE);
    let cases = [
        ("$B keygen >&-", 4),
        ("$B keygen >/dev/full", 4),
        ("$B keygen --count 100000 >/dev/full", 4),
        (
            "$B keygen --count 100000 2>/dev/null | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}",
            4,
        ),
        ("$B keygen >/dev/null", 0),
        ("$B keygen 2>&-", 0),
        ("$B keygen --bytes 3 2>&-", 2),
        ("$B keygen <&-", 0),
        ("$B keygen --env k.env >&-", 0),
        ("$B keygen --output k.key >/dev/full", 0),
        ("$B check >&-", 4),
        ("$B check >/dev/full", 4),
        ("$B check --format json >/dev/full", 4),
        ("$B check --output /dev/full", 4),
        ("$B check --only declared 2>&-", 1),
        ("$B check --only declared >/dev/null 2>/dev/full", 1),
        ("$B check --list | true; exit ${PIPESTATUS[0]}", 0),
        ("$B check --only declared | true; exit ${PIPESTATUS[0]}", 0),
        ("$B --help >&-", 4),
        ("$B --help >/dev/full", 4),
        ("$B --version >/dev/full", 4),
        ("$B check --help | true; exit ${PIPESTATUS[0]}", 0),
        ("$B check --list >/dev/full", 4),
        ("$B check --explain logs.level >/dev/full", 4),
        ("$B nonsense >&- 2>&-", 2),
        ("$B check --env missing >&- 2>&- <&-", 2),
    ];
    for (script, code) in cases {
        let script = format!("set +o pipefail; trap '' PIPE; {script}");
        let ended = place.shell(&script);
        // A reader that is quick enough to see the whole output leaves nothing to complain about.
        let is_race = script.contains("| true") && [0, 1].contains(&ended.code);
        assert!(
            ended.code == code || is_race,
            "{script}: {} {}",
            ended.code,
            ended.both()
        );
        assert!(!ended.both().contains("panicked") && !ended.both().contains("internal error"));
    }
}

#[test]
fn usage_errors_end_with_two_and_change_nothing() {
    let place = Place::with_env(PAGE);
    let lines = [
        "",
        "nonsense",
        "keygen --nonsense",
        "keygen --bytes x",
        "keygen --bytes -1",
        "keygen --quiet --verbose",
        "check --fail-on bad",
        "check --only nonsense",
        "check --skip nonsense",
        "check --explain nonsense",
        "check --profile nonsense",
        "check --format nonsense",
        "check --timeout 0",
        "check --timeout -1",
        "check --timeout NaN",
        "check --timeout inf",
        "check --baseline missing.json",
        "check --compare-env missing.env",
        "check --openclaw-config missing.json",
        "check --format json --format human",
        "check --output a --output b",
        "check --format json --output a --format human --output a",
        "check --output .env",
        "check --output ./.env",
        "check --url not-a-url",
        "check --url ftp://bot.example",
        "check --url https://",
        "check --url https://localhost:1 --ca-file missing.pem",
        "check --url https://localhost:1 --connect-to nonsense",
        "check --url https://localhost:1 --auth-scheme nonsense",
        "check --key-name MISSING --url https://localhost:1",
        "check --url https:///localhost",
        "check --connect-to nonsense",
        "check --auth-scheme nonsense",
        "check --auth-path nonsense",
        "check --burst-path //nonsense",
    ];
    for line in lines {
        let ended = place.line(line);
        assert_eq!(ended.code, 2, "{line}: {}", ended.both());
        assert!(ended.stdout.is_empty(), "{line}: {}", ended.stdout);
        assert!(!ended.stderr.is_empty(), "{line}");
    }
    assert_eq!(place.read(".env"), PAGE.as_bytes());
    let files = place.all_files();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn flags_about_the_endpoint_say_that_they_need_one() {
    let place = Place::with_env(PAGE);
    let quiet = place.line("check --only declared --fail-on never");
    assert!(!quiet.stderr.contains("without --url"), "{}", quiet.stderr);
    let ended = place.line(
        "check --only declared --fail-on never --connect-to 127.0.0.1:1 --auth-path /x --active",
    );
    assert_eq!(ended.code, quiet.code, "{}", ended.both());
    let expected = "--connect-to, --auth-path, --active without --url: no endpoint is asked";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
}

#[test]
fn a_near_miss_is_told_the_right_word() {
    let place = Place::with_env(PAGE);
    let cases = [
        ("check --only rate-limits", "rate-limit"),
        ("check --explain logs.levle", "logs.level"),
        ("check --profile cloudflare-tunel", "cloudflare-tunnel"),
        ("check --skip declard", "declared"),
    ];
    for (line, word) in cases {
        let ended = place.line(line);
        assert!(
            ended.stderr.contains(&format!("did you mean {word}?")),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn colour_is_decided_for_each_stream_and_by_the_strongest_wish() {
    let place = Place::with_env(PAGE);
    type Case = (&'static str, &'static [(&'static str, &'static str)], bool);
    let cases: [Case; 11] = [
        ("auto", &[], false),
        ("always", &[], true),
        ("never", &[("CLICOLOR_FORCE", "1")], false),
        ("always", &[("NO_COLOR", "1")], true),
        ("always", &[("TERM", "dumb")], true),
        ("auto", &[("CLICOLOR_FORCE", "1")], true),
        ("auto", &[("CLICOLOR_FORCE", "0")], false),
        ("auto", &[("CLICOLOR_FORCE", "")], false),
        ("auto", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        ("auto", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")], true),
        ("auto", &[("TERM", "xterm-256color")], false),
    ];
    for (choice, variables, expected) in cases {
        let report = place.run_with(["check", "--color", choice], variables);
        assert_eq!(
            report.stdout.contains('\x1b'),
            expected,
            "{choice} {variables:?} stdout"
        );
        let error = place.run_with(["check", "--env", "x", "--color", choice], variables);
        assert_eq!(
            error.stderr.contains('\x1b'),
            expected,
            "{choice} {variables:?} stderr"
        );
    }
    // A report in a file, and data for programs, hold no escape code whatever is asked for.
    for line in [
        "check --color always --format json",
        "check --color always --format markdown",
        "keygen --color always",
    ] {
        assert!(!place.line(line).stdout.contains('\x1b'), "{line}");
    }
    place.line("check --color always --output report.txt");
    assert!(!place.read("report.txt").contains(&0x1b));
}

#[test]
fn only_the_stream_that_is_a_terminal_is_coloured() {
    let place = Place::with_env(PAGE);
    let script = |command: &str| format!("script -qec \"{command}\" /dev/null");
    let on_screen = place.shell(&script("env TERM=xterm $B check"));
    if on_screen.code == 127 {
        return;
    }
    assert!(on_screen.stdout.contains("\x1b["), "{}", on_screen.both());
    let dumb = place.shell(&script("env TERM=dumb $B check"));
    assert!(!dumb.stdout.contains('\x1b'));
    let piped = place.shell(&script("env TERM=xterm $B check 2>/dev/null | cat"));
    assert!(!piped.stdout.contains('\x1b'));
    let errors = place.shell(&script("env TERM=xterm $B check --env x 2>err.txt"));
    assert!(!errors.stdout.contains('\x1b'));
    assert!(!place.read("err.txt").contains(&0x1b));
    let reminder = place.shell(&script("env TERM=xterm $B keygen"));
    assert!(
        reminder.stdout.contains("on your screen"),
        "{}",
        reminder.stdout
    );
}

#[test]
fn a_key_on_the_command_line_is_never_repeated() {
    let place = Place::with_env(HARDENED);
    let keys = [
        KEY,
        "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUAA",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "3f9a61c07be2d4588a1c6e0d97f2b3c45e6d7f8091a2b3c4d5e6f708192a3b4c",
    ];
    let lines = [
        "K",
        "rotate K",
        "--K",
        "keygen K",
        "keygen --bytes K",
        "keygen --bytes=K",
        "keygen --count K",
        "keygen --encoding K",
        "keygen --prefix K",
        "keygen --env x.env --name K",
        "keygen --K",
        "keygen --K=1",
        "check K",
        "check --only K",
        "check --skip K",
        "check --explain K",
        "check --profile K",
        "check --format K",
        "check --fail-on K",
        "check --timeout K",
        "check --env K",
        "check --compare-env K",
        "check --baseline K",
        "check --openclaw-config K",
        "check --url K",
        "check --url https://user:K@bot.example",
        "check --url https://K@bot.example",
        "check --url https://localhost:1 --connect-to K",
        "check --url https://localhost:1 --auth-scheme K",
        "check --url https://localhost:1 --ca-file K",
        "check --url https://localhost:1 --key-name K",
        "--config K keygen",
        "--color K keygen",
        "check -K",
        "firewall K",
        "audit-tail K",
    ];
    let try_all = |key: &str| {
        for line in lines {
            let words = format!("-vvv {}", line.replace('K', key));
            let variables = [("RUST_BACKTRACE", "1"), ("RUST_LOG", "trace")];
            let ended = place.run_with(words.split_whitespace(), &variables);
            let part = &key[4..key.len().min(30)];
            assert!(!ended.both().contains(part), "{line}: {}", ended.both());
        }
    };
    std::thread::scope(|scope| {
        for key in keys {
            scope.spawn(|| try_all(key));
        }
    });
    let ended = place.line("check --url https://mia:hunter2@bot.example/x");
    assert!(!ended.both().contains("hunter2"), "{}", ended.both());
}

#[test]
fn an_interrupt_ends_with_130() {
    let place = Place::new();
    let script = "mkfifo p; sleep 120 > p & w=$!; $B check --env p & c=$!; sleep 0.4; kill -INT $c; wait $c; code=$?; kill $w; exit $code";
    // A background job of a shell without job control ignores SIGINT; `set -m` gives it back.
    let ended = place.shell(&format!("set -m; {script}"));
    assert_eq!(ended.code, 130, "{}", ended.both());
    assert!(!ended.both().contains("panicked"));
}

#[test]
fn the_help_names_every_command() {
    let place = Place::new();
    let help = place.line("--help").stdout;
    assert_eq!(place.line("help").stdout, help);
    let of_off = place.line("firewall off --help").stdout;
    assert_eq!(place.line("help firewall off").stdout, of_off);
    for command in ["keygen", "check", "rotate", "firewall", "audit-tail"] {
        assert!(help.contains(command), "{help}");
    }
    assert!(
        help.contains("Print firewall rules that are safe to pipe into sh"),
        "{help}"
    );
    assert!(place.line("--version").stdout.starts_with("openclaw-sec "));
}
