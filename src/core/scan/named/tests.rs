use std::cell::Cell;
use std::ops::Range;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

thread_local! {
    static WORK: Cell<usize> = const { Cell::new(0) };
}

/// Counts the bytes that a dear question looks at.
pub(super) fn count_work(bytes: usize) {
    WORK.set(WORK.get() + bytes);
}

fn drawn(rng: &mut StdRng, alphabet: &[u8], count: usize) -> String {
    let mut draw = || alphabet[rng.random_range(0..alphabet.len())] as char;
    (0..count).map(|_| draw()).collect()
}

fn alnum(rng: &mut StdRng, count: usize) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    drawn(rng, alphabet, count)
}

fn hex(rng: &mut StdRng, count: usize) -> String {
    drawn(rng, b"0123456789abcdef", count)
}

/// The finds in a text, with their rules.
fn finds(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let found = find_all(text.as_bytes()).into_iter();
    found.map(|(range, shape)| (range, shape.id)).collect()
}

fn rules_of(text: &str) -> Vec<&'static str> {
    finds(text).into_iter().map(|(_, rule)| rule).collect()
}

/// A long line of names, values and other words, and where its keys stand.
fn long_line(rng: &mut StdRng) -> (String, Vec<(Range<usize>, &'static str)>) {
    let mut line = String::new();
    let mut keys = Vec::new();
    for _ in 0..300 {
        let (name, rule, key) = match rng.random_range(0..7) {
            0 => ("MISTRAL_API_KEY", "mistral-api-key", alnum(rng, 32)),
            1 => ("gatewayToken", "openclaw-gateway-token", hex(rng, 48)),
            2 => ("cohere_api_key", "cohere-api-key", alnum(rng, 40)),
            3 => ("webApiKey", "openclaw-web-api-key", alnum(rng, 43)),
            4 => {
                line.push_str(&format!(
                    "\"gatewayToken\":\"${{T}}\",\"id\":\"{}\",",
                    hex(rng, 32)
                ));
                continue;
            }
            5 => {
                line.push_str(&"MISTRAL_API_KEY is not set; ".repeat(rng.random_range(1..9)));
                continue;
            }
            _ => {
                line.push_str(&"lorem ipsum ".repeat(rng.random_range(1..300)));
                continue;
            }
        };
        line.push_str(&format!("\"{name}\":\""));
        keys.push((line.len()..line.len() + key.len(), rule));
        line.push_str(&key);
        line.push_str("\",");
    }
    (line, keys)
}

#[test]
fn on_a_long_line_exactly_the_keys_are_found_and_each_once() {
    let mut rng = StdRng::seed_from_u64(8);
    for _ in 0..12 {
        let (line, keys) = long_line(&mut rng);
        assert_eq!(finds(&line), keys, "{line}");
    }
}

#[test]
fn many_names_on_a_line_cost_no_more_than_on_many_lines() {
    let mut rng = StdRng::seed_from_u64(9);
    let object = r#"{"id":"4f0c","gatewayToken":"${OPENCLAW_GATEWAY_TOKEN}","webApiKey":"***"},"#;
    let key = format!("mistral apiKey: '{}' ", alnum(&mut rng, 32));
    for piece in [
        "MISTRAL_API_KEY ",
        object,
        "WARN provider mistral: MISTRAL_API_KEY is not set, skipping ",
        "gateway:{auth:{",
        "aaaaaaa1!GATEWAY_TOKEN=",
        &key,
    ] {
        for times in [100, 10_000] {
            let text = piece.repeat(times);
            WORK.set(0);
            find_all(text.as_bytes());
            let work = WORK.get();
            assert!(work <= 2 * text.len(), "{piece}: {work} of {}", text.len());
            let places = places(text.as_bytes());
            let covered: usize = places.iter().map(Range::len).sum();
            assert!(covered <= text.len(), "{piece}");
        }
    }
}

#[test]
fn a_password_may_have_a_sign_among_its_first_characters() {
    for line in [
        r#"OPENCLAW_GATEWAY_PASSWORD="7hGq#R4zWn8Lp""#,
        "OPENCLAW_GATEWAY_PASSWORD=7hGq#R4zWn8Lp",
        "export OPENCLAW_GATEWAY_PASSWORD=t!9vv2qLpxA4bRtQw7z",
        "OPENCLAW_GATEWAY_PASSWORD: 7hGq#R4zWn8Lp",
        "  - gatewayPassword: 7h%Gq=R4zWn8Lp",
        r#"const gatewayPassword = '7hGq#R4zWn8Lp';"#,
    ] {
        assert_eq!(rules_of(line), ["openclaw-gateway-password"], "{line}");
    }
    for line in [
        "gatewayPassword: a!==hashOf2",
        "gatewayPassword = x%2==row17",
        "const ok=gatewayPassword=a!=hash_of_9",
        "if (gatewayPassword=a|hashOf2) {",
        r#"gatewayPassword="***" + suffix17"#,
        "OPENCLAW_GATEWAY_PASSWORD=%s/%d-42",
    ] {
        assert_eq!(rules_of(line), [""; 0], "{line}");
    }
}

#[test]
fn a_value_of_another_pair_or_statement_is_none_of_the_names() {
    for line in [
        r#"{"webApiKey": "***", "name": "tenant-102"}"#,
        r#"{"webApiKey": "", "name": "Kundenbot-Berlin7"}"#,
        r#"const x = getEnv("MISTRAL_API_KEY"); cachedVertexAdcCredentialsExists = true;"#,
        "f(process.env.OPENCLAW_GATEWAY_PASSWORD)},timeoutMs:1e3}).catch(e)",
        r#"const x = getEnv("OPENCLAW_GATEWAY_TOKEN"), MAX_TCP_PORT=65535;"#,
    ] {
        assert_eq!(rules_of(line), [""; 0], "{line}");
    }
}

#[test]
fn each_gateway_object_gives_its_token_and_its_password() {
    let mut rng = StdRng::seed_from_u64(10);
    let mut text = String::new();
    for _ in 0..3 {
        text.push_str(&format!(
            "{{\n  \"gateway\": {{\n    \"port\": 1,\n    \"auth\": {{\n      \"token\": \"{}\",\n      \"password\": \"{}\"\n    }}\n  }}\n}}\n",
            hex(&mut rng, 48),
            alnum(&mut rng, 20)
        ));
    }
    let both = ["openclaw-gateway-token", "openclaw-gateway-password"];
    assert_eq!(rules_of(&text), both.repeat(3));
}

#[test]
fn a_key_is_found_where_its_header_option_or_constructor_stands() {
    let mut rng = StdRng::seed_from_u64(11);
    let [mistral, base64] = [32, 43].map(|count| alnum(&mut rng, count));
    let [deepgram, token] = [40, 48].map(|count| hex(&mut rng, count));
    for (text, rule) in [
        (
            format!("curl -H 'x-api-key: {base64}=' https://bot.example/api"),
            "openclaw-web-api-key",
        ),
        (
            format!("const m = new Mistral({{\n  apiKey: \"{mistral}\",\n}})"),
            "mistral-api-key",
        ),
        (
            format!("\"process.env.MISTRAL_API_KEY\": JSON.stringify(\"{mistral}\")"),
            "mistral-api-key",
        ),
        (
            format!("dg = DeepgramClient(\"{deepgram}\")"),
            "deepgram-api-key",
        ),
        (
            format!("GET https://api.deepgram.com/v1\nAuthorization: Token {deepgram}\n"),
            "deepgram-api-key",
        ),
        (
            format!("openclaw gateway --token {token}"),
            "openclaw-gateway-token",
        ),
        (
            format!("openclaw gateway run --port 18789 --token={token}"),
            "openclaw-gateway-token",
        ),
    ] {
        assert_eq!(rules_of(&text), [rule], "{text}");
    }
    for text in [
        format!("curl -H 'x-api-key: {}' https://api.example", &token[..32]),
        format!("restic --token {token}"),
        format!("openclaw gateway status, commit {token}"),
        "openclaw gateway --token $OPENCLAW_GATEWAY_TOKEN2".to_owned(),
    ] {
        assert_eq!(rules_of(&text), [""; 0], "{text}");
    }
}

#[test]
fn a_value_that_says_what_it_is_for_and_an_expression_are_no_keys() {
    let mut rng = StdRng::seed_from_u64(12);
    for text in [
        "OPENCLAW_GATEWAY_TOKEN: 'e2e-gateway-token-for-playwright'",
        "\"webApiKey\": \"WebApiSchluesselBitteEingebenDanke123\"",
        "cohereApiKey:\"cohereApiKeyInputFieldForSettingsPanel01\"",
        &format!(
            "TOKENIZER_HASH = {{\"mistral\": \"{}\"}}",
            hex(&mut rng, 64)
        ),
        "a.OPENCLAW_GATEWAY_TOKEN=b.Qx7.token2",
        "{name:\"OPENCLAW_GATEWAY_TOKEN\",value:n.t4A.gatewayToken}",
        "webApiKey:e.webApiKey1??t.d2",
        "env.get(\"OPENCLAW_GATEWAY_TOKEN\", defaultTokenForTests2)",
    ] {
        assert_eq!(rules_of(text), [""; 0], "{text}");
    }
}
