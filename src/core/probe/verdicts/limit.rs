//! The rate limit: is what the env file promises enforced, by whom is it counted, and what is said?

use serde_json::{Map, Value};

use super::LiveVerdict;
use crate::probe::endpoint::DeclaredLimit;
use crate::probe::evidence::{Burst, ForgedRound, LiveEvidence, Refusal, RetryAfter};

/// `rate-limit.not-enforced`: the declared number of requests and a margin get through
/// (OWASP API Security 2023, API4).
pub fn limit_not_enforced(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    let (limit, burst) = match burst(evidence) {
        Ok(burst) => burst,
        Err(verdict) => return vec![verdict],
    };
    vec![match &burst.refusal {
        Some(refusal) => judge_refusal(limit, burst, refusal),
        None => judge_no_refusal(limit, burst),
    }]
}

/// `rate-limit.spoofable`: a forged `X-Forwarded-For` resets the limit.
pub fn limit_spoofable(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    let (limit, burst) = match burst(evidence) {
        Ok(burst) => burst,
        Err(verdict) => return vec![verdict],
    };
    vec![match (&burst.refusal, burst.forged.last()) {
        (None, _) => LiveVerdict::unknown("nothing was refused in the first place"),
        (Some(refusal), _) if refusal.is_lock_out => LiveVerdict::unknown(LOCK_OUT),
        (Some(_), None) => LiveVerdict::unknown("no forged address was asked with"),
        (Some(_), Some(round)) => judge_round(limit, burst, round),
    }]
}

/// `rate-limit.no-retry-after`: a 429 without `Retry-After` (RFC 6585, 4; RFC 9110, 10.2.3).
pub fn limit_without_retry_after(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    // Whatever else is not known: a 429 that was seen says this or does not.
    let (limit, burst) = match (&evidence.limit, &evidence.burst, burst(evidence)) {
        (Ok(limit), Ok(burst), _) if has_seen_429(burst) => (limit, burst),
        (_, _, Ok(both)) => both,
        (_, _, Err(verdict)) => return vec![verdict],
    };
    let Some(refusal) = &burst.refusal else {
        let reason = "nothing was refused, so no 429 was seen";
        return vec![LiveVerdict::unknown(reason)];
    };
    if refusal.status != 429 {
        return vec![LiveVerdict::skipped(format!(
            "the limiter answers {} instead of 429",
            refusal.status
        ))];
    }
    let facts = facts(limit, burst);
    vec![match refusal.retry_after {
        RetryAfter::Missing => LiveVerdict::fail(
            "missing",
            "the refusal (429) does not say when to come back",
            facts,
        ),
        RetryAfter::Unreadable => LiveVerdict::fail(
            "unreadable",
            "the refusal's Retry-After is neither seconds nor an HTTP date",
            facts,
        ),
        RetryAfter::Seconds(seconds) => LiveVerdict::pass(
            format!("the refusal says to come back after {seconds} s"),
            facts,
        ),
        RetryAfter::Date => LiveVerdict::pass("the refusal says when to come back", facts),
    }]
}

fn has_seen_429(burst: &Burst) -> bool {
    burst.refusal.as_ref().is_some_and(|one| one.status == 429)
}

/// The gateway's five minutes of silence say nothing about a limit.
const LOCK_OUT: &str = "the gateway has locked this address out for wrong keys: ask again later";

fn burst(evidence: &LiveEvidence) -> Result<(&DeclaredLimit, &Burst), LiveVerdict> {
    let limit = evidence.limit.as_ref().map_err(LiveVerdict::unknown)?;
    let burst = evidence.burst.as_ref().map_err(LiveVerdict::unknown)?;
    if let Some(status) = burst.key_refused {
        return Err(LiveVerdict::unknown(format!(
            "{} refuses the key with {status}, which ended the burst: a refused key is not sent \
             again; name a path that takes it with --burst-path",
            burst.request
        )));
    }
    let is_lock_out = burst.refusal.as_ref().is_some_and(|one| one.is_lock_out);
    if burst.was_limited && !is_lock_out {
        let reason = "the very first request of the run was answered 429, so nothing was counted: \
            ask again when the limit has had its rest";
        return Err(LiveVerdict::unknown(reason));
    }
    Ok((limit, burst))
}

fn judge_refusal(limit: &DeclaredLimit, burst: &Burst, refusal: &Refusal) -> LiveVerdict {
    if refusal.is_lock_out {
        return LiveVerdict::unknown(LOCK_OUT);
    }
    if refusal.status == 503 && burst.let_through == 0 {
        let reason =
            "the endpoint answers 503 from the first request on: what stands behind it may be down";
        return LiveVerdict::unknown(reason);
    }
    // One limiter may count all paths, and the run's other questions with the burst's.
    let counted = to_u64(burst.let_through) + to_u64(burst.earlier);
    let is_early = to_u64(burst.let_through) * 2 < limit.requests;
    let stricter = match is_early {
        true if counted * 2 < limit.requests => {
            ": a stricter limiter than the declared one speaks first".to_owned()
        }
        true => format!(
            " ({} other requests of this run came before, which it may count as well)",
            burst.earlier
        ),
        false => String::new(),
    };
    let advice = match refusal.status {
        429 => "",
        _ => "; answer 429 instead, so that clients know what it means (RFC 6585)",
    };
    let message = format!(
        "after {} of at most {} requests the endpoint refuses with {}{stricter}{advice}",
        burst.let_through, limit.requests, refusal.status
    );
    LiveVerdict::pass(message, facts(limit, burst))
}

fn judge_no_refusal(limit: &DeclaredLimit, burst: &Burst) -> LiveVerdict {
    if let Some(silence) = &burst.silence {
        let reason = format!(
            "after {} answers of the burst: {silence}",
            burst.let_through
        );
        return LiveVerdict::unknown(reason);
    }
    if burst.took > limit.window / 10 || burst.let_through < burst.planned {
        return LiveVerdict::unknown(format!(
            "{} requests took {} ms, over a tenth of the window of {} ms: the limit refills while it is counted",
            burst.let_through,
            burst.took.as_millis(),
            limit.window.as_millis()
        ));
    }
    if to_u64(burst.served) <= limit.requests {
        let statuses: Vec<_> = burst.statuses.keys().map(u16::to_string).collect();
        return LiveVerdict::unknown(format!(
            "{} of {} requests were served ({}), which is no traffic that a limit has to stop: name an open path with --burst-path",
            burst.served,
            burst.planned,
            statuses.join(", ")
        ));
    }
    let message = format!(
        "{} requests in {} ms all got through, although RATE_LIMIT_REQUESTS promises at most {} in {} s",
        burst.let_through,
        burst.took.as_millis(),
        limit.requests,
        limit.window.as_secs_f64()
    );
    LiveVerdict::fail("not enforced", message, facts(limit, burst))
}

fn judge_round(limit: &DeclaredLimit, burst: &Burst, round: &ForgedRound) -> LiveVerdict {
    let facts = facts(limit, burst);
    let only_refused = round.plain_accepted == 0 && round.unclear == 0;
    match (round.forged_accepted, round.forged_refused) {
        (1.., 0) if only_refused => LiveVerdict::fail(
            "X-Forwarded-For",
            "a forged X-Forwarded-For gets past the limit: everybody can be a new client with each request",
            facts,
        ),
        (0, 1..) if only_refused => LiveVerdict::pass(
            "requests with a forged X-Forwarded-For are refused like plain ones",
            facts,
        ),
        _ => LiveVerdict::unknown(format!(
            "after the refusal {} of {} plain requests and {} of {} with a forged X-Forwarded-For were let through: the limit refills too fast to tell",
            round.plain_accepted,
            round.plain_accepted + round.plain_refused,
            round.forged_accepted,
            round.forged_accepted + round.forged_refused
        )),
    }
}

/// What was promised beside what was counted.
fn facts(limit: &DeclaredLimit, burst: &Burst) -> Map<String, Value> {
    let mut facts = Map::new();
    let mut add = |name: &str, value: Value| facts.insert(name.to_owned(), value);
    add("request", burst.request.clone().into());
    add("with_key", burst.with_key.into());
    add("declared_requests", limit.requests.into());
    add("declared_window_ms", milliseconds(limit.window));
    add("sent", burst.statuses.values().sum::<usize>().into());
    add("let_through", burst.let_through.into());
    let statuses = burst.statuses.iter();
    let statuses = statuses.map(|(status, count)| (status.to_string(), Value::from(*count)));
    add("statuses", Value::Object(statuses.collect()));
    add("took_ms", milliseconds(burst.took));
    if let Some(refusal) = &burst.refusal {
        add("refusal", refusal.status.into());
        let retry_after = match refusal.retry_after {
            RetryAfter::Missing => Value::Null,
            RetryAfter::Unreadable => "unreadable".into(),
            RetryAfter::Seconds(seconds) => seconds.into(),
            RetryAfter::Date => "a date".into(),
        };
        add("retry_after", retry_after);
    }
    if let Some(round) = burst.forged.last() {
        add("plain_let_through", round.plain_accepted.into());
        add("plain_refused", round.plain_refused.into());
        add("forged_let_through", round.forged_accepted.into());
        add("forged_refused", round.forged_refused.into());
    }
    if let Some(peer) = burst.peer {
        add("peer", peer.to_string().into());
    }
    facts
}

fn milliseconds(duration: std::time::Duration) -> Value {
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .into()
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::fixtures::evidence;
    use super::*;
    use crate::probe::evidence::Silence;

    const LIMIT: DeclaredLimit = DeclaredLimit {
        requests: 100,
        window: Duration::from_secs(60),
    };

    /// 110 requests that all got through.
    fn unlimited() -> Burst {
        Burst {
            request: "GET /api".into(),
            with_key: true,
            planned: 110,
            statuses: BTreeMap::from([(200, 110)]),
            let_through: 110,
            served: 110,
            earlier: 28,
            was_limited: false,
            refusal: None,
            key_refused: None,
            silence: None,
            took: Duration::from_millis(80),
            forged: Vec::new(),
            peer: None,
        }
    }

    fn refused(status: u16, after: usize, retry_after: RetryAfter) -> Burst {
        Burst {
            let_through: after,
            served: after,
            refusal: Some(Refusal {
                status,
                is_lock_out: false,
                retry_after,
            }),
            forged: vec![round(0, 4)],
            ..unlimited()
        }
    }

    /// A round of which so many plain and forged ones got through.
    fn round(plain: usize, forged: usize) -> ForgedRound {
        ForgedRound {
            plain_accepted: plain,
            plain_refused: 4 - plain,
            forged_accepted: forged,
            forged_refused: 4 - forged,
            unclear: 0,
        }
    }

    fn letters(burst: Result<Burst, Silence>) -> String {
        let mut evidence = evidence();
        evidence.limit = Ok(LIMIT);
        evidence.burst = burst;
        let judges = [
            limit_not_enforced,
            limit_spoofable,
            limit_without_retry_after,
        ];
        judges
            .iter()
            .map(|judge| match judge(&evidence).as_slice() {
                [LiveVerdict::Pass { .. }] => 'p',
                [LiveVerdict::Fail { .. }] => 'f',
                [LiveVerdict::Unknown { .. }] => 'u',
                [LiveVerdict::Skipped { .. }] => 's',
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn bursts_and_what_they_say_of_limit_spoofing_and_retry_after() {
        let seconds = RetryAfter::Seconds(60);
        let lock_out = || {
            let mut burst = refused(429, 0, RetryAfter::Seconds(300));
            burst.refusal.as_mut().unwrap().is_lock_out = true;
            burst
        };
        let cases = [
            ("all through", unlimited(), "fuu"),
            (
                "over a tenth of the window",
                Burst {
                    took: Duration::from_secs(7),
                    ..unlimited()
                },
                "uuu",
            ),
            (
                "ended by the clock",
                Burst {
                    let_through: 50,
                    served: 50,
                    ..unlimited()
                },
                "uuu",
            ),
            (
                "asked for a key",
                Burst {
                    served: 0,
                    ..unlimited()
                },
                "uuu",
            ),
            (
                "hung up",
                Burst {
                    silence: Some(Silence::HungUp),
                    ..unlimited()
                },
                "uuu",
            ),
            (
                "429 and forged ones get by",
                refused(429, 100, seconds),
                "pfp",
            ),
            (
                "429 for all",
                Burst {
                    forged: vec![round(0, 0)],
                    ..refused(429, 100, RetryAfter::Date)
                },
                "ppp",
            ),
            (
                "429 without a word",
                Burst {
                    forged: vec![round(0, 0)],
                    ..refused(429, 20, RetryAfter::Missing)
                },
                "ppf",
            ),
            (
                "429 with another word",
                Burst {
                    forged: vec![round(0, 0)],
                    ..refused(429, 20, RetryAfter::Unreadable)
                },
                "ppf",
            ),
            (
                "leaks in the first round only",
                Burst {
                    forged: vec![round(1, 1), round(0, 0)],
                    ..refused(429, 100, seconds)
                },
                "ppp",
            ),
            (
                "leaks in both rounds",
                Burst {
                    forged: vec![round(1, 1), round(1, 0)],
                    ..refused(429, 100, seconds)
                },
                "pup",
            ),
            (
                "forged ones get by in part",
                Burst {
                    forged: vec![round(0, 2)],
                    ..refused(429, 100, seconds)
                },
                "pup",
            ),
            (
                "503 after some",
                refused(503, 30, RetryAfter::Missing),
                "pfs",
            ),
            (
                "503 from the first",
                refused(503, 0, RetryAfter::Missing),
                "ufs",
            ),
            ("locked out", lock_out(), "uup"),
            (
                "limited before the first question",
                Burst {
                    was_limited: true,
                    ..refused(429, 0, seconds)
                },
                "uup",
            ),
            (
                "the key is refused",
                Burst {
                    key_refused: Some(401),
                    ..unlimited()
                },
                "uuu",
            ),
            (
                "the key is refused while a limiter speaks",
                Burst {
                    key_refused: Some(403),
                    ..refused(429, 30, RetryAfter::Missing)
                },
                "uuf",
            ),
        ];
        for (name, burst, expected) in cases {
            assert_eq!(letters(Ok(burst)), expected, "{name}");
        }
        assert_eq!(letters(Err(Silence::TimedOut)), "uuu");
    }

    #[test]
    fn a_limiter_is_called_stricter_only_where_the_run_s_other_requests_do_not_explain_it() {
        let [stricter, before] = [
            "stricter limiter",
            "28 other requests of this run came before",
        ];
        for (requests, let_through, word) in [
            (50, 22, Some(before)),
            (100, 10, Some(stricter)),
            (100, 21, Some(stricter)),
            (100, 22, Some(before)),
            (100, 60, None),
        ] {
            let mut evidence = evidence();
            evidence.limit = Ok(DeclaredLimit { requests, ..LIMIT });
            evidence.burst = Ok(refused(429, let_through, RetryAfter::Missing));
            let verdicts = limit_not_enforced(&evidence);
            let [LiveVerdict::Pass { message, .. }] = &verdicts[..] else {
                panic!("{verdicts:?}");
            };
            for words in [stricter, before] {
                assert_eq!(message.contains(words), word == Some(words), "{message}");
            }
        }
    }

    #[test]
    fn what_was_promised_stands_beside_what_was_counted() {
        let mut evidence = evidence();
        evidence.limit = Ok(LIMIT);
        evidence.burst = Ok(unlimited());
        let verdicts = limit_not_enforced(&evidence);
        let [LiveVerdict::Fail { evidence, .. }] = &verdicts[..] else {
            panic!("{verdicts:?}");
        };
        assert_eq!(evidence["declared_requests"], 100);
        assert_eq!(evidence["declared_window_ms"], 60_000);
        assert_eq!(evidence["let_through"], 110);
    }

    #[test]
    fn a_limit_that_is_not_promised_is_unknown() {
        let mut evidence = evidence();
        evidence.burst = Ok(unlimited());
        let verdicts = limit_not_enforced(&evidence);
        assert!(matches!(verdicts[..], [LiveVerdict::Unknown { .. }]));
    }
}
