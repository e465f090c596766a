//! A systemd service and timer, and a cron line, that remind of keys that have come of age.

use std::path::Path;

/// What to install; none of it holds a key.
#[derive(Debug)]
pub struct Units {
    /// `openclaw-sec-rotate-due.service`
    pub service: String,
    /// `openclaw-sec-rotate-due.timer`
    pub timer: String,
    /// One line for `crontab -e`.
    pub cron: String,
}

/// The reminder for keys older than `days`, looked for every day at a random time.
pub fn units(program: &Path, env: &Path, state_dir: Option<&Path>, days: u32) -> Units {
    let mut words = vec![
        program.display().to_string(),
        "rotate".to_owned(),
        "due".to_owned(),
        "--env".to_owned(),
        env.display().to_string(),
        "--max-age".to_owned(),
        days.to_string(),
    ];
    if let Some(folder) = state_dir {
        words.extend(["--state-dir".to_owned(), folder.display().to_string()]);
    }
    let for_systemd: Vec<String> = words.iter().map(|word| systemd_quoted(word)).collect();
    let for_shell: Vec<String> = words.iter().map(|word| shell_quoted(word)).collect();
    Units {
        service: format!(
            "[Unit]\n\
             Description=Remind of OpenClaw keys that are due for rotation\n\
             Documentation=https://docs.openclawvps.com/configuration/security\n\
             \n\
             [Service]\n\
             Type=oneshot\n\
             ExecStart={}\n\
             NoNewPrivileges=true\n\
             PrivateTmp=true\n",
            for_systemd.join(" ")
        ),
        timer: "[Unit]\n\
             Description=Look every day for OpenClaw keys that are due for rotation\n\
             \n\
             [Timer]\n\
             OnCalendar=daily\n\
             RandomizedDelaySec=6h\n\
             Persistent=true\n\
             \n\
             [Install]\n\
             WantedBy=timers.target\n"
            .to_owned(),
        // A percent sign ends a command in a crontab.
        cron: format!("17 5 * * * {}", for_shell.join(" ").replace('%', "\\%")),
    }
}

/// systemd.syntax(7): quotes, with backslashes, `%` and `$` doubled.
fn systemd_quoted(word: &str) -> String {
    let doubled = word
        .replace('\\', "\\\\")
        .replace('%', "%%")
        .replace('$', "$$");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,%$".contains(c);
    if doubled.chars().all(is_plain) {
        doubled
    } else {
        format!("\"{}\"", doubled.replace('"', "\\\""))
    }
}

fn shell_quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), |quoted| quoted.into_owned())
}
