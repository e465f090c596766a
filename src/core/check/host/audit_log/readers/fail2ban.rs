//! Which logs fail2ban's jails read (jail.conf(5)): of those that are enabled, what `logpath` names.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{LARGEST_FILE, covers};
use crate::check::host::names_in;
use crate::small_file;
use crate::world::World;

/// The section whose options every other one has, too.
const DEFAULT: &str = "DEFAULT";
/// A value names another one, which names another one, and so on so often.
const DEEPEST: usize = 8;

/// Sections with their options, the last word of each.
#[derive(Debug, Default)]
struct Jails(BTreeMap<String, BTreeMap<String, String>>);

/// Which jail names a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// An enabled one: it reads it.
    Enabled,
    /// One that is not enabled.
    Asleep(String),
    /// None.
    Nowhere,
}

/// Whether a jail names `log`, and whether it is enabled.
pub(super) fn names(log: &str, world: &World) -> Named {
    let mut jails = Jails::default();
    for file in files(world) {
        if let Ok(text) = small_file::read_text(&file, LARGEST_FILE) {
            jails.add(&text);
        }
    }
    jails.name(log)
}

/// In the order in which they are read: what comes later counts.
fn files(world: &World) -> Vec<PathBuf> {
    let folder = world.host("etc/fail2ban/jail.d");
    let names = names_in(&folder);
    let ending = |ending: &'static str| {
        let names = names.iter().map(|name| folder.join(name));
        names.filter(move |path| path.extension().is_some_and(|it| it == ending))
    };
    let mut files = vec![world.host("etc/fail2ban/jail.conf")];
    files.extend(ending("conf"));
    files.push(world.host("etc/fail2ban/jail.local"));
    files.extend(ending("local"));
    files
}

impl Jails {
    fn add(&mut self, text: &str) {
        let (mut section, mut option) = (None::<String>, None::<(String, usize)>);
        for line in text.lines() {
            let bare = line.trim();
            let indent = line.len() - line.trim_start().len();
            if bare.is_empty() || bare.starts_with(['#', ';']) {
                continue;
            }
            let bare = bare.split(" ;").next().unwrap_or(bare).trim_end();
            // What stands further in than its option carries the value on.
            if let (Some(section), Some((name, column))) = (&section, &option)
                && indent > *column
            {
                if let Some(value) = self.0.get_mut(section).and_then(|of| of.get_mut(name)) {
                    value.push('\n');
                    value.push_str(bare);
                }
            } else if let Some(rest) = bare.strip_prefix('[') {
                section = rest.split_once(']').map(|(name, _)| name.to_owned());
                option = None;
            } else if let Some(section) = &section
                && let Some((name, value)) = bare.split_once(['=', ':'])
            {
                let name = name.trim_end().to_lowercase();
                let options = self.0.entry(section.clone()).or_default();
                options.insert(name.clone(), value.trim().to_owned());
                option = Some((name, indent));
            }
        }
    }

    fn name(&self, log: &str) -> Named {
        let mut named = Named::Nowhere;
        for jail in self.0.keys().filter(|name| *name != DEFAULT) {
            let of = |option| self.value(jail, option).unwrap_or_default();
            // With this one, journald is asked and no file is read.
            let asks_files = !of("backend").starts_with("systemd");
            let paths = of("logpath");
            let mut paths = paths.split_whitespace();
            if !asks_files || !paths.any(|path| path == log || covers(path, log)) {
                continue;
            }
            let enabled = of("enabled").to_ascii_lowercase();
            if ["true", "yes", "on", "1"].contains(&&*enabled) {
                return Named::Enabled;
            }
            named = Named::Asleep(jail.clone());
        }
        named
    }

    /// The option of a jail, with `%(other)s` replaced.
    fn value(&self, jail: &str, option: &str) -> Option<String> {
        let mut value = self.raw(jail, option)?.to_owned();
        for _ in 0..DEEPEST {
            let Some((before, rest)) = value.split_once("%(") else {
                break;
            };
            let (name, after) = rest.split_once(")s")?;
            let inner = match name {
                "__name__" => jail,
                name => self.raw(jail, &name.to_lowercase())?,
            };
            value = format!("{before}{inner}{after}");
        }
        Some(value)
    }

    fn raw(&self, jail: &str, option: &str) -> Option<&str> {
        let of = |section: &str| self.0.get(section)?.get(option).map(String::as_str);
        of(jail).or_else(|| of(DEFAULT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "/srv/bot/audit.log";

    fn named(files: &[&str]) -> Named {
        let mut jails = Jails::default();
        for text in files {
            jails.add(text);
        }
        jails.name(LOG)
    }

    #[test]
    fn only_an_enabled_jail_reads_and_only_what_its_logpath_names() {
        for (files, expected) in [
            (
                &["[bot]\nenabled = true\nlogpath = /srv/bot/audit.log\n"][..],
                true,
            ),
            (&["[bot]\nlogpath = /srv/bot/audit.log\n"], false),
            (
                &["[bot]\nenabled = false\nlogpath = /srv/bot/audit.log\n"],
                false,
            ),
            (
                &["[bot]\nenabled = true\naction = x[log=/srv/bot/audit.log]\n"],
                false,
            ),
            (
                &["[bot]\nenabled = true\n# logpath = /srv/bot/audit.log\n"],
                false,
            ),
            (
                &["[bot]\nenabled = yes\nlogpath = /var/log/a.log\n   /srv/*/audit.log tail\n"],
                true,
            ),
            (
                &["[DEFAULT]\nenabled = true\n[bot]\nlogpath: /srv/bot/audit.log\n"],
                true,
            ),
            (&["[DEFAULT]\nlogpath = /srv/bot/audit.log\n"], false),
            (
                &[
                    "[bot]\nenabled = true\nlogpath = /srv/bot/audit.log\n",
                    "[bot]\nenabled = false\n",
                ],
                false,
            ),
            (
                &[
                    "[bot]\nlogpath = /srv/bot/audit.log\n[other]\n",
                    "[bot]\nenabled = True ; from now on\n",
                ],
                true,
            ),
            (
                &[
                    "[DEFAULT]\nbot_log = %(root)s/audit.log\nroot = /srv/bot\n[bot]\nenabled = 1\nlogpath = %(bot_log)s\n",
                ],
                true,
            ),
            (
                &[
                    "[DEFAULT]\nbackend = systemd[journalflags=1]\n[bot]\nenabled = 1\nlogpath = /srv/bot/audit.log\n",
                ],
                false,
            ),
            (
                &["[bot]\nenabled = 1\nlogpath = %(nowhere)s /srv/bot/audit.log\n"],
                false,
            ),
            (&["[bot]\nenabled = 1\nlogpath = %(logpath)s\n"], false),
        ] {
            assert_eq!(named(files) == Named::Enabled, expected, "{files:?}");
        }
    }

    #[test]
    fn a_jail_that_names_the_log_and_is_not_enabled_is_asleep() {
        let asleep = || Named::Asleep("bot".to_owned());
        for (text, expected) in [
            ("[bot]\nlogpath = /srv/bot/audit.log\n", asleep()),
            (
                "[bot]\nenabled = false\nlogpath = /srv/bot/*.log\n",
                asleep(),
            ),
            (
                "[bot]\nlogpath = /srv/bot/audit.log\n[a]\nenabled = 1\nlogpath = /srv/bot/audit.log\n",
                Named::Enabled,
            ),
            ("[bot]\nlogpath = /var/log/a.log\n", Named::Nowhere),
        ] {
            assert_eq!(named(&[text]), expected, "{text}");
        }
    }
}
