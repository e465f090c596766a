//! The disagreements that we name are those that real loaders show.

use std::borrow::Cow;
use std::collections::BTreeMap;

use openclaw_sec::env_file::{EnvFile, Loader};

use crate::loaders::{self, Reading};

/// Small files that differ in one thing each.
const FILES: &[&[u8]] = &[
    b"A=1\nK=60000 # 1 minute\nZ=9\n",
    b"A=1\nK=abc#def\nZ=9\n",
    b"A=1\nK=#abc\nZ=9\n",
    b"A=1\nK= # abc\nZ=9\n",
    b"A=1\nK=\"a # b\" # c\nZ=9\n",
    b"A=1\nK=\"v\"\nZ=9\n",
    b"A=1\nK='v'\nZ=9\n",
    b"A=1\nK='v' # c\nZ=9\n",
    b"A=1\nexport K=v\nZ=9\n",
    b"A=1\nK = v\nZ=9\n",
    b"A=1\nK =v\nZ=9\n",
    b"A=1\nK= v\nZ=9\n",
    b"A=1\n  K=v\nZ=9\n",
    b"A=1\nK=v  \nZ=9\n",
    b"A=1\nK=\"a\nb\"\nZ=9\n",
    b"A=1\nK='a\nb'\nZ=9\n",
    b"A=1\nK=\"abc\nZ=9\n",
    b"A=1\nK=abc\"\nZ=9\n",
    b"A=1\nK=don't\nZ=9\n",
    b"\xEF\xBB\xBFK=v\nZ=9\n",
    b"A=1\r\nK=v\r\nZ=9\r\n",
    b"A=1\r\nK='v'\r\nZ=9\r\n",
    b"A=1\nK=x${A}y\nZ=9\n",
    b"A=1\nK=x$A\nZ=9\n",
    b"A=1\nK=\"x$A\"\nZ=9\n",
    b"A=1\nK='x$A'\nZ=9\n",
    b"A=1\nK='x${A}'\nZ=9\n",
    b"K=1\nK=2\nZ=9\n",
    b"K=1\nK=\nZ=9\n",
    b"A=1\nK=`v`\nZ=9\n",
    b"A=1\nK: v\nZ=9\n",
    b"A=1\nK=a b\nZ=9\n",
    b"A=1\nK=a;b\nZ=9\n",
    b"A=1\n# c\\\nK=v\nZ=9\n",
    b"A=1\nK=v\\\nZ=9\n",
    b"A=1\nK=a\\b\nZ=9\n",
    b"A=1\nK=\"a\\nb\"\nZ=9\n",
    b"A=1\nK=\"a\\\"b\"\nZ=9\n",
    b"A=1\nK='a\\'b'\nZ=9\n",
    b"A=1\nK.x=v\nZ=9\n",
    b"A=1\nK-x=v\nZ=9\n",
    b"A=1\n1K=v\nZ=9\n",
    b"A=1\nK=v\xE9\nZ=9\n",
    b"A=1\n# \xE9\nK=v\nZ=9\n",
    b"A=1\rK=v\rZ=9",
    b"A=1\nK=\"a\" \"b\"\nZ=9\n",
    b"A=1\nK=\nZ=9\n",
    b"A=1\nK=a\\\\\nZ=9\n",
    b"A=1\nK=~x\nZ=9\n",
    b"A=1\nK=\"a\\\\b\"\nZ=9\n",
    b"A=1\nK='a\\\\b'\nZ=9\n",
    b"A=1\nK='a\\nb'\nZ=9\n",
    b"A=1\nK=\xC2\xA0v\nZ=9\n",
    b"A=1\nK=a&b\nZ=9\n",
    b"A=1\nK=v;\nZ=9\n",
    b"A=1\n;K=v\nZ=9\n",
    b"A=1\nexport K\nZ=9\n",
    b"A=1\ngarbage here\nZ=9\n",
    b"A=1\nK=a(b)\nZ=9\n",
    b"A=1\nK=`date`\nZ=9\n",
    b"A=1\nK=a*b\nZ=9\n",
    b"A=1\nK=a\0b\nZ=9\n",
    b"A=1\nK=\"a`b\"\nZ=9\n",
    b"A=1\nK=\"a\\b\"\nZ=9\n",
];

/// What is known to go beyond one line: loaders drop or keep these for reasons of their own.
fn is_left_out(loader: Loader, file: &str) -> bool {
    match loader {
        // The environment.d generator expands references, drops empty values and prints line
        // breaks as `\\n`; `EnvironmentFile=` does neither.
        Loader::Systemd => {
            file.contains('$')
                || file.contains("a\nb")
                || file.contains("K=\n")
                || file.contains('\0')
        }
        // Lines without an assignment are not judged.
        _ => {
            [";K", "export K\n", "garbage"]
                .iter()
                .any(|part| file.contains(part))
                || (loader == Loader::Shell && file.contains('\0'))
        }
    }
}

/// Node replaces what is no text; the others hand the bytes on.
fn lossy(reading: &Reading) -> Option<BTreeMap<&str, Cow<'_, str>>> {
    let values = reading.as_ref()?.iter();
    Some(
        values
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value)))
            .collect(),
    )
}

#[test]
fn each_loader_disagrees_exactly_where_we_say_so() {
    let files: Vec<Vec<u8>> = FILES.iter().map(|file| file.to_vec()).collect();
    let Some(reference) = loaders::node_dotenv(&files) else {
        println!("skipped: node with npm dotenv is not installed");
        return;
    };
    let readings: [(Loader, Option<Vec<Reading>>); 6] = [
        (Loader::Docker, loaders::docker(&files)),
        (Loader::Dotenvy, loaders::dotenvy(&files)),
        (Loader::NodeParseEnv, loaders::node_parse_env(&files)),
        (Loader::PythonDotenv, loaders::python_dotenv(&files)),
        (Loader::Shell, loaders::bash(&files)),
        (Loader::Systemd, loaders::systemd(&files)),
    ];
    let mut wrong = Vec::new();
    for (loader, reading) in readings {
        let Some(reading) = reading else {
            println!("skipped: {loader} is not installed");
            continue;
        };
        for ((bytes, node), other) in files.iter().zip(&reference).zip(reading) {
            let text = String::from_utf8_lossy(bytes);
            let all = EnvFile::parse(bytes.as_slice()).all_disagreements();
            let is_named = all.keys().any(|found| found.loader == loader);
            if is_named != (lossy(&other) != lossy(node)) && !is_left_out(loader, &text) {
                wrong.push(format!("{loader}: {text:?} named: {is_named}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
