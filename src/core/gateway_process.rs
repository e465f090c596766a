//! A running gateway: how its process is told from others in `/proc`, and when it began.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The kernel cuts a process name at 15 bytes: `openclaw-gateway` becomes this.
const NAME: &[u8] = b"openclaw-gatewa";
const COMMAND: &[u8] = b"openclaw-gateway";

/// Whether the process of this folder of `/proc` is a gateway, by its name or by the first word of its
/// command. One that is gone, or may not be looked at, is none.
pub fn is_gateway(folder: &Path) -> bool {
    let Ok(name) = std::fs::read(folder.join("comm")) else {
        return false;
    };
    name.starts_with(NAME)
        || std::fs::read(folder.join("cmdline")).is_ok_and(|command| is_gateway_command(&command))
}

fn is_gateway_command(command_line: &[u8]) -> bool {
    let first = command_line
        .split(|byte| *byte == 0)
        .next()
        .unwrap_or_default();
    let base = Path::new(std::ffi::OsStr::from_bytes(first)).file_name();
    base.is_some_and(|base| base.as_bytes().starts_with(COMMAND))
}

/// When the process of this folder of `/proc` began, in clock ticks since the boot: field 22 of `stat`
/// (proc(5)), counted behind the name in brackets, which may hold anything.
pub fn start_tick(folder: &Path) -> Option<u64> {
    let text = std::fs::read(folder.join("stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(19)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_known_by_the_first_word_of_its_command() {
        assert!(is_gateway_command(b"openclaw-gateway\0run\0"));
        assert!(is_gateway_command(b"/usr/bin/openclaw-gateway\0"));
        assert!(!is_gateway_command(b"vim\0openclaw-gateway\0"));
        assert!(!is_gateway_command(b""));
    }

    #[test]
    fn a_gateway_is_known_by_the_name_that_the_kernel_cut_and_one_that_is_gone_is_none() {
        let place = tempfile::tempdir().unwrap();
        assert!(!is_gateway(place.path()));
        std::fs::write(place.path().join("comm"), "openclaw-gatewa\n").unwrap();
        assert!(is_gateway(place.path()));
        std::fs::write(place.path().join("comm"), "node\n").unwrap();
        assert!(!is_gateway(place.path()));
        std::fs::write(place.path().join("cmdline"), "openclaw-gateway\0").unwrap();
        assert!(is_gateway(place.path()));
    }

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_start() {
        let place = tempfile::tempdir().unwrap();
        let fields: Vec<String> = (4..=30).map(|number| number.to_string()).collect();
        let text = format!("7 (a) b (c) S {}", fields.join(" "));
        std::fs::write(place.path().join("stat"), text).unwrap();
        assert_eq!(start_tick(place.path()), Some(22));
    }
}
