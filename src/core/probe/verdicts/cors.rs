//! Cross-origin access: is a foreign origin let in?

use serde_json::Value;

use super::{LiveVerdict, Severity, facts_with, not_the_application};
use crate::order;
use crate::probe::evidence::{CorsAnswer, Exchange, ForeignOrigin, LiveEvidence, short};

/// `network.cors-reflected`: a foreign origin is allowed, also by prefix, suffix or `null`.
///
/// One fault gives one verdict: a server that allows any origin is not reported again for the
/// special ones.
pub fn cors_reflected(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    if let Err(silence) = &evidence.front {
        return vec![LiveVerdict::unknown(silence)];
    }
    let mut failures = Vec::new();
    for fault in FAULTS {
        let allowed: Vec<_> = evidence
            .cors
            .iter()
            .filter(|asked| fault.is_in(asked))
            .collect();
        if let Some(first) = allowed.first() {
            failures.push(fault.verdict(first, &allowed));
        }
        if fault.covers_the_rest && !failures.is_empty() {
            break;
        }
    }
    if !failures.is_empty() {
        return failures;
    }
    let judged = evidence.cors.iter().filter(|asked| asked.kind.fails());
    match judged.into_iter().find_map(not_judged) {
        Some(reason) => vec![LiveVerdict::unknown(reason)],
        None if evidence.cors.is_empty() => {
            vec![LiveVerdict::unknown("no foreign origin was asked")]
        }
        None => vec![nothing_wrong(evidence)],
    }
}

/// A pass, with what is worth a word.
fn nothing_wrong(evidence: &LiveEvidence) -> LiveVerdict {
    let asked = evidence.cors.iter().filter(|asked| asked.kind.fails());
    let mut facts = serde_json::Map::new();
    let mut paths: Vec<&str> = asked.clone().map(|asked| asked.path.as_str()).collect();
    paths.dedup();
    facts.insert("paths".into(), paths.into());
    let mut origins: Vec<&str> = asked.clone().map(|asked| asked.origin.as_str()).collect();
    order::sort(&mut origins);
    origins.dedup();
    facts.insert("refused_origins".into(), origins.into());
    let notes: Vec<_> = not_allowed(evidence)
        .into_iter()
        .chain(NOTES.iter().filter_map(|(kind, note)| {
            let allowed = |asked: &&CorsAnswer| asked.kind == *kind && repeats(asked);
            let asked = evidence.cors.iter().find(allowed)?;
            Some(format!("{note}: {}", asked.origin))
        }))
        .collect();
    let mut message = format!("{} foreign origins were not allowed", asked.count());
    for note in &notes {
        message.push_str("; ");
        message.push_str(note);
    }
    facts.insert("notes".into(), notes.into());
    LiveVerdict::pass(message, facts)
}

/// Origins that are worth a word and no failure: hard to own, or the site's own.
const NOTES: [(ForeignOrigin, &str); 2] = [
    (
        ForeignOrigin::HttpTwin,
        "allowed is the same host over plain http, which anybody on the way can speak for",
    ),
    (
        ForeignOrigin::LetterForDot,
        "allowed is a name with a letter in place of a dot, so a pattern does not escape its dots",
    ),
];

/// Whether the answer allows exactly the origin that asked.
fn repeats(asked: &CorsAnswer) -> bool {
    let allowed = asked.answer.as_ref().ok().and_then(allowed_origin);
    allowed.is_some_and(|allowed| allowed.eq_ignore_ascii_case(&asked.origin))
}

/// Entries of `CORS_ORIGINS` that the front page does not allow: worth a word, no failure.
fn not_allowed(evidence: &LiveEvidence) -> Option<String> {
    let declared = evidence.declared_origins.iter();
    let refused: Vec<_> = declared
        .filter(|(_, allowed)| *allowed == Ok(false))
        .map(|(origin, _)| short(origin))
        .collect();
    let refused = (!refused.is_empty()).then(|| refused.join(", "))?;
    Some(format!(
        "listed in CORS_ORIGINS but not allowed either: {refused}"
    ))
}

struct Fault {
    subject: &'static str,
    message: &'static str,
    wildcard: bool,
    kind: Option<ForeignOrigin>,
    covers_the_rest: bool,
}

const FAULTS: [Fault; 5] = [
    Fault {
        subject: "any origin is reflected",
        message: "any origin is allowed: the answer repeats whatever site asks",
        wildcard: false,
        kind: Some(ForeignOrigin::Random),
        covers_the_rest: true,
    },
    Fault {
        subject: "wildcard",
        message: "any origin is allowed: the answer carries Access-Control-Allow-Origin: *",
        wildcard: true,
        kind: None,
        covers_the_rest: true,
    },
    Fault {
        subject: "null",
        message: "the origin null is allowed, which any site can send from a sandboxed frame",
        wildcard: false,
        kind: Some(ForeignOrigin::Null),
        covers_the_rest: false,
    },
    Fault {
        subject: "prefix",
        message: "an origin is allowed because its name begins like this host: anyone can own one",
        wildcard: false,
        kind: Some(ForeignOrigin::Prefix),
        covers_the_rest: false,
    },
    Fault {
        subject: "suffix",
        message: "an origin is allowed because its name ends like this host: anyone can own one",
        wildcard: false,
        kind: Some(ForeignOrigin::Suffix),
        covers_the_rest: false,
    },
];

impl Fault {
    fn is_in(&self, asked: &CorsAnswer) -> bool {
        let Some(allowed) = asked.answer.as_ref().ok().and_then(allowed_origin) else {
            return false;
        };
        match self.kind {
            Some(kind) => kind == asked.kind && repeats(asked),
            None => self.wildcard && allowed == "*",
        }
    }

    fn verdict(&self, first: &CorsAnswer, allowed: &[&CorsAnswer]) -> LiveVerdict {
        let with_credentials = |asked: &&&CorsAnswer| asked.answer.as_ref().is_ok_and(credentials);
        // Browsers refuse credentials together with a wildcard.
        let credentialed = allowed
            .iter()
            .find(with_credentials)
            .filter(|_| !self.wildcard);
        let shown = credentialed.copied().unwrap_or(first);
        let mut facts = match &shown.answer {
            Ok(exchange) => facts_with(exchange, ALLOW_ORIGIN),
            Err(_) => serde_json::Map::new(),
        };
        facts.insert("origin".into(), shown.origin.clone().into());
        let mut paths: Vec<&str> = allowed.iter().map(|asked| asked.path.as_str()).collect();
        paths.dedup();
        facts.insert("paths".into(), paths.into_iter().map(Value::from).collect());
        facts.insert("credentials".into(), credentialed.is_some().into());
        let suffix = match credentialed {
            Some(_) => ", with the visitor's credentials",
            None => "",
        };
        LiveVerdict::Fail {
            message: format!("{}{suffix}", self.message),
            evidence: facts,
            subject: self.subject.to_owned(),
            severity: credentialed.map(|_| Severity::Critical),
        }
    }
}

const ALLOW_ORIGIN: &str = "access-control-allow-origin";

/// The allowed origin, if there is exactly one: browsers refuse an answer with several.
fn allowed_origin(exchange: &Exchange) -> Option<&str> {
    let mut values = exchange.header_all(ALLOW_ORIGIN);
    let value = values.next()?.trim();
    values.next().is_none().then_some(value)
}

fn credentials(exchange: &Exchange) -> bool {
    exchange.header("access-control-allow-credentials") == Some("true")
}

fn not_judged(asked: &CorsAnswer) -> Option<String> {
    match &asked.answer {
        Err(silence) => Some(format!("{} with a foreign origin: {silence}", asked.path)),
        Ok(exchange) => not_the_application(exchange),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{evidence, exchange};
    use super::*;
    use crate::probe::evidence::Silence;

    /// What a server allows, given the origin that asks.
    type Policy = fn(ForeignOrigin, &str) -> Option<String>;

    fn asked(policy: Policy, credentials: bool) -> LiveEvidence {
        let mut evidence = evidence();
        for (kind, origin) in [
            (ForeignOrigin::Random, "https://evil.example"),
            (ForeignOrigin::Null, "null"),
            (ForeignOrigin::Prefix, "https://bot.example.evil.example"),
            (ForeignOrigin::Suffix, "https://xbot.example"),
        ] {
            let allowed = policy(kind, origin);
            let mut headers: Vec<(&str, &str)> = allowed
                .iter()
                .map(|value| (ALLOW_ORIGIN, value.as_str()))
                .collect();
            if credentials {
                headers.push(("access-control-allow-credentials", "true"));
            }
            evidence.cors.push(CorsAnswer {
                path: "/".into(),
                kind,
                origin: origin.into(),
                answer: Ok(exchange(200, &headers, "")),
            });
        }
        evidence
    }

    #[test]
    fn policies_and_what_is_wrong_about_them() {
        use ForeignOrigin::*;
        let cases: &[(Policy, &[&str])] = &[
            (|_, _| None, &[]),
            (|_, _| Some("https://friend.example".into()), &[]),
            (
                |_, origin| Some(origin.into()),
                &["any origin is reflected"],
            ),
            (|_, _| Some("*".into()), &["wildcard"]),
            (|kind, o| (kind == Null).then(|| o.into()), &["null"]),
            (|_, _| Some("null".into()), &["null"]),
            (|kind, o| (kind == Prefix).then(|| o.into()), &["prefix"]),
            (
                |kind, o| (kind != Random).then(|| o.into()),
                &["null", "prefix", "suffix"],
            ),
        ];
        for (policy, expected) in cases {
            for credentialed in [false, true] {
                let verdicts = cors_reflected(&asked(*policy, credentialed));
                let subjects: Vec<_> = verdicts
                    .iter()
                    .filter_map(|verdict| match verdict {
                        LiveVerdict::Fail {
                            subject, severity, ..
                        } => {
                            let critical = credentialed && subject != "wildcard";
                            assert_eq!(severity.is_some(), critical);
                            Some(subject.as_str())
                        }
                        _ => None,
                    })
                    .collect();
                assert_eq!(&subjects, expected);
                assert_eq!(verdicts[0].is_pass(), expected.is_empty());
            }
        }
    }

    #[test]
    fn the_http_twin_and_a_letter_for_a_dot_are_worth_a_word_and_no_failure() {
        let mut evidence = asked(|_, _| None, false);
        for (kind, origin) in [
            (ForeignOrigin::HttpTwin, "http://bot.example"),
            (ForeignOrigin::LetterForDot, "https://botxexample"),
        ] {
            let headers = [(ALLOW_ORIGIN, origin)];
            evidence.cors.push(CorsAnswer {
                path: "/".into(),
                kind,
                origin: origin.into(),
                answer: Ok(exchange(200, &headers, "")),
            });
        }
        let verdicts = cors_reflected(&evidence);
        let [LiveVerdict::Pass { message, evidence }] = &verdicts[..] else {
            panic!("{verdicts:?}");
        };
        assert!(
            message.contains("plain http") && message.contains("dot"),
            "{message}"
        );
        assert_eq!(evidence["notes"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn an_origin_without_an_answer_leaves_it_unknown() {
        for answer in [Err(Silence::TimedOut), Ok(exchange(503, &[], ""))] {
            let mut evidence = asked(|_, _| None, false);
            evidence.cors[1].answer = answer;
            let verdicts = cors_reflected(&evidence);
            assert!(matches!(verdicts[..], [LiveVerdict::Unknown { .. }]));
        }
        assert!(matches!(
            cors_reflected(&evidence())[..],
            [LiveVerdict::Unknown { .. }]
        ));
    }
}
