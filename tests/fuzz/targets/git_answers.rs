//! Whatever git answers, the search of history and index ends, shows no value and no foreign sign.

use std::ffi::OsString;
use std::io;

use openclaw_sec::scan::{Monitor, OwnValue, Request, RuleSet, Search, Wanted, gather};
use openclaw_sec::secret::Secret;
use openclaw_sec::world::{Feed, Finished, Invocation, Runner, Take};

use super::support::{assert_harmless, file, now, parts, scratch, world};

const OWN: &str = "Wm3kQ9-own-value-7Tz";

/// The list of objects, their contents, the log, the listing of the index; `@OWN@` is a value of the
/// env file, and a first byte of `!` makes git fail in the end.
pub fn run(data: &[u8]) {
    let [list, objects, log, index] = parts(data);
    let code = i32::from(list.first() == Some(&b'!'));
    let own = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        match std::str::from_utf8(bytes) {
            Ok(_) => text.replace("@OWN@", OWN).into_bytes(),
            Err(_) => bytes.to_vec(),
        }
    };
    let git = FakeGit {
        list: own(list.strip_prefix(b"!").unwrap_or(list)),
        objects: own(objects),
        log: own(log),
        index: own(index),
        code,
    };
    let world = world(Box::new(git));
    let tree = scratch("git");
    std::fs::create_dir_all(&tree).expect("a folder");
    let rules = file(
        "git-rules.toml",
        b"[[rules]]\nid = \"names\"\npath = 'pem$'\n",
    );
    let rules = RuleSet::read(&[rules]).expect("a rule file");
    for staged in [false, true] {
        let request = Request {
            env: None,
            spared: Vec::new(),
            code: Some(&tree),
            history: true,
            unreachable: data.len() % 2 == 1,
            staged,
            own_values: vec![OwnValue {
                name: "WEB_API_KEY".to_owned(),
                value: Secret::new(OWN),
            }],
            rules: &rules,
            today: now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date(),
            wanted: Wanted {
                tree: staged,
                history: !staged,
                env_files: !staged,
            },
        };
        let evidence = gather(request, &Monitor::new(&|_, _| {}), &world);
        for search in [evidence.tree, evidence.history, evidence.env_files] {
            let Search::Done(searched) = search else {
                continue;
            };
            for leak in &searched.leaks {
                assert_harmless(leak.path.as_deref().unwrap_or_default(), "a path");
                assert!(!format!("{leak:?}").contains(OWN), "{leak:?}");
            }
        }
    }
}

/// Answers every question with the same bytes.
struct FakeGit {
    list: Vec<u8>,
    objects: Vec<u8>,
    log: Vec<u8>,
    index: Vec<u8>,
    code: i32,
}

impl FakeGit {
    fn answer(&self, invocation: &Invocation<'_>) -> &[u8] {
        let asks = |word: &str| invocation.arguments.iter().any(|one| *one == word);
        match () {
            () if asks("--batch") => &self.objects,
            () if asks("log") => &self.log,
            () if asks("ls-tree") || asks("diff-index") || asks("ls-files") => &self.index,
            () if asks("rev-parse") => b"",
            () => &self.list,
        }
    }

    fn finished(&self, stdout: Vec<u8>, code: i32) -> Finished {
        Finished {
            code: Some(code),
            stdout,
            stderr: self.log.clone(),
        }
    }
}

impl Runner for FakeGit {
    fn run(&self, invocation: &Invocation<'_>, _: &[(OsString, OsString)]) -> io::Result<Finished> {
        Ok(self.finished(self.answer(invocation).to_vec(), 0))
    }

    fn stream(
        &self,
        invocation: &Invocation<'_>,
        _: &[(OsString, OsString)],
        feed: Feed<'_>,
        read: Take<'_>,
    ) -> io::Result<Finished> {
        feed(&mut io::sink())?;
        read(&mut self.answer(invocation))?;
        Ok(self.finished(Vec::new(), self.code))
    }
}
