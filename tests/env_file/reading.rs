//! What we read is what Node `dotenv` 17 reads.

use std::collections::BTreeMap;

use openclaw_sec::env_file::EnvFile;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::loaders;

fn our_reading(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    EnvFile::parse(bytes)
        .assignments()
        .iter()
        .map(|found| (found.name.clone(), found.value.expose().to_vec()))
        .collect()
}

/// Small files made of everything that has a meaning to some loader.
pub fn troublesome_files() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "A", "B", "K=", "K='", "K=\"", "export ", "export", " ", "\t", "=", ":", ": ", "\n", "\n",
        "\r\n", "\r", "'", "\"", "`", "\\", "\\n", "\\r", "\\'", "\\\"", "#", " #", "v", "w x",
        "$", "${B}", "\u{a0}", "\u{feff}", "\u{2028}", "\u{b}", "-", ".", "é", "1",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..14)
        .prop_map(|pieces| pieces.concat().into_bytes())
}

/// Node takes the quotes off a part of an unquoted value between two U+2028. We do not.
fn is_left_out(file: &[u8]) -> bool {
    let text = String::from_utf8_lossy(file);
    text.contains('\u{2028}') && text.contains(['\'', '"', '`'])
}

#[test]
fn twenty_thousand_troublesome_files_are_read_as_node_reads_them() {
    let mut runner = TestRunner::deterministic();
    let strategy = troublesome_files();
    let files: Vec<_> = (0..20_000)
        .map(|_| {
            strategy
                .new_tree(&mut runner)
                .expect("the strategy rejects nothing")
                .current()
        })
        .collect();
    let Some(readings) = loaders::node_dotenv(&files) else {
        println!("skipped: node with npm dotenv is not installed");
        return;
    };
    assert_eq!(files.len(), readings.len());
    for (file, reading) in files
        .iter()
        .zip(readings)
        .filter(|(file, _)| !is_left_out(file))
    {
        assert_eq!(
            Some(our_reading(file)),
            reading,
            "{:?}",
            String::from_utf8_lossy(file)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn adotenv_agrees_where_it_accepts_the_file(file in troublesome_files()) {
        let text = String::from_utf8(file).expect("made of text");
        let (document, diagnostics) = adotenv::parse_with(&text, adotenv::Dialect::NODE_DOTENV);
        // adotenv ends no line at U+2028 and takes `NAME: ` over an empty rest of the line to the
        // next one; Node, asked above, does as we do.
        if !diagnostics.is_empty() || text.contains(['\u{2028}', ':']) {
            return Ok(());
        }
        // A name alone on its line says nothing, and takes nothing back that another line says.
        let mut values: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for entry in document.entries() {
            let known = values.entry(entry.key()).or_default();
            *known = entry.value().or(*known);
        }
        let ours = EnvFile::parse(text.as_bytes());
        for (name, expected) in values {
            let value = ours.get(name).map(|found| found.value.expose().to_vec());
            prop_assert_eq!(value.as_deref(), expected.map(str::as_bytes), "{:?}", text);
        }
    }
}
