//! `audit-tail seal` and `audit-tail verify`.

use anyhow::anyhow;
use openclaw_sec::audit::documents::{SEAL_SCHEMA, SealDocument};
use openclaw_sec::audit::seal::{self, SealError, Sealed, Verdict};
use openclaw_sec::foreign_text::{harmless, harmless_json};

use super::super::{Context, Failure, exit};
use crate::cli::{SealArgs, VerifyArgs};

pub fn seal(arguments: &SealArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    if !arguments.file.is_file() && !has_seal(&arguments.file) {
        let what = match arguments.file.exists() {
            true => "is no regular file",
            false => "there is no such log",
        };
        let file = arguments.file.display();
        return Err(Failure::usage(anyhow!("{file}: {what}")));
    }
    let state = context.state()?;
    match seal::seal(&arguments.file, &state, context.world.now()).map_err(failure)? {
        Sealed::Nothing => {
            context
                .terminal
                .note("there are no complete lines yet; nothing was sealed");
            Ok(exit::DONE)
        }
        Sealed::Head {
            checkpoint,
            hash,
            added,
        } => {
            let what = if added == 0 { "nothing new" } else { "sealed" };
            context.terminal.note(&format!(
                "{what}; keep this head elsewhere, it is what protects against root"
            ));
            let text = format!("checkpoint {checkpoint} {hash}\n");
            Ok(context.terminal.reading_matter(text.as_bytes(), exit::DONE))
        }
        Sealed::Refused(verdict) => {
            context.terminal.error(&format!(
                "{}: {}; nothing was sealed over it",
                verdict.file.display(),
                verdict.message
            ));
            context.terminal.note(&format!(
                "keep the log and its seal as evidence; once the reason is known, a new seal begins when {}.seal is moved away and {} is removed",
                arguments.file.display(),
                seal::head_path(&arguments.file, &state).display()
            ));
            Ok(exit::FOUND)
        }
    }
}

pub fn verify(arguments: &VerifyArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let is_json = match arguments.format.as_str() {
        "human" => false,
        "json" => true,
        other => {
            return Err(Failure::usage(anyhow!(
                "--format {other}: no such word; there are human, json"
            )));
        }
    };
    if arguments.file.is_dir() && !has_seal(&arguments.file) {
        let file = arguments.file.display();
        return Err(Failure::usage(anyhow!("{file}: is no regular file")));
    }
    let state = context.state()?;
    let verdict = match seal::verify(&arguments.file, &state) {
        Ok(verdict) => verdict,
        // Nobody can say then whether the log was changed.
        Err(error) if !is_usage(&error) => {
            context.terminal.error(&error.to_string());
            return Ok(exit::INCOMPLETE);
        }
        Err(error) => return Err(Failure::usage(error)),
    };
    let code = if verdict.is_intact() {
        exit::DONE
    } else {
        exit::FOUND
    };
    let text = if is_json {
        document(&verdict)?
    } else {
        format!(
            "{}: {}\n",
            harmless(&verdict.file.to_string_lossy()),
            harmless(&verdict.message)
        )
    };
    Ok(context.terminal.reading_matter(text.as_bytes(), code))
}

fn has_seal(log: &std::path::Path) -> bool {
    let mut name = log.as_os_str().to_os_string();
    name.push(".seal");
    std::path::Path::new(&name).exists()
}

fn failure(error: SealError) -> Failure {
    if is_usage(&error) {
        Failure::usage(error)
    } else {
        Failure::output(error)
    }
}

/// Whether what was asked for is to blame.
fn is_usage(error: &SealError) -> bool {
    matches!(error, SealError::Name | SealError::BadKey { .. })
}

fn document(verdict: &Verdict) -> Result<String, Failure> {
    let document = SealDocument {
        schema: SEAL_SCHEMA,
        status: verdict.status,
        file: verdict.file.to_string_lossy().into_owned(),
        line: verdict.line,
        offset: verdict.offset,
        checkpoint: verdict.checkpoint,
        after: verdict.between.0.clone(),
        before: verdict.between.1.clone(),
        sealed_lines: verdict.sealed_lines,
        unsealed_lines: verdict.unsealed_lines,
        message: verdict.message.clone(),
    };
    let json = serde_json::to_string(&document).map_err(Failure::output)?;
    Ok(format!("{}\n", harmless_json(&json)))
}
