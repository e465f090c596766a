//! An upgrade and its frames are understood, and the same however they arrive.

use openclaw_sec::probe::recorded::websocket_answer;

/// A size of reads, and what a server says.
pub fn run(data: &[u8]) {
    let (piece, bytes) = data.split_at(data.len().min(1));
    let piece = piece.first().map_or(1, |piece| usize::from(*piece));
    let whole = websocket_answer(bytes, usize::MAX);
    let cut = websocket_answer(bytes, piece);
    assert_eq!(whole.is_ok(), cut.is_ok(), "{whole:?} {cut:?}");
    let frames = [b"HTTP/1.1 101 Switching Protocols\r\n\r\n", bytes].concat();
    let whole = websocket_answer(&frames, usize::MAX);
    assert_eq!(
        whole,
        websocket_answer(&frames, piece),
        "reads of {piece} bytes"
    );
}
