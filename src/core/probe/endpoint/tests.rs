use super::parse::*;
use super::*;

fn input(url: &str) -> EndpointInput {
    EndpointInput {
        url: url.to_owned(),
        connect_to: None,
        ca_file: None,
        root_variables: Vec::new(),
        timeout: Duration::from_secs(10),
        auth_paths: Vec::new(),
        auth_scheme: "bearer".to_owned(),
        burst_path: None,
        key: Err("there is none".to_owned()),
        profile: Profile::Vps,
        cors_origins: Vec::new(),
        limit: Err("nothing is promised".to_owned()),
        audit_log_name: None,
        is_log_event: |_| false,
        active: false,
        wanted: Wanted::everything(),
        now: Timestamp::UNIX_EPOCH,
        nonce: [7; 12],
    }
}

#[test]
fn bad_urls_are_errors_that_do_not_repeat_them() {
    use EndpointError::*;
    for (url, expected) in [
        (
            "bot.example",
            NotAUrl(url::ParseError::RelativeUrlWithoutBase),
        ),
        ("ftp://bot.example", OtherScheme),
        ("https://", NoHost),
        ("https:bot.example", NoHost),
        ("https:///bot.example", NoHost),
        ("https://\\bot.example", NoHost),
        ("https://made-up-user@bot.example", UserInfo),
        ("https://u:made-up-pass@bot.example", UserInfo),
        ("https://bot.example/?token=made-up-1", KeyInUrl),
        ("https://bot.example/?api_key=made-up-1", KeyInUrl),
        ("https://bot.example/#token=made-up-1", KeyInUrl),
        (
            "https://bot.example/#Bw4NzK8mXq2VtR6yLc9HpJ3dGs7FuEoT5iAx1WvQbM8=",
            KeyInUrl,
        ),
        (
            "https://bot.example/?x=Bw4NzK8mXq2VtR6yLc9HpJ3dGs7FuEoT5iAx1WvQbM8=",
            KeyInUrl,
        ),
        ("https://bot.example/AKIAQ7NB3XKZ5WVTJ2MD/x", KeyInUrl),
    ] {
        let error = Endpoint::parse(input(url)).map(|_| ()).expect_err(url);
        assert_eq!(error, expected, "{url}");
        assert!(!error.to_string().contains("made-up"), "{error}");
    }
}

#[test]
fn a_percent_encoded_key_in_a_path_is_an_error_too() {
    let token = |colon: &str| format!("123456789{colon}AAH{}", "dq7Xk2Lm9Pz4".repeat(3));
    let token = |colon: &str| token(colon)[..colon.len() + 44].to_owned();
    for colon in [":", "%3A", "%3a", "%253A"] {
        let path = format!("/hook/{}", token(colon));
        let error = Endpoint::parse(input(&format!("https://bot.example{path}"))).map(|_| ());
        assert_eq!(error, Err(EndpointError::KeyInUrl), "{path}");
        let mut bad = input("https://bot.example");
        bad.auth_paths = vec![path.clone()];
        let error = Endpoint::parse(bad).map(|_| ());
        assert_eq!(error, Err(EndpointError::AuthPath(1)), "{path}");
    }
    let configured = |url: &str, auth_path: &str| EndpointInput {
        key: Ok(ConfiguredKey {
            variable: "WEB_API_KEY".to_owned(),
            value: Secret::new("made/up+key"),
        }),
        auth_paths: vec![auth_path.to_owned()],
        ..input(url)
    };
    for (url, auth_path, expected) in [
        (
            "https://bot.example/made%2Fup%2bkey",
            "/api",
            Err(EndpointError::KeyInUrl),
        ),
        (
            "https://bot.example/m%61de%2Fup+key",
            "/api",
            Err(EndpointError::KeyInUrl),
        ),
        (
            "https://bot.example",
            "/made%2Fup%2bkey",
            Err(EndpointError::AuthPath(1)),
        ),
        ("https://bot.example/made%2Fup", "/100%", Ok(())),
    ] {
        let parsed = Endpoint::parse(configured(url, auth_path)).map(|_| ());
        assert_eq!(parsed, expected, "{url} {auth_path}");
    }
}

#[test]
fn good_urls_are_taken_with_their_ports() {
    for (url, authority, dial) in [
        ("https://bot.example", "bot.example", ("bot.example", 443)),
        (
            "http://Bot.example/x?y=1",
            "bot.example",
            ("bot.example", 80),
        ),
        (
            "https://bot.example:8443/",
            "bot.example:8443",
            ("bot.example", 8443),
        ),
        ("https://[::1]:8443/", "[::1]:8443", ("::1", 8443)),
    ] {
        let endpoint = Endpoint::parse(input(url)).expect(url);
        assert_eq!(endpoint.authority(), authority);
        assert_eq!(endpoint.dial(), (dial.0.to_owned(), dial.1));
    }
}

#[test]
fn connect_to_needs_host_and_port() {
    for (text, expected) in [
        ("127.0.0.1:8443", Some(("127.0.0.1", 8443))),
        ("[::1]:443", Some(("::1", 443))),
        ("origin.example:1", Some(("origin.example", 1))),
        ("127.0.0.1", None),
        ("::1", None),
        (":443", None),
        ("a:0", None),
        ("a:70000", None),
    ] {
        let parsed = parse_connect_to(text).ok();
        let expected = expected.map(|(host, port)| (host.to_owned(), port));
        assert_eq!(parsed, expected, "{text}");
    }
}

#[test]
fn a_ca_file_without_a_certificate_is_an_error() {
    for (pem, expected) in [
        ("", EndpointError::NoCertificate),
        ("hello\n", EndpointError::NoCertificate),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            EndpointError::BrokenCertificate,
        ),
    ] {
        assert_eq!(parse_ca_file(pem.as_bytes()), Err(expected), "{pem}");
    }
}

#[test]
fn an_auth_path_that_leads_elsewhere_or_carries_a_key_is_an_error() {
    for path in [
        "api",
        "//evil.example/",
        "/\\evil",
        "/x?token=made-up",
        "/x#y",
    ] {
        let mut bad = input("https://bot.example");
        bad.auth_paths = vec!["/api".to_owned(), path.to_owned()];
        let error = Endpoint::parse(bad).map(|_| ());
        assert_eq!(error, Err(EndpointError::AuthPath(2)), "{path}");
    }
}

#[test]
fn auth_schemes_are_the_three_documented_ones() {
    for (text, expected) in [
        ("bearer", Some(AuthScheme::Bearer)),
        ("x-api-key", Some(AuthScheme::Header("X-API-Key".into()))),
        ("header=X-Own", Some(AuthScheme::Header("X-Own".into()))),
        ("header=", None),
        ("header=a b", None),
        ("header=Host", None),
        ("basic", None),
    ] {
        assert_eq!(parse_auth_scheme(text).ok(), expected, "{text}");
    }
}

#[test]
fn every_profile_of_the_table_is_one_that_an_endpoint_is_asked_about() {
    let mut known = Vec::new();
    for profile in crate::profiles::PROFILES {
        let found = Profile::of(profile.id).unwrap_or_else(|| panic!("{}", profile.id));
        assert!(!known.contains(&found), "{} is another's", profile.id);
        known.push(found);
    }
    assert_eq!(Profile::of("vpn"), None);
}
