//! A value that was written is what every loader reads, or it was not written.

use openclaw_sec::env_file::EnvFile;
use openclaw_sec::secret::Secret;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::loaders::{self, Reading};

type Loader = fn(&[Vec<u8>]) -> Option<Vec<Reading>>;

/// The loaders that understand quotes; docker's `--env-file` is judged on raw values.
const WITH_QUOTES: &[(&str, Loader)] = &[
    ("node dotenv", loaders::node_dotenv),
    ("node parseEnv", loaders::node_parse_env),
    ("python-dotenv", loaders::python_dotenv),
    ("bash", loaders::bash),
    ("dotenvy", loaders::dotenvy),
    ("systemd", loaders::systemd),
];

fn written(text: &str, values: &[String]) -> (Vec<String>, Vec<Vec<u8>>) {
    let file = EnvFile::parse(text);
    let edited = |value: &String| {
        let edited = file.set("K", &Secret::new(value.as_bytes())).ok()?;
        Some((value.clone(), edited.bytes().to_vec()))
    };
    values.iter().filter_map(edited).unzip()
}

fn assert_read(loader: &str, read: Loader, values: &[String], files: &[Vec<u8>]) {
    let Some(readings) = read(files) else {
        println!("skipped: {loader} is not installed");
        return;
    };
    for ((value, file), reading) in values.iter().zip(files).zip(readings) {
        let shown = String::from_utf8_lossy(file);
        let found = reading.unwrap_or_else(|| panic!("{loader} refuses {shown:?}"));
        assert_eq!(
            found.get("K").map(Vec::as_slice),
            Some(value.as_bytes()),
            "{loader}: {shown:?}"
        );
        assert_eq!(
            found.get("Z").map(Vec::as_slice),
            Some(b"9".as_slice()),
            "{loader}: {shown:?}"
        );
    }
}

fn values(pattern: &str, count: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let strategy = proptest::string::string_regex(pattern).expect("a pattern");
    (0..count)
        .map(|_| {
            strategy
                .new_tree(&mut runner)
                .expect("no rejects")
                .current()
        })
        .collect()
}

#[test]
fn a_key_is_read_alike_by_every_loader_from_every_place() {
    let keys = values("[A-Za-z0-9_+/=:.@,%-]{1,60}", 25);
    for text in ["K=old\nZ=9\n", "A=1\nK=\nZ=9\n", "Z=9"] {
        let (keys, files) = written(text, &keys);
        assert_eq!(keys.len(), 25);
        assert_read("docker", loaders::docker, &keys, &files);
        for (name, loader) in WITH_QUOTES {
            assert_read(name, *loader, &keys, &files);
        }
    }
    for text in ["K=\"old\"\nZ=9\n", "K='old'\nZ=9\n"] {
        let (keys, files) = written(text, &keys);
        for (name, loader) in WITH_QUOTES {
            assert_read(name, *loader, &keys, &files);
        }
    }
}

#[test]
fn any_value_that_is_accepted_is_read_alike_by_every_loader() {
    for text in ["K=old\nZ=9\n", "K=\"old\"\nZ=9\n", "K='old'\nZ=9\n"] {
        let (values, files) = written(text, &values("[ -~]{1,12}", 120));
        assert!(
            values.len() > 30,
            "most values are accepted: {}",
            values.len()
        );
        for (name, loader) in WITH_QUOTES {
            // The environment.d generator expands references, EnvironmentFile= does not; and
            // python-dotenv expands braces even in single quotes.
            let is_judged = |value: &str| match *name {
                "systemd" => !value.contains('$'),
                _ => true,
            };
            let (values, files): (Vec<_>, Vec<_>) = values
                .iter()
                .cloned()
                .zip(files.iter().cloned())
                .filter(|(value, _)| is_judged(value))
                .unzip();
            assert_read(name, *loader, &values, &files);
        }
    }
}
