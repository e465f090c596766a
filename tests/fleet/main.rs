//! `check --targets` and `check --merge`: no deployment vanishes, and none speaks for another.

#![cfg(feature = "cli")]
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot set up, it cannot test"
)]

mod merge;
mod servers;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../cli/support.rs"]
mod support;
mod targets;
mod thousand;

use std::path::Path;

use serde_json::Value;
use support::Place;

/// A fleet's report, and the exit code.
struct Fleet {
    document: Value,
    text: String,
    code: i32,
    stderr: String,
}

impl Fleet {
    /// Runs `check --format json` with the words of a line; the report keeps to its schema.
    fn of(place: &Place, line: &str) -> Self {
        let ended = place.line(&format!("check --format json {line}"));
        let document: Value = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|_| panic!("no JSON: {}", ended.both()));
        hold_to_schema(&document);
        Self {
            document,
            code: ended.code,
            stderr: ended.stderr,
            text: ended.stdout,
        }
    }

    fn targets(&self) -> &[Value] {
        self.document["targets"].as_array().unwrap()
    }

    fn names(&self) -> Vec<&str> {
        let targets = self.targets().iter();
        targets
            .map(|target| target["name"].as_str().unwrap())
            .collect()
    }

    fn target(&self, name: &str) -> &Value {
        let mut targets = self.targets().iter();
        targets
            .find(|target| target["name"] == name)
            .unwrap_or_else(|| panic!("no target {name}: {:?}", self.names()))
    }

    fn status(&self, name: &str) -> &str {
        self.target(name)["status"].as_str().unwrap()
    }

    fn reason(&self, name: &str) -> &str {
        self.target(name)["reason"].as_str().unwrap_or_default()
    }
}

fn hold_to_schema(document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/fleet.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    if let Err(error) = jsonschema::validate(&schema, document) {
        panic!("the report breaks its schema: {error}");
    }
}
