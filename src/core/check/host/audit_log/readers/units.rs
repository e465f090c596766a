//! The systemd units that are started by themselves, and what stands in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{LARGEST_FILE, settings};
use crate::check::host::names_in;
use crate::small_file;
use crate::world::World;

/// Where units lie, the first place first (systemd.unit(5)).
const FOLDERS: [&str; 6] = [
    "etc/systemd/system",
    "run/systemd/system",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];
/// More units are not looked into.
const MOST: usize = 4096;

/// The services of a machine.
#[derive(Debug, Default)]
pub struct Units {
    /// The texts of those that are enabled, or that an enabled unit starts.
    pub started: Vec<String>,
    /// The others: the unit that would have to be enabled, and the service's text.
    pub asleep: Vec<(String, String)>,
}

/// All services of this machine.
pub fn services(world: &World) -> Units {
    let folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| world.host(folder)).collect();
    let (seen, started) = started(&folders, world);
    let mut looked_at = BTreeSet::new();
    let mut asleep = Vec::new();
    for name in folders.iter().flat_map(|folder| links_in(folder)) {
        let Some(stem) = name.strip_suffix(".service") else {
            continue;
        };
        let is_instance = |of: &String| stem.ends_with('@') && of.starts_with(stem);
        if seen.contains(&name)
            || seen.iter().any(is_instance)
            || looked_at.len() >= MOST
            || !looked_at.insert(name.clone())
        {
            continue;
        }
        let Some(text) = text_of(&name, &folders, world) else {
            continue;
        };
        let timer = format!("{stem}.timer");
        let has_timer = folders.iter().any(|folder| folder.join(&timer).exists());
        asleep.push((if has_timer { timer } else { name }, text));
    }
    Units { started, asleep }
}

/// The names of the units that are started by themselves, and the texts of the services among them.
fn started(folders: &[PathBuf], world: &World) -> (BTreeSet<String>, Vec<String>) {
    let mut waiting: Vec<String> = Vec::new();
    for folder in folders {
        for name in names_in(folder) {
            let name = name.to_string_lossy();
            if name.ends_with(".wants") || name.ends_with(".requires") {
                waiting.extend(links_in(&folder.join(&*name)));
            }
        }
    }
    let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut services = Vec::new();
    while let Some(name) = waiting.pop() {
        let Some(text) = text_of(&name, folders, world) else {
            continue;
        };
        for next in starts(&name, &text) {
            if seen.len() < MOST && seen.insert(next.clone()) {
                waiting.push(next);
            }
        }
        if name.ends_with(".service") {
            services.push(text);
        }
    }
    (seen, services)
}

fn links_in(folder: &Path) -> impl Iterator<Item = String> {
    let names = names_in(folder).into_iter();
    names.map(|name| name.to_string_lossy().into_owned())
}

/// The unit's file, or its template's, and what is dropped in beside it.
fn text_of(name: &str, folders: &[PathBuf], world: &World) -> Option<String> {
    let template = name.split_once('@').and_then(|(name, instance)| {
        let (_, kind) = instance.rsplit_once('.')?;
        Some(format!("{name}@.{kind}"))
    });
    let mut names = vec![name.to_owned()];
    names.extend(template);
    let file = names.iter().find_map(|name| {
        let files = folders.iter().map(|folder| folder.join(name));
        files
            .into_iter()
            .find(|file| file.symlink_metadata().is_ok())
    })?;
    // A link names a place of this host, of which we may see another root.
    let file = match std::fs::read_link(&file) {
        Ok(target) if target.is_absolute() => world.below_root(&target),
        _ => file,
    };
    let mut text = small_file::read_text(&file, LARGEST_FILE).ok()?;
    for name in &names {
        for folder in folders {
            let folder = folder.join(format!("{name}.d"));
            for dropped in names_in(&folder) {
                let more = small_file::read_text(&folder.join(dropped), LARGEST_FILE);
                text.push('\n');
                text.push_str(&more.unwrap_or_default());
            }
        }
    }
    Some(text)
}

/// The units that this one starts.
fn starts(name: &str, text: &str) -> Vec<String> {
    const STARTING: [&str; 4] = ["Wants", "Requires", "BindsTo", "Upholds"];
    let mut units = Vec::new();
    let mut activated = Vec::new();
    for (setting, value) in settings(text).filter_map(|line| line.split_once('=')) {
        match setting.trim() {
            setting if STARTING.contains(&setting) => {
                units.extend(value.split_whitespace().map(str::to_owned));
            }
            "Unit" | "Service" => activated.push(value.trim().to_owned()),
            _ => {}
        }
    }
    let (stem, kind) = name.rsplit_once('.').unwrap_or((name, ""));
    if ["timer", "path", "socket"].contains(&kind) {
        if activated.is_empty() {
            activated.push(format!("{stem}.service"));
        }
        units.extend(activated);
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixtures::world_below;

    fn services_in(files: &[(&str, &str)], links: &[(&str, &str)]) -> Units {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        };
        for (name, text) in files {
            std::fs::write(at(name), text).unwrap();
        }
        for (name, target) in links {
            std::os::unix::fs::symlink(target, at(name)).unwrap();
        }
        services(&world_below(root.path()))
    }

    fn started_in(files: &[(&str, &str)], links: &[(&str, &str)]) -> Vec<String> {
        let mut started = services_in(files, links).started;
        crate::order::sort(&mut started);
        started
    }

    #[test]
    fn the_other_services_are_asleep_and_a_timer_is_what_wakes_them() {
        let file = ("etc/systemd/system/a.service", "A");
        let packaged = ("usr/lib/systemd/system/a.service", "B");
        let timer = ("etc/systemd/system/a.timer", "[Timer]");
        let wants = "etc/systemd/system/multi-user.target.wants";
        let enabled = format!("{wants}/a.service");
        let own = "/etc/systemd/system/a.service";
        let asleep = |files: &[_], links: &[_]| services_in(files, links).asleep;
        let of = |unit: &str| vec![(unit.to_owned(), "A".to_owned())];
        assert_eq!(asleep(&[file, packaged], &[]), of("a.service"));
        assert_eq!(asleep(&[file, timer], &[]), of("a.timer"));
        assert_eq!(asleep(&[file, packaged], &[(&enabled, own)]), []);
        let template = ("etc/systemd/system/t@.service", "A");
        let instance = format!("{wants}/t@x.service");
        let link = (&*instance, "/etc/systemd/system/t@.service");
        assert_eq!(asleep(&[template], &[link]), []);
        assert_eq!(asleep(&[template], &[]), of("t@.service"));
    }

    #[test]
    fn a_unit_counts_where_a_link_or_an_enabled_unit_starts_it() {
        let file = ("etc/systemd/system/a.service", "A");
        let none: Vec<String> = Vec::new();
        assert_eq!(started_in(&[file], &[]), none);
        let wants = "etc/systemd/system/multi-user.target.wants";
        let enabled = format!("{wants}/a.service");
        let own = "/etc/systemd/system/a.service";
        assert_eq!(started_in(&[file], &[(&enabled, own)]), ["A"]);
        let packaged = ("usr/lib/systemd/system/a.service", "B");
        assert_eq!(
            started_in(
                &[packaged],
                &[(&enabled, "/usr/lib/systemd/system/a.service")]
            ),
            ["B"]
        );
        assert_eq!(started_in(&[file, packaged], &[(&enabled, own)]), ["A"]);
        let masked = ("etc/systemd/system/a.service", "/dev/null");
        assert_eq!(started_in(&[packaged], &[(&enabled, own), masked]), none);
        let timer = ("etc/systemd/system/a.timer", "[Timer]\nOnCalendar=daily\n");
        let timed = format!("{wants}/a.timer");
        let timers = [(&*timed, "/etc/systemd/system/a.timer")];
        assert_eq!(started_in(&[file, timer], &[]), none);
        assert_eq!(started_in(&[file, timer], &timers), ["A"]);
        let other = ("etc/systemd/system/a.timer", "[Timer]\nUnit=b.service\n");
        assert_eq!(started_in(&[file, other], &timers), none);
        let wanting = ("etc/systemd/system/b.service", "Wants=x.service a.service");
        let of_b = format!("{wants}/b.service");
        assert_eq!(
            started_in(
                &[file, wanting],
                &[(&of_b, "/etc/systemd/system/b.service")]
            ),
            ["A", "Wants=x.service a.service"]
        );
        let template = ("etc/systemd/system/t@.service", "T");
        let instance = format!("{wants}/t@x.service");
        assert_eq!(
            started_in(
                &[template],
                &[(&instance, "/etc/systemd/system/t@.service")]
            ),
            ["T"]
        );
        let dropped = ("etc/systemd/system/a.service.d/x.conf", "D");
        assert_eq!(started_in(&[file, dropped], &[(&enabled, own)]), ["A\nD"]);
    }
}
