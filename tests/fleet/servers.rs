//! Servers on loopback that answer, stay silent, or talk nonsense, and count who comes.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// How a server behaves.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// Answers every request.
    Answers,
    /// Takes the connection and says nothing, until the other side goes.
    Silent,
    /// Is no server of any protocol.
    Nonsense,
    /// Hangs up at once, but only when every server of the group has been called.
    WaitsForAll,
}

/// Some servers that behave alike; they end with the test's process.
pub struct Servers {
    pub ports: Vec<u16>,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    open: AtomicUsize,
    most: AtomicUsize,
    called: Mutex<HashSet<u16>>,
    all: Condvar,
    servers: AtomicUsize,
}

impl Servers {
    pub fn start(count: usize, manner: Manner) -> Self {
        let seen = Arc::new(Seen::default());
        seen.servers.store(count, Ordering::SeqCst);
        let ports = (0..count).map(|_| {
            let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let seen = Arc::clone(&seen);
                    std::thread::spawn(move || seen.serve(stream, port, manner));
                }
            });
            port
        });
        let ports = ports.collect();
        Self { ports, seen }
    }

    pub fn url(&self, index: usize) -> String {
        format!("http://127.0.0.1:{}", self.ports[index])
    }

    /// The most connections that were open at the same time.
    pub fn most(&self) -> usize {
        self.seen.most.load(Ordering::SeqCst)
    }

    /// How many servers were called.
    pub fn called(&self) -> usize {
        self.seen.called.lock().unwrap().len()
    }
}

impl Seen {
    fn serve(&self, stream: TcpStream, port: u16, manner: Manner) {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(open, Ordering::SeqCst);
        let mut called = self.called.lock().unwrap();
        called.insert(port);
        self.all.notify_all();
        if matches!(manner, Manner::WaitsForAll) {
            let servers = self.servers.load(Ordering::SeqCst);
            let waits = |called: &mut HashSet<u16>| called.len() < servers;
            drop(self.all.wait_while(called, waits).unwrap());
        } else {
            drop(called);
            // Whatever the other side does is right.
            let _ = converse(stream, manner);
        }
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

fn converse(mut stream: TcpStream, manner: Manner) -> std::io::Result<()> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    if matches!(manner, Manner::Nonsense) {
        stream.write_all(b"\x00\xffthis is no protocol\n")?;
    }
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        read.extend_from_slice(&buffer[..count]);
        if matches!(manner, Manner::Answers) && read.ends_with(b"\r\n\r\n") {
            read.clear();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
        }
    }
}

/// Says why a test did not run, past the capture of the test harness.
pub fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
