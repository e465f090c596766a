//! Input that is missing, strange, hostile or huge: the contract's exit code, a helpful sentence, no hang, no secret.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::support::{HARDENED, Place, is_root};

#[test]
fn what_is_no_env_file_ends_with_two_and_its_name() {
    let place = Place::new();
    std::fs::create_dir(place.path("folder")).unwrap();
    place.shell("mkfifo pipe; ln -s loop loop; truncate -s 65M large; ln -s nowhere broken");
    let cases = [
        ("missing", "no such file"),
        ("missing/below", "no such file"),
        ("folder", "directory"),
        ("pipe", "pipe"),
        ("loop", "circle"),
        ("broken", "no such file"),
        ("large", "64 MiB"),
        ("/dev/zero", "device"),
        ("/dev/null", "device"),
    ];
    for (name, word) in cases {
        for format in ["human", "json", "markdown"] {
            let started = Instant::now();
            let ended = place.line(&format!("check --format {format} --env {name}"));
            assert_eq!(ended.code, 2, "{name}: {}", ended.both());
            assert!(
                ended.stderr.contains(name) && ended.stderr.contains(word),
                "{}",
                ended.stderr
            );
            assert!(started.elapsed().as_secs() < 60, "{name} took too long");
        }
    }
    let ended = place.line("check");
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("--env"), "{}", ended.stderr);
}

#[test]
fn an_unreadable_file_ends_with_two() {
    let place = Place::with_env(HARDENED);
    place.shell("chmod 000 .env");
    let ended = if is_root() {
        place.shell("chmod 755 .. .; cp $B ../program; chmod 755 ../program; setpriv --reuid 65534 --regid 65534 --clear-groups ../program check")
    } else {
        place.line("check")
    };
    assert_eq!(ended.code, 2, "{}", ended.both());
    assert!(
        ended.stderr.contains("permission denied"),
        "{}",
        ended.stderr
    );
}

#[test]
fn copies_in_a_folder_that_cannot_be_listed_are_unknown_and_no_pass() {
    let place = Place::with_env(HARDENED);
    place.shell("mkdir locked; mv .env locked; chmod 600 locked/.env; chmod 311 locked");
    let check = "check --env locked/.env --only secrets.env-file-mode --format json";
    let ended = if is_root() {
        let as_its_owner = "setpriv --reuid 65534 --regid 65534 --clear-groups ../program";
        place.shell(&format!(
            "chown -R 65534:65534 locked; chmod 755 .. .; cp $B ../program; chmod 755 ../program; {as_its_owner} {check} --state-dir /nonexistent"
        ))
    } else {
        place.line(check)
    };
    place.shell("chmod 700 locked");
    assert_eq!(ended.code, 3, "{}", ended.both());
    assert!(
        ended.stdout.contains("cannot be listed"),
        "{}",
        ended.both()
    );
}

#[test]
fn a_pipe_with_a_writer_and_stdin_are_read() {
    let place = Place::new();
    place.write("prod.env", HARDENED);
    let scripts = [
        "$B check --only declared --env - < prod.env",
        "cat prod.env | $B check --only declared --env -",
        "$B check --only declared --env <(cat prod.env)",
        "mkfifo p; (sleep 0.1; cat prod.env) > p & $B check --only declared --env p",
        "(sleep 0.3; cat prod.env) | $B check --only declared --env -",
    ];
    for script in scripts {
        let ended = place.shell(script);
        assert_eq!(ended.code, 0, "{script}: {}", ended.both());
    }
    let ended = place.shell("mkfifo quiet; sleep 120 > quiet & w=$!; timeout 60 $B check --timeout 0.3 --env - < quiet; code=$?; kill $w; exit $code");
    assert_eq!(ended.code, 2, "{}", ended.both());
    let ended = place.shell("$B check --only declared --env - <&-");
    assert!([0, 1, 2].contains(&ended.code), "{}", ended.both());
}

#[test]
fn strange_bytes_and_broken_lines_are_judged_and_never_quoted() {
    let secret = "hunter2-hunter2-hunter2";
    let cases: [(&str, Vec<u8>); 12] = [
        (
            "zero bytes",
            format!("A=\0\nX_KEY={secret}\0\n{HARDENED}").into_bytes(),
        ),
        (
            "no text",
            [
                b"A=\xff\xfe\n# caf\xe9\nX_KEY=\xff",
                secret.as_bytes(),
                b"\n",
                HARDENED.as_bytes(),
            ]
            .concat(),
        ),
        (
            "byte-order mark",
            format!("\u{feff}X_KEY={secret}\n{HARDENED}").into_bytes(),
        ),
        (
            "utf-16",
            HARDENED.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "unclosed",
            format!("{HARDENED}X_KEY=\"{secret}\n").into_bytes(),
        ),
        (
            "unclosed first",
            format!("X_KEY='{secret}\n{HARDENED}").into_bytes(),
        ),
        (
            "duplicates",
            format!("{HARDENED}{HARDENED}X_KEY={secret}\nX_KEY={secret}2\n").into_bytes(),
        ),
        ("lone CR", HARDENED.replace('\n', "\r").into_bytes()),
        (
            "no equals",
            format!("{secret}\n{HARDENED}\nexport\n= {secret}\n").into_bytes(),
        ),
        (
            "long line",
            format!("X_KEY={}\n{HARDENED}", secret.repeat(20_000)).into_bytes(),
        ),
        (
            "escapes",
            format!("A=\x1b[31m\u{202e}\nX_KEY={secret}\x1b]0;x\x07\n{HARDENED}").into_bytes(),
        ),
        ("empty", Vec::new()),
    ];
    for (what, text) in cases {
        let place = Place::with_env(text);
        for line in [
            "check -vvv --only declared",
            "check --only declared --format json",
            "check --only declared --format markdown",
        ] {
            let ended = place.line(line);
            assert!(
                [0, 1].contains(&ended.code),
                "{what}: {} {}",
                ended.code,
                ended.stderr
            );
            assert!(
                !ended.both().contains("hunter2"),
                "{what}: {}",
                ended.both()
            );
            assert!(
                !ended.both().contains('\x1b') && !ended.both().contains('\u{202e}'),
                "{what}"
            );
            assert!(
                !ended.stderr.contains("panicked"),
                "{what}: {}",
                ended.stderr
            );
        }
    }
    let place = Place::with_env(format!("{HARDENED}{HARDENED}"));
    let (report, _) = place.report("--only secrets.duplicate-variable");
    assert_eq!(report.of("secrets.duplicate-variable").len(), 14);
}

#[test]
fn large_files_take_linear_time() {
    // Debug builds are an order of magnitude slower than what is shipped; quadratic code takes minutes.
    let line = |number: usize| format!("VARIABLE_{number}=value {number}\n");
    let key = |number: usize| format!("SERVICE_{number}_KEY=Zr8xK2mV9tLw4RzBq1NcYp7H{number}\n");
    let repeat = |size: usize, line: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        let mut number = 0;
        while text.len() < size {
            text.push_str(&line(number));
            number += 1;
        }
        text
    };
    let texts = [
        ("variables", repeat(1 << 20, &line)),
        ("secrets", repeat(300_000, &key)),
        ("one name", "WEB_API_KEY=change-me\n".repeat(20_000)),
        (
            "placeholders",
            repeat(60_000, &|number| format!("K{number}_TOKEN=changeme\n")),
        ),
        ("comments", "# comment\n".repeat(1 << 18)),
        ("unclosed", "A=\"x\n".repeat(40_000)),
        (
            "one line",
            format!("WEB_API_KEY={}\n", "x7Kq".repeat(1 << 18)),
        ),
        ("blanks", " ".repeat(1 << 20)),
    ];
    for (what, text) in texts {
        let place = Place::with_env(text);
        let started = Instant::now();
        let ended = place.shell("$B check --only declared --format json > report.json");
        assert!([0, 1].contains(&ended.code), "{what}: {}", ended.stderr);
        assert!(
            started.elapsed().as_secs() < 60,
            "{what}: {:?}",
            started.elapsed()
        );
    }
}

/// A server on loopback that answers every connection with `answer`.
fn server(answer: impl Fn(&mut std::net::TcpStream) + Send + Sync + 'static) -> u16 {
    server_of_requests(move |_, stream| answer(stream))
}

/// One that looks at what it is asked.
fn server_of_requests(
    answer: impl Fn(&[u8], &mut std::net::TcpStream) + Send + Sync + 'static,
) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = std::sync::Arc::new(answer);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = std::sync::Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut request = [0; 2048];
                let count = stream.read(&mut request).unwrap_or(0);
                answer(&request[..count], &mut stream);
            });
        }
    });
    port
}

#[test]
fn an_endpoint_that_fails_hangs_or_never_ends_is_unknown_in_time() {
    let place = Place::with_env(HARDENED);
    let closed = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let silent = server(|_| std::thread::sleep(std::time::Duration::from_secs(300)));
    let endless = server(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let endless_head = server(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"X-More: yes\r\n").is_ok() {}
    });
    let looping = server(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
    });
    let echoing = server(|stream| {
        let _ = stream.write_all("HTTP/1.1 200 q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ6RoXi1WvBtM=\r\nServer: \x1b[31mq7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ6RoXi1WvBtM=\r\nContent-Length: 0\r\n\r\n".as_bytes());
    });
    let mut urls = vec![
        format!("https://127.0.0.1:{closed}"),
        "https://does-not-resolve.invalid".to_owned(),
    ];
    for port in [silent, endless, endless_head, looping, echoing] {
        urls.push(format!("https://127.0.0.1:{port}"));
        urls.push(format!("http://127.0.0.1:{port}"));
    }
    for url in urls {
        let started = Instant::now();
        let (report, code) = place.report(&format!("--only live --timeout 2 --url {url}"));
        assert!(
            started.elapsed().as_secs() < 30,
            "{url}: {:?}",
            started.elapsed()
        );
        assert!([1, 3].contains(&code), "{url}: {code}");
        assert!(!report.with_status("unknown").is_empty(), "{url}");
        assert_eq!(report.document["target"]["url"], url.as_str());
        let text = report.document.to_string();
        assert!(
            !text.contains("q7Zk2mVw9xLr") && !text.contains('\x1b'),
            "{url}"
        );
    }
}

#[test]
fn the_endpoint_is_asked_only_what_was_selected() {
    let place = Place::with_env(HARDENED);
    for (selection, expected) in [
        ("--only live", true),
        ("--only https.plaintext", false),
        ("--only live --skip secrets.exposed-over-http", false),
    ] {
        let was_asked = Arc::new(AtomicBool::new(false));
        let note = was_asked.clone();
        let port = server_of_requests(move |request, stream| {
            if request.starts_with(b"GET /.env ") {
                note.store(true, Ordering::Relaxed);
            }
            let _ = stream.write_all(
                b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            );
        });
        place.report(&format!("{selection} --url http://127.0.0.1:{port}"));
        assert_eq!(was_asked.load(Ordering::Relaxed), expected, "{selection}");
    }
}

#[test]
fn check_without_a_url_opens_no_internet_socket() {
    let place = Place::with_env(HARDENED);
    let ended = place
        .shell("strace -f -qq -e trace=socket,connect -o trace $B check >/dev/null; cat trace");
    if !place.path("trace").exists() {
        return;
    }
    // Legacy iptables asks the kernel for its rules by the options of a raw socket.
    let is_internet = |line: &&str| line.contains("AF_INET") && !line.contains("IPPROTO_RAW");
    let found = ended.stdout.lines().find(is_internet);
    assert_eq!(found, None, "{}", ended.stdout);
}
