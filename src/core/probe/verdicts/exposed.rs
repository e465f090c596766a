//! Files that no endpoint may serve, proven by their content.

use serde_json::{Map, Value};

use super::{LiveVerdict, facts, not_the_application};
use crate::probe::evidence::{ExposedAnswer, ExposedKind, LiveEvidence};

/// `secrets.exposed-over-http`: the endpoint serves an env file, a git configuration or the audit
/// log (OWASP ASVS 13.4.1). One verdict per file; what could not be seen is one unknown.
pub fn exposed_over_http(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    if evidence.exposed.is_empty() {
        let reason = evidence.front.as_ref().err().map(ToString::to_string);
        let reason = reason.unwrap_or_else(|| "no file was asked for".to_owned());
        return vec![LiveVerdict::unknown(reason)];
    }
    let judged: Vec<_> = evidence.exposed.iter().map(judge).collect();
    let mut verdicts: Vec<_> = judged
        .iter()
        .filter(|verdict| verdict.is_fail())
        .cloned()
        .collect();
    let unknown = |verdict: &&LiveVerdict| matches!(verdict, LiveVerdict::Unknown { .. });
    verdicts.extend(judged.iter().find(unknown).cloned());
    if verdicts.is_empty() {
        let message = format!(
            "{} paths serve no file that should be private",
            judged.len()
        );
        let statuses = evidence.exposed.iter().filter_map(|asked| {
            let status = asked.answer.as_ref().ok()?.status;
            Some((asked.path.clone(), Value::from(status)))
        });
        let mut facts = Map::new();
        facts.insert("statuses".into(), Value::Object(statuses.collect()));
        verdicts.push(LiveVerdict::pass(message, facts));
    }
    verdicts
}

fn judge(asked: &ExposedAnswer) -> LiveVerdict {
    let path = &asked.path;
    let exchange = match &asked.answer {
        Ok(exchange) => exchange,
        Err(silence) => return LiveVerdict::unknown(format!("{path}: {silence}")),
    };
    if let Some(reason) = not_the_application(exchange) {
        return LiveVerdict::unknown(format!("{path}: {reason}"));
    }
    let Some(names) = &asked.found else {
        if let Some(reason) = exchange.hidden() {
            return LiveVerdict::unknown(format!("{path}: {reason}"));
        }
        const ENOUGH: usize = 8 * 1024;
        if exchange.is_success() && !exchange.complete && asked.length < ENOUGH {
            return LiveVerdict::unknown(format!("{path}: the answer did not end in time"));
        }
        return LiveVerdict::pass(format!("{path} is not served"), facts(exchange));
    };
    match &asked.canary {
        Some(Ok(true)) => {
            LiveVerdict::pass(format!("{path} gets what any path gets"), facts(exchange))
        }
        Some(Ok(false)) => {
            let mut facts = facts(exchange);
            facts.insert("length_bytes".into(), asked.length.into());
            if asked.kind == ExposedKind::EnvFile {
                facts.insert("names".into(), names.clone().into());
            }
            let what = match asked.kind {
                ExposedKind::EnvFile => "an env file",
                ExposedKind::GitConfig => "a git repository",
                ExposedKind::AuditLog => "the audit log",
            };
            LiveVerdict::fail(
                path.clone(),
                format!("{path} serves {what} to everybody"),
                facts,
            )
        }
        Some(Err(silence)) => LiveVerdict::unknown(format!(
            "{path}: it looks served, but a path that cannot exist could not be compared: {silence}"
        )),
        None => LiveVerdict::unknown(format!("{path}: nothing was compared")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{evidence, exchange};
    use super::*;
    use crate::probe::evidence::{Asked, Exchange, Silence};

    fn letter_of(
        answer: Asked<Exchange>,
        found: Option<Vec<String>>,
        canary: Option<Asked<bool>>,
    ) -> char {
        let mut evidence = evidence();
        evidence.exposed.push(ExposedAnswer {
            path: "/.env".into(),
            kind: ExposedKind::EnvFile,
            answer,
            length: 0,
            found,
            canary,
        });
        match exposed_over_http(&evidence).as_slice() {
            [LiveVerdict::Pass { .. }] => 'p',
            [LiveVerdict::Fail { .. }] => 'f',
            [LiveVerdict::Unknown { .. }] => 'u',
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_body_that_cannot_be_read_is_unknown_where_it_would_decide() {
        for (status, expected) in [(200, 'u'), (404, 'p')] {
            let mut answer = exchange(status, &[], "");
            answer.unreadable = Some("it is encoded as br".into());
            assert_eq!(letter_of(Ok(answer), None, None), expected, "{status}");
        }
    }

    #[test]
    fn a_file_fails_only_if_a_path_that_cannot_exist_differs() {
        let names = || Some(vec!["WEB_API_KEY".to_owned()]);
        for (answer, found, canary, expected) in [
            (Ok(200), names(), Some(Ok(false)), 'f'),
            (Ok(200), names(), Some(Ok(true)), 'p'),
            (Ok(200), names(), Some(Err(Silence::TimedOut)), 'u'),
            (Ok(200), None, None, 'p'),
            (Ok(404), None, None, 'p'),
            (Ok(301), None, None, 'p'),
            (Ok(429), None, None, 'u'),
            (Ok(503), None, None, 'u'),
            (Err(Silence::TimedOut), None, None, 'u'),
        ] {
            let asked = answer.clone().map(|status| exchange(status, &[], ""));
            assert_eq!(letter_of(asked, found, canary), expected, "{answer:?}");
        }
    }
}
