//! TLS in front of a server of a test, for the configured key goes over nothing else.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use openclaw_sec::probe::EndpointInput;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::input;

/// Takes TLS connections and hands what they say on to a port of plain http.
pub struct Front {
    port: u16,
    certificate: String,
    connections: Arc<AtomicUsize>,
}

impl Front {
    /// In front of a port of this machine, with a certificate of its own.
    pub fn of(backend: u16) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        std::thread::spawn(move || serve(listener, Arc::new(config).into(), backend, &count));
        Self {
            port,
            certificate: made.cert.pem(),
            connections,
        }
    }

    /// The endpoint that it is.
    pub fn input(&self) -> EndpointInput {
        EndpointInput {
            ca_file: Some(self.certificate.clone().into_bytes()),
            ..input(&format!("https://127.0.0.1:{}/", self.port))
        }
    }

    /// How many connections it took.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

fn serve(listener: TcpListener, acceptor: TlsAcceptor, backend: u16, count: &AtomicUsize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(forward(acceptor.clone(), stream, backend));
        }
    });
}

async fn forward(acceptor: TlsAcceptor, stream: TcpStream, backend: u16) {
    // What is no handshake of today, and who hangs up, is let go.
    if let Ok(mut client) = acceptor.accept(stream).await
        && let Ok(mut server) = TcpStream::connect(("127.0.0.1", backend)).await
    {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}
