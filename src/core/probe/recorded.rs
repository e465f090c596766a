//! What an endpoint's bytes say when they come from a recording and not from the network: the readers
//! of this room by themselves, for whoever wants to try them with bytes of any kind.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::certificate::{Certificate, Presented, TrustStore, judge};
use super::evidence::{Asked, Exchange, Silence};
use super::hello::{self, HelloAnswer, Version};
use super::http;
use super::stream::BoundedStream;
use super::tls::algorithms;
use super::websocket::{self, Upgrade, WebSocketAnswer};

/// The end of a recording is there at once, so that nobody ever waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an HTTP server's bytes answer to a GET of `/`, given in reads of `piece` bytes.
///
/// # Errors
/// The silence that such bytes are.
pub fn http_answer(bytes: &[u8], piece: usize) -> Asked<Exchange> {
    run(async {
        let stream = BoundedStream::new(Recording::new(bytes, piece));
        let allowance = stream.allowance();
        http::ask_over(Box::new(stream), allowance, nowhere(), until()).await
    })
}

/// What a server's bytes answer to the request for a WebSocket, given in reads of `piece` bytes.
///
/// # Errors
/// The silence that such bytes are.
pub fn websocket_answer(bytes: &[u8], piece: usize) -> Asked<WebSocketAnswer> {
    let upgrade = Upgrade {
        path: "/",
        authority: "recording.example",
        origin: "https://elsewhere.example",
        nonce: [7; 12],
    };
    run(async {
        let stream = BoundedStream::new(Recording::new(bytes, piece));
        websocket::ask(stream, &upgrade, until()).await
    })
}

/// What a server's first words answer to a TLS hello, and the certificates it shows in clear; given
/// in reads of `piece` bytes.
///
/// # Errors
/// The silence that such bytes are.
pub fn hello_answer(bytes: &[u8], piece: usize) -> Asked<(HelloAnswer, Vec<Vec<u8>>)> {
    run(async {
        let stream = BoundedStream::new(Recording::new(bytes, piece));
        let hello = hello::client_hello(Version::TLS12, &[0x009e], None, [7; 32]);
        let greeting = hello::greet(stream, &hello, until()).await?;
        let chain = greeting.chain.into_iter().map(|one| one.to_vec());
        Ok((greeting.answer, chain.collect()))
    })
}

/// What a chain of certificates in DER, the server's own first, is worth at a moment for a host, with
/// `roots` believed beside the system's.
///
/// # Errors
/// The reason, where the first one cannot be read or `host` is none.
pub fn certificate(
    chain: Vec<Vec<u8>>,
    roots: Vec<Vec<u8>>,
    host: &str,
    now: Timestamp,
) -> Result<Certificate, String> {
    let host = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let roots: Vec<_> = roots.into_iter().map(CertificateDer::from).collect();
    let store = TrustStore::load(&roots, algorithms());
    let presented = Presented {
        chain: chain.into_iter().map(CertificateDer::from).collect(),
        key_proven: None,
    };
    judge(&presented, &host, now, &store)
}

fn run<T>(future: impl Future<Output = Asked<T>>) -> Asked<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.map_err(|error| Silence::NotAsked(error.to_string()))?;
    runtime.block_on(future)
}

fn until() -> Instant {
    Instant::now() + PATIENCE
}

/// Nobody listens there, and nobody dials it.
fn nowhere() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 0))
}

/// A server that says the same whatever it is asked, and then hangs up.
struct Recording {
    left: Vec<u8>,
    piece: usize,
    /// Whether the question has come; a server that speaks before it is another matter.
    is_asked: bool,
    reader: Option<Waker>,
}

impl Recording {
    fn new(bytes: &[u8], piece: usize) -> Self {
        Self {
            left: bytes.iter().rev().copied().collect(),
            piece: piece.max(1),
            is_asked: false,
            reader: None,
        }
    }
}

impl AsyncRead for Recording {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_asked {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        for _ in 0..self.piece.min(buffer.remaining()) {
            if let Some(byte) = self.left.pop() {
                buffer.put_slice(&[byte]);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Recording {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_asked = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_answer_is_read_however_it_is_cut() {
        let bytes = b"HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\nok";
        for piece in [1, 7, 4096] {
            let answer = http_answer(bytes, piece).unwrap();
            assert_eq!((answer.status, answer.complete), (429, true));
            assert_eq!(answer.body, b"ok");
        }
        assert_eq!(http_answer(b"", 9), Err(Silence::HungUp));
    }

    #[test]
    fn a_recorded_upgrade_is_listened_to() {
        let mut bytes = b"HTTP/1.1 101 Go\r\n\r\n".to_vec();
        bytes.extend([0x81, 17]);
        bytes.extend(b"connect.challenge");
        bytes.extend([0x81, 24]);
        bytes.extend(br#"{"type":"res","ok":true}"#);
        let expected = WebSocketAnswer::GatewayPastOrigin("connected".to_owned());
        assert_eq!(websocket_answer(&bytes, 3), Ok(expected));
    }

    #[test]
    fn a_recorded_alert_is_a_refusal() {
        let expected = HelloAnswer::Refused("alert 40".to_owned());
        assert_eq!(
            hello_answer(&[21, 3, 3, 0, 2, 2, 40], 1),
            Ok((expected, Vec::new()))
        );
    }

    #[test]
    fn hundreds_of_header_lines_are_read_and_thousands_are_not() {
        for (lines, is_read) in [(3, true), (150, true), (900, true), (3000, false)] {
            let mut answer = "HTTP/1.1 200 OK\r\n".to_owned();
            answer.extend((0..lines).map(|line| format!("X-{line}: y\r\n")));
            answer.push_str("Content-Length: 0\r\n\r\n");
            let found = http_answer(answer.as_bytes(), 4096);
            assert_eq!(found.is_ok(), is_read, "{lines}: {found:?}");
        }
    }
}
