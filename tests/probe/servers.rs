//! Real servers as children of a test, on ports of their own.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One process, so that killing it leaves nothing behind.
pub struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server and waits until it answers at the address.
pub fn start(command: &mut Command, answers_at: &str, patience: Duration) -> Server {
    let server = spawn(command);
    let until = Instant::now() + patience;
    while TcpStream::connect(answers_at).is_err() {
        assert!(Instant::now() < until, "{answers_at} does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    server
}

/// Starts a server.
pub fn spawn(command: &mut Command) -> Server {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    Server(child.unwrap())
}

/// nginx in one process with these blocks of `http`.
pub fn nginx(folder: &Path, blocks: &str, answers_at: &str) -> Server {
    let shown = folder.display();
    let text = format!(
        "daemon off; master_process off; user root; pid {shown}/pid;
        events {{ worker_connections 512; }}
        http {{ access_log off; error_log stderr crit; client_body_temp_path {shown}/a;
        proxy_temp_path {shown}/b; fastcgi_temp_path {shown}/c; uwsgi_temp_path {shown}/d;
        scgi_temp_path {shown}/e;\n{blocks}\n}}"
    );
    let configuration = folder.join("nginx.conf");
    std::fs::write(&configuration, text).unwrap();
    let mut nginx = command("nginx");
    nginx.arg("-c").arg(&configuration).arg("-p").arg(folder);
    start(
        nginx.args(["-e", "stderr"]),
        answers_at,
        Duration::from_secs(60),
    )
}

/// Ports that nobody listens on now.
pub fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let held = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// Whether a program is there; else the test says so.
#[expect(clippy::print_stderr, reason = "a skipped test says why")]
pub fn is_missing(program: &str, argument: &str, package: &str) -> bool {
    let runs = command(program)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !runs {
        eprintln!("skipped: {program} is not installed (Debian: {package})");
    }
    !runs
}

#[expect(clippy::disallowed_methods, reason = "a test may start real servers")]
pub fn command(program: &str) -> Command {
    Command::new(program)
}
