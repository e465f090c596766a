//! Tests: what each declared check says about an env file, as tables of situations.

use super::fixtures::{evidence, evidence_beside, said, sentences};
use super::*;

/// 256 random bits.
const STRONG: &str = "mN3vQ8xKp2LrT7wYc5ZsB9dFhG4jV6aUeX1tRiOqWlE=";
const LIMITS: &str = "RATE_LIMIT_ENABLED=true
RATE_LIMIT_REQUESTS=100
RATE_LIMIT_WINDOW=60000
RATE_LIMIT_PER_USER=50
RATE_LIMIT_PER_IP=100
";

/// Each situation is an env file that is judged by one check.
fn table(id: &str, cases: &[(&str, &str)]) {
    for (env, expected) in cases {
        assert_eq!(said(id, &evidence(env)), *expected, "{id}: {env}");
    }
}

/// The same with the limits of the page's example before it; the last assignment counts.
fn table_of_limits(id: &str, cases: &[(&str, &str)]) {
    for (env, expected) in cases {
        let env = format!("{LIMITS}{env}");
        assert_eq!(said(id, &evidence(&env)), *expected, "{id}: {env}");
    }
}

#[test]
fn a_switch_is_on_when_it_says_true() {
    for (id, name) in [
        ("https.force-https-off", "FORCE_HTTPS"),
        ("rate-limit.disabled", "RATE_LIMIT_ENABLED"),
        ("logs.security-events-off", "LOG_SECURITY_EVENTS"),
        ("logs.audit-off", "ENABLE_AUDIT_LOG"),
    ] {
        for value in ["true", "TRUE", "\"True\""] {
            assert_eq!(said(id, &evidence(&format!("{name}={value}"))), "pass");
        }
        let failed = format!("fail {name}");
        for value in ["1", "yes", "on", "false", "truee", ""] {
            assert_eq!(said(id, &evidence(&format!("{name}={value}"))), failed);
        }
        assert_eq!(said(id, &evidence("")), failed);
        assert_eq!(said(id, &evidence("OPENCLAW_GATEWAY_TOKEN=x")), "skipped");
        let both = format!("OPENCLAW_GATEWAY_TOKEN=x\n{name}=false");
        assert_eq!(said(id, &evidence(&both)), failed);
    }
}

#[test]
fn without_an_env_file_every_declared_check_is_skipped_or_unknown() {
    let mut nothing = evidence("");
    nothing.declared = None;
    for check in checks().filter(|check| check.kind == Kind::Declared) {
        for word in said(check.id, &nothing).split(", ") {
            assert!(
                ["skipped", "unknown"].contains(&word),
                "{} {word}",
                check.id
            );
        }
    }
}

#[test]
fn a_limit_is_a_plain_number_above_zero() {
    const WINDOW: &str = "fail RATE_LIMIT_WINDOW";
    let failed = |why: &str| format!("{WINDOW} {why}");
    let plain = failed("is not a plain decimal number");
    let large = failed("is larger than 2^53, which JavaScript cannot hold");
    table_of_limits(
        "rate-limit.invalid",
        &[
            ("", "pass"),
            ("RATE_LIMIT_WINDOW=0", &failed("is zero")),
            ("RATE_LIMIT_WINDOW=000", &failed("is zero")),
            ("RATE_LIMIT_WINDOW=", &failed("is empty")),
            ("RATE_LIMIT_WINDOW=1e3", &plain),
            ("RATE_LIMIT_WINDOW=-1", &plain),
            ("RATE_LIMIT_WINDOW=60_000", &plain),
            ("RATE_LIMIT_WINDOW=9007199254740992", "pass"),
            ("RATE_LIMIT_WINDOW=9007199254740993", &large),
            (
                "RATE_LIMIT_WINDOW=99999999999999999999999999999999999999999",
                &large,
            ),
            ("RATE_LIMIT_WINDOW=60000 # 1 minute", &failed("comment")),
            ("RATE_LIMIT_WINDOW=' 60000 '", &plain),
            (
                "RATE_LIMIT_PER_IP=x\nRATE_LIMIT_PER_USER=0",
                "fail RATE_LIMIT_PER_USER is zero, fail RATE_LIMIT_PER_IP is not a plain decimal number",
            ),
            ("RATE_LIMIT_ENABLED=false\nRATE_LIMIT_WINDOW=x", "skipped"),
        ],
    );
}

#[test]
fn more_than_1000_requests_a_minute_or_a_window_under_a_second_limit_nobody() {
    table_of_limits(
        "rate-limit.lenient",
        &[
            ("", "pass"),
            ("RATE_LIMIT_REQUESTS=1000", "pass"),
            ("RATE_LIMIT_REQUESTS=1001", "fail requests"),
            ("RATE_LIMIT_WINDOW=5999", "fail requests"),
            ("RATE_LIMIT_WINDOW=6000", "pass"),
            ("RATE_LIMIT_REQUESTS=1\nRATE_LIMIT_WINDOW=1000", "pass"),
            (
                "RATE_LIMIT_REQUESTS=1\nRATE_LIMIT_WINDOW=999",
                "fail window",
            ),
            ("RATE_LIMIT_REQUESTS=1\nRATE_LIMIT_WINDOW=60", "fail window"),
            // 2^53 requests a minute would overflow 64 bits.
            ("RATE_LIMIT_REQUESTS=9007199254740992", "fail requests"),
            ("RATE_LIMIT_REQUESTS=x", "skipped"),
            ("RATE_LIMIT_WINDOW=x", "skipped"),
            ("RATE_LIMIT_ENABLED=yes", "skipped"),
        ],
    );
    table(
        "rate-limit.lenient",
        &[
            ("RATE_LIMIT_ENABLED=true", "unknown"),
            ("RATE_LIMIT_ENABLED=true\nRATE_LIMIT_REQUESTS=5", "unknown"),
            (
                "RATE_LIMIT_ENABLED=true\nRATE_LIMIT_WINDOW=60",
                "fail window",
            ),
        ],
    );
    let sentence = |env: &str| sentences("rate-limit.lenient", &evidence(env));
    assert_eq!(sentence(LIMITS), "the limit allows 100 requests a minute");
    let unset = sentence("RATE_LIMIT_ENABLED=true\nRATE_LIMIT_REQUESTS=5");
    assert!(unset.starts_with("RATE_LIMIT_WINDOW is not set"), "{unset}");
}

#[test]
fn each_client_has_a_limit_and_the_two_fit_each_other() {
    table(
        "rate-limit.per-client-missing",
        &[
            (LIMITS, "pass"),
            (
                "RATE_LIMIT_ENABLED=true\nRATE_LIMIT_PER_USER=5",
                "fail RATE_LIMIT_PER_IP",
            ),
            (
                "RATE_LIMIT_ENABLED=true\nRATE_LIMIT_PER_IP=5",
                "fail RATE_LIMIT_PER_USER",
            ),
            (
                "RATE_LIMIT_ENABLED=true",
                "fail RATE_LIMIT_PER_USER RATE_LIMIT_PER_IP",
            ),
            ("RATE_LIMIT_ENABLED=false", "skipped"),
        ],
    );
    table_of_limits(
        "rate-limit.inconsistent",
        &[
            ("", "pass"),
            ("RATE_LIMIT_PER_USER=100", "pass"),
            ("RATE_LIMIT_PER_USER=101", "fail per user above per address"),
            ("RATE_LIMIT_PER_USER=x", "skipped"),
            ("RATE_LIMIT_PER_IP=0", "skipped"),
            ("RATE_LIMIT_ENABLED=off", "skipped"),
        ],
    );
}

#[test]
fn a_limit_is_promised_when_both_numbers_stand_in_a_file_that_counts() {
    let promised = |env: &str| declared_limit(&evidence(env));
    let limit = promised(LIMITS).unwrap();
    assert_eq!((limit.requests, limit.window.as_millis()), (100, 60_000));
    for (env, why) in [
        ("", "RATE_LIMIT_ENABLED is not true"),
        ("OPENCLAW_GATEWAY_TOKEN=x", "stock OpenClaw does not read"),
        ("RATE_LIMIT_ENABLED=true", "RATE_LIMIT_REQUESTS is not set"),
        (
            "RATE_LIMIT_ENABLED=true\nRATE_LIMIT_REQUESTS=0",
            "RATE_LIMIT_REQUESTS is zero",
        ),
        (
            "RATE_LIMIT_ENABLED=true\nRATE_LIMIT_REQUESTS=1",
            "RATE_LIMIT_WINDOW is not set",
        ),
    ] {
        let reason = promised(env).unwrap_err();
        assert!(reason.starts_with(why), "{env}: {reason}");
    }
    let mut nothing = evidence("");
    nothing.declared = None;
    assert!(
        declared_limit(&nothing)
            .unwrap_err()
            .starts_with("no env file")
    );
}

#[test]
fn a_log_level_shows_events_and_no_internals() {
    for (levels, expected) in [
        ("silent off none error fatal critical ERROR", "fail hides"),
        ("trace debug verbose Debug", "fail leaks"),
        ("info INFO notice warn warning", "pass"),
        ("loud 3 inf", "fail unknown word"),
    ] {
        for level in levels.split(' ') {
            let env = format!("LOG_LEVEL={level}");
            assert_eq!(said("logs.level", &evidence(&env)), expected, "{level}");
        }
    }
    table("logs.level", &[("", "pass"), ("LOG_LEVEL=", "pass")]);
    let sentence = |env| sentences("logs.level", &evidence(env));
    assert_ne!(sentence("LOG_LEVEL=warn"), sentence("LOG_LEVEL=info"));
}

#[test]
fn an_audit_trail_that_is_on_has_a_place() {
    table(
        "logs.audit-path-missing",
        &[
            ("ENABLE_AUDIT_LOG=true\nAUDIT_LOG_PATH=/x", "pass"),
            ("ENABLE_AUDIT_LOG=true", "fail AUDIT_LOG_PATH"),
            (
                "ENABLE_AUDIT_LOG=true\nAUDIT_LOG_PATH=",
                "fail AUDIT_LOG_PATH",
            ),
            ("ENABLE_AUDIT_LOG=1", "skipped"),
            ("", "skipped"),
        ],
    );
}

#[test]
fn a_key_of_the_web_ui_is_set_in_one_of_its_places() {
    let missing = "auth.web-api-key-missing";
    table(
        missing,
        &[
            ("WEB_API_KEY=x", "pass"),
            ("OPENCLAW_GATEWAY_TOKEN=x", "pass"),
            ("OPENCLAW_GATEWAY_PASSWORD=x", "pass"),
            ("", "fail no key"),
            ("WEB_API_KEY=", "fail no key"),
            ("WEB_API_KEY=x\nWEB_API_KEY=", "fail no key"),
            ("OPENCLAW_TOKEN=x", "fail no key"),
        ],
    );
    for (env, json, expected) in [
        (
            "",
            "{}",
            "no key for the web UI is set: neither WEB_API_KEY nor OPENCLAW_GATEWAY_TOKEN or OPENCLAW_GATEWAY_PASSWORD",
        ),
        (
            "",
            "{gateway:{auth:{token:'${T}'}}}",
            "set: gateway.auth.token",
        ),
        (
            "",
            "{gateway:{auth:{password:{id:'P'}}}}",
            "set: gateway.auth.password",
        ),
        (
            "",
            "{gateway:{auth:{token:'a',password:'b'}}}",
            "set: gateway.auth.token, gateway.auth.password",
        ),
        (
            "WEB_API_KEY=x",
            "{gateway:{auth:{token:'a'}}}",
            "set: WEB_API_KEY, gateway.auth.token",
        ),
        (
            "",
            "{env:{vars:{OPENCLAW_GATEWAY_TOKEN:'a'}}}",
            "set: env.vars.OPENCLAW_GATEWAY_TOKEN",
        ),
    ] {
        assert_eq!(
            sentences(missing, &evidence_beside(env, json)),
            expected,
            "{json}"
        );
    }
}

#[test]
fn a_key_that_can_be_guessed_is_weak_and_says_why() {
    let sentence = |env: &str| sentences("auth.web-api-key-weak", &evidence(env));
    for (value, expected) in [
        (STRONG, "every key that is set is long and random enough"),
        // 22 characters of base64url hold 16 random bytes.
        (
            "kX9vQ2mZr7LpT4wYc8JsBg",
            "every key that is set is long and random enough",
        ),
        (
            "kX9vQ2mZr7LpT4wYc8JsB",
            "WEB_API_KEY is shorter than 22 characters",
        ),
        ("hunter2", "WEB_API_KEY is shorter than 22 characters"),
        (
            "9f3a71c85e0d26b4a9c7e1",
            "WEB_API_KEY holds less than 128 bits of randomness",
        ),
        (
            "correct-horse-battery-staple",
            "WEB_API_KEY is made of words, runs or repetitions",
        ),
        (
            "your-secret-key-here",
            "the key is a placeholder: see secrets.placeholder",
        ),
        ("", "no key is set here"),
    ] {
        assert_eq!(sentence(&format!("WEB_API_KEY={value}")), expected);
    }
    let strong_and_weak = format!("WEB_API_KEY={STRONG}\nOPENCLAW_GATEWAY_TOKEN=hunter2");
    assert_eq!(
        sentence(&strong_and_weak),
        "OPENCLAW_GATEWAY_TOKEN is shorter than 22 characters"
    );
}

#[test]
fn a_weak_key_is_mended_where_it_stands() {
    let remedy = |evidence: Evidence| {
        let verdicts = (find("auth.web-api-key-weak").unwrap().judge)(&evidence);
        let [Verdict::Fail(finding)] = verdicts.as_slice() else {
            panic!("{verdicts:?}")
        };
        finding.remediation.clone().unwrap_or_default()
    };
    assert_eq!(remedy(evidence("WEB_API_KEY=hunter2")), "");
    let token = remedy(evidence("OPENCLAW_GATEWAY_TOKEN=hunter2"));
    assert!(token.contains("--name OPENCLAW_GATEWAY_TOKEN"), "{token}");
    let json = remedy(evidence_beside("", "{gateway:{auth:{token:'hunter2'}}}"));
    assert!(json.contains("into gateway.auth.token"), "{json}");
    let variable = remedy(evidence_beside(
        "",
        "{env:{vars:{OPENCLAW_GATEWAY_TOKEN:'hunter2'}}}",
    ));
    assert!(
        variable.contains("into env.vars.OPENCLAW_GATEWAY_TOKEN"),
        "{variable}"
    );
}

#[test]
fn secrets_of_openclaw_s_configuration_are_judged_like_the_env_file_s() {
    let openai = format!("sk-proj-{}", "aB3dE5gH7jK9mN1pQ".repeat(4));
    for (id, env, json, expected) in [
        (
            "secrets.reused",
            "WEB_API_KEY=q8Zt0v",
            "{gateway:{auth:{token:'q8Zt0v'}}}".to_owned(),
            "fail WEB_API_KEY gateway.auth.token",
        ),
        (
            "secrets.reused",
            "",
            "{gateway:{auth:{token:'q8Zt0v',password:'q8Zt0v'}}}".to_owned(),
            "fail gateway.auth.password gateway.auth.token",
        ),
        // The same secret in two of its places.
        (
            "secrets.reused",
            "OPENCLAW_GATEWAY_TOKEN=q8Zt0v\nGROQ_API_KEY=q7",
            "{gateway:{auth:{token:'q8Zt0v'}},env:{vars:{GROQ_API_KEY:'q7'}}}".to_owned(),
            "pass",
        ),
        (
            "secrets.reused",
            "",
            "{gateway:{auth:{token:'${A}',password:'${A}'}}}".to_owned(),
            "pass",
        ),
        (
            "secrets.placeholder",
            "",
            "{env:{vars:{GROQ_API_KEY:'changeme',MODE:'changeme'}}}".to_owned(),
            "fail env.vars.GROQ_API_KEY",
        ),
        (
            "secrets.malformed-key",
            "",
            format!("{{env:{{vars:{{ANTHROPIC_API_KEY:'{openai}'}}}}}}"),
            "fail env.vars.ANTHROPIC_API_KEY",
        ),
    ] {
        assert_eq!(said(id, &evidence_beside(env, &json)), expected, "{json}");
    }
    let mut evidence = evidence_beside("", "{gateway:{auth:{token:'q8Zt0v'}}}");
    let shared = "secrets.shared-between-environments";
    assert_eq!(said(shared, &evidence), "skipped");
    let other = crate::env_file::EnvFile::parse("OTHER=q8Zt0v");
    evidence.compared = vec![super::Declared::new("dev.env".into(), None, other)];
    let expected = "fail gateway.auth.token dev.env OTHER";
    assert_eq!(said(shared, &evidence), expected);
}

#[test]
fn beside_a_base_url_a_key_of_another_shape_may_be_right() {
    for (env, base_url) in [
        ("OPENAI_API_KEY=ollama-local", None),
        (
            "OPENAI_API_KEY=ollama-local\nGROQ_BASE_URL=http://127.0.0.1",
            None,
        ),
        ("OPENAI_API_KEY=ollama-local\nOPENAI_BASE_URL=", None),
        (
            "OPENAI_API_KEY=ollama-local\nOPENAI_BASE_URL=http://127.0.0.1:11434/v1",
            Some("OPENAI_BASE_URL"),
        ),
        (
            "OPENAI_API_KEY=ollama-local\nOPENAI_API_BASE=https://u:q8Zt0v@llm.example",
            Some("OPENAI_API_BASE"),
        ),
    ] {
        let check = find("secrets.malformed-key").unwrap();
        let results = (check.judge)(&evidence(env));
        let [Verdict::Fail(finding)] = results.as_slice() else {
            panic!("{env}")
        };
        let named = finding.evidence.get("base_url_variable");
        assert_eq!(named.and_then(|name| name.as_str()), base_url, "{env}");
        let remedy = finding.remediation.as_deref().unwrap_or_default();
        assert_eq!(remedy.contains("[[waiver]]"), base_url.is_some(), "{env}");
        assert!(!remedy.contains("q8Zt0v"), "{env}");
    }
}

#[test]
fn files_counts_and_words_for_yes_are_no_secrets_whatever_their_variable_is_called() {
    let env = "TLS_PRIVATE_KEY=/etc/ssl/private/bot.example.key
SSL_KEY=/run/secrets/ssl_key
TS_AUTHKEY=file:/run/secrets/ts_authkey
A_TOKEN=true
B_TOKEN=true
MAX_TOKEN=4096
MIN_TOKEN=4096
SSH_KEY=/home/me/.ssh/id_ed25519
GIT_KEY=/home/me/.ssh/id_ed25519
";
    let mut evidence = evidence(env);
    assert_eq!(said("secrets.placeholder", &evidence), "pass");
    assert_eq!(said("secrets.reused", &evidence), "pass");
    let other = fixtures::evidence(env).declared;
    evidence.compared.extend(other);
    assert_eq!(
        said("secrets.shared-between-environments", &evidence),
        "pass"
    );
    let declared = evidence.declared.as_ref().unwrap();
    let searched = crate::scan::worth_a_search(declared.file.assignments());
    assert!(searched.is_empty(), "{searched:?}");
    // What no output may show stays hidden all the same.
    assert_eq!(declared.values_to_hide().count(), 9);
    let configured = evidence_beside(
        "",
        "{env:{vars:{X_KEY:'/run/secrets/x.example',Y_TOKEN:'4096'}}}",
    );
    assert_eq!(configured.configured_secrets().count(), 0);
    assert_eq!(said("secrets.placeholder", &configured), "pass");
}
