//! What the live endpoint says: evidence gathered politely and within a deadline, and the verdicts
//! that can be drawn from it.
//!
//! [`gather`] does all the asking; [`verdicts`] holds one pure function per check; [`recorded`] reads
//! bytes that somebody kept, without a network.

mod active;
mod burst;
mod certificate;
mod coding;
mod connect;
mod elsewhere;
mod endpoint;
mod evidence;
mod exposure;
mod gateway;
mod gather;
mod hello;
mod http;
mod keys;
mod main_port;
mod protected;
mod questions;
pub mod recorded;
mod spoken;
mod stream;
mod tls;
pub mod verdicts;
mod wanted;
mod websocket;
mod x509;

pub use certificate::{Certificate, Distrust, Trust};
pub use endpoint::{
    AuthScheme, ConfiguredKey, DeclaredLimit, Endpoint, EndpointError, EndpointInput, Profile,
};
pub use evidence::{
    Asked, Burst, CorsAnswer, Exchange, ExposedAnswer, ExposedKind, ForeignOrigin, ForgedRound,
    KeyAnswer, LiveEvidence, OriginAnswer, ProtectedAnswer, PublicAnswer, Refusal, Refuser,
    RetryAfter, Silence, TlsEvidence,
};
pub use gateway::Gateway;
pub use gather::gather;
pub use hello::{HelloAnswer, Purpose, Version};
pub use wanted::Wanted;
pub use websocket::WebSocketAnswer;
