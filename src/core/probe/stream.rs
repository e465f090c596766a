//! A connection that takes only so many bytes: the guard against endless headers, bodies, interim
//! answers and handshakes, whatever library reads from it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What one answer may cost on the wire: a header block and a body of 64 KiB each, and as much
/// again for TLS records and chunks. A handshake has to do with the same.
const ALLOWANCE: usize = 256 * 1024;
/// One read gives at most this much, so that no single step of a parser takes long.
const MAX_READ: usize = 8 * 1024;

/// How many bytes the server may still send.
#[derive(Debug, Clone)]
pub(super) struct Allowance(Arc<AtomicUsize>);

impl Allowance {
    /// Grants the next answer a full allowance.
    pub(super) fn renew(&self) {
        self.0.store(ALLOWANCE, Ordering::Relaxed);
    }
}

/// The error of a server that sends more than it may.
#[derive(Debug, thiserror::Error)]
#[error("it sends more than 256 KiB for one answer")]
pub(super) struct TooMuch;

/// A connection with an allowance. It stands below TLS, so that it bounds handshakes as well.
#[derive(Debug)]
pub(super) struct BoundedStream<S = TcpStream> {
    inner: S,
    left: Allowance,
}

impl<S> BoundedStream<S> {
    /// Wraps a fresh connection.
    pub(super) fn new(inner: S) -> Self {
        let left = Allowance(Arc::new(AtomicUsize::new(ALLOWANCE)));
        Self { inner, left }
    }

    /// The handle that renews the allowance.
    pub(super) fn allowance(&self) -> Allowance {
        self.left.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.left.0.load(Ordering::Relaxed);
        if left == 0 {
            return Poll::Ready(Err(io::Error::other(TooMuch)));
        }
        // A small buffer of our own keeps this free of unsafe code; the copy is cheap.
        let mut bytes = [0; MAX_READ];
        let room = left.min(MAX_READ).min(buffer.remaining());
        let mut part = ReadBuf::new(&mut bytes[..room]);
        let outcome = Pin::new(&mut self.inner).poll_read(context, &mut part);
        let read = part.filled().len();
        buffer.put_slice(part.filled());
        self.left.0.store(left - read, Ordering::Relaxed);
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
