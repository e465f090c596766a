//! An HTTP answer is read within its bounds, and the same however it arrives.

use openclaw_sec::probe::recorded::http_answer;

/// A size of reads, and what a server says.
pub fn run(data: &[u8]) {
    let (piece, bytes) = data.split_at(data.len().min(1));
    let piece = piece.first().map_or(1, |piece| usize::from(*piece));
    let whole = http_answer(bytes, usize::MAX);
    let cut = http_answer(bytes, piece);
    // Which fault of several is seen first may differ.
    assert_eq!(
        whole.as_ref().ok(),
        cut.as_ref().ok(),
        "reads of {piece} bytes"
    );
    let Ok(exchange) = whole else { return };
    assert!(exchange.body.len() <= 64 << 10);
    assert!((100..1000).contains(&exchange.status));
    for (name, value) in &exchange.headers {
        assert!(value.chars().count() <= 4096, "{name}");
        assert_eq!(name, &name.to_ascii_lowercase());
    }
}
