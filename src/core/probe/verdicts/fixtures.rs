//! Evidence to start the verdicts' tests from: an endpoint with nothing wrong but missing headers.

use url::Url;

use crate::probe::certificate::{Certificate, Trust};
use crate::probe::endpoint::Profile;
use crate::probe::evidence::{Exchange, LiveEvidence, Silence, TlsEvidence};

pub(in crate::probe) fn exchange(status: u16, headers: &[(&str, &str)], body: &str) -> Exchange {
    Exchange {
        request: "GET /".into(),
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
        complete: true,
        unreadable: None,
        peer: None,
    }
}

pub(in crate::probe) fn certificate() -> Certificate {
    Certificate {
        names: vec!["bot.example".into()],
        issuer: "CN=Some Authority".into(),
        not_before: "2026-05-01T00:00:00Z".parse().unwrap(),
        not_after: "2026-07-30T00:00:00Z".parse().unwrap(),
        trust: Trust::System,
        system_roots: 140,
        expired_intermediate: None,
        names_host: Ok(true),
        weaknesses: Vec::new(),
        key: "EC 256".into(),
        sent: 2,
    }
}

pub(crate) fn evidence() -> LiveEvidence {
    LiveEvidence {
        url: Url::parse("https://bot.example/").unwrap(),
        profile: Profile::Vps,
        active: false,
        addresses: Ok(vec!["203.0.113.5".parse().unwrap()]),
        peer: Ok("203.0.113.5:443".parse().unwrap()),
        has_ca_file: false,
        root_variables: Vec::new(),
        now: "2026-06-01T00:00:00Z".parse().unwrap(),
        tls: Ok(TlsEvidence {
            version: "TLSv1_3".into(),
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
        }),
        certificate: Ok(certificate()),
        hellos: Vec::new(),
        front: Ok(exchange(200, &[], "hello")),
        health: Ok(exchange(404, &[], "")),
        websocket: Err(Silence::NotAsked("not part of this fixture".into())),
        websocket_origin: "https://evil.example".into(),
        gateway: None,
        plain: Err(Silence::Refused),
        origin: None,
        public_addresses: Vec::new(),
        protected: Vec::new(),
        cors: Vec::new(),
        declared_origins: Vec::new(),
        exposed: Vec::new(),
        key: Err(Silence::NotAsked("not part of this fixture".into())),
        key_source: Err("there is none".into()),
        made_up_key: Err(Silence::NotAsked("not part of this fixture".into())),
        limit: Err("nothing is promised".into()),
        burst: Err(Silence::NotAsked("not part of this fixture".into())),
        connections: 0,
        requests: 0,
        burst_requests: 0,
    }
}
