//! The JSON Schemas of what is written, from the structs that describe it.

use openclaw_sec::audit::detect::DETECTORS;
use openclaw_sec::audit::documents::{self, AlertDocument, EventDocument, SealDocument};
use openclaw_sec::audit::event::{Kind, Level};
use openclaw_sec::audit::statistics::StatisticsDocument;
use openclaw_sec::check::ITEMS;
use openclaw_sec::fleet::{self, Fleet};
use openclaw_sec::profiles::PROFILES;
use openclaw_sec::report::{self, Report};
use openclaw_sec::rotate::{self, Outcome};
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use serde_json::{Value, json};

use crate::{Files, compare};

/// The schema document for `T`: strict, because nobody but this program writes such documents.
fn schema_of<T: schemars::JsonSchema>(document: &str, title: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(|schema: &mut schemars::Schema| {
        if schema.get("properties").is_some() {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
    })
    .transform(&mut schema);
    let schema = schema.to_value();
    let mut ordered = json!({
        "$schema": schema["$schema"],
        "$id": format!("urn:{}", document.replace('/', ":")),
        "title": title,
    });
    for (key, value) in schema.as_object().unwrap() {
        if ordered.get(key).is_none() {
            ordered[key] = value.clone();
        }
    }
    ordered["properties"]["schema"]["const"] = document.into();
    ordered
}

/// What the types alone do not say.
fn check() -> Value {
    let mut schema = schema_of::<Report>(
        report::SCHEMA,
        "What `openclaw-sec check --format json` writes",
    );
    complete(&mut schema, "");
    schema
}

/// The reports of many deployments.
fn fleet() -> Value {
    let title = "What `openclaw-sec check --targets` and `--merge` write with `--format json`";
    let mut schema = schema_of::<Fleet>(fleet::SCHEMA, title);
    complete(&mut schema, "/$defs/Report");
    schema["$defs"]["Report"]["properties"]["schema"]["const"] = report::SCHEMA.into();
    // A report is passed on as it is, with fields that only a later version knows.
    for (name, definition) in schema["$defs"].as_object_mut().unwrap() {
        if !name.starts_with("Fleet") {
            definition
                .as_object_mut()
                .unwrap()
                .remove("additionalProperties");
        }
    }
    let additions = [
        ("/properties/started_at", "format", json!("date-time")),
        ("/properties/started_at", "pattern", json!("Z$")),
        (
            "/$defs/FleetTarget/properties/status",
            "enum",
            json!(["pass", "fail", "unknown"]),
        ),
        ("/$defs/FleetTarget/properties/name", "minLength", json!(1)),
    ];
    for (place, rule, value) in additions {
        schema.pointer_mut(place).unwrap()[rule] = value;
    }
    schema
}

/// Adds what the types of a report do not say; the report's definition stands at `report`.
fn complete(schema: &mut Value, report: &str) {
    let items: Vec<&str> = ITEMS.iter().map(|item| item.id).collect();
    let profiles: Vec<&str> = PROFILES.iter().map(|profile| profile.id).collect();
    let id = json!(format!(r"^({})\.[a-z0-9]+(-[a-z0-9]+)*$", items.join("|")));
    let additions = [
        ("/properties/started_at", "format", json!("date-time")),
        ("/properties/started_at", "pattern", json!("Z$")),
        ("/properties/checklist", "minItems", json!(items.len())),
        ("/properties/checklist", "maxItems", json!(items.len())),
        (
            "/$defs/Tool/properties/name",
            "const",
            json!("openclaw-sec"),
        ),
        ("/$defs/Tool/properties/version", "minLength", json!(1)),
        ("/$defs/Target/properties/profile", "enum", json!(profiles)),
        (
            "/$defs/Target/properties/dialect",
            "enum",
            json!(["page", "upstream", "both", null]),
        ),
        ("/$defs/ChecklistItem/properties/item", "enum", json!(items)),
        ("/$defs/CheckResult/properties/item", "enum", json!(items)),
        ("/$defs/CheckResult/properties/id", "pattern", id),
        ("/$defs/CheckResult/properties/title", "minLength", json!(1)),
        (
            "/$defs/CheckResult/properties/remediation",
            "minLength",
            json!(1),
        ),
        (
            "/$defs/CheckResult/properties/fingerprint",
            "minLength",
            json!(1),
        ),
        ("/$defs/Location/properties/path", "minLength", json!(1)),
    ];
    for (place, rule, value) in additions {
        let place = match place.starts_with("/properties") {
            true => format!("{report}{place}"),
            false => place.to_owned(),
        };
        add(schema, &place, rule, value);
    }
}

fn add(schema: &mut Value, place: &str, rule: &str, value: Value) {
    let place = schema
        .pointer_mut(place)
        .unwrap_or_else(|| panic!("there is no {place} any more"));
    place[rule] = value;
}

/// A word of a list, or nothing.
fn one_of(words: impl IntoIterator<Item = &'static str>, or_nothing: bool) -> Value {
    let mut words: Vec<Value> = words.into_iter().map(Value::from).collect();
    if or_nothing {
        words.push(Value::Null);
    }
    words.into()
}

fn event() -> Value {
    let title = "One event, as `openclaw-sec audit-tail --format json` writes it";
    let mut schema = schema_of::<EventDocument>(documents::EVENT_SCHEMA, title);
    let kinds = one_of(Kind::ALL.map(Kind::word), false);
    let levels = one_of(Level::ALL.map(Level::word), true);
    let outcomes = one_of(["success", "failure"], true);
    add(&mut schema, "/properties/kind", "enum", kinds);
    add(&mut schema, "/properties/level", "enum", levels);
    add(&mut schema, "/properties/outcome", "enum", outcomes);
    add(
        &mut schema,
        "/properties/time",
        "format",
        json!("date-time"),
    );
    schema
}

fn alert() -> Value {
    let title = "One alert, as `openclaw-sec audit-tail --detect --format json` writes it";
    let mut schema = schema_of::<AlertDocument>(documents::ALERT_SCHEMA, title);
    let detectors = one_of(DETECTORS.iter().map(|detector| detector.id), false);
    let severities = one_of(["low", "medium", "high", "critical"], false);
    add(&mut schema, "/properties/detector", "enum", detectors);
    add(&mut schema, "/properties/severity", "enum", severities);
    add(&mut schema, "/properties/evidence", "maxItems", json!(32));
    add(
        &mut schema,
        "/properties/time",
        "format",
        json!("date-time"),
    );
    schema
}

fn statistics() -> Value {
    let title = "What `openclaw-sec audit-tail --stats --format json` writes";
    schema_of::<StatisticsDocument>(documents::STATISTICS_SCHEMA, title)
}

fn seal() -> Value {
    let title = "What `openclaw-sec audit-tail verify --format json` writes";
    let mut schema = schema_of::<SealDocument>(documents::SEAL_SCHEMA, title);
    let statuses = [
        "intact",
        "altered",
        "removed",
        "inserted",
        "truncated",
        "missing",
        "forged",
    ];
    add(
        &mut schema,
        "/properties/status",
        "enum",
        one_of(statuses, false),
    );
    schema
}

/// How a rotation stands, or one of the tables of `rotate`.
fn rotate() -> Value {
    let mut outcome = schema_of::<Outcome>(
        rotate::SCHEMA,
        "What `openclaw-sec rotate --format json` writes",
    );
    let definitions = outcome["$defs"].take();
    let head = ["$schema", "$id", "title"].map(|name| (name, outcome[name].take()));
    let fields = outcome.as_object_mut().unwrap();
    fields.retain(|name, value| !value.is_null() && name != "$defs");
    // `status` adds the others where several rotations are unfinished.
    fields["properties"]["rotations"] = json!({ "type": "array" });
    let mut schema = json!({});
    for (name, value) in head {
        schema[name] = value;
    }
    schema["type"] = "object".into();
    schema["required"] = json!(["schema"]);
    schema["properties"] = json!({ "schema": { "const": rotate::SCHEMA } });
    schema["anyOf"] = json!([
        outcome,
        { "required": ["providers"] },
        { "required": ["keys", "max_age_days", "warn_days"] },
        { "required": ["units", "cron"] },
    ]);
    schema["$defs"] = definitions;
    schema
}

/// What `firewall` writes as JSON: rules for nft, a comparison, a verdict, or why there are none.
fn firewall() -> Value {
    const SCHEMA: &str = "openclaw-sec/firewall/1";
    let object = |required: Value, properties: Value| {
        let mut properties = properties;
        properties["schema"] = json!({ "const": SCHEMA });
        let mut names = vec![json!("schema")];
        names.extend(required.as_array().unwrap().iter().cloned());
        json!({ "type": "object", "required": names, "properties": properties, "additionalProperties": false })
    };
    let text = json!({ "type": "string", "minLength": 1 });
    let text_or_none = json!({ "type": ["string", "null"] });
    let difference = json!({
        "type": "object",
        "required": ["kind", "family", "where", "expected", "found", "message"],
        "properties": {
            "kind": { "enum": ["missing", "unexpected", "changed", "order", "leftover", "bypassed", "blocked", "unreadable"] },
            "family": { "enum": ["ipv4", "ipv6", "both"] },
            "where": text, "expected": text_or_none, "found": text_or_none, "message": text,
        },
        "additionalProperties": false,
    });
    let mut same = object(
        json!(["status", "differences"]),
        json!({ "status": { "const": "same" }, "differences": { "type": "array", "maxItems": 0 } }),
    );
    same["description"] = "`firewall verify`: nothing differs.".into();
    let mut differs = object(
        json!(["status", "differences"]),
        json!({
            "status": { "enum": ["drift", "unknown"] },
            "differences": { "type": "array", "minItems": 1, "items": difference },
        }),
    );
    differs["description"] = "`firewall verify`: what differs, or why nobody knows.".into();
    let mut rules = object(
        json!(["nftables"]),
        json!({ "nftables": { "type": "array", "minItems": 1, "items": { "type": "object" } } }),
    );
    rules["description"] = "The rules, for `nft -j -f -` (libnftables-json).".into();
    let mut verdict = object(
        json!(["verdict", "rule"]),
        json!({ "verdict": { "enum": ["accept", "drop"] }, "rule": text }),
    );
    verdict["description"] = "`firewall explain`".into();
    let mut refusal = object(json!(["error"]), json!({ "error": text }));
    refusal["description"] = "Why no rules were made.".into();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:{}", SCHEMA.replace('/', ":")),
        "title": "What `openclaw-sec firewall` writes as JSON",
        "oneOf": [rules, same, differs, verdict, refusal],
    })
}

#[test]
fn documents_of_firewall_are_valid() {
    let validator = jsonschema::validator_for(&firewall()).unwrap();
    let explain = "explain --proto tcp --port 443 --from 203.0.113.9 --format json";
    let lines = [
        ("--format json", Some(0)),
        (
            "--format json --profile cloudflare-origin --hook input",
            Some(0),
        ),
        ("--format json --ssh-port x", Some(2)),
        (explain, Some(0)),
        ("verify --format json", None),
    ];
    for (line, code) in lines {
        let output = assert_cmd::Command::cargo_bin("openclaw-sec")
            .unwrap()
            .arg("firewall")
            .args(line.split(' '))
            .output()
            .unwrap();
        assert!(
            code.is_none_or(|code| output.status.code() == Some(code)),
            "{line}"
        );
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(validator.is_valid(&document), "{line}: {document}");
    }
    for wrong in [
        json!({ "schema": "openclaw-sec/firewall/1" }),
        json!({ "schema": "openclaw-sec/firewall/1", "status": "same", "differences": [{}] }),
        json!({ "schema": "openclaw-sec/firewall/1", "status": "drift", "differences": [] }),
        json!({ "schema": "openclaw-sec/firewall/1", "verdict": "reject", "rule": "x" }),
        json!({ "nftables": [{}] }),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

#[test]
fn schemas_are_what_the_code_says() {
    let file = |name: &str, schema: &Value| {
        let text = serde_json::to_string_pretty(schema).unwrap();
        (name.to_owned(), format!("{text}\n").into_bytes())
    };
    let files = Files::from([
        file("alert.json", &alert()),
        file("check.json", &check()),
        file("event.json", &event()),
        file("firewall.json", &firewall()),
        file("fleet.json", &fleet()),
        file("rotate.json", &rotate()),
        file("seal.json", &seal()),
        file("stats.json", &statistics()),
    ]);
    compare("schemas", &files);
}

#[test]
fn a_real_report_is_valid_and_a_changed_one_is_not() {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&check())
        .unwrap();
    let report = real_report();
    let complaints: Vec<String> = validator
        .iter_errors(&report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");

    let changes = [
        ("", "surprise", json!(1)),
        ("", "schema", json!("openclaw-sec/check/2")),
        ("", "started_at", json!("yesterday")),
        ("", "duration_ms", json!(-1)),
        ("", "checklist", json!([])),
        ("/target", "profile", json!("vpn")),
        ("/target", "dialect", json!("local")),
        ("/summary", "pass", json!(-1)),
        ("/summary", "worst", json!("fatal")),
        ("/checklist/0", "status", json!("waived")),
        ("/results/0", "id", json!("secrets")),
        ("/results/0", "kind", json!("guessed")),
        ("/results/0", "status", json!("ok")),
        ("/results/0", "evidence", json!([])),
        ("/results/0", "fingerprint", json!("")),
        (
            "/results/0",
            "location",
            json!({"path": "x", "line": 0, "column": null}),
        ),
    ];
    for (place, name, value) in changes {
        let mut changed = report.clone();
        changed.pointer_mut(place).unwrap()[name] = value;
        assert!(!validator.is_valid(&changed), "{place}/{name} goes through");
    }
    let fields = report["results"][0].as_object().unwrap().keys();
    for field in fields {
        let mut changed = report.clone();
        let result = changed["results"][0].as_object_mut().unwrap();
        result.remove(field);
        assert!(!validator.is_valid(&changed), "{field} may be missing");
    }
}

#[test]
fn a_fleets_report_is_valid_and_a_changed_one_is_not() {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&fleet())
        .unwrap();
    let output = assert_cmd::Command::cargo_bin("openclaw-sec")
        .unwrap()
        .args(["check", "--targets", "examples/fleet.toml", "--only"])
        .args(["declared", "--format", "json", "--fail-on", "never"])
        .env_remove("OPENCLAW_SEC_CONFIG")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let complaints: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let changes = [
        ("", "surprise", json!(1)),
        ("", "schema", json!("openclaw-sec/check/1")),
        ("", "started_at", json!("yesterday")),
        ("/summary", "targets", json!(-1)),
        ("/summary", "worst", json!("fatal")),
        ("/summary", "surprise", json!(1)),
        ("/targets/0", "status", json!("skipped")),
        ("/targets/0", "name", json!("")),
        ("/targets/0", "reason", json!(3)),
        ("/targets/0", "surprise", json!(1)),
        ("/targets/0/report", "schema", json!("openclaw-sec/check/2")),
        ("/targets/0/report/results/0", "status", json!("ok")),
        ("/targets/0/report/checklist", "0", json!("secrets")),
    ];
    for (place, name, value) in changes {
        let mut changed = document.clone();
        match changed.pointer_mut(place).unwrap() {
            Value::Array(list) => list[0] = value,
            object => object[name] = value,
        }
        assert!(!validator.is_valid(&changed), "{place}/{name} goes through");
    }
    let mut later = document;
    later["targets"][0]["report"]["results"][0]["owner"] = json!("of a later version");
    assert!(validator.is_valid(&later));
}

#[test]
fn documents_of_rotate_are_valid() {
    let validator = jsonschema::validator_for(&rotate()).unwrap();
    let outcome = json!(Outcome::nothing("nothing is in progress"));
    assert!(
        validator.is_valid(&outcome),
        "{:?}",
        validator.validate(&outcome)
    );
    let mut changed = outcome.clone();
    changed["status"] = "perhaps".into();
    assert!(!validator.is_valid(&changed));
    let output = assert_cmd::Command::cargo_bin("openclaw-sec")
        .unwrap()
        .args(["rotate", "providers", "--format", "json"])
        .output()
        .unwrap();
    assert!(validator.is_valid(&serde_json::from_slice(&output.stdout).unwrap()));
}

fn real_report() -> Value {
    let output = assert_cmd::Command::cargo_bin("openclaw-sec")
        .unwrap()
        .args(["check", "--env", "examples/page.env", "--format", "json"])
        .args(["--no-input", "--fail-on", "never"])
        .env_remove("OPENCLAW_SEC_CONFIG")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}
