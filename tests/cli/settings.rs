//! Flags, variables and configuration files: which counts, and what is said about a wrong one.

use super::support::{HARDENED, KEY, Place};

const USER_FILE: &str = "../home/.config/openclaw-sec/config.toml";

/// The number of bytes of the key that `keygen` prints in hex.
fn bytes(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> usize {
    let mut words = vec!["keygen", "--encoding", "hex"];
    words.extend(arguments);
    let ended = place.run_with(words, variables);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.stdout.trim_end().len() / 2
}

#[test]
fn a_flag_beats_a_variable_beats_the_project_beats_the_user_beats_the_default() {
    let place = Place::new();
    let variable = [("OPENCLAW_SEC_BYTES", "20")];
    assert_eq!(bytes(&place, &[], &[]), 32);
    place.write(USER_FILE, "[keygen]\nbytes = 18\n");
    assert_eq!(bytes(&place, &[], &[]), 18);
    place.write("openclaw-sec.toml", "[keygen]\nbytes = 19\n");
    assert_eq!(bytes(&place, &[], &[]), 19);
    assert_eq!(bytes(&place, &[], &variable), 20);
    assert_eq!(bytes(&place, &["--bytes", "21"], &variable), 21);
    assert_eq!(bytes(&place, &["--bytes=21"], &variable), 21);
}

#[test]
fn config_replaces_the_project_file_and_the_user_file_stays_below_it() {
    let place = Place::new();
    place.write("openclaw-sec.toml", "[keygen]\nbytes = 19\ncount = 3\n");
    place.write(USER_FILE, "[keygen]\nbytes = 18\ncount = 2\n");
    place.write("other.toml", "[keygen]\nbytes = 30\n");
    for arguments in [
        vec!["--config", "other.toml", "keygen"],
        vec!["keygen", "--config=other.toml"],
    ] {
        let ended = place.run(arguments);
        assert_eq!(ended.stdout.lines().count(), 2, "{}", ended.stderr);
        assert_eq!(ended.stdout.lines().next().unwrap().len(), 40);
    }
    let ended = place.run_with(["keygen"], &[("OPENCLAW_SEC_CONFIG", "other.toml")]);
    assert_eq!(ended.stdout.lines().next().unwrap().len(), 40);
    let ended = place.line("--config missing.toml keygen");
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("missing.toml"), "{}", ended.stderr);
}

#[test]
fn a_variable_or_a_file_changes_the_flag_it_names_and_no_other() {
    let place = Place::new();
    place.write(
        "openclaw-sec.toml",
        "[keygen]\nencoding = \"hex\"\nbytes = 16\n",
    );
    let cases: [(&str, usize); 6] = [
        ("keygen", 33),
        ("keygen --bytes 17", 35),
        ("keygen --count 2", 66),
        ("keygen --encoding base64", 25),
        ("keygen --prefix ab", 3 + 22 + 6 + 1),
        ("keygen --output key", 0),
    ];
    for (line, length) in cases {
        let ended = place.line(line);
        assert_eq!(ended.code, 0, "{line}: {}", ended.stderr);
        assert_eq!(ended.stdout.len(), length, "{line}: {}", ended.stdout);
    }
    assert!(!place.path("ab").exists());
}

#[test]
fn a_flag_puts_aside_a_variable_that_excludes_it() {
    let place = Place::new();
    let variables = [("OPENCLAW_SEC_ENV", "some.env")];
    let ended = place.run_with(["keygen", "--output", "key"], &variables);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(place.path("key").exists() && !place.path("some.env").exists());
    let ended = place.run_with(["-v", "keygen"], &[("OPENCLAW_SEC_QUIET", "true")]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn switches_take_the_words_that_people_write() {
    let place = Place::with_env("A=1\n");
    for (word, is_quiet) in [
        ("1", true),
        ("true", true),
        ("YES", true),
        ("0", false),
        ("off", false),
    ] {
        let variables = [("OPENCLAW_SEC_QUIET", word)];
        let ended = place.run_with(["keygen", "--env", "a.env", "--replace"], &variables);
        assert_eq!(ended.code, 0, "{word}: {}", ended.stderr);
        assert_eq!(
            ended.stderr.is_empty(),
            is_quiet,
            "{word}: {}",
            ended.stderr
        );
    }
    let ended = place.run_with(["keygen"], &[("OPENCLAW_SEC_QUIET", "perhaps")]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("OPENCLAW_SEC_QUIET"),
        "{}",
        ended.stderr
    );
}

#[test]
fn lists_and_global_flags_come_from_files_too() {
    let place = Place::with_env("A=1\n");
    let text = "color = \"always\"\n[check]\nonly = [\"auth.web-api-key-missing\", \"logs.level\"]\nfail-on = \"never\"\nformat = \"markdown\"\n";
    place.write("openclaw-sec.toml", text);
    let ended = place.line("check");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with("# openclaw-sec check"),
        "{}",
        ended.stdout
    );
    let ended = place.line("check --format json");
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["results"].as_array().unwrap().len(), 2);
    let ended = place.line("check --env missing");
    assert!(ended.stderr.starts_with("\x1b["), "{:?}", ended.stderr);
}

#[test]
fn a_wrong_value_is_told_by_the_file_that_holds_it() {
    let place = Place::with_env("A=1\n");
    let text = "[firewall]\nformat = \"nft\"\n[check]\nformat = \"json\"\nfail-on = \"hunter2\"\n";
    place.write("openclaw-sec.toml", text);
    let ended = place.line("check");
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("comes from openclaw-sec.toml:5"),
        "{}",
        ended.stderr
    );
    assert!(!ended.both().contains("hunter2"), "{}", ended.both());
}

#[test]
fn what_no_flag_knows_is_an_error_with_the_nearest_name() {
    let place = Place::new();
    let cases = [
        ("colour = \"always\"\n", "unknown key `colour`", "`color`"),
        (
            "[keygen]\n\nbyts = 16\n",
            ":3: unknown key `keygen.byts`",
            "`bytes`",
        ),
        ("[chekc]\nbytes = 16\n", "unknown key `chekc`", "`check`"),
        (
            "[network]\noperator-tailnets = \"x\"\n",
            "operator-tailnets",
            "`operator-tailnet`",
        ),
        (
            "[[waiver]]\nid = \"logs.level\"\nreasons = \"x\"\n",
            "waiver.reasons",
            "`reason`",
        ),
        ("[check]\nlist = true\n", "unknown key `check.list`", ""),
        (
            "fail_on = \"low\"\n",
            "unknown key `fail_on`",
            "`check.fail-on`",
        ),
        (
            "[check]\nfail_on = \"low\"\n",
            "`check.fail_on`",
            "`fail-on`",
        ),
        ("[check]\ncolor = \"never\"\n", "`check.color`", "`color`"),
        ("[network]\nzz = 1\n", "`network.zz`", "`operator-tailnet`"),
        (
            "[[waivers]]\nid = \"x\"\n",
            "unknown key `waivers`",
            "`waiver`",
        ),
        ("zzz = 1\n", "unknown key `zzz`", "did you mean `"),
    ];
    for (text, key, nearest) in cases {
        place.write("openclaw-sec.toml", text);
        let ended = place.line("keygen");
        assert_eq!(ended.code, 2, "{text}");
        assert!(ended.stdout.is_empty());
        let says_both = ended.stderr.contains(key) && ended.stderr.contains(nearest);
        assert!(
            says_both && ended.stderr.contains("openclaw-sec.toml"),
            "{}",
            ended.stderr
        );
    }
    place.write("openclaw-sec.toml", "[check]\nlist = true\n");
    let ended = place.line("check");
    assert!(!ended.stderr.contains("did you mean"), "{}", ended.stderr);
    for reason in [" ", "\u{200b}", "\u{a0}\u{2060}"] {
        let waiver = format!(
            "[[waiver]]\nid = \"logs.level\"\nreason = \"{reason}\"\nexpires = 2026-01-01\n"
        );
        place.write("openclaw-sec.toml", waiver);
        let ended = place.line("check");
        assert_eq!(ended.code, 2, "{reason:?}");
        assert!(ended.stderr.contains("blank"), "{}", ended.stderr);
    }
    assert_eq!(place.line("--help").code, 0, "help comes even so");
}

#[test]
fn a_broken_file_is_told_by_its_place_and_never_quoted() {
    let place = Place::new();
    let cases = [
        "[keygen]\nbytes = \"hunter2-hunter2\n",
        "[keygen]\nprefix = hunter2-hunter2\n",
        "hunter2-hunter2 = = 1\n",
        "[keygen]\nbytes = 1\nbytes = \"hunter2-hunter2\"\n",
        "[keygen]\nbytes = \"hunter2-hunter2\"\n",
        "[[waiver]]\nid = \"hunter2-hunter2\"\nreason = \"x\"\nexpires = 2020-01-01\n",
        "[[waiver]]\nid = \"logs.level\"\nreason = \"x\"\nexpires = \"hunter2-hunter2\"\n",
        "waiver = \"hunter2-hunter2\"\n",
        "color = [[\"hunter2-hunter2\"]]\n",
        "\u{0}\u{1}hunter2-hunter2",
    ];
    for text in cases {
        place.write("openclaw-sec.toml", text);
        let ended = place.line("keygen");
        assert_eq!(ended.code, 2, "{text}: {}", ended.stdout);
        assert!(
            !ended.stderr.contains("hunter2"),
            "{text}: {}",
            ended.stderr
        );
        assert!(!ended.stderr.is_empty(), "{text}");
    }
    std::fs::remove_file(place.path("openclaw-sec.toml")).unwrap();
    std::fs::create_dir(place.path("openclaw-sec.toml")).unwrap();
    assert_eq!(place.line("keygen").code, 2);
}

#[test]
fn no_setting_reaches_the_randomness() {
    let place = Place::new();
    let variables = [
        ("OPENCLAW_SEC_SEED", "1"),
        ("OPENCLAW_SEC_RANDOM", "1"),
        ("RUST_SEED", "1"),
        ("SOURCE_DATE_EPOCH", "1"),
    ];
    let keys: Vec<String> = (0..2)
        .map(|_| place.run_with(["keygen"], &variables).stdout)
        .collect();
    assert_ne!(keys[0], keys[1]);
    let ended = place.run_with(["keygen"], &[("OPENCLAW_SEC_BYTES", KEY)]);
    assert_eq!(ended.code, 2);
    assert!(!ended.stderr.contains(KEY), "{}", ended.stderr);
}

#[test]
fn a_list_in_a_variable_is_parted_by_commas_and_an_empty_one_counts_for_nothing() {
    let place = Place::with_env(HARDENED);
    let variables = [
        ("OPENCLAW_SEC_ONLY", "auth.web-api-key-weak, logs.level"),
        ("OPENCLAW_SEC_FORMAT", "json"),
        ("OPENCLAW_SEC_SKIP", ""),
        ("OPENCLAW_SEC_QUIET", ""),
    ];
    let ended = place.run_with(["check"], &variables);
    assert_eq!(ended.code, 0, "{}", ended.both());
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let results = report["results"].as_array().unwrap();
    let ids: Vec<_> = results.iter().map(|result| &result["id"]).collect();
    assert_eq!(ids, ["auth.web-api-key-weak", "logs.level"]);

    let packet = "firewall explain --proto tcp --from 203.0.113.9 --port";
    let allowed = "tcp/8443,from=203.0.113.0/24 tcp/9000";
    for port in ["8443", "9000"] {
        let words = format!("{packet} {port}");
        let ended = place.run_with(words.split(' '), &[("OPENCLAW_SEC_ALLOW", allowed)]);
        assert!(ended.stdout.starts_with("accept"), "{}", ended.both());
    }
}

#[test]
fn a_missing_flag_comes_from_nowhere() {
    let ended = Place::new().line("firewall explain");
    assert_eq!(ended.code, 2);
    assert!(!ended.stderr.contains("comes from"), "{}", ended.stderr);
}

#[test]
fn flags_of_subcommands_are_settings_too() {
    let place = Place::with_env(HARDENED.replace("WEB_API_KEY", "OPENAI_API_KEY"));
    place.shell("touch -d '30 days ago' .env");
    assert_eq!(place.line("rotate due").code, 0);
    place.write("openclaw-sec.toml", "[rotate]\nmax-age = 20\n");
    let ended = place.line("rotate due");
    assert_eq!(ended.code, 1, "{}", ended.both());
    place.write("openclaw-sec.toml", "[rotate]\nmax-ag = 20\n");
    let ended = place.line("rotate due");
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("`max-age`"), "{}", ended.stderr);
}
