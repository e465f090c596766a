//! The marks by which an OpenClaw gateway is recognised before anything about it is judged.

use super::evidence::{Asked, Exchange, short};
use super::websocket::WebSocketAnswer;

/// A recognised gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// The mark that gave it away.
    pub mark: &'static str,
    /// The build of the Control UI, where the front page names it.
    pub build: Option<String>,
    /// The base path of the Control UI, `""` at the root.
    pub base_path: String,
}

/// A resource of the gateway that must not answer without a key.
pub(super) struct ProtectedResource {
    /// Whether it is a POST of `{}` instead of a GET.
    pub post: bool,
    /// The path.
    pub path: String,
    /// Whether most gateways have it switched off, so that its absence says nothing.
    pub may_be_off: bool,
}

/// Looks for the marks of a gateway in what was seen.
pub(super) fn recognise(
    front: &Asked<Exchange>,
    health: &Asked<Exchange>,
    websocket: &Asked<WebSocketAnswer>,
) -> Option<Gateway> {
    let front_mark = front.as_ref().ok().and_then(front_page_mark);
    let mark = front_mark
        .or_else(|| health.as_ref().ok().and_then(health_mark))
        .or_else(|| challenge(websocket))
        .or_else(|| attributed(front))
        .or_else(|| attributed(health))?;
    let page = front
        .as_ref()
        .map(|exchange| exchange.text().into_owned())
        .unwrap_or_default();
    let base_path = attribute(&page, "data-openclaw-control-ui-base-path").unwrap_or_default();
    Some(Gateway {
        mark,
        build: attribute(&page, "data-openclaw-control-ui-build-id").map(|text| short(&text)),
        base_path: base_path_of(&base_path),
    })
}

/// The harmless requests that tell a guarded gateway from an open one.
pub(super) fn protected_resources(gateway: &Gateway) -> [ProtectedResource; 3] {
    [
        ProtectedResource {
            post: true,
            path: "/tools/invoke".to_owned(),
            may_be_off: false,
        },
        ProtectedResource {
            post: false,
            path: format!("{}/control-ui-config.json", gateway.base_path),
            may_be_off: false,
        },
        ProtectedResource {
            post: false,
            path: "/v1/models".to_owned(),
            may_be_off: true,
        },
    ]
}

/// Whether an answer is a list of models, as the gateway's OpenAI-compatible API gives it.
pub(super) fn is_list_of_models(exchange: &Exchange) -> bool {
    let body = exchange.json().unwrap_or_default();
    exchange.is_success() && body["data"].is_array()
}

/// Whether an answer says that the proxy in front is not trusted, so that no key was judged.
pub(super) fn is_attribution_error(exchange: &Exchange) -> bool {
    error_type(exchange).is_some_and(|kind| kind == "proxy_attribution_required")
}

/// Whether an answer is the gateway's "your empty request is invalid", which only those hear who
/// were let in.
pub(super) fn is_invalid_request(exchange: &Exchange) -> bool {
    exchange.status == 400
        && error_type(exchange).is_some_and(|kind| kind.starts_with("invalid_request"))
}

/// Whether an answer is the gateway's lock-out for wrong keys: it says nothing about a limit.
pub(super) fn is_lock_out(exchange: &Exchange) -> bool {
    exchange.status == 429 && error_type(exchange).is_some_and(|kind| kind == "rate_limited")
}

/// Whether an answer is the gateway's own configuration.
pub(super) fn is_control_ui_config(exchange: &Exchange) -> bool {
    exchange.is_success()
        && exchange
            .json()
            .is_some_and(|json| json.get("serverVersion").is_some())
}

/// Whether an answer by itself shows a mark of a gateway.
pub(super) fn shows_mark(exchange: &Exchange) -> bool {
    front_page_mark(exchange).is_some() || is_attribution_error(exchange)
}

fn front_page_mark(front: &Exchange) -> Option<&'static str> {
    const MARKS: &[&str] = &[
        "<title>OpenClaw Control",
        "<openclaw-app",
        "data-openclaw-control-ui-build-id",
    ];
    let page = front.text();
    MARKS.iter().copied().find(|mark| page.contains(mark))
}

fn health_mark(health: &Exchange) -> Option<&'static str> {
    let json = health.json()?;
    let live = json.get("ok")?.as_bool()? && json.get("status")?.as_str()? == "live";
    (health.is_success() && live).then_some("/health says live")
}

fn challenge(websocket: &Asked<WebSocketAnswer>) -> Option<&'static str> {
    let answer = websocket.as_ref().ok()?;
    answer.is_gateway().then_some("connect.challenge")
}

fn attributed(answer: &Asked<Exchange>) -> Option<&'static str> {
    let exchange = answer.as_ref().ok()?;
    is_attribution_error(exchange).then_some("proxy_attribution_required")
}

/// The `type` (or `code`) of an error body, at the top or inside `error`.
fn error_type(exchange: &Exchange) -> Option<String> {
    let json = exchange.json()?;
    let error = json.get("error").unwrap_or(&json);
    let kind = error
        .as_str()
        .or_else(|| error.get("type").and_then(|value| value.as_str()))
        .or_else(|| error.get("code").and_then(|value| value.as_str()))?;
    Some(kind.to_owned())
}

fn attribute(page: &str, name: &str) -> Option<String> {
    let after = &page[page.find(name)? + name.len()..];
    let after = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let value = after[1..].split(quote).next()?;
    Some(value.to_owned())
}

/// The base path without its last slash, or nothing where it is no plain path.
fn base_path_of(text: &str) -> String {
    let trimmed = text.trim_end_matches('/');
    let plain = trimmed
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte));
    let rooted = trimmed.starts_with('/') && !trimmed.starts_with("//");
    let climbs = trimmed.split('/').any(|part| part == "..");
    if plain && rooted && !climbs && trimmed.len() <= 200 {
        trimmed.to_owned()
    } else {
        String::new()
    }
}
