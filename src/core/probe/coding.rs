//! Bodies that come compressed although nobody asked for it: a file can lie there so, and a server
//! may have nothing else to give.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::evidence::{Exchange, short};

/// More codings one upon another are nobody's.
const MOST_CODINGS: usize = 3;
/// A window of 8 MiB is what everybody has to grant (RFC 8878, 3.1.1.1.2); no more is.
const ZSTD_WINDOW: u32 = 23;

/// Codings that are none of the known and change a body (the IANA registry). What is not registered
/// is a slip, such as `utf-8`, where the body is text.
const REGISTERED: [&str; 9] = [
    "aes128gcm",
    "br",
    "compress",
    "dcb",
    "dcz",
    "exi",
    "pack200-gzip",
    "x-compress",
    "zstd",
];

/// Takes the codings off a body, which may then be `limit` bytes long. What cannot be taken off is
/// noted, and a part that could be read stays.
pub(super) fn decode(exchange: &mut Exchange, limit: usize) {
    let fields = exchange.header_all("content-encoding");
    let names = fields.flat_map(|value| value.split(','));
    let codings: Vec<String> = names
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "identity")
        .collect();
    if codings.is_empty() || exchange.body.is_empty() {
        return;
    }
    if codings.len() > MOST_CODINGS {
        exchange.unreadable = Some(format!("it has {} codings", codings.len()));
        return;
    }
    for coding in codings.iter().rev() {
        let Some(decoded) = take_off(coding, &exchange.body, limit) else {
            if !REGISTERED.contains(&&**coding) && is_text(&exchange.body, exchange.complete) {
                continue;
            }
            exchange.unreadable = Some(format!("it is encoded as {}", short(coding)));
            return;
        };
        let was_cut = !exchange.complete;
        // It may have been a file full of secrets.
        zeroize::Zeroize::zeroize(&mut exchange.body);
        exchange.body = decoded.bytes;
        exchange.complete &= decoded.end == End::Good;
        // Of a cut body no end is to be expected.
        if decoded.end == End::Broken && !was_cut {
            exchange.unreadable = Some(format!("it is broken {coding}"));
            return;
        }
    }
}

/// Whether bytes are text in UTF-8, which may be cut within its last character.
fn is_text(body: &[u8], is_complete: bool) -> bool {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(error) if !is_complete && error.error_len().is_none() => {
            std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.contains(|c: char| c.is_control() && !c.is_whitespace())
}

/// How reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// With the data.
    Good,
    /// At the limit.
    Limit,
    /// With an error.
    Broken,
}

struct Decoded {
    bytes: Vec<u8>,
    end: End,
}

/// Nothing for a coding that is not known.
fn take_off(coding: &str, body: &[u8], limit: usize) -> Option<Decoded> {
    Some(match coding {
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(body), limit),
        // Zlib by the letter (RFC 9110, 8.4.1.2); some send the bare data.
        "deflate" => {
            let zlib = read(ZlibDecoder::new(body), limit);
            match zlib.end == End::Broken && zlib.bytes.is_empty() {
                true => read(DeflateDecoder::new(body), limit),
                false => zlib,
            }
        }
        "zstd" => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body).ok()?;
            decoder.window_log_max(ZSTD_WINDOW).ok()?;
            read(decoder, limit)
        }
        _ => return None,
    })
}

fn read(mut decoder: impl Read, limit: usize) -> Decoded {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8 * 1024];
    loop {
        let end = match decoder.read(&mut buffer) {
            Ok(0) => End::Good,
            Ok(count) => {
                let room = limit - bytes.len();
                bytes.extend_from_slice(&buffer[..count.min(room)]);
                if count <= room {
                    continue;
                }
                End::Limit
            }
            Err(_) => End::Broken,
        };
        zeroize::Zeroize::zeroize(&mut buffer);
        return Decoded { bytes, end };
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;
    use crate::probe::verdicts::fixtures::exchange;

    const LIMIT: usize = 64 * 1024;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(coding: &str, body: Vec<u8>, complete: bool) -> Exchange {
        let mut exchange = exchange(200, &[("content-encoding", coding)], "");
        exchange.body = body;
        exchange.complete = complete;
        decode(&mut exchange, LIMIT);
        exchange
    }

    #[test]
    fn known_codings_are_taken_off() {
        let text = b"NAME=value\n";
        for (coding, body) in [
            ("identity", text.to_vec()),
            ("gzip", gzip(text)),
            ("X-GZIP", gzip(text)),
            ("deflate", zlib(text)),
            ("deflate", deflate(text)),
            ("zstd", zstd::encode_all(&text[..], 1).unwrap()),
            ("deflate, gzip", gzip(&zlib(text))),
            ("", text.to_vec()),
            ("utf-8", text.to_vec()),
            ("UTF-8, gzip", gzip(text)),
        ] {
            let found = decoded(coding, body, true);
            assert_eq!(found.body, text, "{coding}");
            assert_eq!((found.complete, found.unreadable), (true, None), "{coding}");
        }
    }

    #[test]
    fn what_cannot_be_taken_off_is_noted() {
        let text = b"NAME=value\n";
        let cut = |mut body: Vec<u8>| {
            body.truncate(body.len() - 9);
            body
        };
        for (coding, body, complete, expected) in [
            ("br", text.to_vec(), true, Some("it is encoded as br")),
            (
                "utf-8",
                b"\xff\xfe".to_vec(),
                true,
                Some("it is encoded as utf-8"),
            ),
            ("utf-8", b"caf\xc3".to_vec(), false, None),
            ("gzip", text.to_vec(), true, Some("it is broken gzip")),
            ("zstd", text.to_vec(), true, Some("it is broken zstd")),
            (
                "deflate",
                b"\xff\xff".to_vec(),
                true,
                Some("it is broken deflate"),
            ),
            ("gzip", cut(gzip(text)), true, Some("it is broken gzip")),
            ("gzip", cut(gzip(text)), false, None),
            (
                "gzip,gzip,gzip,gzip",
                gzip(text),
                true,
                Some("it has 4 codings"),
            ),
            ("gzip", Vec::new(), true, None),
        ] {
            let found = decoded(coding, body, complete);
            assert_eq!(found.unreadable.as_deref(), expected, "{coding}");
        }
    }

    #[test]
    fn a_bomb_is_read_up_to_the_limit() {
        let zeros = vec![0; 8 << 20];
        for (coding, body) in [
            ("gzip", gzip(&zeros)),
            ("zstd", zstd::encode_all(&zeros[..], 1).unwrap()),
            ("gzip, gzip", gzip(&gzip(&zeros))),
        ] {
            let found = decoded(coding, body, true);
            assert_eq!(found.body.len(), LIMIT, "{coding}");
            assert_eq!(
                (found.complete, found.unreadable),
                (false, None),
                "{coding}"
            );
        }
    }
}
