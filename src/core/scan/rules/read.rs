//! From TOML to rules, with every mistake told at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};
use toml::{Table, Value};

use super::{Allowlist, Rule, RuleError, RuleSet, Target};
use crate::small_file;

/// A larger rule file, in bytes, is refused.
const LARGEST_FILE: u64 = 16 << 20;
/// A pattern that compiles to more bytes than this explodes.
const LARGEST_PATTERN: usize = 10 << 20;

/// What may stand behind a key.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Texts,
    /// With or without a fraction.
    Number,
    /// From 0.
    WholeNumber,
    Flag,
    Table,
    Tables,
}

/// The keys of a table, and what stands behind each.
type Keys = [(&'static str, Kind)];

const KEYS_OF_A_FILE: &Keys = &[
    ("title", Kind::Text),
    ("description", Kind::Text),
    ("minVersion", Kind::Text),
    ("extend", Kind::Table),
    ("rules", Kind::Tables),
    ("allowlist", Kind::Table),
    ("allowlists", Kind::Tables),
];
const KEYS_OF_EXTEND: &Keys = &[("useDefault", Kind::Flag), ("disabledRules", Kind::Texts)];
const KEYS_OF_A_RULE: &Keys = &[
    ("id", Kind::Text),
    ("description", Kind::Text),
    ("regex", Kind::Text),
    ("path", Kind::Text),
    ("secretGroup", Kind::WholeNumber),
    ("entropy", Kind::Number),
    ("keywords", Kind::Texts),
    ("tags", Kind::Texts),
    ("allowlist", Kind::Table),
    ("allowlists", Kind::Tables),
];
const KEYS_OF_AN_ALLOWLIST: &Keys = &[
    ("description", Kind::Text),
    ("condition", Kind::Text),
    ("regexes", Kind::Texts),
    ("regexTarget", Kind::Text),
    ("stopwords", Kind::Texts),
    ("paths", Kind::Texts),
    ("commits", Kind::Texts),
    ("targetRules", Kind::Texts),
];

impl Kind {
    fn holds(self, value: &Value) -> bool {
        let are_all = |is: fn(&Value) -> bool| {
            let values = value.as_array();
            values.is_some_and(|values| values.iter().all(is))
        };
        match self {
            Self::Text => value.is_str(),
            Self::Texts => are_all(Value::is_str),
            Self::Number => number_of(value).is_some(),
            Self::WholeNumber => value.as_integer().is_some_and(|number| number >= 0),
            Self::Flag => value.is_bool(),
            Self::Table => value.is_table(),
            Self::Tables => are_all(Value::is_table),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Texts => "list of texts",
            Self::Number => "number",
            Self::WholeNumber => "whole number from 0",
            Self::Flag => "true or false",
            Self::Table => "table",
            Self::Tables => "list of tables",
        }
    }
}

impl RuleSet {
    /// Reads and compiles rule files.
    ///
    /// # Errors
    /// When a file cannot be read, is no TOML, or holds a rule that cannot be followed as written.
    pub fn read(files: &[PathBuf]) -> Result<Self, RuleError> {
        let mut set = Self::default();
        let mut keywords: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for path in files {
            let text = small_file::read_text(path, LARGEST_FILE).map_err(|source| {
                RuleError::Unreadable {
                    path: path.clone(),
                    source,
                }
            })?;
            let mut file = RuleFile::parse(path, &text)?;
            set.notes.append(&mut file.notes);
            for (rule, words) in file.rules {
                for word in words {
                    keywords.entry(word).or_default().push(set.rules.len());
                }
                set.rules.push(rule);
            }
        }
        if !keywords.is_empty() {
            let automaton = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(keywords.keys());
            // Without the automaton every rule is always tried: slower, and as right.
            match automaton {
                Ok(automaton) => set.keywords = Some(automaton),
                Err(_) => set
                    .rules
                    .iter_mut()
                    .for_each(|rule| rule.has_keywords = false),
            }
            set.waiting = keywords.into_values().collect();
        }
        Ok(set)
    }
}

/// One file, as far as it has been understood.
#[derive(Default)]
struct RuleFile {
    rules: Vec<(Rule, Vec<String>)>,
    notes: Vec<String>,
    problems: Vec<String>,
}

impl RuleFile {
    fn parse(path: &Path, text: &str) -> Result<Self, RuleError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.as_bytes().get(..at).unwrap_or_default();
            RuleError::NotToml {
                path: path.to_path_buf(),
                line: memchr::memchr_iter(b'\n', before).count() + 1,
            }
        })?;
        let mut file = Self::default();
        file.read(&table, path);
        if !file.problems.is_empty() {
            return Err(RuleError::Wrong {
                path: path.to_path_buf(),
                problems: file.problems,
            });
        }
        Ok(file)
    }

    fn read(&mut self, table: &Table, path: &Path) {
        self.refuse_wrong(table, KEYS_OF_A_FILE, "the file");
        if let Some(extend) = table.get("extend").and_then(Value::as_table) {
            self.refuse_wrong(extend, KEYS_OF_EXTEND, "extend");
            self.notes.push(format!(
                "{}: `extend` is passed over; our own rules are on anyway",
                path.display()
            ));
        }
        let everywhere = self.allowlists(table, "the file");
        let rules = table.get("rules").and_then(Value::as_array);
        let rules: Vec<&Value> = rules.into_iter().flatten().collect();
        if rules.is_empty() && self.problems.is_empty() {
            self.problems.push("there is no [[rules]] in it".to_owned());
        }
        for (number, rule) in rules.into_iter().enumerate() {
            if let Some(rule) = rule.as_table() {
                self.rule(rule, number + 1, &everywhere);
            }
        }
    }

    fn rule(&mut self, table: &Table, number: usize, everywhere: &[Allowlist]) {
        let Some(id) = text(table, "id").filter(|id| !id.is_empty()) else {
            self.problems.push(format!("rule {number} has no id"));
            return;
        };
        let name = format!("rule {id}");
        self.refuse_wrong(table, KEYS_OF_A_RULE, &name);
        let regex = self.optional_regex(table, "regex", &name);
        let path = self.optional_regex(table, "path", &name);
        let has = |key| {
            table
                .get(key)
                .is_some_and(|value| value.as_str() != Some(""))
        };
        if !has("regex") && !has("path") {
            self.problems
                .push(format!("{name} has neither regex nor path"));
        }
        let group = table.get("secretGroup").and_then(Value::as_integer);
        let group = group
            .and_then(|group| usize::try_from(group).ok())
            .filter(|group| *group > 0);
        if let (Some(group), Some(regex)) = (group, &regex)
            && group >= regex.captures_len()
        {
            self.problems
                .push(format!("{name}: there is no group {group} in its regex"));
        }
        let mut allowlists = self.allowlists(table, &name);
        let applies = |list: &&Allowlist| list.rules.is_empty() || list.rules.contains(&id);
        allowlists.extend(everywhere.iter().filter(applies).cloned());
        let keywords: Vec<String> = texts(table, "keywords")
            .into_iter()
            .filter(|word| !word.is_empty())
            .map(|word| word.to_ascii_lowercase())
            .collect();
        let entropy = table
            .get("entropy")
            .and_then(number_of)
            .filter(|bits| *bits > 0.0);
        let rule = Rule {
            id,
            regex,
            path,
            group,
            entropy,
            has_keywords: !keywords.is_empty(),
            allowlists,
        };
        self.rules.push((rule, keywords));
    }

    fn allowlists(&mut self, table: &Table, place: &str) -> Vec<Allowlist> {
        let many = table.get("allowlists").and_then(Value::as_array);
        let single = table.get("allowlist").into_iter();
        let lists: Vec<&Value> = single.chain(many.into_iter().flatten()).collect();
        let lists = lists.into_iter().filter_map(Value::as_table);
        lists.map(|list| self.allowlist(list, place)).collect()
    }

    fn allowlist(&mut self, table: &Table, place: &str) -> Allowlist {
        let place = format!("{place}, allowlist");
        self.refuse_wrong(table, KEYS_OF_AN_ALLOWLIST, &place);
        let needs_all = match text(table, "condition")
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "" | "OR" | "||" => false,
            "AND" | "&&" => true,
            _ => {
                self.problems
                    .push(format!("{place}: the condition is neither AND nor OR"));
                false
            }
        };
        let target = match text(table, "regexTarget").unwrap_or_default().as_str() {
            "" | "secret" => Target::Secret,
            "match" => Target::Match,
            "line" => Target::Line,
            _ => {
                self.problems.push(format!(
                    "{place}: regexTarget is none of secret, match, line"
                ));
                Target::Secret
            }
        };
        Allowlist {
            needs_all,
            target,
            regexes: self.regexes(table, "regexes", &place),
            paths: self.regexes(table, "paths", &place),
            stopwords: texts(table, "stopwords")
                .into_iter()
                .map(|word| word.to_ascii_lowercase().into_bytes())
                .collect(),
            names_commits: table.contains_key("commits"),
            rules: texts(table, "targetRules"),
        }
    }

    fn regexes(&mut self, table: &Table, key: &str, place: &str) -> Vec<Regex> {
        let patterns = texts(table, key);
        let compiled = patterns
            .iter()
            .filter_map(|pattern| self.regex(pattern, key, place));
        compiled.collect()
    }

    fn optional_regex(&mut self, table: &Table, key: &str, place: &str) -> Option<Regex> {
        // An empty one would match everywhere and name nothing: it is none.
        let pattern = table
            .get(key)?
            .as_str()
            .filter(|pattern| !pattern.is_empty())?;
        self.regex(pattern, key, place)
    }

    /// Go's dialect as far as the two agree: ASCII classes, no look-around.
    fn regex(&mut self, pattern: &str, key: &str, place: &str) -> Option<Regex> {
        let compiled = RegexBuilder::new(pattern)
            .unicode(false)
            .size_limit(LARGEST_PATTERN)
            .build();
        match compiled {
            Ok(regex) => Some(regex),
            Err(regex::Error::CompiledTooBig(_)) => {
                self.problems
                    .push(format!("{place}: {key} explodes: it takes more than 10 MB"));
                None
            }
            Err(error) => {
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default();
                let reason = reason.trim_start_matches("error: ");
                self.problems
                    .push(format!("{place}: {key} does not compile: {reason}"));
                None
            }
        }
    }

    /// A condition that is not understood must not count as fulfilled.
    fn refuse_wrong(&mut self, table: &Table, known: &Keys, place: &str) {
        for (key, value) in table {
            let kind = known.iter().find(|(known, _)| known == key);
            match kind {
                None => self
                    .problems
                    .push(format!("{place}: `{key}` is not understood")),
                Some((_, kind)) if !kind.holds(value) => self
                    .problems
                    .push(format!("{place}: {key} is no {}", kind.words())),
                Some(_) => {}
            }
        }
    }
}

fn text(table: &Table, key: &str) -> Option<String> {
    table.get(key)?.as_str().map(str::to_owned)
}

fn texts(table: &Table, key: &str) -> Vec<String> {
    let values = table.get(key).and_then(Value::as_array);
    let values = values.into_iter().flatten();
    values
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn number_of(value: &Value) -> Option<f64> {
    value
        .as_float()
        .or_else(|| value.as_integer().map(|number| number as f64))
}
