//! A counted burst and forged addresses: the only proof that a declared limit is enforced.
//!
//! A gateway has no request limit of its own; whatever `RATE_LIMIT_*` promises has to be enforced
//! in front of it.

use std::cell::Cell;
use std::collections::BTreeMap;

use futures_util::future::{join_all, ready};
use futures_util::{StreamExt, stream};
use hyper::header::{HeaderName, HeaderValue};
use tokio::time::Instant;

use super::endpoint::DeclaredLimit;
use super::evidence::{Asked, Burst, Exchange, ForgedRound, Refusal, RetryAfter, Silence};
use super::gateway::{is_invalid_request, is_lock_out};
use super::http::{Asker, Question};

/// No burst is longer than this, in requests.
const MOST: u64 = 200;
/// Pairs of a plain and a forged request in one round.
const PAIRS: usize = 4;
/// Rounds, the second only where the first was not clear.
const ROUNDS: usize = 2;
/// Requests under way at once.
pub(super) const LANES: usize = 8;

/// What to send how often.
pub(super) struct Plan {
    /// The question, its key included.
    pub(super) question: Question,
    /// Whether the configured key is in it.
    pub(super) with_key: bool,
    /// Whether a gateway's answers count.
    pub(super) of_gateway: bool,
    /// What is promised.
    pub(super) limit: DeclaredLimit,
}

/// How many requests prove that a limit is not enforced: a tenth more than it, five at least.
///
/// # Errors
/// The reason, where that were too many.
pub(super) fn planned(limit: DeclaredLimit) -> Asked<usize> {
    let margin = (limit.requests / 10).max(5);
    let total = limit.requests.saturating_add(margin);
    if total > MOST {
        return Err(Silence::NotAsked(format!(
            "RATE_LIMIT_REQUESTS is {}, which takes {total} requests to prove, and no burst is longer \
             than {MOST}",
            limit.requests
        )));
    }
    usize::try_from(total).map_err(|_| Silence::BudgetSpent)
}

/// All requests that a plan may cost, those with forged addresses included.
pub(super) fn most_requests(planned: usize) -> usize {
    planned + PAIRS * 2 * ROUNDS
}

/// Sends the burst and, once something was refused, asks with forged addresses.
pub(super) async fn send(asker: &Asker, plan: &Plan, planned: usize) -> Burst {
    let started = Instant::now();
    let mut burst = Burst {
        request: plan.question.line(),
        with_key: plan.with_key,
        planned,
        statuses: BTreeMap::new(),
        let_through: 0,
        served: 0,
        earlier: asker.sent_within(plan.limit.window),
        was_limited: false,
        refusal: None,
        key_refused: None,
        silence: None,
        took: std::time::Duration::ZERO,
        forged: Vec::new(),
        peer: None,
    };
    let mut sent = 0;
    if plan.with_key {
        // This path may refuse a key that another takes: one attempt is known to be spent before
        // there are more.
        sent = 1;
        let answer = asker.ask_once(&plan.question).await;
        take(&mut burst, answer, plan);
    }
    let is_over = Cell::new(burst.is_over());
    let mut answers = stream::iter(sent..planned)
        .take_while(|_| ready(!is_over.get() && !is_slow(started, plan.limit)))
        .map(|_| asker.ask(&plan.question))
        .buffer_unordered(LANES);
    while let Some(answer) = answers.next().await {
        take(&mut burst, answer, plan);
        // What is under way is still counted; nothing new is sent.
        is_over.set(burst.is_over());
    }
    drop(answers);
    burst.took = started.elapsed();
    burst.was_limited = asker.first_status() == Some(429);
    let refused = burst.refusal.as_ref();
    if refused.is_some_and(|refusal| !refusal.is_lock_out) && burst.key_refused.is_none() {
        ask_with_forged_addresses(asker, plan, &mut burst).await;
    }
    burst
}

/// In a longer burst the limit refills while it is counted.
fn is_slow(started: Instant, limit: DeclaredLimit) -> bool {
    started.elapsed() > limit.window / 10
}

fn take(burst: &mut Burst, answer: Asked<Exchange>, plan: &Plan) {
    match answer {
        Ok(exchange) => note(burst, &exchange, plan.of_gateway),
        Err(silence) => burst.silence = Some(silence),
    }
}

fn note(burst: &mut Burst, exchange: &Exchange, of_gateway: bool) {
    *burst.statuses.entry(exchange.status).or_default() += 1;
    burst.peer = burst.peer.or(exchange.peer);
    if is_refused(exchange, burst.served > 0) {
        burst.refusal.get_or_insert_with(|| Refusal {
            status: exchange.status,
            is_lock_out: of_gateway && burst.served == 0 && is_lock_out(exchange),
            retry_after: retry_after(exchange),
        });
    } else if burst.with_key && matches!(exchange.status, 401 | 403) {
        burst.key_refused = Some(exchange.status);
    } else {
        burst.let_through += 1;
        if is_served(exchange, of_gateway) {
            burst.served += 1;
        }
    }
}

/// 503 is nginx's default, 403 haproxy's; that one means something else where nothing was served.
fn is_refused(exchange: &Exchange, was_served: bool) -> bool {
    match exchange.status {
        429 | 503 => true,
        403 => was_served,
        _ => false,
    }
}

fn is_served(exchange: &Exchange, of_gateway: bool) -> bool {
    // A redirect may be what a limiter or an edge sends whoever asks too often.
    exchange.is_success() || of_gateway && is_invalid_request(exchange)
}

fn retry_after(exchange: &Exchange) -> RetryAfter {
    let Some(value) = exchange.header("retry-after").map(str::trim) else {
        return RetryAfter::Missing;
    };
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return RetryAfter::Seconds(value.parse().unwrap_or(u64::MAX));
    }
    match is_http_date(value) {
        true => RetryAfter::Date,
        false => RetryAfter::Unreadable,
    }
}

/// A date in any of the three forms that a recipient must read (RFC 9110, section 5.6.7); the two obsolete
/// ones are rewritten.
fn is_http_date(value: &str) -> bool {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    let rewritten = match words[..] {
        // Sunday, 06-Nov-94 08:49:37 GMT
        [day, date, time, zone] if day.ends_with("day,") => {
            format!("{} {time} {zone}", date.replace('-', " "))
        }
        // Sun Nov  6 08:49:37 1994
        [_, month, day, time, year] => format!("{day} {month} {year} {time} GMT"),
        _ => value.to_owned(),
    };
    [value, &rewritten]
        .into_iter()
        .any(|date| jiff::fmt::rfc2822::parse(date).is_ok())
}

async fn ask_with_forged_addresses(asker: &Asker, plan: &Plan, burst: &mut Burst) {
    let was_served = burst.served > 0;
    for number in 0..ROUNDS {
        let round = ask_round(asker, plan, number, was_served).await;
        burst.forged.push(round);
        // A limiter that leaks lets a plain one through now and then: once more.
        if round.plain_accepted == 0 {
            break;
        }
    }
}

/// All at once, plain and forged in turn, so that what leaks goes to both alike.
async fn ask_round(asker: &Asker, plan: &Plan, number: usize, was_served: bool) -> ForgedRound {
    let questions = (0..PAIRS).flat_map(|pair| {
        let forged = forged_address(number * PAIRS + pair);
        let name = HeaderName::from_static("x-forwarded-for");
        [
            (false, plan.question.clone()),
            (true, plan.question.clone().with(name, forged)),
        ]
    });
    let answers = join_all(
        questions
            .map(|(is_forged, question)| async move { (is_forged, asker.ask(&question).await) }),
    )
    .await;
    let mut round = ForgedRound::default();
    for (is_forged, answer) in answers {
        let is_accepted = match &answer {
            Ok(exchange) if is_refused(exchange, was_served) => Some(false),
            Ok(exchange) if is_served(exchange, plan.of_gateway) || !was_served => Some(true),
            _ => None,
        };
        *match (is_accepted, is_forged) {
            (Some(true), false) => &mut round.plain_accepted,
            (Some(false), false) => &mut round.plain_refused,
            (Some(true), true) => &mut round.forged_accepted,
            (Some(false), true) => &mut round.forged_refused,
            (None, _) => &mut round.unclear,
        } += 1;
    }
    round
}

/// An address of the block for documentation (RFC 5737): it belongs to nobody.
fn forged_address(number: usize) -> HeaderValue {
    let last = 10 + number % 200;
    HeaderValue::from_str(&format!("203.0.113.{last}"))
        .expect("digits and dots are always a header value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::verdicts::fixtures::exchange;
    use std::time::Duration;

    #[test]
    fn a_burst_is_a_tenth_longer_than_the_limit_and_never_too_long() {
        for (requests, expected) in [
            (1, Some(6)),
            (50, Some(55)),
            (100, Some(110)),
            (181, Some(199)),
            (182, Some(200)),
            (183, None),
            (190, None),
            (1000, None),
            (u64::MAX, None),
        ] {
            let limit = DeclaredLimit {
                requests,
                window: Duration::from_secs(60),
            };
            assert_eq!(planned(limit).ok(), expected, "{requests}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (value, expected) in [
            (None, RetryAfter::Missing),
            (Some("120"), RetryAfter::Seconds(120)),
            (Some("Fri, 31 Dec 1999 23:59:59 GMT"), RetryAfter::Date),
            (Some("Sunday, 06-Nov-94 08:49:37 GMT"), RetryAfter::Date),
            (Some("Sun Nov  6 08:49:37 1994"), RetryAfter::Date),
            (Some("Sun Nov 16 08:49:37"), RetryAfter::Unreadable),
            (Some("soon"), RetryAfter::Unreadable),
            (Some("-1"), RetryAfter::Unreadable),
            (Some(""), RetryAfter::Unreadable),
        ] {
            let headers: Vec<_> = value
                .map(|value| ("retry-after", value))
                .into_iter()
                .collect();
            let found = retry_after(&exchange(429, &headers, ""));
            assert_eq!(found, expected, "{value:?}");
        }
    }

    #[test]
    fn a_redirect_is_not_what_was_asked_for() {
        for (status, expected) in [(200, true), (204, true), (302, false), (401, false)] {
            assert_eq!(is_served(&exchange(status, &[], ""), false), expected);
        }
    }

    #[test]
    fn a_403_is_a_refusal_only_after_something_was_served() {
        for (status, was_served, expected) in [
            (429, false, true),
            (503, false, true),
            (403, true, true),
            (403, false, false),
            (401, true, false),
            (200, true, false),
        ] {
            assert_eq!(is_refused(&exchange(status, &[], ""), was_served), expected);
        }
    }
}
