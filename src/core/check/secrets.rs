//! "API keys stored securely": the env file and its copies, the values in it, the tree around it.

use std::collections::BTreeMap;
use std::path::Path;

use super::Check;
use super::code;
use super::evidence::{Declared, Evidence, RealSecret};
use super::host;
use super::live;
use super::verdict::{
    Finding, Verdict, fail, findings_or_pass, pass, shell_word, skipped, unknown,
};
use crate::env_file::Assignment;
use crate::key_shapes::{ShapeVerdict, Uncleanness, judge_provider_value};
use crate::order;
use crate::placeholder::placeholder;
use crate::report::{Kind, Location, Severity};
use crate::scan::{Answer, Search, Tracking};

const PAGE: &str = "https://docs.openclawvps.com/configuration/security";

pub const CHECKS: &[Check] = &[
    Check::new("secrets.env-file-mode", Kind::Host, Severity::High, host::env_file_mode)
        .asks("only its owner can read the env file", "every other user and service on this machine can read the keys")
        .mended_by("run `chmod 600 {env}`, or `openclaw-sec check --env {env} --fix`")
        .see(&[PAGE, "CWE-732"])
        .fixable(),
    Check::new("secrets.env-file-owner", Kind::Host, Severity::High, host::env_file_owner)
        .asks("the env file belongs to who runs OpenClaw, or to root", "whoever owns the file, or a folder above it, can put other keys in its place")
        .mended_by("give the file to the user that runs OpenClaw with `chown`, and take write permission for others off the folders above it")
        .see(&["CWE-282", "CWE-732"])
        .fixable(),
    Check::new("secrets.env-file-tracked", Kind::Code, Severity::High, env_file_tracked)
        .asks("git ignores the env file", "what git holds, or takes in with the next `git add .`, everyone with a clone can read")
        .mended_by("add the file to .gitignore; if it is tracked, run `git rm --cached {env}` and rotate every key in it")
        .see(&[PAGE, "CWE-538"])
        .fixable(),
    Check::new("secrets.env-file-in-history", Kind::Code, Severity::High, env_file_in_history)
        .asks("no env file with a secret was ever committed", "what was committed once stays readable for everyone with a clone")
        .mended_by("rotate the keys that were committed; then, if you must, rewrite the history")
        .see(&[PAGE, "CWE-538"]),
    Check::new("secrets.in-code", Kind::Code, Severity::High, in_code)
        .asks("no key stands in the source tree", "keys in code reach everyone who can read the repository")
        .mended_by("rotate the key and read it from the environment instead")
        .see(&[PAGE, "CWE-798"]),
    Check::new("secrets.in-history", Kind::Code, Severity::High, in_history)
        .asks("no key stands in the git history", "deleting a key from the tree leaves it in every clone")
        .mended_by("rotate the key; then, if you must, rewrite the history")
        .see(&[PAGE, "CWE-798"]),
    Check::new("secrets.placeholder", Kind::Declared, Severity::Critical, placeholders)
        .asks("every secret has a value of its own", "everyone who has read the documentation can log in")
        .mended_by("put a real value in its place; for a key of your own run `openclaw-sec keygen --env {env} --name NAME`")
        .see(&[PAGE, "CWE-1392"]),
    Check::new("secrets.reused", Kind::Declared, Severity::Medium, reused)
        .asks("no two secrets share a value", "who learns one of them has the other, and rotating one breaks the other")
        .mended_by("give each variable a key of its own: `openclaw-sec keygen --env {env} --name NAME --replace`")
        .see(&["OWASP ASVS 5.0 13.3.1"]),
    Check::new("secrets.shared-between-environments", Kind::Declared, Severity::High, shared)
        .asks("environments do not share secrets", "a leak in development opens production")
        .mended_by("use separate keys for development and production: `openclaw-sec keygen --env {env} --name NAME --replace`, or a second key at the provider")
        .see(&[PAGE]),
    Check::new("secrets.duplicate-variable", Kind::Declared, Severity::Medium, duplicates)
        .asks("each variable is set once", "programs disagree on which of the two wins, so a rotated key may never be used")
        .mended_by("delete all lines but the one that should count; Node takes the last")
        .see(&["https://github.com/motdotla/dotenv"]),
    Check::new("secrets.malformed-key", Kind::Declared, Severity::Medium, malformed)
        .asks("provider keys look like their provider's", "a mangled or misplaced key fails at run time, and a misplaced one is sent to the wrong company")
        .mended_by("copy the key again from the provider's console, without quotes and blanks")
        .see(&[PAGE]),
    Check::new("secrets.stale-in-process", Kind::Host, Severity::High, host::stale_in_process)
        .asks("the running OpenClaw has the file's values", "a rotated key is not in use until OpenClaw was restarted, and the old one must stay valid until then")
        .mended_by("restart OpenClaw; if the old value comes back, look for a place that outranks the env file, such as gateway.systemd.env")
        .see(&["https://github.com/openclaw/openclaw/issues/124847"]),
    Check::new("secrets.exposed-over-http", Kind::Live, Severity::Critical, live::exposed_over_http)
        .asks("the endpoint serves no private files", "anyone can download the keys")
        .mended_by("take the file out of the web server's root, deny dotfiles there, and rotate every key that was exposed")
        .see(&["OWASP ASVS 5.0 13.4.1", "CWE-538"]),
];

fn placeholders(evidence: &Evidence) -> Vec<Verdict> {
    let Some(declared) = &evidence.declared else {
        return skipped("no env file was read");
    };
    let mut findings: Vec<Finding> = declared
        .secrets()
        .filter(|secret| placeholder(secret.value.expose()).is_some())
        .map(|secret| placeholder_finding(declared, secret))
        .collect();
    if let Some(upstream) = &evidence.upstream {
        for (place, value) in upstream.secrets() {
            if placeholder(value.expose()).is_some() {
                let message = format!("{place} still has a value from the documentation");
                let finding = Finding::new(place, message).at(Location::file(&upstream.path));
                findings.push(finding.with("variable", place));
            }
        }
    }
    findings_or_pass(findings, "no secret has a placeholder value")
}

fn placeholder_finding(declared: &Declared, secret: &Assignment) -> Finding {
    let message = format!("{} still has a placeholder value", secret.name);
    let finding = Finding::new(&secret.name, message)
        .at(declared.location(secret))
        .with("variable", secret.name.as_str());
    match crate::variables::WEB_KEYS.contains(&secret.name.as_str()) {
        true if secret.name == "WEB_API_KEY" => {
            finding.mended_by("run `openclaw-sec keygen --env {env}` and restart OpenClaw")
        }
        true => finding.mended_by(format!(
            "run `openclaw-sec keygen --env {{env}} --name {}` and restart OpenClaw",
            secret.name
        )),
        false => finding.mended_by(format!(
            "put the real value of {} there, or delete the line if it is not used",
            secret.name
        )),
    }
}

fn reused(evidence: &Evidence) -> Vec<Verdict> {
    if evidence.declared.is_none() {
        return skipped("no env file was read");
    }
    let mut by_value: BTreeMap<&[u8], Vec<RealSecret<'_>>> = BTreeMap::new();
    for secret in evidence.real_secrets() {
        let sharing = by_value.entry(secret.value.expose()).or_default();
        // One variable in two places is one secret.
        if sharing.iter().all(|one| one.variable != secret.variable) {
            sharing.push(secret);
        }
    }
    let findings = by_value
        .into_values()
        .filter(|sharing| sharing.len() > 1)
        .map(|sharing| reuse_finding(&sharing))
        .collect();
    findings_or_pass(findings, "every secret has a value of its own")
}

fn reuse_finding(sharing: &[RealSecret<'_>]) -> Finding {
    let mut names: Vec<&str> = sharing.iter().map(|secret| secret.name).collect();
    order::sort(&mut names);
    Finding::new(
        names.join(" "),
        format!("{} share one value", names.join(" and ")),
    )
    .at(sharing[1].location.clone())
    .with("variables", names)
}

fn shared(evidence: &Evidence) -> Vec<Verdict> {
    let has_env_file = evidence
        .declared
        .as_ref()
        .is_some_and(|one| one.is_env_file);
    if !has_env_file && evidence.configured_secrets().next().is_none() {
        return skipped("no env file was read");
    }
    if evidence.compared.is_empty() {
        return skipped("no other environment was named: use --compare-env FILE");
    }
    let mut findings = Vec::new();
    for other in &evidence.compared {
        // Under whatever name it stands there.
        let theirs: BTreeMap<&[u8], &Assignment> = other
            .effective()
            .map(|secret| (secret.value.expose(), secret))
            .collect();
        for ours in evidence.real_secrets() {
            if let Some(theirs) = theirs.get(ours.value.expose()) {
                let (name, path) = (ours.name, &other.shown_path);
                let subject = format!("{name} {path} {}", theirs.name);
                let message = format!("{name} has the same value as {} in {path}", theirs.name);
                findings.push(
                    Finding::new(subject, message)
                        .at(ours.location)
                        .with("variable", name)
                        .with("other_variable", theirs.name.as_str())
                        .with("other_file", path.as_str()),
                );
            }
        }
    }
    findings_or_pass(findings, "no secret is shared with the other environments")
}

fn duplicates(evidence: &Evidence) -> Vec<Verdict> {
    let Some(declared) = &evidence.declared else {
        return skipped("no env file was read");
    };
    let mut by_name: BTreeMap<&str, Vec<&Assignment>> = BTreeMap::new();
    for assignment in declared.file.assignments() {
        by_name
            .entry(&assignment.name)
            .or_default()
            .push(assignment);
    }
    let mut repeated: Vec<Vec<&Assignment>> = by_name
        .into_values()
        .filter(|assignments| assignments.len() > 1)
        .collect();
    order::sort_by_key(&mut repeated, |assignments| assignments[0].line);
    let findings = repeated
        .into_iter()
        .map(|assignments| {
            let name = &assignments[0].name;
            let lines: Vec<usize> = assignments.iter().map(|a| a.line).collect();
            let agree = assignments.iter().all(|a| a.value == assignments[0].value);
            let consequence = if agree {
                "the values are equal now, and one will be forgotten at the next change"
            } else {
                "Node, docker and a shell take the last one, Rust's dotenvy the first"
            };
            let message = format!("{name} is set {} times; {consequence}", assignments.len());
            Finding::new(name, message)
                .at(declared.location(assignments[assignments.len() - 1]))
                .with("variable", name.as_str())
                .with("lines", lines)
        })
        .collect();
    findings_or_pass(findings, "each variable is set once")
}

fn malformed(evidence: &Evidence) -> Vec<Verdict> {
    if evidence.declared.is_none() {
        return skipped("no env file was read");
    }
    let mut judged = 0;
    let mut findings = Vec::new();
    for secret in evidence.real_secrets() {
        let verdict = judge_provider_value(secret.variable, secret.value.expose());
        judged += usize::from(verdict != ShapeVerdict::NotAProviderVariable);
        if let Some(message) = shape_complaint(secret.name, verdict) {
            let finding = Finding::new(secret.name, message)
                .at(secret.location)
                .with("variable", secret.name);
            findings.push(match base_url_beside(evidence, secret.variable) {
                Some(base_url) => of_another_service(finding, base_url),
                None => finding,
            });
        }
    }
    if judged == 0 {
        return skipped("no variable of a known provider has a value");
    }
    findings_or_pass(findings, "provider keys have their provider's shape")
}

/// The variable that sends a provider's key to a compatible service, where it is set.
fn base_url_beside(evidence: &Evidence, key: &str) -> Option<String> {
    let declared = evidence.declared.as_ref()?;
    let provider = key.strip_suffix("_API_KEY")?;
    let names = ["_BASE_URL", "_API_BASE"].map(|ending| format!("{provider}{ending}"));
    names
        .into_iter()
        .find(|name| declared.value(name).is_some())
}

/// The key may be right there. Only a person knows whose service it is.
fn of_another_service(finding: Finding, base_url: String) -> Finding {
    let remedy = format!(
        "copy the key again from the provider's console, without quotes and blanks; if it belongs to \
         the service that {base_url} names, accept the finding with a [[waiver]]"
    );
    finding
        .with("base_url_variable", base_url)
        .mended_by(remedy)
}

fn shape_complaint(name: &str, verdict: ShapeVerdict) -> Option<String> {
    match verdict {
        ShapeVerdict::Fits | ShapeVerdict::NotAProviderVariable => None,
        ShapeVerdict::OtherProvider(shape) => Some(format!(
            "{name} holds a key of another provider ({})",
            shape.provider
        )),
        ShapeVerdict::NoKnownShape { expected } => Some(format!(
            "{name} does not look like such a key: expected {expected}"
        )),
        ShapeVerdict::Unclean(what) => Some(format!("{name} {}", unclean(what))),
    }
}

fn unclean(what: Uncleanness) -> &'static str {
    match what {
        Uncleanness::Quotes => "has quotation marks in or around its value",
        Uncleanness::Blanks => "has blanks in or around its value",
        Uncleanness::ZeroWidth => "has invisible characters in or around its value",
        Uncleanness::Control => "has control characters or line breaks in its value",
        Uncleanness::NotUtf8 => "has bytes in its value that are no UTF-8",
    }
}

fn env_file_tracked(evidence: &Evidence) -> Vec<Verdict> {
    let mut verdicts = code::staged_env_files(&evidence.code.staged_env_files);
    verdicts.extend(backups_tracked(evidence));
    let mut own = own_env_file_tracked(evidence);
    if !verdicts.is_empty() {
        own.retain(|verdict| matches!(verdict, Verdict::Fail(_) | Verdict::Unknown(_)));
    }
    verdicts.append(&mut own);
    verdicts
}

/// The old keys of rotations that wait.
fn backups_tracked(evidence: &Evidence) -> Vec<Verdict> {
    let staged = match &evidence.code.staged_env_files {
        Search::Done(searched) => &searched.leaks[..],
        _ => &[],
    };
    let staged: Vec<&Path> = staged
        .iter()
        .filter_map(|leak| Some(Path::new(leak.path.as_ref()?)))
        .collect();
    let backups = evidence.code.backups.iter();
    // What the next commit brings was told.
    let backups = backups.filter(|(path, _)| {
        let is_told = |staged: &&Path| path.ends_with(staged) || staged.ends_with(path);
        !staged.iter().any(is_told)
    });
    let verdicts = backups.filter_map(|(path, tracking)| {
        let shown = path.to_string_lossy();
        let word = shell_word(&shown);
        let finding = |subject: &str, what: &str| {
            Finding::new(
                format!("{subject} {}", path.file_name().unwrap_or_default().to_string_lossy()),
                format!("git {what} {shown}, which keeps an old key until its rotation is finished"),
            )
            .at(Location::file(&shown))
        };
        match tracking {
            Answer::Known(Tracking::Tracked) => Some(
                finding("tracked", "tracks")
                    .mended_by(format!(
                        "run `git rm --cached {word}`, add `*.openclaw-sec.backup` to .gitignore, and revoke that key"
                    ))
                    .into(),
            ),
            Answer::Known(Tracking::NeitherTrackedNorIgnored) => Some(
                finding("not ignored", "neither tracks nor ignores")
                    .rated(Severity::Medium)
                    .mended_by("add `*.openclaw-sec.backup` to .gitignore, or finish the rotation (`openclaw-sec rotate resume --env {env}`)")
                    .into(),
            ),
            Answer::Known(Tracking::Ignored | Tracking::OutsideWorkTree) => None,
            // The env file beside it is asked about in the same way.
            unknown if *unknown == evidence.code.tracking => None,
            Answer::Unknown(reason) => Some(Verdict::Unknown(reason.clone())),
        }
    });
    verdicts.collect()
}

fn own_env_file_tracked(evidence: &Evidence) -> Vec<Verdict> {
    let Some(declared) = evidence
        .declared
        .as_ref()
        .filter(|declared| declared.path.is_some())
    else {
        return skipped("no env file lies on disk");
    };
    let path = declared.shown_path.as_str();
    let target = evidence.code.tracked_target.as_deref();
    match &evidence.code.tracking {
        Answer::Known(Tracking::OutsideWorkTree) => {
            skipped("the env file lies in no git work tree")
        }
        Answer::Known(Tracking::Ignored) => pass("git ignores the env file"),
        Answer::Known(Tracking::Tracked) => {
            let (what, file) = match target {
                Some(target) => {
                    let target = target.to_string_lossy();
                    let what = format!("git tracks {target}, which the env file is a link to");
                    (what, shell_word(&target).into_owned())
                }
                None => ("git tracks the env file".to_owned(), "{env}".to_owned()),
            };
            fail(Finding::new("tracked", what).at(Location::file(path)).mended_by(format!(
                "run `git rm --cached {file}`, add the file to .gitignore, commit, and rotate every key in it"
            )))
        }
        Answer::Known(Tracking::NeitherTrackedNorIgnored) => fail(
            Finding::new("not ignored", "git neither tracks nor ignores the env file")
                .at(Location::file(path))
                .rated(Severity::Medium)
                .mended_by(
                    "add the file to .gitignore, or run `openclaw-sec check --env {env} --fix`",
                ),
        ),
        Answer::Unknown(reason) => unknown(reason.clone()),
    }
}

fn env_file_in_history(evidence: &Evidence) -> Vec<Verdict> {
    code::verdicts(
        &evidence.code.env_files,
        code::env_file,
        "no env file with a secret was ever committed",
    )
}

fn in_history(evidence: &Evidence) -> Vec<Verdict> {
    code::verdicts(
        &evidence.code.history,
        code::in_history,
        "no key stands in the git history",
    )
}

fn in_code(evidence: &Evidence) -> Vec<Verdict> {
    code::verdicts(
        &evidence.code.tree,
        code::in_code,
        "no key stands in the source tree",
    )
}
