//! How many keys are found and how many lines are wrongly blamed, on a set made from a seed.

use std::collections::BTreeMap;

use crate::made_up_keys::{Made, Maker};
use crate::repository::Repository;

/// Keys of every kind so often.
const ROUNDS: usize = 12;
/// Lines of each kind that only look like keys.
const LOOKALIKES: usize = 20;

fn camel(name: &str) -> String {
    let mut camel = String::new();
    for (number, word) in name.split('_').enumerate() {
        let lower = word.to_ascii_lowercase();
        match number {
            0 => camel.push_str(&lower),
            _ => camel.push_str(&(lower[..1].to_uppercase() + &lower[1..])),
        }
    }
    camel
}

/// The places with a name beside the value.
fn named_places(key: &Made) -> Vec<String> {
    let (name, value) = (key.variable, &key.value);
    let (snake, camel) = (name.to_ascii_lowercase(), camel(name));
    let (kebab, dotted) = (snake.replace('_', "-"), snake.replace('_', "."));
    vec![
        format!("{name}={value}"),
        format!("export {name}=\"{value}\""),
        format!("# {name}={value}"),
        format!("{name}='{value}' # production"),
        format!("{snake} = \"{value}\""),
        format!("const {camel} = '{value}';"),
        format!("let {camel}: string = `{value}`;"),
        format!("    {camel}: \"{value}\","),
        format!("{{\"{name}\": \"{value}\", \"next\": 1}}"),
        format!("\"{{\\\"{snake}\\\":\\\"{value}\\\"}}\""),
        format!("{kebab}: {value}"),
        format!("{dotted}={value}"),
        format!("ENV {name} {value}"),
        format!("{name} ?= {value}"),
        format!("{name} := {value}"),
        format!("  '{name}' => '{value}',"),
        format!("os.environ[\"{name}\"] = \"{value}\""),
        format!("os.environ.setdefault(\"{name}\", \"{value}\")"),
        format!("static {name}: &str = \"{value}\";"),
        format!("      - name: {name}\n        value: {value}"),
        format!("<add key=\"{name}\" value=\"{value}\"/>"),
        format!("docker run -e {name}={value} openclaw/openclaw"),
        format!("{name}=\"${{{name}:-{value}}}\""),
    ]
}

/// The places without one.
fn bare_places(value: &str) -> Vec<String> {
    vec![
        value.to_owned(),
        format!("Authorization: Bearer {value}"),
        format!("- {value}"),
        format!("x = [\"{value}\"]"),
        format!("the old one was {value}, revoke it"),
        format!("printf 'a\\n{value}\\n'"),
        format!("https://api.example/v1?key={value}&x=1"),
        format!("\x1b[32m{value}\x1b[0m"),
        format!("?token%3D{value}"),
        format!("<td>{value}</td>"),
        format!("({value})"),
        format!("user:{value}@host"),
    ]
}

/// Lines that only look like keys.
fn lookalikes(maker: &mut Maker) -> Vec<String> {
    let mut wrong_checksum = maker.github();
    let last = wrong_checksum.pop().unwrap();
    wrong_checksum.push(if last == 'a' { 'b' } else { 'a' });
    let hex32 = maker.hex(32);
    let hex40 = maker.hex(40);
    let hex64 = maker.hex(64);
    let word = maker.alnum(40);
    vec![
        format!("GITHUB_TOKEN={wrong_checksum}"),
        format!("MISTRAL_API_KEY_SHA256={hex64}"),
        format!("MISTRAL_API_KEY_ID={hex32}"),
        format!("mistral-7b.safetensors md5: {hex32}"),
        format!("cohere commit {hex40}"),
        format!("DEEPGRAM_PROJECT_ID={}", maker.uuid()),
        format!("\"integrity\": \"sha512-{}==\"", maker.alnum(86)),
        format!("image: openclaw/openclaw@sha256:{hex64}"),
        "MISTRAL_API_KEY=${MISTRAL_KEY}".to_owned(),
        "WEB_API_KEY=op://vault/openclaw/key".to_owned(),
        "WEB_API_KEY=your-secret-key-here".to_owned(),
        "apiKey: process.env.MISTRAL_API_KEY1,".to_owned(),
        "webApiKey = config.get('webApiKey2')".to_owned(),
        format!("MISTRAL_API_KEY=\"encrypted:{word}\""),
        format!("OPENCLAW_GATEWAY_TOKEN=ENC[AES256_GCM,data:{word}]"),
        "ANTHROPIC_API_KEY=sk-ant-api03-...".to_owned(),
        format!("{}{}", "sk-ant-api03-", "x".repeat(93) + "AA"),
        format!("{}{}", "AKIAIOSFODNN7", "EXAMPLE"),
        format!("{}{}", "ghp_", "0123456789abcdefghijklmnopqrstuvwxyz"),
        format!("model = \"xai-grok-4-fast-reasoning-{}\"", maker.number(99)),
        "COHERE_API_KEY=****************************************".to_owned(),
        format!("CLOUDFLARE_API_TOKEN_FILE=/run/secrets/{}", maker.alnum(20)),
        format!("OPENCLAW_GATEWAY_PUBLIC_KEY={}", maker.alnum(43)),
        format!("const key = \"-----BEGIN {} KEY-----\";", "PRIVATE"),
        format!(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} mia@host",
            maker.alnum(43)
        ),
    ]
}

#[test]
fn keys_are_found_and_lookalikes_are_not() {
    let mut maker = Maker::new(7);
    let mut places: Vec<(&'static str, bool, String)> = Vec::new();
    for round in 0..ROUNDS {
        for key in maker.every_kind() {
            let named = named_places(&key);
            for at in [round, round + ROUNDS] {
                places.push((key.rule, true, named[at % named.len()].clone()));
            }
            if key.is_typed {
                let bare = bare_places(&key.value);
                places.push((key.rule, false, bare[round % bare.len()].clone()));
            }
        }
    }
    let folder = Repository::plain();
    for (number, (_, _, text)) in places.iter().enumerate() {
        folder.write(format!("key/{number}"), format!("before\n{text}\nafter\n"));
    }
    let mut wrong = Vec::new();
    for _ in 0..LOOKALIKES {
        wrong.extend(lookalikes(&mut maker));
    }
    for (number, text) in wrong.iter().enumerate() {
        folder.write(format!("none/{number}"), format!("before\n{text}\nafter\n"));
    }
    let checked = folder.check(&[]);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for result in checked.failed("secrets.in-code") {
        let path = result["location"]["path"].as_str().unwrap().to_owned();
        let rule = result["evidence"]["rule"].as_str().unwrap().to_owned();
        found.entry(path).or_default().push(rule);
    }
    let mut missed = Vec::new();
    let mut counts = [[0; 2]; 2];
    for (number, (rule, is_named, text)) in places.iter().enumerate() {
        let rules = found.get(&format!("key/{number}"));
        let is_found = rules.is_some_and(|rules| rules.iter().any(|found| found == rule));
        counts[usize::from(*is_named)][usize::from(is_found)] += 1;
        if !is_found {
            missed.push(format!("{rule}: {text} ({rules:?})"));
        }
    }
    let blamed: Vec<String> = (0..wrong.len())
        .filter_map(|number| {
            let rules = found.get(&format!("none/{number}"))?;
            Some(format!("{rules:?}: {}", wrong[number]))
        })
        .collect();
    let share = |[missed, found]: [usize; 2]| found as f64 / (missed + found) as f64;
    let (bare, named) = (share(counts[0]), share(counts[1]));
    println!(
        "{} keys: named {named:.4}, bare {bare:.4}; {} of {} lookalikes blamed",
        places.len(),
        blamed.len(),
        wrong.len()
    );
    if std::env::var_os("SHOW_MISSED").is_some() {
        println!("{}", missed.join("\n"));
    }
    assert!(named >= 0.97, "{named}\n{}", missed.join("\n"));
    assert!(bare >= 0.98, "{bare}\n{}", missed.join("\n"));
    assert!(blamed.len() <= 2, "{}", blamed.join("\n"));
}

#[test]
fn a_reference_with_a_number_is_no_key() {
    let folder = Repository::plain();
    for (number, line) in [
        "gatewayToken: process.env.OPENCLAW_GATEWAY_TOKEN_V2,",
        "gatewayToken = import.meta.env.VITE_GATEWAY_TOKEN_V2;",
        "OPENCLAW_GATEWAY_TOKEN=cfg.oauth2.gateway_token",
        "const webApiKey = settings.v2.webApiKey;",
        "webApiKey: Base64UrlString;",
        "gateway_token = hex_sha256_digest",
        "set OPENCLAW_GATEWAY_TOKEN=%ENV_TOKEN_V2%",
        "OPENCLAW_GATEWAY_TOKEN: 1.20.3-alpha1",
        "WEB_API_KEY: projects/1234/secrets/web-api-key/versions/3",
        "WEB_API_KEY=/run/secrets/web_api_key2",
        "WEB_API_KEY=/run/secrets/openclawGatewayV2",
        "gatewayPassword: opts.gatewayPasswordField,",
        "gatewayPassword = gatewayPasswordOrNothing",
    ]
    .iter()
    .enumerate()
    {
        folder.write(number.to_string(), line);
    }
    let checked = folder.check(&[]);
    assert_eq!(checked.places("secrets.in-code"), [""; 0]);
}

#[test]
fn drawn_keys_are_found_whatever_they_begin_with() {
    let mut maker = Maker::new(13);
    let folder = Repository::plain();
    let base64 = |maker: &mut Maker| format!("/{}/{}Q=", maker.alnum(20), maker.alnum(20));
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZbcdfghjklmnpqrstvwxz";
    folder
        .write("a", format!("WEB_API_KEY={}", base64(&mut maker)))
        .write("b", format!("gatewayToken: \"{}\"", base64(&mut maker)))
        .write("c", format!("CLOUDFLARE_API_TOKEN=-{}", maker.word(39)))
        .write("d", format!("cfApiToken: '--{}'", maker.word(38)))
        .write(
            "e",
            format!("OPENCLAW_GATEWAY_PASSWORD={}", maker.of(letters, 20)),
        )
        .write(
            "f",
            format!("gatewayPassword: \"{}\"", maker.of(letters, 20)),
        );
    let checked = folder.check(&[]);
    assert_eq!(
        checked.places("secrets.in-code"),
        [
            "a:1:13 openclaw-web-api-key",
            "b:1:16 openclaw-gateway-token",
            "c:1:22 cloudflare-legacy-token",
            "d:1:14 cloudflare-legacy-token",
            "e:1:27 openclaw-gateway-password",
            "f:1:19 openclaw-gateway-password",
        ]
    );
}
