//! Completions for five shells.

use clap_complete::Shell;
use clap_complete::aot::Generator as _;

use crate::{Files, command, compare, folder, judged_by};

const SHELLS: [Shell; 5] = [
    Shell::Bash,
    Shell::Elvish,
    Shell::Fish,
    Shell::PowerShell,
    Shell::Zsh,
];

fn generated() -> Files {
    let mut files = Files::new();
    for shell in SHELLS {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command(), "openclaw-sec", &mut script);
        files.insert(shell.file_name("openclaw-sec"), script);
    }
    files
}

#[test]
fn completions_are_what_the_code_says() {
    compare("completions", &generated());
}

#[test]
fn completions_know_the_flags_of_every_command() {
    for (name, script) in generated() {
        let script = String::from_utf8(script).unwrap();
        for command in command().get_subcommands() {
            for argument in command.get_arguments().filter(|a| !a.is_hide_set()) {
                let long = argument.get_long().unwrap_or_default();
                assert!(script.contains(long), "{name} lacks --{long}");
            }
        }
    }
}

#[test]
fn shells_accept_their_completions() {
    let file = |name: &str| folder("completions").join(name);
    judged_by(&["bash", "-n"], &file("openclaw-sec.bash"));
    judged_by(&["zsh", "-n"], &file("_openclaw-sec"));
    judged_by(&["fish", "--no-execute"], &file("openclaw-sec.fish"));
    judged_by(&["elvish", "-compileonly"], &file("openclaw-sec.elv"));
}
