//! Real loaders read the new value, and no parallel writer loses an update.

use std::process::{Command, Stdio};

use crate::support::*;

#[test]
fn real_loaders_agree_on_the_new_value() {
    let keys = alive(&[NEW]);
    let mock = anthropic_mock(&keys);
    for line in [
        format!("{NAME}={OLD}"),
        format!("{NAME}='{OLD}'"),
        format!("{NAME}=\"{OLD}\" # note"),
        format!("export {NAME}={OLD} # note"),
    ] {
        let bench = Bench::new(&mock.url, &format!("A=1\n{line}\nB='two words'\n"));
        bench.with_new(&["--restart", "true"]).expect(0, "done");
        let node = format!(
            "process.stdout.write(require('util').parseEnv(require('fs').readFileSync('env/.env','utf8')).{NAME})"
        );
        let python = format!(
            "import dotenv,sys; sys.stdout.write(dotenv.dotenv_values('env/.env')['{NAME}'])"
        );
        let bash = format!("set -a; . env/.env; printf %s \"${NAME}\"");
        for (program, arguments) in [
            ("node", ["-e", &node]),
            ("python3", ["-c", &python]),
            ("bash", ["-c", &bash]),
        ] {
            let mut command = Command::new(program);
            bench.surround(&mut command);
            command.env("HOME", std::env::var("HOME").unwrap_or_default());
            match command.args(arguments).output() {
                Ok(output) if output.status.success() => {
                    assert_eq!(
                        String::from_utf8_lossy(&output.stdout),
                        NEW,
                        "{program}: {line}"
                    );
                }
                _ => println!("skipped: {program} is not here or too old"),
            }
        }
    }
}

#[test]
fn parallel_writers_lose_nothing_in_silence() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &format!("{NAME}={OLD}\n"));
    let written: Vec<String> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let bench = &bench;
                scope.spawn(move || {
                    (0..25)
                        .map(|number| format!("W{writer}_{number}"))
                        .filter(|name| {
                            let mut command = bench.program();
                            command
                                .args(["keygen", "--env", "env/.env", "--name", name])
                                .stderr(Stdio::null());
                            command.status().is_ok_and(|status| status.success())
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        bench.with_new(&["--restart", "true"]).expect(3, "waiting");
        writers
            .into_iter()
            .flat_map(|writer| writer.join().expect("joined"))
            .collect()
    });
    let text = bench.text();
    assert!(text.contains(NEW));
    assert_eq!(written.len(), 100);
    for name in written {
        assert!(text.contains(&format!("{name}=")), "{name} is lost");
    }
}
