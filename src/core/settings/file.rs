//! Reads one configuration file, table by table.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use toml::de::{DeTable, DeValue};

use super::{
    Default, DetectorValue, KnownFlags, LONGEST_WAIVER_DAYS, NEVER_CONFIGURED, Settings,
    SettingsError, Waiver, hours, most_alike, position,
};
use crate::foreign_text::is_harmful;

/// One file on its way into the settings.
pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    pub(super) known: &'a KnownFlags,
    pub(super) is_check_id: fn(&str) -> bool,
    pub(super) today: Date,
}

impl File<'_> {
    pub(super) fn add_to(&self, settings: &mut Settings) -> Result<(), SettingsError> {
        let table = DeTable::parse(self.text).map_err(|error| self.syntax(error.span()))?;
        for (key, value) in table.get_ref() {
            let at = key.span().start;
            let name = key.get_ref().as_ref();
            match (name, value.get_ref()) {
                ("waiver", DeValue::Array(entries)) => {
                    for entry in entries {
                        let at = entry.span().start;
                        let DeValue::Table(entry) = entry.get_ref() else {
                            return Err(self.value(at, "a waiver is a table: write [[waiver]]"));
                        };
                        settings.waivers.push(self.waiver(at, entry)?);
                    }
                }
                ("waiver", _) => return Err(self.value(at, "write [[waiver]], with two brackets")),
                ("network", DeValue::Table(table)) => self.network(table, settings)?,
                ("detectors", DeValue::Table(table)) => self.detectors(table, settings)?,
                (command, DeValue::Table(table))
                    if self.known.contains_key(command) && !command.contains('.') =>
                {
                    for (flag, value) in table {
                        self.flag(command, flag, value, settings)?;
                    }
                }
                (command, DeValue::Table(_)) => {
                    let tables = self
                        .known
                        .keys()
                        .map(String::as_str)
                        .filter(|table| !table.contains('.'))
                        .chain(["network", "waiver"]);
                    return Err(self.unknown(at, command, command, tables));
                }
                // An array of tables can only be meant for this.
                (name, DeValue::Array(entries)) if is_list_of_tables(entries) => {
                    return Err(self.unknown(at, name, name, ["waiver"]));
                }
                _ => self.flag("", key, value, settings)?,
            }
        }
        Ok(())
    }

    fn flag(
        &self,
        table: &str,
        key: &toml::Spanned<std::borrow::Cow<'_, str>>,
        value: &toml::Spanned<DeValue<'_>>,
        settings: &mut Settings,
    ) -> Result<(), SettingsError> {
        let flag = key.get_ref().as_ref();
        let known = self.known.get(table).map(Vec::as_slice).unwrap_or_default();
        if !known.iter().any(|known| known == flag) {
            let shown = if table.is_empty() {
                flag.to_owned()
            } else {
                format!("{table}.{flag}")
            };
            let elsewhere = self.elsewhere(flag, table);
            let names = known.iter().map(String::as_str);
            let names = names.filter(|_| elsewhere.is_none());
            let names = names.chain(elsewhere.as_deref());
            let at = key.span().start;
            return Err(self.unknown(at, &shown, elsewhere.as_deref().unwrap_or(flag), names));
        }
        let at = value.span().start;
        let values = match value.get_ref() {
            DeValue::Array(entries) => entries
                .iter()
                .map(|entry| self.scalar(at, flag, entry.get_ref()))
                .collect::<Result<_, _>>()?,
            single => vec![self.scalar(at, flag, single)?],
        };
        let is_set = settings
            .defaults
            .iter()
            .any(|d| d.table == table && d.flag == flag);
        if !is_set {
            settings.defaults.push(Default {
                table: table.to_owned(),
                flag: flag.to_owned(),
                values,
                source: self.path.to_path_buf(),
                line: self.position(at).0,
            });
        }
        Ok(())
    }

    fn scalar(&self, at: usize, flag: &str, value: &DeValue<'_>) -> Result<String, SettingsError> {
        match value {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.as_str().to_owned()),
            DeValue::Float(number) => Ok(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Ok(flag.to_string()),
            _ => {
                let message =
                    format!("`{flag}` takes a text, a number, true or false, or a list of these");
                Err(self.value(at, &message))
            }
        }
    }

    /// `[detectors] ignore = [CIDR]` and `[detectors.<id>]` with its numbers.
    fn detectors(&self, table: &DeTable<'_>, settings: &mut Settings) -> Result<(), SettingsError> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let shown = format!("detectors.{name}");
            match value.get_ref() {
                DeValue::Table(numbers) if self.known.contains_key(&shown) => {
                    for (key, value) in numbers {
                        self.detector_value(name, key, value, settings)?;
                    }
                }
                DeValue::Array(_) if name == "ignore" => {
                    self.detector_value("", key, value, settings)?;
                }
                _ if name == "ignore" || self.known.contains_key(&shown) => {
                    let message = "write `ignore = [\"192.0.2.0/24\"]`, or a table such as [detectors.brute-force]";
                    return Err(self.value(value.span().start, message));
                }
                _ => {
                    let known = self
                        .known
                        .get("detectors")
                        .map(Vec::as_slice)
                        .unwrap_or_default();
                    let names = known.iter().map(String::as_str);
                    return Err(self.unknown(key.span().start, &shown, name, names));
                }
            }
        }
        Ok(())
    }

    fn detector_value(
        &self,
        detector: &str,
        key: &toml::Spanned<std::borrow::Cow<'_, str>>,
        value: &toml::Spanned<DeValue<'_>>,
        settings: &mut Settings,
    ) -> Result<(), SettingsError> {
        let name = key.get_ref().as_ref();
        let table = format!("detectors.{detector}");
        let known = self
            .known
            .get(&table)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if !detector.is_empty() && !known.iter().any(|known| known == name) {
            let names = known.iter().map(String::as_str);
            return Err(self.unknown(key.span().start, &format!("{table}.{name}"), name, names));
        }
        let at = value.span().start;
        let values: Vec<String> = match value.get_ref() {
            DeValue::Array(entries) => entries
                .iter()
                .map(|entry| self.scalar(at, name, entry.get_ref()))
                .collect::<Result<_, _>>()?,
            single => vec![self.scalar(at, name, single)?],
        };
        let is_right = match name {
            "enabled" => matches!(value.get_ref(), DeValue::Boolean(_)),
            "ignore" => values.iter().all(|text| {
                text.parse::<ipnet::IpNet>().is_ok() || text.parse::<std::net::IpAddr>().is_ok()
            }),
            "hours" => values.len() == 1 && hours(&values[0]).is_some(),
            _ => {
                matches!(value.get_ref(), DeValue::Integer(number) if number.as_str().parse::<u32>().is_ok_and(|n| n > 0))
            }
        };
        if !is_right {
            let form = match name {
                "enabled" => "true or false",
                "ignore" => "addresses and networks such as \"192.0.2.0/24\"",
                "hours" => "the usual hours such as \"08-18\"",
                _ => "a whole number above 0",
            };
            return Err(self.value(at, &format!("`{name}` takes {form}")));
        }
        let is_set = settings
            .detectors
            .iter()
            .any(|d| d.detector == detector && d.key == name);
        if !is_set {
            settings.detectors.push(DetectorValue {
                detector: detector.to_owned(),
                key: name.to_owned(),
                values,
            });
        }
        Ok(())
    }

    fn network(&self, table: &DeTable<'_>, settings: &mut Settings) -> Result<(), SettingsError> {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("operator-tailnet", DeValue::String(name)) if !name.trim().is_empty() => {
                    settings
                        .operator_tailnet
                        .get_or_insert(name.trim().to_owned());
                }
                ("operator-tailnet", _) => {
                    let message =
                        "`operator-tailnet` takes the tailnet's name, such as \"example.ts.net\"";
                    return Err(self.value(value.span().start, message));
                }
                (other, _) => {
                    let shown = format!("network.{other}");
                    return Err(self.unknown(
                        key.span().start,
                        &shown,
                        other,
                        ["operator-tailnet"],
                    ));
                }
            }
        }
        Ok(())
    }

    fn waiver(&self, at: usize, table: &DeTable<'_>) -> Result<Waiver, SettingsError> {
        const KEYS: [&str; 5] = ["id", "target", "reason", "owner", "expires"];
        let mut texts = BTreeMap::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !KEYS.contains(&name) {
                return Err(self.unknown(key.span().start, &format!("waiver.{name}"), name, KEYS));
            }
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Datetime(date) => date.to_string(),
                _ => {
                    return Err(self.value(
                        value.span().start,
                        &format!("a waiver's `{name}` takes a text"),
                    ));
                }
            };
            texts.insert(name, (value.span().start, text.trim().to_owned()));
        }
        let is_seen = |character: char| !character.is_whitespace() && !is_harmful(character);
        let mut take = |name| {
            let found = texts.remove(name);
            found.filter(|(_, text)| text.chars().any(is_seen))
        };
        let missing = |name: &str| {
            self.value(
                at,
                &format!("a waiver needs `{name}`, and it may not be blank"),
            )
        };
        let (id_at, id) = take("id").ok_or_else(|| missing("id"))?;
        if !(self.is_check_id)(&id) {
            let message = "a waiver's `id` names no check; `openclaw-sec check --list` shows them";
            return Err(self.value(id_at, message));
        }
        let (_, reason) = take("reason").ok_or_else(|| missing("reason"))?;
        let (expires_at, expires) = take("expires").ok_or_else(|| missing("expires"))?;
        let expires = self.expiry(expires_at, &expires)?;
        let target = take("target").map(|(_, text)| text);
        let owner = take("owner").map(|(_, text)| text);
        Ok(Waiver {
            id,
            target,
            reason,
            owner,
            expires,
        })
    }

    fn expiry(&self, at: usize, text: &str) -> Result<Date, SettingsError> {
        let date: Date = text
            .parse()
            .map_err(|_| self.value(at, "a waiver's `expires` is a date such as 2026-12-31"))?;
        let days = self
            .today
            .until(date)
            .map_or(i64::MAX, |span| i64::from(span.get_days()));
        if days > LONGEST_WAIVER_DAYS {
            let message = format!(
                "a waiver may last {LONGEST_WAIVER_DAYS} days at most: bring `expires` nearer"
            );
            return Err(self.value(at, &message));
        }
        Ok(date)
    }

    fn syntax(&self, span: Option<std::ops::Range<usize>>) -> SettingsError {
        let at = span.map_or(0, |span| span.start);
        let (line, column) = self.position(at);
        SettingsError::Syntax {
            path: self.path.to_path_buf(),
            line,
            column,
            hint: "; check quotes, brackets and keys that stand twice",
        }
    }

    fn value(&self, at: usize, message: &str) -> SettingsError {
        SettingsError::Value {
            path: self.path.to_path_buf(),
            line: self.position(at).0,
            message: message.to_owned(),
        }
    }

    /// A flag in the spelling of flags and in the table where it belongs; the one at hand comes first.
    fn elsewhere(&self, flag: &str, table: &str) -> Option<String> {
        let flag = flag.replace('_', "-").to_lowercase();
        let tables = self.known.keys().filter(|table| !table.contains('.'));
        let tables = std::iter::once(table).chain(tables.map(String::as_str));
        let mut tables = tables.filter(|table| {
            let flags = self.known.get(*table);
            flags.is_some_and(|flags| flags.contains(&flag))
        });
        match tables.next()? {
            "" => Some(flag),
            found if found == table => Some(flag),
            found => Some(format!("{found}.{flag}")),
        }
    }

    fn unknown<'k>(
        &self,
        at: usize,
        shown: &str,
        key: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> SettingsError {
        SettingsError::UnknownKey {
            path: self.path.to_path_buf(),
            line: self.position(at).0,
            key: shown.to_owned(),
            nearest: most_alike(key, known)
                .filter(|_| !NEVER_CONFIGURED.contains(&key))
                .map(|(_, nearest)| nearest.to_owned()),
        }
    }

    fn position(&self, at: usize) -> (usize, usize) {
        position(self.text, at)
    }
}

fn is_list_of_tables(entries: &toml::de::DeArray<'_>) -> bool {
    let mut tables = entries.iter().map(|entry| entry.get_ref());
    !entries.is_empty() && tables.all(|entry| matches!(entry, DeValue::Table(_)))
}
