//! A log whose seal is called intact is the log that was sealed, whatever was done to both.

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;

use openclaw_sec::audit::seal::{Sealed, seal, shortfall, verify};

use super::support::{Choices, now, scratch, state};

/// A log with three checkpoints.
struct Original {
    log: Vec<u8>,
    seal: Vec<u8>,
}

fn original() -> (PathBuf, &'static Original) {
    thread_local!(static ORIGINAL: OnceCell<&'static Original> = const { OnceCell::new() });
    let path = scratch("sealed.log");
    let made = ORIGINAL.with(|original| {
        *original.get_or_init(|| {
            let mut log = Vec::new();
            for number in 0..9 {
                log.extend(format!("{{\"event\":\"login\",\"number\":{number}}}\n").into_bytes());
                fs::write(&path, &log).expect("a log");
                if number % 3 == 2 {
                    let sealed = seal(&path, &state(), now()).expect("a seal");
                    assert!(matches!(sealed, Sealed::Head { added: 1, .. }));
                }
            }
            let seal = fs::read(seal_path(&path)).expect("a seal");
            Box::leak(Box::new(Original { log, seal }))
        })
    });
    (path, made)
}

fn seal_path(log: &std::path::Path) -> PathBuf {
    log.with_extension("log.seal")
}

/// Changes: each a byte for what is done, two for where, one for with what. A first byte of `#` means
/// that the rest is the seal itself.
pub fn run(data: &[u8]) {
    let (path, original) = original();
    let (mut log, mut seal) = (original.log.clone(), original.seal.clone());
    if let Some(text) = data.strip_prefix(b"#") {
        seal = text.to_vec();
    } else {
        for change in data.chunks(4).take(16) {
            let mut choices = Choices::of(change);
            let what = choices.byte();
            let file = if what < 128 { &mut log } else { &mut seal };
            alter(file, what, &mut choices);
        }
    }
    fs::write(&path, &log).expect("a log");
    fs::write(seal_path(&path), &seal).expect("a seal");
    let _ = shortfall(&path);
    if let Ok(verdict) = verify(&path, &state())
        && verdict.is_intact()
    {
        assert!(
            log.starts_with(&original.log),
            "a changed log is called intact"
        );
        assert_eq!(verdict.sealed_lines, 9);
    }
    if log == original.log && seal == original.seal {
        let verdict = verify(&path, &state()).expect("there is a seal");
        assert!(verdict.is_intact(), "{verdict:?}");
    }
}

fn alter(file: &mut Vec<u8>, what: u8, choices: &mut Choices<'_>) {
    let at = usize::from(choices.number()) % (file.len() + 1);
    let byte = choices.byte();
    let end = file.len().min(at + usize::from(byte));
    match what % 7 {
        0 => file.insert(at, byte),
        1 => file.truncate(at),
        2 => drop(file.drain(at..end)),
        3 => {
            let copy = file[at..end].to_vec();
            file.splice(end..end, copy);
        }
        4 => file.extend(std::iter::repeat_n(byte, 3)),
        5 => file.splice(at..at, *b"\n").for_each(drop),
        _ => {
            if let Some(old) = file.get_mut(at) {
                *old = byte;
            }
        }
    }
}
