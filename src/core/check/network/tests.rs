//! Tests: lists of origins and proxies, tailnets and webhooks, as tables of situations.

use super::super::fixtures::{evidence, evidence_beside, said, sentences};
use super::*;

#[test]
fn proxies_are_read_strictly() {
    let invalid = [
        "",
        "10.0.0.1/8",
        "010.0.0.0/8",
        "10.0.0.0/08",
        "10.0.0.0/33",
        "10.0.0.0 172.16.0.0",
        "10.0.0.0/8 ",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "10.0.0.0/00",
        "a;b",
        "proxy",
        "::1/200",
        "10.0.0.0/08x",
    ];
    for entry in invalid {
        assert!(complaint(entry).is_some(), "{entry}");
    }
    for entry in [
        "10.0.0.0/8",
        "0.0.0.0/0",
        "192.0.2.7",
        "2001:db8::/48",
        "::1",
    ] {
        assert_eq!(complaint(entry), None, "{entry}");
    }
}

#[test]
fn breadth_is_about_the_public_internet() {
    let cases = [
        ("0.0.0.0/0", true),
        ("0.0.0.0/1", true),
        ("128.0.0.0/1", true),
        ("::/0", true),
        ("10.0.0.0/7", true),
        ("203.0.0.0/15", true),
        ("203.0.0.0/16", false),
        ("2001:db8::/31", true),
        ("2001:db8::/32", false),
        ("10.0.0.0/8", false),
        ("172.16.0.0/12", false),
        ("100.64.0.0/10", false),
        ("fd00::/8", false),
        ("104.16.0.0/13", false),
        ("2a06:98c0::/29", false),
        ("104.16.0.0/12", true),
        ("::ffff:0.0.0.0/96", true),
        ("::ffff:10.0.0.0/104", false),
        // Every IPv4 address, mapped, lies in these.
        ("::/64", true),
        ("::/80", true),
        ("::/96", false),
    ];
    for (text, expected) in cases {
        assert_eq!(
            network(text).as_ref().map(is_too_broad),
            Some(expected),
            "{text}"
        );
    }
}

#[test]
fn tailnets_are_found_inside_values() {
    let found: Vec<String> =
        tailnet_hosts("https://bot.tail1234.ts.net:443/x,db.example.com").collect();
    assert_eq!(found, ["tail1234"]);
    assert_eq!(tailnet_name("Tail1234.ts.net"), "tail1234");
}

#[test]
fn webhooks_must_be_public_and_https() {
    let cases = [
        ("https://bot.example.com/hook", None),
        ("http://bot.example.com/hook", Some("is not https")),
        (
            "https://bot.tail1.ts.net/hook",
            Some("points into a tailnet"),
        ),
        (
            "https://100.100.1.1/",
            Some("points to an address that is not public"),
        ),
        (
            "https://[fd7a:115c:a1e0::1]/",
            Some("points to an address that is not public"),
        ),
        (
            "https://[::ffff:192.168.1.1]/",
            Some("points to an address that is not public"),
        ),
        (
            "https://127.0.0.1/",
            Some("points to an address that is not public"),
        ),
        ("https://localhost/", Some("points to a local name")),
        ("https://bot.localhost/", Some("points to a local name")),
        ("https://bot.local/", Some("points to a local name")),
        ("https://bot.internal./", Some("points to a local name")),
        ("https://localhost.example/", None),
        (
            "https://0.0.0.0/",
            Some("points to an address that is not public"),
        ),
        (
            "https://[::1]/",
            Some("points to an address that is not public"),
        ),
        (
            "https://[::]/",
            Some("points to an address that is not public"),
        ),
        (
            "https://[fe80::1]/",
            Some("points to an address that is not public"),
        ),
        (
            "https://169.254.1.1/",
            Some("points to an address that is not public"),
        ),
        ("https://[2001:db8::1]/", None),
        ("https://203.0.113.9/", None),
    ];
    for (text, expected) in cases {
        assert_eq!(
            webhook_fault(&Url::parse(text).unwrap()),
            expected,
            "{text}"
        );
    }
}

/// Each situation is an env file that is judged by one check.
fn table(id: &str, cases: &[(&str, &str)]) {
    for (env, expected) in cases {
        assert_eq!(said(id, &evidence(env)), *expected, "{id}: {env}");
    }
}

#[test]
fn origins_are_named_and_https() {
    table(
        "network.cors-wildcard",
        &[
            ("CORS_ORIGINS=*", "fail *"),
            ("CORS_ORIGINS=https://a.example, *", "fail *"),
            ("CORS_ORIGINS=https://*.example", "pass"),
            ("CORS_ORIGINS=\"https://a.example *\"", "fail *"),
            ("CORS_ORIGINS=https://a.example;*", "fail *"),
            ("CORS_ORIGINS=[\"https://a.example\", \"*\"]", "fail *"),
            ("CORS_ORIGINS=['*']", "fail *"),
            ("CORS_ORIGINS=https://*", "fail https://*"),
            (
                "CORS_ORIGINS=HTTPS://*:443/,*",
                "fail *, fail https://*:443",
            ),
            ("CORS_ORIGINS=https://user:hunter2@*", "fail https://*"),
            ("CORS_ORIGINS=https://a.example", "pass"),
            ("CORS_ORIGINS=", "skipped"),
            ("", "skipped"),
            ("OPENCLAW_GATEWAY_TOKEN=x", "skipped"),
        ],
    );
    table(
        "network.cors-insecure-origin",
        &[
            ("CORS_ORIGINS=https://a.example", "pass"),
            ("CORS_ORIGINS=null", "fail null null"),
            ("CORS_ORIGINS=NULL", "fail null null"),
            (
                "CORS_ORIGINS='https://a.example;http://b.example'",
                "fail http b.example",
            ),
            (
                "CORS_ORIGINS=[\"http://b.example:80\"]",
                "fail http b.example:80",
            ),
            ("CORS_ORIGINS=http://[::1]:3000", "fail http [::1]:3000"),
            (
                "CORS_ORIGINS=http://mia:hunter2@b.example/x",
                "fail http b.example",
            ),
            (
                "CORS_ORIGINS=https://a.example,HTTP://b.example , null",
                "fail http b.example, fail null null",
            ),
            ("CORS_ORIGINS=https://http.example", "pass"),
            ("CORS_ORIGINS=*", "pass"),
            ("", "skipped"),
        ],
    );
    table(
        "network.cors-missing",
        &[
            ("CORS_ORIGINS=*", "pass"),
            ("CORS_ORIGINS=", "fail CORS_ORIGINS"),
            ("", "fail CORS_ORIGINS"),
            ("OPENCLAW_GATEWAY_TOKEN=x", "skipped"),
        ],
    );
    let sentence = |env| sentences("network.cors-insecure-origin", &evidence(env));
    assert!(sentence("CORS_ORIGINS=null").contains("`null`, which sandboxed"));
    assert!(sentence("CORS_ORIGINS=http://a").contains("a plain http:// origin"));
}

#[test]
fn a_list_of_proxies_is_there_in_use_and_readable() {
    table(
        "network.proxies-unlisted",
        &[
            ("TRUSTED_PROXIES=true", "fail TRUSTED_PROXY_IPS"),
            (
                "TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=",
                "fail TRUSTED_PROXY_IPS",
            ),
            ("TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=::1", "pass"),
            ("TRUSTED_PROXIES=1", "skipped"),
            ("", "skipped"),
        ],
    );
    table(
        "network.proxies-unused",
        &[
            ("TRUSTED_PROXY_IPS=::1", "fail TRUSTED_PROXIES"),
            (
                "TRUSTED_PROXIES=1\nTRUSTED_PROXY_IPS=::1",
                "fail TRUSTED_PROXIES",
            ),
            ("TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=::1", "pass"),
            ("TRUSTED_PROXIES=true", "skipped"),
        ],
    );
    table(
        "network.proxies-invalid",
        &[
            (
                "TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=10.0.0.0/8, 10.0.0.1/8,,x",
                "fail 10.0.0.1/8 has bits set beyond its prefix (host bits), fail  is empty, fail x is no address and no network",
            ),
            (
                "TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=10.0.0.0/8 , ::1",
                "pass",
            ),
            ("TRUSTED_PROXIES=true", "skipped"),
            ("TRUSTED_PROXIES=false\nTRUSTED_PROXY_IPS=x", "skipped"),
        ],
    );
    table(
        "network.proxies-too-broad",
        &[
            (
                "TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=10.0.0.0/8,172.16.0.0/12",
                "pass",
            ),
            (
                "TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=0.0.0.0/1,::1,128.0.0.0/1",
                "fail 0.0.0.0/1, fail 128.0.0.0/1",
            ),
            (
                "TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=1.2.3.4/0,10.0.0.1/7,::ffff:8.8.8.8/97",
                "fail 0.0.0.0/0, fail 10.0.0.0/7, fail 0.0.0.0/1",
            ),
            (
                "TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=\"::1; 8.8.8.8/1 ::/0\"",
                "fail 0.0.0.0/1, fail ::/0",
            ),
            (
                "TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=10.0.0.1/8,104.16.0.1/13,8.8.8.8/24,8.8.8.8/08",
                "pass",
            ),
            ("TRUSTED_PROXIES=no\nTRUSTED_PROXY_IPS=::/0", "skipped"),
        ],
    );
    for entry in ["1.2.3.4;5.6.7.8", "1.2.3.4 5.6.7.8"] {
        let why = Some("holds another separator than the comma");
        assert_eq!(complaint(entry), why, "{entry}");
    }
}

#[test]
fn the_bot_holds_no_key_to_the_tailnet_but_a_join_key() {
    table(
        "network.oauth-secret-in-runtime",
        &[
            ("TS_AUTHKEY=tskey-client-kA-b", "fail TS_AUTHKEY"),
            ("X=\"--key tskey-client-kA-b\"", "fail X"),
            ("TS_CLIENT_SECRET=x", "fail TS_CLIENT_SECRET"),
            ("TS_OAUTH_SECRET=x", "fail TS_OAUTH_SECRET"),
            (
                "TAILSCALE_OAUTH_CLIENT_SECRET=x",
                "fail TAILSCALE_OAUTH_CLIENT_SECRET",
            ),
            ("TS_CLIENT_SECRET=", "pass"),
            ("TS_AUTHKEY=tskey-auth-kA-b", "pass"),
            ("TS_AUTHKEY=tskey-api-kA-b", "pass"),
            (
                "OPENCLAW_GATEWAY_TOKEN=x\nTS_CLIENT_SECRET=x",
                "fail TS_CLIENT_SECRET",
            ),
        ],
    );
    table(
        "network.api-key-in-runtime",
        &[
            ("X=tskey-api-kA-b", "fail X"),
            ("X=tskey-client-kA-b", "pass"),
            ("TS_CLIENT_SECRET=x", "pass"),
            ("", "pass"),
        ],
    );
}

#[test]
fn the_bot_is_not_in_the_operators_tailnet() {
    let id = "network.ops-tailnet-shared";
    assert_eq!(said(id, &evidence("TS_TAILNET=ops1.ts.net")), "skipped");
    for (env, expected) in [
        ("TS_TAILNET=ops1.ts.net", "fail TS_TAILNET"),
        ("TAILSCALE_TAILNET=OPS1", "fail TAILSCALE_TAILNET"),
        ("TS_TAILNET=ops2.ts.net", "pass"),
        // A word that happens to be the tailnet's name is no host in it.
        ("TEAM=ops1", "pass"),
        ("DB=postgres://u:p@db.Ops1.ts.net:5432/x", "fail DB"),
        ("DB=\"a.example,db.ops1.ts.net.\"", "fail DB"),
        ("DB=db.ops1.ts.net.example", "pass"),
        ("DB=db.myops1.ts.net", "pass"),
        ("DB=db.my-ops1.ts.net", "pass"),
        ("", "pass"),
    ] {
        let mut evidence = evidence(env);
        evidence.question.operator_tailnet = Some(" Ops1.ts.net. ".into());
        assert_eq!(said(id, &evidence), expected, "{env}");
    }
}

#[test]
fn each_webhook_that_is_set_is_judged() {
    let id = "network.telegram-not-public";
    let json = "{channels:{telegram:{webhookUrl:'http://b.example'}}}";
    let declared = "fail TELEGRAM_WEBHOOK_URL is not https";
    let configured = "fail channels.telegram.webhookUrl is not https";
    for (env, json, expected) in [
        ("", "{}", "skipped".to_owned()),
        ("TELEGRAM_WEBHOOK_URL=", "{}", "skipped".to_owned()),
        (
            "TELEGRAM_WEBHOOK_URL=https://a.example/",
            "{}",
            "pass".to_owned(),
        ),
        (
            "TELEGRAM_WEBHOOK_URL=http://a.example/",
            "{}",
            declared.to_owned(),
        ),
        ("TELEGRAM_WEBHOOK_URL=a.example", "{}", "unknown".to_owned()),
        ("", json, configured.to_owned()),
        (
            "TELEGRAM_WEBHOOK_URL=http://a.example/",
            json,
            format!("{declared}, {configured}"),
        ),
    ] {
        assert_eq!(
            said(id, &evidence_beside(env, json)),
            expected,
            "{env} {json}"
        );
    }
    let local = Url::parse("unix:/run/bot.sock").unwrap();
    assert_eq!(webhook_fault(&local), Some("is not https"));
}

#[test]
fn a_variable_that_nothing_reads_is_named_with_its_heir() {
    let id = "network.ignored-variable";
    table(
        id,
        &[
            ("", "pass"),
            ("FORCE_HTTPS=true\nOTHER=x", "pass"),
            ("CLAWDBOT_TOKEN=x", "fail CLAWDBOT_TOKEN"),
            ("OPENCLAW_GATEWAY_TOKEN=x\nFORCE_HTTPS=true", "pass"),
        ],
    );
    let beside = evidence_beside("FORCE_HTTPS=true\nMOLTBOT_PORT=1\nOTHER=x", "{}");
    assert_eq!(said(id, &beside), "fail FORCE_HTTPS, fail MOLTBOT_PORT");
    // Without a variable of the page the configuration alone ignores nothing.
    assert_eq!(said(id, &evidence_beside("OTHER=x", "{}")), "pass");
    for (name, heir) in [
        ("CLAWDBOT_TOKEN", Some("OPENCLAW_TOKEN")),
        ("MOLTBOT_PORT", Some("OPENCLAW_PORT")),
        ("FORCE_HTTPS", None),
    ] {
        assert_eq!(modern_name(name).as_deref(), heir);
    }
}

#[test]
fn without_an_endpoint_this_host_tells_about_the_private_chat() {
    let id = "network.private-chat-public";
    let unread = Some(Err("run with sudo".to_owned()));
    for (profile, posture, expected) in [
        ("tailscale", unread.clone(), "run with sudo"),
        (
            "tailscale",
            None,
            "no endpoint was named: add --url https://your-bot.example",
        ),
        (
            "vps",
            unread,
            "no endpoint was named: add --url https://your-bot.example",
        ),
    ] {
        let mut evidence = evidence("");
        evidence.question.profile = profile.into();
        evidence.posture = posture;
        assert_eq!(sentences(id, &evidence), expected, "{profile}");
    }
}

#[test]
fn a_finding_is_recognised_by_its_entry_and_not_by_its_place() {
    let id = "network.cors-insecure-origin";
    let known = said(
        id,
        &evidence("CORS_ORIGINS=http://a.example,https://b.example"),
    );
    let moved = said(
        id,
        &evidence("CORS_ORIGINS=https://b.example,http://a.example"),
    );
    let other = said(
        id,
        &evidence("CORS_ORIGINS=http://evil.example,https://b.example"),
    );
    assert_eq!(known, moved);
    assert_ne!(known, other);
    let id = "network.proxies-invalid";
    let list = |entries| format!("TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS={entries}");
    let about = |entries| said(id, &evidence(&list(entries)));
    assert_eq!(about("proxy,10.0.0.1"), about("10.0.0.1,proxy"));
    assert_ne!(about("proxy,10.0.0.1"), about("other,10.0.0.1"));
    assert!(!about("mia:hunter2@proxy").contains("hunter2"));
    let key = format!(
        "sk-ant-api03-{}",
        "q8Zt0vXrLm2Kp9Wc4Yb7Tn5Hs3Df6Gj1Qa8".repeat(2)
    );
    assert!(!about(&key).contains("q8Zt0v"));
}

#[test]
fn variables_of_openclaw_s_configuration_are_ignored_under_names_that_nothing_reads() {
    let id = "network.ignored-variable";
    for (vars, expected) in [
        ("WEB_API_KEY:'a'", "fail env.vars.WEB_API_KEY"),
        ("CLAWDBOT_TOKEN:'a'", "fail env.vars.CLAWDBOT_TOKEN"),
        ("OPENCLAW_GATEWAY_TOKEN:'a',GROQ_API_KEY:'b'", "pass"),
    ] {
        let json = format!("{{env:{{vars:{{{vars}}}}}}}");
        assert_eq!(
            said(id, &evidence_beside("OPENCLAW_PORT=1", &json)),
            expected
        );
    }
    let json = "{env:{vars:{WEB_API_KEY:'a'}}}";
    let beside = evidence_beside("OPENCLAW_PORT=1", json);
    assert_eq!(said("auth.web-api-key-missing", &beside), "fail no key");
}
