//! "Authentication enabled for web UI": is there a key, is it strong, and does the endpoint ask for it?

use super::Check;
use super::evidence::Evidence;
use super::live;
use super::upstream::Upstream;
use super::verdict::{Finding, Verdict, fail, findings_or_pass, pass, skipped};
use crate::placeholder::placeholder;
use crate::report::{Kind, Location, Severity};
use crate::secret::Secret;
use crate::strength::{self, MINIMUM_BITS, MINIMUM_CHARACTERS};
use crate::variables::WEB_KEYS;

pub const CHECKS: &[Check] = &[
    Check::new("auth.web-api-key-missing", Kind::Declared, Severity::Critical, key_missing)
        .asks("a key protects the web UI", "without a key everyone who finds the address can use the bot and its tools")
        .mended_by("run `openclaw-sec keygen --env {env}` (hosted) or set OPENCLAW_GATEWAY_TOKEN (upstream), then restart OpenClaw")
        .see(&[
            "https://docs.openclawvps.com/configuration/security",
            "OWASP API Security 2023 API2",
        ]),
    Check::new("auth.web-api-key-weak", Kind::Declared, Severity::High, key_weak)
        .asks("the key cannot be guessed", "a short or human-made key falls to guessing in hours")
        .mended_by("run `openclaw-sec keygen --env {env} --replace` and restart OpenClaw")
        .see(&["OWASP ASVS 5.0 11.5.1", "NIST SP 800-131A: 128 bits for secrets"]),
    Check::new("auth.anonymous-access", Kind::Live, Severity::Critical, live::anonymous_access)
        .asks("protected resources ask for a key", "a key in the file protects nothing when the endpoint answers without it")
        .mended_by("set gateway.auth.mode to \"token\" (upstream) or WEB_API_KEY (hosted), restart, and run this check again")
        .see(&["OWASP API Security 2023 API2", "OWASP ASVS 5.0 13.4.1"]),
    Check::new("auth.wrong-key-accepted", Kind::Live, Severity::Critical, live::wrong_key_accepted)
        .asks("a made-up key is refused", "an endpoint that takes any key has none")
        .mended_by("find the proxy or setting that lets every Authorization header through, and restart OpenClaw")
        .see(&["OWASP API Security 2023 API2"])
        .active(),
    Check::new("auth.right-key-rejected", Kind::Live, Severity::High, live::right_key_rejected)
        .asks("the key in the file is the live one", "the running OpenClaw still uses another key, so a rotation did not take effect")
        .mended_by("restart OpenClaw so that it reads the env file, and look for a place that outranks it (unit file, openclaw.json)")
        .see(&["https://github.com/openclaw/openclaw/issues/124847"]),
    Check::new("auth.websocket-origin", Kind::Live, Severity::High, live::websocket_origin)
        .asks("the WebSocket refuses foreign origins", "any web page a user visits could talk to the gateway in the user's name")
        .mended_by("list your own origins in gateway.controlUi.allowedOrigins instead of \"*\"")
        .see(&["RFC 6455 §10.2"]),
    Check::new("auth.cloudflare-access-missing", Kind::Live, Severity::High, live::cloudflare_access_missing)
        .asks("Cloudflare Access stands in front", "without an Access login the bot is open to everyone who knows the host name")
        .mended_by("add an Access application for the host name in Cloudflare Zero Trust")
        .see(&["https://developers.cloudflare.com/cloudflare-one/applications/"]),
    Check::new("auth.origin-bypass", Kind::Live, Severity::High, live::origin_bypass)
        .asks("the origin cannot be reached past Cloudflare", "whoever finds the origin's address walks around Access, limits and firewall of the edge")
        .mended_by("accept 443 from Cloudflare's ranges only (`openclaw-sec firewall --profile cloudflare-origin`), or use a tunnel")
        .see(&["https://developers.cloudflare.com/fundamentals/security/protect-your-origin-server/"]),
];

/// A key of the web UI: its name, its value, and where it stands.
struct WebKey<'e> {
    name: &'e str,
    value: &'e Secret,
    location: Location,
}

fn web_keys(evidence: &Evidence) -> Vec<WebKey<'_>> {
    let from_env = evidence.declared.iter().flat_map(|declared| {
        WEB_KEYS.iter().filter_map(|name| {
            let assignment = declared.value(name)?;
            Some(WebKey {
                name,
                value: &assignment.value,
                location: declared.location(assignment),
            })
        })
    });
    let from_json = evidence.upstream.iter().flat_map(|upstream| {
        upstream.literals().map(|(name, value)| WebKey {
            name,
            value,
            location: Location::file(&upstream.path),
        })
    });
    from_env.chain(from_json).collect()
}

fn key_missing(evidence: &Evidence) -> Vec<Verdict> {
    let mut names: Vec<&str> = web_keys(evidence).iter().map(|key| key.name).collect();
    let elsewhere = evidence.upstream.iter().flat_map(Upstream::references);
    names.extend(elsewhere);
    if !names.is_empty() {
        return pass(format!("set: {}", names.join(", ")));
    }
    let Some(declared) = &evidence.declared else {
        return skipped("no env file was read");
    };
    fail(
        Finding::new(
            "no key",
            "no key for the web UI is set: neither WEB_API_KEY nor OPENCLAW_GATEWAY_TOKEN or OPENCLAW_GATEWAY_PASSWORD",
        )
        .at(Location::file(&declared.shown_path)),
    )
}

fn key_weak(evidence: &Evidence) -> Vec<Verdict> {
    let keys = web_keys(evidence);
    let (placeholders, real): (Vec<&WebKey<'_>>, Vec<&WebKey<'_>>) = keys
        .iter()
        .partition(|key| placeholder(key.value.expose()).is_some());
    if real.is_empty() {
        return skipped(if placeholders.is_empty() {
            "no key is set here"
        } else {
            "the key is a placeholder: see secrets.placeholder"
        });
    }
    let weak = real.into_iter().filter_map(judge_strength).collect();
    findings_or_pass(weak, "every key that is set is long and random enough")
}

fn judge_strength(key: &WebKey<'_>) -> Option<Finding> {
    if !strength::is_weak(key.value.expose()) {
        return None;
    }
    let strength = strength::estimate(key.value.expose());
    let why = if strength.length_chars < MINIMUM_CHARACTERS {
        format!("is shorter than {MINIMUM_CHARACTERS} characters")
    } else if strength.structure.is_some() {
        "is made of words, runs or repetitions".to_owned()
    } else {
        format!("holds less than {MINIMUM_BITS} bits of randomness")
    };
    let finding = Finding::new(format!("{} weak", key.name), format!("{} {why}", key.name))
        .at(key.location.clone())
        .with("variable", key.name)
        .with("required_bits", MINIMUM_BITS)
        .with("required_characters", MINIMUM_CHARACTERS);
    let command = match key.name {
        "WEB_API_KEY" => return Some(finding),
        name if !WEB_KEYS.contains(&name) => {
            format!("put a key that `openclaw-sec keygen` prints into {name} and restart OpenClaw")
        }
        name => format!(
            "run `openclaw-sec keygen --env {{env}} --name {name} --replace` and restart OpenClaw"
        ),
    };
    Some(finding.mended_by(command))
}
