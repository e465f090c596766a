//! The endpoint's other doors: the origin behind Cloudflare, public addresses, the plain twin.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::connect::{race, resolve};
use super::endpoint::Profile;
use super::evidence::{Asked, Exchange, OriginAnswer, PublicAnswer, Silence};
use super::gather::{Run, server_name};
use super::hello::{HelloAnswer, Version, greet_to_the_end, hellos_of_any_suite};
use super::http::{Asker, Place, Question};
use super::questions::path_and_query;
use super::stream::BoundedStream;
use super::tls::{Recorder, recording, recording_requests, shake_hands};
use super::verdicts::is_public;

/// A dropped port 80 costs this much and no more; it survives one lost SYN.
const PLAIN_CONNECT: Duration = Duration::from_millis(1200);

impl Run<'_> {
    /// The origin behind Cloudflare, with the endpoint's name and without a key. Its certificate
    /// need not be trusted.
    pub(super) async fn ask_origin(&self) -> Option<OriginAnswer> {
        let named = self.endpoint.connect_to.as_ref();
        let is_asked = self.endpoint.profile.is_cloudflare() && self.endpoint.wants_origin();
        let (host, port) = named.filter(|_| is_asked)?;
        let addresses = match resolve(host, self.patience.until).await {
            Ok(addresses) => addresses,
            Err(silence) => return Some(OriginAnswer::Silent(silence)),
        };
        let requests = Arc::default();
        let config = recording_requests(&requests);
        let silence = match self.ask_front_at(&addresses, *port, config).await {
            Ok(exchange) => return Some(OriginAnswer::Answered(exchange)),
            Err(silence @ (Silence::TlsFailed(_) | Silence::TlsAlert(..))) => silence,
            Err(silence) => return Some(OriginAnswer::Silent(silence)),
        };
        if requests.seen() {
            return Some(OriginAnswer::WantsCertificate(silence));
        }
        Some(self.greet_origin(&addresses, *port, silence).await)
    }

    /// Whether an origin speaks TLS that the library does not: bytes can ask for anything. `silence` is
    /// what the library got.
    async fn greet_origin(
        &self,
        addresses: &[IpAddr],
        port: u16,
        silence: Silence,
    ) -> OriginAnswer {
        let mut refuses_all = matches!(silence, Silence::TlsAlert(..));
        for suites in hellos_of_any_suite() {
            let until = self.patience.next_step();
            let Ok((stream, peer)) = race(addresses, port, &self.budget, until).await else {
                return OriginAnswer::Silent(silence);
            };
            let hello = self.hello(Version::TLS12, &suites);
            match greet_to_the_end(BoundedStream::new(stream), &hello, until).await {
                Ok(greeting) => {
                    if let HelloAnswer::Chosen {
                        version, cipher, ..
                    } = greeting.answer
                    {
                        return OriginAnswer::TookHello {
                            spoken: format!("{version} with {cipher}"),
                            wants_certificate: greeting.wants_certificate,
                            peer,
                        };
                    }
                }
                Err(_) => refuses_all = false,
            }
        }
        match refuses_all {
            true => OriginAnswer::RefusesHellos(silence),
            false => OriginAnswer::Silent(silence),
        }
    }

    pub(super) async fn ask_public_addresses(
        &self,
        addresses: &[IpAddr],
        port: u16,
    ) -> Vec<PublicAnswer> {
        let is_asked = self.endpoint.wants_public_addresses();
        if self.endpoint.profile != Profile::Tailscale || !is_asked {
            return Vec::new();
        }
        let public = addresses
            .iter()
            .copied()
            .filter(|address| is_public(*address));
        join_all(public.map(|address| async move {
            let only = [address];
            let (answer, plain) = tokio::join!(
                self.ask_front_at(&only, port, recording(&Recorder::new())),
                self.plain_twin(&only)
            );
            PublicAnswer {
                address,
                answer,
                plain,
            }
        }))
        .await
    }

    /// The front page at another address than the endpoint's own.
    async fn ask_front_at(
        &self,
        addresses: &[IpAddr],
        port: u16,
        config: Asked<Arc<ClientConfig>>,
    ) -> Asked<Exchange> {
        let (stream, peer) = race(addresses, port, &self.budget, self.patience.next_step()).await?;
        let stream = BoundedStream::new(stream);
        let allowance = stream.allowance();
        let question = Question::get(&path_and_query(&self.endpoint.url));
        if !self.endpoint.is_https() {
            let asker = self.asker(peer, None);
            asker.adopt(stream, allowance).await;
            return asker.ask(&question).await;
        }
        let host = server_name(&self.endpoint.host)?;
        let config = config?;
        let stream = shake_hands(stream, &host, &config, self.patience.next_step()).await?;
        let asker = self.asker(peer, Some((host, config)));
        asker.adopt(stream, allowance).await;
        asker.ask(&question).await
    }

    /// Port 80 of the same host; nothing where `--url` is that port itself.
    pub(super) async fn plain_twin(&self, addresses: &[IpAddr]) -> Option<Asked<Exchange>> {
        if !self.endpoint.is_https() {
            return None;
        }
        Some(self.ask_plain_twin(addresses).await)
    }

    async fn ask_plain_twin(&self, addresses: &[IpAddr]) -> Asked<Exchange> {
        let connect_until = self.patience.until.min(Instant::now() + PLAIN_CONNECT);
        let (stream, peer) = race(addresses, 80, &self.budget, connect_until).await?;
        let mut url = self.endpoint.url.clone();
        let _ = url.set_port(None);
        let _ = url.set_scheme("http");
        let question = Question::get(&path_and_query(&url));
        let place = Place {
            url,
            peer,
            authority: self.endpoint.host.to_string(),
            tls: None,
        };
        let asker = Asker::new(place, &self.budget, self.patience);
        let stream = BoundedStream::new(stream);
        let allowance = stream.allowance();
        asker.adopt(stream, allowance).await;
        asker.ask(&question).await
    }
}
