//! What several targets need: a folder to write in, a fixed moment, bytes as choices.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use openclaw_sec::foreign_text::is_harmful;
use openclaw_sec::state::StateDir;
use openclaw_sec::world::{Finished, Invocation, Runner, World};

/// A value that may stand in no error: no word of ours holds it.
pub const CANARY: &str = "Zq9Wv7Xk";

/// The moment at which everything happens.
pub fn now() -> jiff::Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

/// A path in a folder of this thread, in memory where the system has a place for it.
pub fn scratch(name: &str) -> PathBuf {
    thread_local!(static FOLDER: OnceCell<tempfile::TempDir> = const { OnceCell::new() });
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| {
            tempfile::tempdir_in("/dev/shm")
                .or_else(|_| tempfile::tempdir())
                .expect("a temporary folder")
        });
        folder.path().join(name)
    })
}

/// The bytes as a file.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = scratch(name);
    std::fs::write(&path, bytes).expect("a temporary file");
    path
}

/// A state folder.
pub fn state() -> StateDir {
    let path = scratch("state");
    let state = StateDir::locate(Some(&path), &world(Box::new(Nothing))).expect("a place");
    state.create().expect("a state folder");
    state
}

/// A world with a fixed time, no variables and these programs.
pub fn world(runner: Box<dyn Runner>) -> World {
    World::made_of(now(), [], scratch("root"), runner)
}

/// There are no other programs.
pub struct Nothing;

impl Runner for Nothing {
    fn run(
        &self,
        _: &Invocation<'_>,
        _: &[(std::ffi::OsString, std::ffi::OsString)],
    ) -> std::io::Result<Finished> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// The parts of an input: what stands between lines of `%%`.
pub fn parts<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    const LINE: &[u8] = b"\n%%\n";
    let mut rest = data;
    std::array::from_fn(|number| {
        let end = (0..rest.len())
            .find(|at| rest[*at..].starts_with(LINE))
            .filter(|_| number + 1 < N);
        let Some(end) = end else {
            return std::mem::take(&mut rest);
        };
        let part = &rest[..end];
        rest = &rest[end + LINE.len()..];
        part
    })
}

/// The input with a made-up key of a provider's form for each `@KEY@`: no corpus holds one.
pub fn with_keys(data: &[u8]) -> Vec<u8> {
    let key = format!("sk-ant-api03-{}AA", "a1".repeat(46) + "b");
    let mut whole = Vec::new();
    let mut rest = data;
    while let Some(at) = memchr::memmem::find(rest, b"@KEY@") {
        whole.extend_from_slice(&rest[..at]);
        whole.extend_from_slice(key.as_bytes());
        rest = &rest[at + 5..];
    }
    whole.extend_from_slice(rest);
    whole
}

/// Bytes that decide, one after the other; nought when they are used up.
pub struct Choices<'d>(&'d [u8]);

impl<'d> Choices<'d> {
    pub fn of(data: &'d [u8]) -> Self {
        Self(data)
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }
}

/// Panics where a text could deceive a terminal.
pub fn assert_harmless(text: &str, what: &str) {
    let found = text.chars().find(|one| is_harmful(*one) && *one != '\n');
    assert_eq!(found, None, "{what}: {text:?}");
}

/// Panics where an error shows what it may not.
pub fn assert_silent(error: &str) {
    assert!(!error.contains(CANARY), "{error}");
}

/// A text as TOML writes it.
pub fn toml_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                quoted.push_str(&format!("\\U{:08x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

/// Removes what an earlier input left.
pub fn clear(path: &Path) {
    let _ = std::fs::remove_dir_all(path);
}
