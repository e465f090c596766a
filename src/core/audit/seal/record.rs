//! One checkpoint of a seal: its text, and reading it back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::hex;

/// The first line of every checkpoint.
pub const BEGINNING: &str = "openclaw-sec seal 1";
const SIGNATURE_END: &str = "-----END SSH SIGNATURE-----";
/// Bytes of a line's hash that are kept to find it again.
pub const TAG: usize = 6;
/// What stands before the first checkpoint.
pub const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The beginning of a line's hash.
pub type Tag = [u8; TAG];

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number, from 1.
    pub checkpoint: u64,
    /// The part of the log, from 1; each rotation begins one.
    pub part: u64,
    /// The log's name.
    pub file: String,
    /// Lines of this part that are sealed.
    pub lines: u64,
    /// Bytes of this part that are sealed.
    pub bytes: u64,
    /// SHA-256 of these bytes, in hex.
    pub sha256: String,
    /// SHA-256 of the signed text of the checkpoint before, in hex.
    pub previous: String,
    /// When it was made, RFC 3339.
    pub time: String,
    /// The lines since the checkpoint before, in this part.
    pub tags: Vec<Tag>,
}

/// A checkpoint as it stands in a seal.
#[derive(Debug, Clone)]
pub struct Block {
    /// What it says.
    pub record: Record,
    /// The text that is signed.
    pub signed: String,
    /// The SSH signature, armoured.
    pub signature: String,
}

impl Record {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let tags: Vec<u8> = self.tags.iter().flatten().copied().collect();
        format!(
            "{BEGINNING}\ncheckpoint {}\npart {}\nfile {}\nlines {}\nbytes {}\nsha256 {}\nprevious {}\ntime {}\ntags {}\n",
            self.checkpoint,
            self.part,
            self.file,
            self.lines,
            self.bytes,
            self.sha256,
            self.previous,
            self.time,
            STANDARD.encode(tags),
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut value = |name: &str| {
            let line = lines.next()?;
            line.strip_prefix(name)?
                .strip_prefix(' ')
                .map(str::to_owned)
        };
        if value("openclaw-sec")? != "seal 1" {
            return None;
        }
        let record = Self {
            checkpoint: value("checkpoint")?.parse().ok()?,
            part: value("part")?.parse().ok()?,
            file: value("file")?,
            lines: value("lines")?.parse().ok()?,
            bytes: value("bytes")?.parse().ok()?,
            sha256: value("sha256")?,
            previous: value("previous")?,
            time: value("time")?,
            tags: {
                let bytes = STANDARD.decode(value("tags")?).ok()?;
                let (tags, rest) = bytes.as_chunks::<TAG>();
                if !rest.is_empty() {
                    return None;
                }
                tags.to_vec()
            },
        };
        // What is signed is the text, so that the text must be the only one for its meaning.
        (record.text() == text).then_some(record)
    }
}

impl Block {
    /// The hash that the next checkpoint names.
    pub fn hash(&self) -> String {
        hex::lower(&Sha256::digest(self.signed.as_bytes()))
    }
}

/// Checkpoints, and how many bytes of the seal they take: what follows is one that was cut off
/// while it was written.
///
/// # Errors
/// The number of the first checkpoint that cannot be read.
pub fn parse(text: &str) -> Result<(Vec<Block>, usize), u64> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut at = 0;
    loop {
        let number = blocks.len() as u64 + 1;
        let rest = text[at..].strip_prefix('\n').unwrap_or(&text[at..]);
        let start = text.len() - rest.len();
        if rest.is_empty() {
            return Ok((blocks, at));
        }
        let Some(end) = rest.find(SIGNATURE_END) else {
            // Unfinished: a beginning of a checkpoint, or nothing that ever was one.
            let is_beginning = BEGINNING.starts_with(rest) || rest.starts_with(BEGINNING);
            return if is_beginning {
                Ok((blocks, at))
            } else {
                Err(number)
            };
        };
        let end = end + SIGNATURE_END.len();
        let block = &rest[..end];
        let signature_at = block.find("-----BEGIN SSH SIGNATURE-----").ok_or(number)?;
        let (signed, signature) = block.split_at(signature_at);
        let record = Record::parse(signed).ok_or(number)?;
        blocks.push(Block {
            record,
            signed: signed.to_owned(),
            signature: signature.to_owned(),
        });
        at = start + end;
        if text[at..].starts_with('\n') {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            checkpoint: 1,
            part: 1,
            file: "audit.log".into(),
            lines: 2,
            bytes: 9,
            sha256: "ab".into(),
            previous: NOTHING_BEFORE.into(),
            time: "2026-11-22T08:00:00Z".into(),
            tags: vec![[1; 6], [2; 6]],
        }
    }

    #[test]
    fn a_seal_is_read_back_and_an_unfinished_end_is_passed_over() {
        let block = format!(
            "{}-----BEGIN SSH SIGNATURE-----\nx\n{SIGNATURE_END}\n",
            record().text()
        );
        let whole = format!("{block}\n{block}");
        let (blocks, used) = parse(&whole).unwrap();
        assert_eq!((blocks.len(), used), (2, whole.len()));
        assert_eq!(blocks[0].record, record());
        for cut in 1..block.len() - 2 {
            let torn = &whole[..block.len() + cut];
            let (blocks, _) = parse(torn).unwrap_or_else(|_| panic!("cut at {cut}"));
            assert_eq!(blocks.len(), 1, "cut at {cut}");
        }
        assert!(parse(&whole.replace("lines 2", "lines two")).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = parse(&text);
            let _ = parse(&format!("{BEGINNING}\n{text}{SIGNATURE_END}"));
        }
    }
}
