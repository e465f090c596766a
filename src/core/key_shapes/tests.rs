//! Keys are made up here at run time, so that no scanner finds one in our own sources.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::pattern::{Class, Part};
use super::*;

fn random_of(rng: &mut StdRng, class: Class, count: usize) -> String {
    let alphabet: Vec<u8> = (33..127).filter(|byte| class.holds(*byte)).collect();
    (0..count)
        .map(|_| alphabet[rng.random_range(0..alphabet.len())] as char)
        .collect()
}

fn pem(rng: &mut StdRng, line_end: &str) -> String {
    let key = [b"0".as_slice(), random_of(rng, Class::Alnum, 95).as_bytes()].concat();
    let body = STANDARD.encode(key);
    let lines: Vec<&str> = (0..body.len())
        .step_by(64)
        .map(|at| &body[at..(at + 64).min(body.len())])
        .collect();
    format!(
        "-----BEGIN {0}-----{1}{2}{1}-----END {0}-----",
        "PRIVATE KEY",
        line_end,
        lines.join(line_end)
    )
}

/// A key of the shape's alternative, its checksum and its decodable parts made right.
fn make_up(rng: &mut StdRng, shape: &KeyShape, alternative: usize) -> String {
    let mut key = String::new();
    for part in shape.alternatives[alternative] {
        match part {
            Part::Text(text) => key.push_str(text),
            Part::OneOf(texts) => key.push_str(texts[rng.random_range(0..texts.len())]),
            Part::Maybe(_) => {}
            Part::Run(class, least, most) => {
                let count = rng.random_range(*least..=(*most).min(least + 40));
                key.push_str(&random_of(rng, *class, count));
            }
            Part::Pem => key.push_str(&pem(rng, "\n")),
        }
    }
    match shape.check {
        Check::GithubCrc => {
            key.truncate(34);
            let crc = openclaw_checksum(&key.as_bytes()[4..]);
            key + std::str::from_utf8(&crc).unwrap()
        }
        Check::OpenclawCrc => {
            let crc = openclaw_checksum(&key.as_bytes()[5..]);
            key + std::str::from_utf8(&crc).unwrap()
        }
        Check::DiscordId => {
            let id = URL_SAFE_NO_PAD.encode(random_of(rng, Class::Digit, 18));
            id + &key[key.find('.').unwrap()..]
        }
        Check::Bedrock => {
            let plain = format!("{}{}", "BedrockAPIKey-", random_of(rng, Class::Alnum, 82));
            "ABSK".to_owned() + &STANDARD.encode(plain)
        }
        Check::JwtHead => jwt(rng, "HS256"),
        Check::GithubAppToken => format!("{}{}_{}", "ghs_", 123_456, jwt(rng, "RS256")),
        Check::TunnelJson => STANDARD.encode(format!(
            r#"{{"a":"{}","t":"{}","s":"{}"}}"#,
            random_of(rng, Class::HexLower, 32),
            random_of(rng, Class::HexLower, 36),
            random_of(rng, Class::Alnum, 40)
        )),
        Check::TailscaleId => {
            let mut pieces: Vec<String> = key.splitn(4, '-').map(str::to_owned).collect();
            pieces[2] = format!("k{}{}", random_of(rng, Class::Alnum, 8), "CNTRL");
            pieces.join("-")
        }
        // A made-up key without a digit is made up again.
        Check::DigitAndLetter if !key.bytes().any(|byte| byte.is_ascii_digit()) => {
            make_up(rng, shape, alternative)
        }
        Check::None | Check::NotExample | Check::NotModelName | Check::DigitAndLetter => key,
    }
}

fn jwt(rng: &mut StdRng, alg: &str) -> String {
    let head = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#));
    let body = URL_SAFE_NO_PAD.encode(r#"{"sub":"1","name":"operator"}"#);
    format!("{head}.{body}.{}", random_of(rng, Class::Word, 43))
}

fn every_made_up_key(rng: &mut StdRng) -> Vec<(&'static KeyShape, String)> {
    let mut keys = Vec::new();
    for shape in KEY_SHAPES {
        for alternative in 0..shape.alternatives.len() {
            keys.push((shape, make_up(rng, shape, alternative)));
        }
    }
    keys
}

#[test]
fn every_shape_recognises_its_own_keys() {
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..200 {
        for (shape, key) in every_made_up_key(&mut rng) {
            assert!(shape.matches(key.as_bytes()), "{} {key}", shape.id);
            if !shape.named_only {
                assert_eq!(
                    recognise(key.as_bytes()).map(|found| found.id),
                    Some(shape.id),
                    "{key}"
                );
            }
        }
    }
}

#[test]
fn a_key_is_found_wherever_it_stands() {
    let mut rng = StdRng::seed_from_u64(2);
    let places: &[(&str, &str)] = &[
        ("", ""),
        ("KEY=", "\n"),
        ("KEY=\"", "\"; next"),
        (r#"{"a":"x\n"#, r#"\n"}"#),
        ("?a=1&key%3D", "&b=2"),
        ("\u{1b}[31m", "\u{1b}[0m"),
        ("Authorization: Bearer ", "\r\n"),
        ("https://user:", "@host/"),
        ("'", "'."),
        ("(", ")"),
        ("<", ">"),
        ("ключ=", "—"),
        ("\0", "\0"),
        (r"\u003d", r"\u0026"),
    ];
    for _ in 0..20 {
        for (shape, key) in every_made_up_key(&mut rng) {
            if shape.named_only {
                continue;
            }
            for (before, after) in places {
                let text = format!("{before}{key}{after}");
                let expected = before.len()..before.len() + key.len();
                let found = find_all(text.as_bytes());
                // A key that ends in an optional part may be found without it.
                assert!(
                    found.iter().any(|(range, hit)| hit.id == shape.id
                        && range.start == expected.start
                        && (range.end == expected.end
                            || key.contains('?')
                            || key.starts_with("https:")))
                        || key.starts_with("https:"),
                    "{} in {text:?}: {found:?}",
                    shape.id
                );
            }
        }
    }
}

#[test]
fn many_keys_in_one_text_are_all_found_in_order() {
    let mut rng = StdRng::seed_from_u64(3);
    let keys = every_made_up_key(&mut rng);
    let typed: Vec<_> = keys.iter().filter(|(shape, _)| !shape.named_only).collect();
    let text = typed
        .iter()
        .map(|(_, key)| key.as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let found = find_all(text.as_bytes());
    assert_eq!(
        found.iter().map(|(_, shape)| shape.id).collect::<Vec<_>>(),
        typed.iter().map(|(shape, _)| shape.id).collect::<Vec<_>>()
    );
}

#[test]
fn a_wrong_checksum_makes_it_no_key() {
    let mut rng = StdRng::seed_from_u64(4);
    for shape in KEY_SHAPES
        .iter()
        .filter(|shape| matches!(shape.id, "github-token" | "openclaw-token"))
    {
        for _ in 0..500 {
            let mut key = make_up(&mut rng, shape, 0).into_bytes();
            let at = rng.random_range(6..key.len());
            key[at] = if key[at] == b'7' { b'8' } else { b'7' };
            assert_eq!(recognise(&key), None);
            assert!(refuted(&key));
            assert_eq!(find_all(&key), vec![]);
        }
    }
}

#[test]
fn an_npm_token_with_a_wrong_checksum_is_a_doubtful_one() {
    let mut rng = StdRng::seed_from_u64(5);
    let key = format!("{}{}", "npm_", random_of(&mut rng, Class::Alnum, 36));
    let shape = recognise(key.as_bytes()).unwrap();
    assert_eq!((shape.id, shape.severity), ("npm-token", SeverityHint::Low));
    assert!(!refuted(key.as_bytes()));
}

#[test]
fn what_only_looks_like_a_key_is_none() {
    let mut rng = StdRng::seed_from_u64(6);
    let texts = [
        format!("{}{}", "AKIAIOSFODNN7", "EXAMPLE"),
        format!("a{}{}b", "AKIA", random_of(&mut rng, Class::Base32, 16)),
        format!("{}{}x", "AIza", random_of(&mut rng, Class::Word, 35)),
        "xai-grok-4-fast-reasoning-latest-2026-01-01-preview-with-a-very-long-name-indeed".into(),
        "sk-ant-...".into(),
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----".into(),
        "if line.startswith('-----BEGIN RSA PRIVATE KEY-----'):".into(),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.aaaaaaaaaaaaaaaaaaaaaaaa".into(),
        "12345678901234:AA".to_owned() + &random_of(&mut rng, Class::Word, 33),
        "www.github.com and docs.openssl.org, v1.234567.89".into(),
        "BSADocumentationAboutSomethingElse".into(),
        String::new(),
    ];
    for text in texts {
        assert_eq!(find_all(text.as_bytes()), vec![], "{text}");
        assert_eq!(recognise(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn private_keys_on_one_line_in_json_and_indented_are_found() {
    let mut rng = StdRng::seed_from_u64(7);
    for line_end in ["\n", "\r\n", "\\n", "\n    ", "\\r\\n"] {
        let key = pem(&mut rng, line_end);
        let text = format!(r#"{{"key": "{key}"}}"#);
        let found = find_all(text.as_bytes());
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(&text[found[0].0.clone()], key);
    }
}

#[test]
fn telegram_tokens_in_addresses_are_found() {
    let mut rng = StdRng::seed_from_u64(8);
    let token = format!(
        "{}:{}{}",
        1_234_567_890_u64,
        "AA",
        random_of(&mut rng, Class::Alnum, 33)
    );
    for text in [
        format!("https://api.telegram.org/bot{token}/getMe"),
        format!("token%3D{token}"),
        format!("token%20{token}"),
    ] {
        let found = find_all(text.as_bytes());
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(&text[found[0].0.clone()], token);
    }
}

#[test]
fn names_tell_secrets_from_plain_values() {
    let table = [
        ("WEB_API_KEY", true),
        ("ANTHROPIC_API_KEY", true),
        ("api_key", true),
        ("DB_PASSWORD", true),
        ("TOKEN", true),
        ("PASSWD", true),
        ("SSH_PRIVATE_KEY", true),
        ("TS_AUTHKEY", true),
        ("JWT_SECRET", true),
        ("HF_TOKEN", true),
        ("OPENCLAW_GATEWAY_PASSWORD", true),
        ("TUNNEL_TOKEN", true),
        ("REPUBLIC_TOKEN", true),
        ("NEXT_PUBLIC_API_KEY", false),
        ("SSH_PUBLIC_KEY", false),
        ("STRIPE_PUBLISHABLE_KEY", false),
        ("AGE_RECIPIENT_KEY", false),
        ("KEY_SHA256", false),
        ("SECRET_FILE", false),
        ("TOKEN_TTL", false),
        ("AWS_ACCESS_KEY_ID", false),
        ("API_KEY_HEADER", false),
        ("FORCE_HTTPS", false),
        ("KEYBOARD", false),
        ("MONKEY", false),
        ("TOKENS", false),
        ("LOG_LEVEL", false),
        ("", false),
    ];
    for (name, expected) in table {
        assert_eq!(is_secret_name(name), expected, "{name}");
    }
}

#[test]
fn each_variable_of_the_table_is_found_in_any_case() {
    for provider in PROVIDERS {
        for variable in provider.variables {
            let first = PROVIDERS
                .iter()
                .find(|provider| provider.variables.contains(variable));
            let expected = first.map(|provider| provider.id);
            for name in [variable.to_ascii_lowercase(), (*variable).to_owned()] {
                assert_eq!(provider_of_variable(&name), expected, "{name}");
            }
        }
    }
    assert_eq!(provider_of_variable("NO_SUCH_VARIABLE"), None);
}

#[test]
fn a_provider_variable_with_its_own_key_fits() {
    let mut rng = StdRng::seed_from_u64(9);
    for _ in 0..50 {
        for (shape, key) in every_made_up_key(&mut rng) {
            let Some(provider) = PROVIDERS
                .iter()
                .find(|provider| provider.id == shape.provider)
            else {
                assert_eq!(shape.provider, "generic");
                continue;
            };
            // Half of a doubtful key's judgement is the doubt itself.
            for variable in provider.variables {
                assert_eq!(
                    judge_provider_value(variable, key.as_bytes()),
                    ShapeVerdict::Fits,
                    "{variable}={key}"
                );
            }
        }
    }
}

#[test]
fn values_of_provider_variables_are_judged() {
    let mut rng = StdRng::seed_from_u64(10);
    let anthropic = format!(
        "{}{}AA",
        "sk-ant-api03-",
        random_of(&mut rng, Class::Word, 93)
    );
    let openai = format!("{}{}", "sk-proj-", random_of(&mut rng, Class::Word, 148));
    let github = format!("{}{}", "ghp_", random_of(&mut rng, Class::Alnum, 36));
    let is_foreign = |verdict| matches!(verdict, ShapeVerdict::OtherProvider(shape) if shape.provider == "anthropic");
    assert!(is_foreign(judge_provider_value(
        "OPENAI_API_KEY",
        anthropic.as_bytes()
    )));
    assert!(is_foreign(judge_provider_value(
        "MISTRAL_API_KEY",
        anthropic.as_bytes()
    )));
    assert!(is_foreign(judge_provider_value(
        "WEB_API_KEY",
        anthropic.as_bytes()
    )));
    assert!(is_foreign(judge_provider_value(
        "OPENAI_API_KEY",
        &anthropic.as_bytes()[..40]
    )));
    let no_shape = |verdict| matches!(verdict, ShapeVerdict::NoKnownShape { .. });
    assert!(no_shape(judge_provider_value(
        "ANTHROPIC_API_KEY",
        &anthropic.as_bytes()[..60]
    )));
    assert!(no_shape(judge_provider_value(
        "ANTHROPIC_API_KEY",
        b"hunter2hunter2"
    )));
    assert!(no_shape(judge_provider_value(
        "GITHUB_TOKEN",
        github.as_bytes()
    )));
    assert!(no_shape(judge_provider_value(
        "GEMINI_API_KEY",
        b"not-a-google-key"
    )));
    assert!(no_shape(judge_provider_value(
        "OPENAI_API_KEY",
        b"sk-short"
    )));
    let newer = anthropic.replace("api03", "api04");
    for (variable, value) in [
        ("OPENAI_API_KEY", openai.as_str()),
        ("ANTHROPIC_API_KEY", &newer),
        ("COHERE_API_KEY", "whatever-it-is"),
        ("TOGETHER_API_KEY", "0123"),
        ("ANTHROPIC_API_KEY", ""),
        ("ANTHROPIC_API_KEY", "op://Private/Anthropic API/key"),
        ("ANTHROPIC_API_KEY", "encrypted:BDabc"),
        ("ANTHROPIC_API_KEY", "${KEY}"),
        ("OPENCLAW_GATEWAY_PASSWORD", "a pass phrase, isn't it"),
    ] {
        assert_eq!(
            judge_provider_value(variable, value.as_bytes()),
            ShapeVerdict::Fits,
            "{variable}={value}"
        );
    }
    assert_eq!(
        judge_provider_value("ACME_API_KEY", b"\xff \""),
        ShapeVerdict::NotAProviderVariable
    );
}

#[test]
fn values_with_characters_that_no_key_has_are_unclean() {
    let mut rng = StdRng::seed_from_u64(11);
    let key = format!(
        "{}{}AA",
        "sk-ant-api03-",
        random_of(&mut rng, Class::Word, 93)
    );
    let table = [
        (format!("“{key}”"), Uncleanness::Quotes),
        (format!("\"{key}\""), Uncleanness::Quotes),
        (format!("'{key}"), Uncleanness::Quotes),
        (format!("{key} "), Uncleanness::Blanks),
        (format!("\u{a0}{key}"), Uncleanness::Blanks),
        (format!("{key}\u{200b}"), Uncleanness::ZeroWidth),
        (format!("\u{feff}{key}"), Uncleanness::ZeroWidth),
        (format!("{key}\n"), Uncleanness::Control),
        (
            format!("{}\u{200d}{}", &key[..30], &key[30..]),
            Uncleanness::ZeroWidth,
        ),
        (
            format!("{} {}", &key[..30], &key[30..]),
            Uncleanness::Blanks,
        ),
    ];
    for (value, expected) in table {
        assert_eq!(
            judge_provider_value("ANTHROPIC_API_KEY", value.as_bytes()),
            ShapeVerdict::Unclean(expected),
            "{value:?}"
        );
    }
    assert_eq!(
        judge_provider_value("ANTHROPIC_API_KEY", b"sk-\xff\xfe"),
        ShapeVerdict::Unclean(Uncleanness::NotUtf8)
    );
}

#[test]
fn the_table_is_consistent() {
    for shape in KEY_SHAPES {
        assert!(
            shape.id.starts_with(shape.provider) || matches!(shape.provider, "generic" | "gemini"),
            "{}",
            shape.id
        );
        assert!(
            shape.provider == "generic"
                || PROVIDERS
                    .iter()
                    .any(|provider| provider.id == shape.provider),
            "{}",
            shape.id
        );
        assert!(shape.revoke_at.is_none_or(|page| !page.contains("://")));
    }
    let mut variables: Vec<_> = PROVIDERS
        .iter()
        .flat_map(|provider| provider.variables)
        .collect();
    variables.sort();
    let before = variables.len();
    variables.dedup();
    assert_eq!(before, variables.len());
}

#[test]
fn the_checksum_is_the_one_that_github_publishes() {
    // CRC-32 of "123456789" is 0xCBF43926 by the polynomial's definition; 3421780262 in base 62 is 3jZQkO.
    assert_eq!(crc32fast::hash(b"123456789"), 0xCBF4_3926);
    let digits = openclaw_checksum(b"123456789");
    let back = digits.iter().fold(0_u64, |sum, digit| {
        let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        sum * 62 + alphabet.iter().position(|other| other == digit).unwrap() as u64
    });
    assert_eq!(back, 0xCBF4_3926);
}

#[test]
fn random_bytes_and_truncated_keys_never_panic() {
    let mut rng = StdRng::seed_from_u64(12);
    for (_, key) in every_made_up_key(&mut rng) {
        for end in 0..key.len().min(300) {
            let _ = find_all(&key.as_bytes()[..end]);
            let _ = recognise(&key.as_bytes()[..end]);
            let _ = refuted(&key.as_bytes()[..end]);
        }
    }
    for _ in 0..200 {
        let bytes: Vec<u8> = (0..rng.random_range(0..300))
            .map(|_| rng.random())
            .collect();
        let _ = find_all(&bytes);
        let _ = judge_provider_value("OPENAI_API_KEY", &bytes);
    }
}

#[test]
fn routable_gitlab_tokens_have_a_version_or_none() {
    let mut rng = StdRng::seed_from_u64(31);
    let payload = random_of(&mut rng, Class::Word, 40);
    let end = random_of(&mut rng, Class::LowerAlnum, 9);
    for tail in [format!("01.{end}"), end.clone()] {
        let key = format!("{}{payload}.{tail}", "glpat-");
        let found = find_all(key.as_bytes());
        assert_eq!(found.len(), 1, "{key}");
        assert_eq!(
            (found[0].0.clone(), found[0].1.id),
            (0..key.len(), "gitlab-token")
        );
    }
}
