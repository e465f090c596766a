//! The first words of a TLS server are understood, and the same however they arrive.

use openclaw_sec::probe::HelloAnswer;
use openclaw_sec::probe::recorded::{certificate, hello_answer};

use super::support::now;

/// A size of reads, and what a server says.
pub fn run(data: &[u8]) {
    let (piece, bytes) = data.split_at(data.len().min(1));
    let piece = piece.first().map_or(1, |piece| usize::from(*piece));
    let whole = hello_answer(bytes, usize::MAX);
    let cut = hello_answer(bytes, piece);
    assert_eq!(whole.is_ok(), cut.is_ok(), "{whole:?} {cut:?}");
    let (Ok((answer, chain)), Ok((of_cut, _))) = (whole, cut) else {
        return;
    };
    assert!(chain.len() <= 11);
    match (answer, of_cut) {
        (HelloAnswer::Refused(one), HelloAnswer::Refused(other)) => assert_eq!(one, other),
        (
            HelloAnswer::Chosen {
                version, cipher, ..
            },
            HelloAnswer::Chosen {
                version: of_cut,
                cipher: cut,
                ..
            },
        ) => assert_eq!((version, cipher), (of_cut, cut)),
        (one, other) => panic!("{one:?} is not {other:?}"),
    }
    if !chain.is_empty() {
        let _ = certificate(chain, Vec::new(), "bot.example", now());
    }
}
