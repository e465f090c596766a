//! One WebSocket upgrade with a foreign origin, by hand (RFC 6455): is the origin looked at?

use base64::Engine as _;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Duration, Instant, timeout_at};

use super::connect::silence_of_io;
use super::evidence::{Asked, Silence, short};
use super::verdicts::challenge_in;

/// A header block or a message may be this long and no longer.
const MAX_LENGTH: usize = 64 * 1024;
/// A service that keeps a foreign origin's connection this long has accepted it.
const PROOF_OF_OPEN: Duration = Duration::from_secs(1);

/// What a foreign origin got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebSocketAnswer {
    /// No upgrade, and whether the gateway refused the proxy.
    NotUpgraded {
        /// The status code.
        status: u16,
        /// `proxy_attribution_required`.
        attribution: bool,
        /// Why it is not the application's answer, where an edge challenges.
        edge: Option<String>,
    },
    /// The upgrade came, then the server hung up at once.
    ClosedAtOnce,
    /// The same, and what its own origin got is no better, in words: that says nothing of origins.
    ClosedForAll(String),
    /// The upgrade came and the connection stayed open.
    StillOpen,
    /// A gateway refused the origin.
    GatewayRefusedOrigin,
    /// A gateway went past the origin, to the question named here.
    GatewayPastOrigin(String),
    /// A gateway answered something that says nothing about the origin.
    GatewayUnclear(String),
}

impl WebSocketAnswer {
    /// Whether the server showed itself as a gateway.
    pub(super) fn is_gateway(&self) -> bool {
        matches!(
            self,
            Self::GatewayRefusedOrigin | Self::GatewayPastOrigin(_) | Self::GatewayUnclear(_)
        )
    }
}

/// An upgrade request.
pub(super) struct Upgrade<'a> {
    /// Path and query.
    pub(super) path: &'a str,
    /// The `Host` header.
    pub(super) authority: &'a str,
    /// The `Origin` header.
    pub(super) origin: &'a str,
    /// Bytes for the key; they need not be secret.
    pub(super) nonce: [u8; 12],
}

/// Asks for an upgrade over a fresh connection.
pub(super) async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    upgrade: &Upgrade<'_>,
    until: Instant,
) -> Asked<WebSocketAnswer> {
    let exchange = async {
        send(&mut stream, upgrade.to_string().as_bytes()).await?;
        let mut received = Vec::new();
        let end = read_head(&mut stream, &mut received).await?;
        let status = status_of(&received[..end])?;
        let rest = received.split_off(end);
        Ok((status, challenge_of(&received), rest))
    };
    let (status, edge, rest) = timeout_at(until, exchange)
        .await
        .map_err(|_| Silence::TimedOut)??;
    if status != 101 {
        let attribution = String::from_utf8_lossy(&rest).contains("proxy_attribution_required");
        return Ok(WebSocketAnswer::NotUpgraded {
            status,
            attribution,
            edge,
        });
    }
    let mut frames = Frames {
        stream,
        received: rest,
    };
    listen(&mut frames, upgrade.nonce, until).await
}

impl std::fmt::Display for Upgrade<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut key = [0; 16];
        key[..12].copy_from_slice(&self.nonce);
        let key = base64::engine::general_purpose::STANDARD.encode(key);
        let version = env!("CARGO_PKG_VERSION");
        write!(
            f,
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: openclaw-sec/{version}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {key}\r\nOrigin: {}\r\n\r\n",
            self.path, self.authority, self.origin
        )
    }
}

/// A gateway speaks first; any other service that stays open has taken the origin.
async fn listen(
    frames: &mut Frames<impl AsyncRead + AsyncWrite + Unpin>,
    nonce: [u8; 12],
    until: Instant,
) -> Asked<WebSocketAnswer> {
    let open_until = Instant::now() + PROOF_OF_OPEN;
    let first_words = async {
        loop {
            match frames.next().await? {
                Frame::Text(text) if text.contains("connect.challenge") => return Ok(true),
                Frame::Closed(_) => return Ok(false),
                Frame::Text(_) | Frame::Other => {}
            }
        }
    };
    match timeout_at(open_until.min(until), first_words).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => return Ok(WebSocketAnswer::ClosedAtOnce),
        Ok(Err(silence)) => return Err(silence),
        Err(_) if open_until <= until => return Ok(WebSocketAnswer::StillOpen),
        Err(_) => return Err(Silence::TimedOut),
    }
    let connect = async {
        let hello = connect_frame();
        send(&mut frames.stream, &masked(hello.as_bytes(), nonce)).await?;
        loop {
            match frames.next().await? {
                Frame::Text(text) => {
                    if let Some(answer) = gateway_answer(&text) {
                        return Ok(answer);
                    }
                }
                Frame::Closed(reason) => {
                    let unclear = || WebSocketAnswer::GatewayUnclear("it hangs up".to_owned());
                    return Ok(judge_words(&reason).unwrap_or_else(unclear));
                }
                Frame::Other => {}
            }
        }
    };
    timeout_at(until, connect)
        .await
        .map_err(|_| Silence::TimedOut)?
}

/// The protocol range is checked before the origin, so it is wide.
fn connect_frame() -> String {
    serde_json::json!({
        "type": "req", "id": "1", "method": "connect",
        "params": {
            "minProtocol": 3, "maxProtocol": 9,
            "client": {
                "id": "cli", "version": env!("CARGO_PKG_VERSION"),
                "platform": "linux", "mode": "probe",
            },
            "role": "operator", "scopes": ["operator.read"], "caps": [],
        },
    })
    .to_string()
}

/// What the gateway's answer to `connect` says; nothing for other events in between.
fn gateway_answer(text: &str) -> Option<WebSocketAnswer> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    if json.get("type").and_then(serde_json::Value::as_str) != Some("res") {
        return None;
    }
    if json.get("ok").and_then(serde_json::Value::as_bool) == Some(true) {
        return Some(WebSocketAnswer::GatewayPastOrigin("connected".to_owned()));
    }
    let unclear = || {
        let code = json
            .pointer("/error/code")
            .and_then(serde_json::Value::as_str);
        WebSocketAnswer::GatewayUnclear(short(code.unwrap_or("an error without a code")))
    };
    Some(judge_words(text).unwrap_or_else(unclear))
}

/// Questions that the gateway asks only after it has taken the origin.
const PAST_ORIGIN: &[&str] = &[
    "DEVICE_IDENTITY_REQUIRED",
    "NOT_PAIRED",
    "PAIRING_REQUIRED",
    "AUTH_TOKEN_MISSING",
    "AUTH_TOKEN_MISMATCH",
    "AUTH_PASSWORD_MISSING",
    "AUTH_PASSWORD_MISMATCH",
    "AUTH_REQUIRED",
    "AUTH_UNAUTHORIZED",
];

fn judge_words(text: &str) -> Option<WebSocketAnswer> {
    if text.contains("ORIGIN_NOT_ALLOWED") || text.contains("origin not allowed") {
        return Some(WebSocketAnswer::GatewayRefusedOrigin);
    }
    let question = PAST_ORIGIN.iter().find(|code| text.contains(**code))?;
    Some(WebSocketAnswer::GatewayPastOrigin((*question).to_owned()))
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Asked<()> {
    stream
        .write_all(bytes)
        .await
        .map_err(|error| silence_of_io(&error))?;
    stream.flush().await.map_err(|error| silence_of_io(&error))
}

/// Reads until the empty line and returns where the head ends.
async fn read_head(stream: &mut (impl AsyncRead + Unpin), received: &mut Vec<u8>) -> Asked<usize> {
    loop {
        if let Some(end) = memchr::memmem::find(received, b"\r\n\r\n") {
            return Ok(end + 4);
        }
        more(stream, received).await?;
    }
}

async fn more(stream: &mut (impl AsyncRead + Unpin), received: &mut Vec<u8>) -> Asked<()> {
    if received.len() > MAX_LENGTH {
        return Err(Silence::NotHttp("it is longer than 64 KiB".to_owned()));
    }
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer).await {
        Ok(0) => Err(Silence::HungUp),
        Ok(count) => {
            received.extend_from_slice(&buffer[..count]);
            Ok(())
        }
        Err(error) => Err(silence_of_io(&error)),
    }
}

fn status_of(head: &[u8]) -> Asked<u16> {
    let text = String::from_utf8_lossy(head);
    let status = text
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split_ascii_whitespace().nth(1))
        .and_then(|word| word.parse().ok());
    status.ok_or_else(|| Silence::NotHttp("it has no status line".to_owned()))
}

fn challenge_of(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let header = |wanted: &str| {
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        let field = fields.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        field.map(|(_, value)| value)
    };
    challenge_in(header)
}

/// A text frame of a client, masked as RFC 6455, 5.3, demands.
fn masked(payload: &[u8], nonce: [u8; 12]) -> Vec<u8> {
    let mask = [nonce[0], nonce[1], nonce[2], nonce[3]];
    let mut frame = vec![0x81];
    match u16::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | payload.len().to_be_bytes()[7]),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    let bytes = payload.iter().zip(mask.iter().cycle());
    frame.extend(bytes.map(|(byte, mask)| byte ^ mask));
    frame
}

/// One frame of the server.
#[derive(Debug, PartialEq, Eq)]
enum Frame {
    Text(String),
    Closed(String),
    Other,
}

struct Frames<S> {
    stream: S,
    received: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Frames<S> {
    async fn next(&mut self) -> Asked<Frame> {
        loop {
            if let Some((frame, size)) = parse_frame(&self.received)? {
                self.received.drain(..size);
                return Ok(frame);
            }
            match more(&mut self.stream, &mut self.received).await {
                Err(Silence::HungUp) => return Ok(Frame::Closed(String::new())),
                outcome => outcome?,
            }
        }
    }
}

/// The first whole frame and its size; nothing where more bytes are needed.
fn parse_frame(bytes: &[u8]) -> Asked<Option<(Frame, usize)>> {
    let [first, second, ..] = bytes else {
        return Ok(None);
    };
    if first & 0x70 != 0 || second & 0x80 != 0 {
        return Err(Silence::NotHttp(
            "it breaks the WebSocket protocol".to_owned(),
        ));
    }
    let number = |range: std::ops::Range<usize>| {
        bytes.get(range).map(|part| {
            part.iter()
                .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte))
        })
    };
    let (length, head) = match second & 0x7f {
        126 => (number(2..4), 4),
        127 => (number(2..10), 10),
        short => (Some(u64::from(short)), 2),
    };
    let Some(length) = length else {
        return Ok(None);
    };
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= MAX_LENGTH)
        .ok_or_else(|| Silence::NotHttp("a frame is longer than 64 KiB".to_owned()))?;
    let Some(payload) = bytes.get(head..head + length) else {
        return Ok(None);
    };
    let text = || String::from_utf8_lossy(payload).into_owned();
    let frame = match first & 0x0f {
        0 | 1 => Frame::Text(text()),
        8 => Frame::Closed(text()),
        _ => Frame::Other,
    };
    Ok(Some((frame, head + length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_are_cut_out_of_what_arrived() {
        for (bytes, expected) in [
            (
                &[0x81, 2, b'h', b'i', 9][..],
                Ok(Some((Frame::Text("hi".into()), 4))),
            ),
            (
                &[0x81, 126, 0, 1, b'x'],
                Ok(Some((Frame::Text("x".into()), 5))),
            ),
            (&[0x88, 0], Ok(Some((Frame::Closed(String::new()), 2)))),
            (&[0x89, 0], Ok(Some((Frame::Other, 2)))),
            (&[0x81, 5, b'h'], Ok(None)),
            (&[0x81, 127, 0, 0], Ok(None)),
            (&[0x81], Ok(None)),
        ] {
            assert_eq!(parse_frame(bytes), expected, "{bytes:?}");
        }
        for bytes in [
            &[0x81, 127, 0x40, 0, 0, 0, 0, 0, 0, 0][..],
            &[0xf1, 0],
            &[0x81, 0x80],
        ] {
            assert!(parse_frame(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn answers_of_a_gateway_and_what_they_say() {
        use WebSocketAnswer::*;
        for (text, expected) in [
            (
                r#"{"type":"res","ok":false,"error":{"code":"INVALID_REQUEST","details":{"code":"CONTROL_UI_ORIGIN_NOT_ALLOWED"}}}"#,
                Some(GatewayRefusedOrigin),
            ),
            (
                r#"{"type":"res","ok":false,"error":{"code":"NOT_PAIRED","details":{"code":"DEVICE_IDENTITY_REQUIRED"}}}"#,
                Some(GatewayPastOrigin("DEVICE_IDENTITY_REQUIRED".into())),
            ),
            (
                r#"{"type":"res","ok":false,"error":{"code":"PROTOCOL_MISMATCH"}}"#,
                Some(GatewayUnclear("PROTOCOL_MISMATCH".into())),
            ),
            (
                r#"{"type":"res","ok":true}"#,
                Some(GatewayPastOrigin("connected".into())),
            ),
            (r#"{"type":"event","event":"tick"}"#, None),
            ("hello", None),
        ] {
            assert_eq!(gateway_answer(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_frame(&bytes);
            let _ = status_of(&bytes);
        }

        #[test]
        fn a_masked_frame_unmasks_to_its_text(text in ".{0,300}", nonce: [u8; 12]) {
            let mut frame = masked(text.as_bytes(), nonce);
            let head = if text.len() < 126 { 2 } else { 4 };
            let mask = frame.drain(head..head + 4).collect::<Vec<_>>();
            frame[1] &= 0x7f;
            for (place, byte) in frame[head..].iter_mut().enumerate() {
                *byte ^= mask[place % 4];
            }
            let size = frame.len();
            prop_assert_eq!(parse_frame(&frame), Ok(Some((Frame::Text(text), size))));
        }
    }
}
