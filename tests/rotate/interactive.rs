//! A person at a terminal: asked, shown nothing secret, waited for.

use std::process::Command;
use std::sync::Arc;

use crate::support::*;

/// Plays the person: answers each prompt, and prints everything the terminal showed.
const PERSON: &str = r#"
import os, pty, sys, termios, time, select
new, mode = sys.argv[1], sys.argv[2]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
seen = b''
answers = [(b'paste the new', new.encode() + b'\n')]
if mode == 'revoked':
    answers.append((b'press Enter', b'\n'))
elif mode == 'interrupted':
    answers.append((b'press Enter', b'\x03'))
elif mode == 'at-once':
    answers = [(b'paste the new', b'\x03')]
def quiet():
    return not termios.tcgetattr(fd)[3] & termios.ECHO
deadline = time.time() + 120
while time.time() < deadline:
    ready, _, _ = select.select([fd], [], [], 0.2)
    if ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    if answers and answers[0][0] in seen:
        # A key is typed only once the terminal does not show it.
        while b'paste' in answers[0][0] and not quiet() and time.time() < deadline:
            time.sleep(0.02)
        os.write(fd, answers.pop(0)[1])
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status))
"#;

fn run(mode: &str) -> Option<(Bench, i32, String)> {
    let keys = alive(&[OLD, NEW]);
    let shared = Arc::clone(&keys);
    let requests = std::sync::atomic::AtomicUsize::new(0);
    let mock = Mock::start(move |seen| {
        // The person revokes after the new key was put in place.
        let number = requests.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if number >= 3 {
            kill(&shared, OLD);
        }
        anthropic(&shared, seen)
    });
    let bench = Bench::new(&mock.url, &format!("{NAME}={OLD}\n"));
    let mut command = Command::new("python3");
    bench.surround(&mut command);
    let output = command
        .env("TERM", "xterm")
        .args(["-c", PERSON, NEW, mode])
        .arg(program())
        .args([
            "rotate",
            "--name",
            NAME,
            "--env",
            "env/.env",
            "--restart",
            "true",
        ])
        .args(["--provider-url", &bench.url])
        .output()
        .ok()?;
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!shown.contains(OLD) && !shown.contains(NEW), "{shown}");
    Some((bench, output.status.code()?, shown))
}

#[test]
fn a_person_is_led_through_the_four_steps() {
    let Some((bench, code, shown)) = run("revoked") else {
        return;
    };
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("platform.claude.com"), "{shown}");
    assert!(bench.text().contains(NEW));
    assert_eq!(bench.beside(), [".env"]);
}

#[test]
fn ctrl_c_at_step_4_leaves_it_to_resume() {
    let Some((bench, code, shown)) = run("interrupted") else {
        return;
    };
    assert_eq!(code, 130, "{shown}");
    assert!(shown.contains("rotate resume"), "{shown}");
    assert!(bench.text().contains(NEW));
    bench.rotate(&["resume"]).expect(0, "done");
}

#[test]
fn ctrl_c_at_the_first_question_changes_nothing() {
    let Some((bench, code, shown)) = run("at-once") else {
        return;
    };
    assert_eq!(code, 130, "{shown}");
    assert!(bench.text().contains(OLD));
    assert_eq!(bench.beside(), [".env"]);
}
