//! Scripted WebSocket services: a gateway that looks at the origin, one that does not, and others.

use std::io::{Read, Write};
use std::net::TcpStream;

use openclaw_sec::probe::verdicts::{LiveVerdict, websocket_origin};

use crate::hostile::{Script, serve, silent};
use crate::{gather, input};

/// Answers an upgrade with 101 and everything else with a page; tells whether it was an upgrade.
fn upgrade(stream: &mut TcpStream) -> std::io::Result<bool> {
    upgrade_of(stream).map(|origin| origin.is_some())
}

/// The same, and the origin of the upgrade.
fn upgrade_of(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(None);
        }
        request.extend_from_slice(&buffer[..count]);
    }
    let text = String::from_utf8(request).unwrap();
    if !text.contains("Upgrade: websocket") {
        stream.write_all(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )?;
        return Ok(None);
    }
    let origin = text.lines().find_map(|line| line.strip_prefix("Origin: "));
    let origin = origin.unwrap().to_owned();
    stream.write_all(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    )?;
    Ok(Some(origin))
}

/// Whether it is the service's own origin.
fn is_own(origin: &str) -> bool {
    origin.starts_with("http://127.0.0.1:")
}

fn text_frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&[0x81, 126][..], &length, text.as_bytes()].concat()
}

/// A gateway: a challenge, then this error to `connect`.
fn gateway(stream: &mut TcpStream, code: &str) -> std::io::Result<()> {
    if !upgrade(stream)? {
        return Ok(());
    }
    stream.write_all(&text_frame(
        r#"{"type":"event","event":"connect.challenge","payload":{"nonce":"x"}}"#,
    ))?;
    let mut frame = [0; 4096];
    let count = stream.read(&mut frame)?;
    assert!(
        count > 8 && frame[1] & 0x80 != 0,
        "a client has to mask its frames"
    );
    let answer = format!(
        r#"{{"type":"res","id":"1","ok":false,"error":{{"details":{{"code":"{code}"}}}}}}"#
    );
    stream.write_all(&text_frame(&answer))?;
    stream.write_all(&[0x88, 2, 3, 0xf0])
}

const SERVICES: &[(&str, Script, char)] = &[
    (
        "gateway that looks",
        |s| gateway(s, "CONTROL_UI_ORIGIN_NOT_ALLOWED"),
        'p',
    ),
    (
        "gateway that does not",
        |s| gateway(s, "DEVICE_IDENTITY_REQUIRED"),
        'f',
    ),
    (
        "gateway of another time",
        |s| gateway(s, "PROTOCOL_MISMATCH"),
        'u',
    ),
    (
        "service that stays open",
        |s| if upgrade(s)? { silent(s) } else { Ok(()) },
        'f',
    ),
    ("service that hangs up", |s| upgrade(s).map(|_| ()), 'u'),
    (
        "service that closes on everybody a little later",
        |s| {
            upgrade(s)?;
            std::thread::sleep(std::time::Duration::from_millis(100));
            s.write_all(&[0x88, 2, 3, 0xf0])
        },
        'u',
    ),
    (
        "service that hangs up on a foreign origin",
        |s| match upgrade_of(s)? {
            Some(origin) if is_own(&origin) => silent(s),
            _ => Ok(()),
        },
        'p',
    ),
    (
        "no websocket",
        |s| {
            s.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        },
        's',
    ),
];

#[test]
fn a_foreign_origin_is_judged_by_what_the_service_does() {
    for (name, script, expected) in SERVICES {
        let (port, _) = serve(*script);
        let evidence = gather(input(&format!("http://127.0.0.1:{port}/")));
        let verdicts = websocket_origin(&evidence);
        let letter = match verdicts.as_slice() {
            [LiveVerdict::Pass { .. }] => 'p',
            [LiveVerdict::Fail { .. }] => 'f',
            [LiveVerdict::Unknown { .. }] => 'u',
            _ => 's',
        };
        assert_eq!(letter, *expected, "{name}: {verdicts:?}");
        let is_gateway = evidence.gateway.is_some();
        assert_eq!(is_gateway, name.starts_with("gateway"), "{name}");
    }
}
