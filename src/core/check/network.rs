//! The network rules: CORS, trusted proxies, and the split between the bot's and the operators' networks.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

use super::Check;
use super::dialect::Dialect;
use super::evidence::{Declared, Evidence, Live, Switch};
use super::firewall;
use super::live;
use super::rate_limit::page_variables;
use super::upstream::variable_of;
use super::verdict::{Finding, Verdict, fail, findings_or_pass, pass, skipped, unknown};
use crate::cloudflare;
use crate::redact;
use crate::report::{Kind, Location, Severity};
use crate::variables::{is_of_the_page, is_of_the_past};

const PAGE: &str = "https://docs.openclawvps.com/configuration/security";
const CORS: &str = "OWASP ASVS 5.0 3.4.2";
const TAILSCALE: &str = "https://tailscale.com/kb/1215/oauth-clients";

/// The widest public network, in prefix bits, that a list of proxies may hold.
const WIDEST_PUBLIC: (u8, u8) = (16, 32);

pub const CHECKS: &[Check] = &[
    Check::new("network.cors-wildcard", Kind::Declared, Severity::High, cors_wildcard)
        .asks("CORS names origins instead of everyone", "every web page on the internet may call the API from its visitors' browsers")
        .mended_by("list your own origins in CORS_ORIGINS, for example CORS_ORIGINS=https://your-domain.com")
        .see(&[PAGE, CORS]),
    Check::new("network.cors-insecure-origin", Kind::Declared, Severity::Medium, cors_insecure_origin)
        .asks("CORS names https origins", "`null` and http:// origins can be forged by anyone on the way")
        .mended_by("list https:// origins only in CORS_ORIGINS")
        .see(&[PAGE, CORS]),
    Check::new("network.cors-missing", Kind::Declared, Severity::Low, cors_missing)
        .asks("CORS is decided on purpose", "what an unset variable allows depends on the version")
        .mended_by("set CORS_ORIGINS in {env} to the origins of your own pages")
        .see(&[PAGE, CORS]),
    Check::new("network.cors-reflected", Kind::Live, Severity::High, live::cors_reflected)
        .asks("foreign origins are not allowed", "every web page on the internet may call the API from its visitors' browsers")
        .mended_by("compare the Origin header with a list, letter by letter, and send no Access-Control-Allow-Origin otherwise")
        .see(&["OWASP API Security 2023 API8", CORS]),
    Check::new("network.proxies-unlisted", Kind::Declared, Severity::Medium, proxies_unlisted)
        .asks("trusted proxies are listed", "every client may claim any address and so escape limits and bans")
        .mended_by("list your proxies' networks in TRUSTED_PROXY_IPS")
        .see(&[PAGE]),
    Check::new("network.proxies-too-broad", Kind::Declared, Severity::High, proxies_too_broad)
        .asks("only your own proxies are trusted", "strangers inside a trusted network may claim any address")
        .mended_by("list the proxies' own addresses or small networks in TRUSTED_PROXY_IPS")
        .see(&[PAGE, "https://www.cloudflare.com/ips/"]),
    Check::new("network.proxies-invalid", Kind::Declared, Severity::Medium, proxies_invalid)
        .asks("the list of proxies can be read", "an entry that does not parse is ignored, or makes the whole list be ignored")
        .mended_by("write addresses or networks separated by commas, for example 10.0.0.0/8,172.16.0.0/12")
        .see(&[PAGE, "RFC 4632 §3.1"]),
    Check::new("network.proxies-unused", Kind::Declared, Severity::Low, proxies_unused)
        .asks("the list of proxies is in use", "behind a proxy every client then has the proxy's address, and limits hit all of them")
        .mended_by("set TRUSTED_PROXIES=true in {env}, or delete TRUSTED_PROXY_IPS")
        .see(&[PAGE]),
    Check::new("network.oauth-secret-in-runtime", Kind::Declared, Severity::Critical, oauth_secret)
        .asks("the bot does not hold a Tailscale OAuth client secret", "who takes the bot over can make join keys for the whole tailnet")
        .mended_by("keep the OAuth client with the provisioner, give the bot a one-off `tskey-auth-` key, and revoke the secret at login.tailscale.com/admin/settings/oauth")
        .see(&[PAGE, TAILSCALE]),
    Check::new("network.api-key-in-runtime", Kind::Declared, Severity::Critical, api_key)
        .asks("the bot does not hold a Tailscale API key", "who takes the bot over can change the whole tailnet")
        .mended_by("take the key out of the bot's environment and revoke it at login.tailscale.com/admin/settings/keys")
        .see(&[PAGE, "https://tailscale.com/kb/1101/api"]),
    Check::new("network.ops-tailnet-shared", Kind::Declared, Severity::High, ops_tailnet)
        .asks("the bot is not in the operators' tailnet", "customer traffic and operator access would share one network")
        .mended_by("join the bot to the customer's own tailnet")
        .see(&[PAGE]),
    Check::new("network.private-chat-public", Kind::Live, Severity::Critical, private_chat_public)
        .asks("the private web chat answers inside the tailnet only", "a chat that is meant to be private is open to the internet")
        .mended_by("bind the web chat to the tailscale0 address, and run `openclaw-sec firewall --profile tailscale | sh`")
        .or_host()
        .see(&[PAGE]),
    Check::new("network.telegram-not-public", Kind::Declared, Severity::Medium, telegram)
        .asks("the Telegram webhook is a public https address", "Telegram cannot reach it, or the updates cross the internet in clear")
        .mended_by("point the webhook to a public https:// address, or use polling")
        .see(&[PAGE, "https://core.telegram.org/bots/webhooks"]),
    Check::new("network.ignored-variable", Kind::Declared, Severity::Medium, ignored)
        .asks("every variable is one that OpenClaw reads", "a protection that is set under a name nobody reads does not exist")
        .mended_by("use the name that your OpenClaw reads, and delete the other")
        .see(&["https://docs.openclaw.ai"]),
];

/// The env file and the entries of one of its lists.
type Listed<'e> = (&'e Declared, Vec<(usize, String)>);

/// The entries of a list variable, blanks around them removed, numbered from 1.
fn entries(text: &str) -> Vec<(usize, String)> {
    text.split(',')
        .map(|entry| entry.trim().to_owned())
        .enumerate()
        .map(|(i, e)| (i + 1, e))
        .collect()
}

fn cors_entries(evidence: &Evidence) -> Result<Listed<'_>, Vec<Verdict>> {
    let declared = page_variables(evidence, "CORS_ORIGINS")?;
    match declared.text("CORS_ORIGINS") {
        Some(text) => {
            let entries = entries(&text).into_iter();
            let origins = entries.flat_map(|(number, entry)| {
                let origins: Vec<String> = origins(&entry).collect();
                origins.into_iter().map(move |origin| (number, origin))
            });
            Ok((declared, origins.collect()))
        }
        None => Err(skipped("CORS_ORIGINS is not set: see network.cors-missing")),
    }
}

/// The origins of an entry, in small letters: some readers part a list at blanks or semicolons, or
/// take one in brackets.
fn origins(entry: &str) -> impl Iterator<Item = String> {
    const QUOTES: [char; 2] = ['"', '\''];
    let parts = entry.split(is_foreign_separator);
    let bare = parts.map(|part| {
        let part = part.trim_start_matches(QUOTES).trim_start_matches('[');
        let part = part.trim_matches(QUOTES);
        // An address of IPv6 has brackets of its own.
        let end = if part.contains('[') {
            &[][..]
        } else {
            &[']'][..]
        };
        part.trim_end_matches(end).trim_end_matches(QUOTES)
    });
    bare.filter(|part| !part.is_empty())
        .map(str::to_ascii_lowercase)
}

/// Whether an origin means every host: `*`, `https://*`, `*://*:443`.
fn is_wildcard(origin: &str) -> bool {
    let (_, authority) = origin_parts(origin);
    let host = authority.split(':').next().unwrap_or(authority);
    host.contains('*') && host.chars().all(|sign| sign == '*' || sign == '.')
}

/// Scheme, and host with port. What stands before an `@` is a secret.
fn origin_parts(origin: &str) -> (&str, &str) {
    let (scheme, rest) = origin.split_once("://").unwrap_or(("", origin));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    (scheme, without_user(authority))
}

fn without_user(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or(text)
}

/// The name itself, but nothing that may be a key: an unsalted hash of one lets people test guesses.
fn harmless_name(name: &str) -> &str {
    const LONGEST: usize = 253;
    match name.len() <= LONGEST && redact::likely_secrets([name]).is_empty() {
        true => name,
        false => "a name that is not kept",
    }
}

fn cors_wildcard(evidence: &Evidence) -> Vec<Verdict> {
    let (declared, entries) = match cors_entries(evidence) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    let wild = entries.iter().filter(|(_, origin)| is_wildcard(origin));
    let wild = wild.map(|(_, origin)| match origin_parts(origin) {
        ("", host) => host.to_owned(),
        (scheme, host) => format!("{scheme}://{host}"),
    });
    let wild: BTreeSet<String> = wild.collect();
    let findings = wild.into_iter().map(|origin| {
        let message = format!("CORS_ORIGINS allows every origin ({origin})");
        Finding::new(origin, message)
            .at(declared.place("CORS_ORIGINS"))
            .with("variable", "CORS_ORIGINS")
    });
    findings_or_pass(findings.collect(), "CORS_ORIGINS holds no wildcard")
}

fn cors_insecure_origin(evidence: &Evidence) -> Vec<Verdict> {
    let (declared, entries) = match cors_entries(evidence) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    let mut findings = Vec::new();
    for (number, entry) in entries {
        let what = match entry.as_str() {
            "null" => "null",
            entry if entry.starts_with("http:") => "http",
            _ => continue,
        };
        let message = match what {
            "null" => format!(
                "entry {number} of CORS_ORIGINS is `null`, which sandboxed frames of any page send"
            ),
            _ => format!("entry {number} of CORS_ORIGINS is a plain http:// origin"),
        };
        findings.push(
            Finding::new(
                format!("{what} {}", harmless_name(origin_parts(&entry).1)),
                message,
            )
            .at(declared.place("CORS_ORIGINS"))
            .with("variable", "CORS_ORIGINS")
            .with("entry", number),
        );
    }
    findings_or_pass(findings, "every origin of CORS_ORIGINS is https")
}

fn cors_missing(evidence: &Evidence) -> Vec<Verdict> {
    let declared = match page_variables(evidence, "CORS_ORIGINS") {
        Ok(declared) => declared,
        Err(verdict) => return verdict,
    };
    match declared.value("CORS_ORIGINS") {
        Some(_) => pass("CORS_ORIGINS is set"),
        None => fail(
            Finding::new("CORS_ORIGINS", "CORS_ORIGINS is not set")
                .at(declared.place("CORS_ORIGINS")),
        ),
    }
}

/// The list of proxies, when it is in use.
fn proxy_entries(evidence: &Evidence) -> Result<Listed<'_>, Vec<Verdict>> {
    let declared = page_variables(evidence, "TRUSTED_PROXY_IPS")?;
    if declared.switch("TRUSTED_PROXIES") != Switch::On {
        return Err(skipped("TRUSTED_PROXIES is not true: no proxy is trusted"));
    }
    match declared.text("TRUSTED_PROXY_IPS") {
        Some(text) => Ok((declared, entries(&text))),
        None => Err(skipped(
            "TRUSTED_PROXY_IPS is empty: see network.proxies-unlisted",
        )),
    }
}

fn proxies_unlisted(evidence: &Evidence) -> Vec<Verdict> {
    let declared = match page_variables(evidence, "TRUSTED_PROXIES") {
        Ok(declared) => declared,
        Err(verdict) => return verdict,
    };
    if declared.switch("TRUSTED_PROXIES") != Switch::On {
        return skipped("TRUSTED_PROXIES is not true: no proxy is trusted");
    }
    if declared.value("TRUSTED_PROXY_IPS").is_some() {
        return pass("the trusted proxies are listed");
    }
    fail(
        Finding::new(
            "TRUSTED_PROXY_IPS",
            "TRUSTED_PROXIES is true and TRUSTED_PROXY_IPS lists none",
        )
        .at(declared.place("TRUSTED_PROXIES")),
    )
}

fn proxies_unused(evidence: &Evidence) -> Vec<Verdict> {
    let declared = match page_variables(evidence, "TRUSTED_PROXY_IPS") {
        Ok(declared) => declared,
        Err(verdict) => return verdict,
    };
    if declared.value("TRUSTED_PROXY_IPS").is_none() {
        return skipped("TRUSTED_PROXY_IPS is not set");
    }
    match declared.switch("TRUSTED_PROXIES") {
        Switch::On => pass("the list of proxies is in use"),
        other => {
            let message = format!(
                "TRUSTED_PROXY_IPS is set and not used: {}",
                other.complaint("TRUSTED_PROXIES")
            );
            fail(Finding::new("TRUSTED_PROXIES", message).at(declared.place("TRUSTED_PROXY_IPS")))
        }
    }
}

/// What is wrong with an entry of the list of proxies.
fn complaint(entry: &str) -> Option<&'static str> {
    if entry.is_empty() {
        return Some("is empty");
    }
    if entry.contains(is_foreign_separator) {
        return Some("holds another separator than the comma");
    }
    match network(entry) {
        None => Some("is no address and no network"),
        Some(network) if network.trunc() != network => {
            Some("has bits set beyond its prefix (host bits)")
        }
        Some(_) => None,
    }
}

/// What some readers part a list at.
fn is_foreign_separator(character: char) -> bool {
    character.is_whitespace() || character == ';'
}

/// An address, or a network with its host bits.
fn network(text: &str) -> Option<IpNet> {
    let address = text.parse::<IpAddr>().ok().map(IpNet::from);
    address.or_else(|| strict_network(text)).map(unmapped)
}

/// `ADDRESS/PREFIX` without leading zeros, which some readers take for octal numbers.
fn strict_network(entry: &str) -> Option<IpNet> {
    let (address, prefix) = entry.split_once('/')?;
    let has_leading_zero = prefix.len() > 1 && prefix.starts_with('0');
    if has_leading_zero || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    IpNet::new(address.parse().ok()?, prefix.parse().ok()?).ok()
}

/// An IPv4-mapped IPv6 network (RFC 4291 §2.5.5.2) as the IPv4 network it is.
fn unmapped(network: IpNet) -> IpNet {
    if let IpNet::V6(v6) = network
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && let Some(prefix) = v6.prefix_len().checked_sub(96)
        && let Ok(v4) = Ipv4Net::new(v4, prefix)
    {
        return IpNet::V4(v4);
    }
    network
}

fn proxies_invalid(evidence: &Evidence) -> Vec<Verdict> {
    let (declared, entries) = match proxy_entries(evidence) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    let findings = entries
        .iter()
        .filter_map(|(number, entry)| {
            let why = complaint(entry)?;
            let finding = Finding::new(
                format!("{} {why}", harmless_name(without_user(entry))),
                format!("entry {number} of TRUSTED_PROXY_IPS {why}"),
            );
            Some(
                finding
                    .at(declared.place("TRUSTED_PROXY_IPS"))
                    .with("variable", "TRUSTED_PROXY_IPS")
                    .with("entry", *number),
            )
        })
        .collect();
    findings_or_pass(
        findings,
        "every entry of TRUSTED_PROXY_IPS is an address or a network",
    )
}

fn proxies_too_broad(evidence: &Evidence) -> Vec<Verdict> {
    let (declared, entries) = match proxy_entries(evidence) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    // Whoever reads `8.8.8.8/0` without complaint trusts everyone.
    let networks = entries.iter().flat_map(|(number, entry)| {
        let parts = entry.split(is_foreign_separator).filter_map(network);
        parts.map(move |network| (number, network.trunc()))
    });
    let findings = networks
        .filter(|(_, network)| is_too_broad(network))
        .map(|(number, network)| {
            let message = format!(
                "entry {number} of TRUSTED_PROXY_IPS, {network}, covers a large part of the internet"
            );
            Finding::new(network.to_string(), message)
                .at(declared.place("TRUSTED_PROXY_IPS"))
                .with("entry", *number)
                .with("network", network.to_string())
        })
        .collect();
    findings_or_pass(
        findings,
        "no entry of TRUSTED_PROXY_IPS is wider than a proxy's own network",
    )
}

fn is_too_broad(network: &IpNet) -> bool {
    let widest = match network {
        IpNet::V4(_) => WIDEST_PUBLIC.0,
        IpNet::V6(_) => WIDEST_PUBLIC.1,
    };
    let is_cloudflare = || cloudflare::is_published(network);
    let is_wide = network.prefix_len() < widest || holds_all_of_ipv4(network);
    is_wide && !is_inside_private(network) && !is_cloudflare()
}

/// Whether every IPv4 address lies in it, mapped (RFC 4291 §2.5.5.2), as readers compare them.
fn holds_all_of_ipv4(network: &IpNet) -> bool {
    let mapped = Ipv6Net::new_assert(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(), 96);
    network.contains(&IpNet::V6(mapped))
}

/// Networks that are not the public internet: RFC 1918, RFC 6598, loopback, link-local, RFC 4193.
fn is_inside_private(network: &IpNet) -> bool {
    let v4 = |a, b, c, d, prefix| IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix));
    let v6 = |first, prefix| {
        IpNet::V6(Ipv6Net::new_assert(
            Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0),
            prefix,
        ))
    };
    let private = [
        v4(10, 0, 0, 0, 8),
        v4(172, 16, 0, 0, 12),
        v4(192, 168, 0, 0, 16),
        v4(100, 64, 0, 0, 10),
        v4(127, 0, 0, 0, 8),
        v4(169, 254, 0, 0, 16),
        v6(0xfc00, 7),
        v6(0xfe80, 10),
    ];
    private.iter().any(|range| range.contains(network))
}

fn oauth_secret(evidence: &Evidence) -> Vec<Verdict> {
    const NAMES: [&str; 3] = [
        "TS_CLIENT_SECRET",
        "TS_OAUTH_SECRET",
        "TAILSCALE_OAUTH_CLIENT_SECRET",
    ];
    tailscale_secret(
        evidence,
        "tskey-client-",
        &NAMES,
        "a Tailscale OAuth client secret",
    )
}

fn api_key(evidence: &Evidence) -> Vec<Verdict> {
    tailscale_secret(evidence, "tskey-api-", &[], "a Tailscale API key")
}

fn tailscale_secret(evidence: &Evidence, prefix: &str, names: &[&str], what: &str) -> Vec<Verdict> {
    let Some(declared) = &evidence.declared else {
        return skipped("no env file was read");
    };
    let findings = declared
        .effective()
        .filter(|assignment| {
            let value = assignment.value.expose();
            !value.is_empty()
                && (names.contains(&assignment.name.as_str())
                    || memchr::memmem::find(value, prefix.as_bytes()).is_some())
        })
        .map(|assignment| {
            Finding::new(
                &assignment.name,
                format!("{} holds {what}", assignment.name),
            )
            .at(declared.location(assignment))
            .with("variable", assignment.name.as_str())
        })
        .collect();
    findings_or_pass(findings, &format!("no variable holds {what}"))
}

fn ops_tailnet(evidence: &Evidence) -> Vec<Verdict> {
    let Some(declared) = &evidence.declared else {
        return skipped("no env file was read");
    };
    let Some(operators) = &evidence.question.operator_tailnet else {
        return skipped(
            "the operators' tailnet is not known: set [network] operator-tailnet in openclaw-sec.toml",
        );
    };
    let operators = tailnet_name(operators);
    let findings = declared
        .effective()
        .filter(|assignment| {
            let value = String::from_utf8_lossy(assignment.value.expose()).to_ascii_lowercase();
            let is_tailnet_variable =
                ["TAILSCALE_TAILNET", "TS_TAILNET"].contains(&assignment.name.as_str());
            (is_tailnet_variable && tailnet_name(&value) == operators)
                || tailnet_hosts(&value).any(|tailnet| tailnet == operators)
        })
        .map(|assignment| {
            let message = format!("{} belongs to the operators' tailnet", assignment.name);
            Finding::new(&assignment.name, message)
                .at(declared.location(assignment))
                .with("variable", assignment.name.as_str())
        })
        .collect();
    findings_or_pass(findings, "no variable names the operators' tailnet")
}

/// `Example.ts.net` and `example` are one tailnet.
fn tailnet_name(name: &str) -> String {
    let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
    name.strip_suffix(".ts.net").unwrap_or(&name).to_owned()
}

/// The tailnets of all `host.tailnet.ts.net` names in a text.
fn tailnet_hosts(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.'))
        .filter_map(|name| name.trim_end_matches('.').strip_suffix(".ts.net"))
        .filter_map(|name| name.rsplit('.').next())
        .map(str::to_owned)
}

/// The endpoint tells first; without one, this host's sockets and rules do.
fn private_chat_public(evidence: &Evidence) -> Vec<Verdict> {
    match evidence.live {
        Live::NotAsked
            if evidence.question.profile == "tailscale" && evidence.posture.is_some() =>
        {
            firewall::private_chat_public(evidence)
        }
        _ => live::private_chat_public(evidence),
    }
}

fn telegram(evidence: &Evidence) -> Vec<Verdict> {
    const NAME: &str = "TELEGRAM_WEBHOOK_URL";
    const PLACE: &str = "channels.telegram.webhookUrl";
    let mut webhooks = Vec::new();
    if let Some(declared) = &evidence.declared
        && let Some(text) = declared.text(NAME)
    {
        webhooks.push((NAME, text, declared.place(NAME)));
    }
    if let Some(upstream) = &evidence.upstream
        && let Some(text) = &upstream.telegram_webhook
    {
        webhooks.push((PLACE, text.clone(), Location::file(&upstream.path)));
    }
    if webhooks.is_empty() {
        return skipped("no Telegram webhook is set: the bot polls");
    }
    webhooks
        .into_iter()
        .map(
            |(name, text, location)| match Url::parse(&text).ok().as_ref().map(webhook_fault) {
                Some(None) => pass(format!("{name} is a public https address")).remove(0),
                Some(Some(fault)) => {
                    Finding::new(format!("{name} {fault}"), format!("{name} {fault}"))
                        .at(location)
                        .with("variable", name)
                        .into()
                }
                None => unknown(format!("{name} is no URL that can be parsed")).remove(0),
            },
        )
        .collect()
}

fn webhook_fault(url: &Url) -> Option<&'static str> {
    if url.scheme() != "https" {
        return Some("is not https");
    }
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            if name.ends_with(".ts.net") {
                Some("points into a tailnet")
            } else if name == "localhost"
                || name.ends_with(".localhost")
                || name.ends_with(".local")
                || name.ends_with(".internal")
            {
                Some("points to a local name")
            } else {
                None
            }
        }
        Some(Host::Ipv4(address)) => private_address(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => private_address(IpAddr::V6(address)),
        None => Some("names no host"),
    }
}

fn private_address(address: IpAddr) -> Option<&'static str> {
    let network = unmapped(IpNet::from(address));
    let is_local = address.is_loopback() || address.is_unspecified();
    (is_local || is_inside_private(&network)).then_some("points to an address that is not public")
}

fn ignored(evidence: &Evidence) -> Vec<Verdict> {
    let Some(declared) = &evidence.declared else {
        return skipped("no env file was read");
    };
    let beside_upstream = evidence.dialect == Dialect::Both && evidence.upstream.is_some();
    let assignments = declared.effective().map(|assignment| {
        let name = assignment.name.as_str();
        (name, name, declared.location(assignment), beside_upstream)
    });
    let configured = evidence.upstream.iter().flat_map(|upstream| {
        let places = upstream.variables.iter().map(|(place, _)| place.as_str());
        places.map(|place| {
            (
                place,
                variable_of(place),
                Location::file(&upstream.path),
                true,
            )
        })
    });
    let findings = assignments
        .chain(configured)
        .filter_map(|(place, name, location, beside_upstream)| {
            let message = if is_of_the_past(name) {
                format!("{name} is a name from before OpenClaw; nothing reads it")
            } else if beside_upstream && is_of_the_page(name) {
                format!("{name} is a variable of hosted OpenClaw; the OpenClaw that is configured by openclaw.json does not read it")
            } else {
                return None;
            };
            let finding = Finding::new(place, message)
                .at(location)
                .with("variable", name);
            Some(match modern_name(name) {
                Some(modern) => finding.mended_by(format!("rename {name} to {modern} and restart OpenClaw")),
                None => finding,
            })
        })
        .collect();
    findings_or_pass(
        findings,
        "every variable is one that OpenClaw reads or does not know",
    )
}

fn modern_name(name: &str) -> Option<String> {
    let rest = name
        .strip_prefix("CLAWDBOT_")
        .or_else(|| name.strip_prefix("MOLTBOT_"))?;
    Some(format!("OPENCLAW_{rest}"))
}

#[cfg(test)]
mod tests;
