//! A certificate is judged or refused, and says what a whole parser of X.509 reads in it.

use openclaw_sec::probe::recorded::certificate;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::support::now;

/// A certificate in DER.
pub fn run(data: &[u8]) {
    let judged = certificate(vec![data.to_vec()], Vec::new(), "bot.example", now());
    let twice = vec![data.to_vec(), data.to_vec()];
    let chain = certificate(twice, vec![data.to_vec()], "192.0.2.7", now());
    assert_eq!(judged.is_ok(), chain.is_ok());
    let Ok(ours) = judged else { return };
    assert!(ours.names.len() <= 20 && ours.sent == 1);
    let Ok((_, theirs)) = X509Certificate::from_der(data) else {
        return;
    };
    let validity = theirs.validity();
    assert_eq!(ours.not_before.as_second(), validity.not_before.timestamp());
    let last = jiff::Timestamp::MAX.as_second();
    let end = validity.not_after.timestamp().min(last);
    assert_eq!(ours.not_after.as_second(), end);
}
