//! Whether a PEM block holds a private key, or only shows where one goes.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

const LONGEST_PEM: usize = 32 * 1024;
/// The smallest key in its envelope, in bytes.
const SHORTEST_KEY: usize = 32;
/// So many same characters in a row are no chance; zeros, which are `A`, do occur in keys.
const LONGEST_RUN: usize = 12;
const LONGEST_RUN_OF_ZEROS: usize = 48;
/// Line ends as they stand inside other texts.
const ESCAPED_LINE_ENDS: [&[u8]; 16] = [
    b"\\n", b"\\r", b"\\t", b"%0A", b"%0a", b"%0D", b"%0d", b"&#10;", b"&#13;", b"&#xA;", b"&#xD;",
    b"\\u000a", b"\\u000A", b"<br>", b"<br/>", b"<br />",
];

/// What the first bytes of a decoded body are.
#[derive(Clone, Copy)]
enum Start {
    /// A sequence of ASN.1.
    Asn1,
    Openssh,
    /// A packet of OpenPGP.
    Pgp,
    /// Ciphertext: anything.
    Anything,
}

impl Start {
    fn of(label: &[u8]) -> Self {
        match label {
            b"OPENSSH " => Self::Openssh,
            b"PGP " => Self::Pgp,
            _ => Self::Asn1,
        }
    }

    fn holds(self, key: &[u8]) -> bool {
        match self {
            Self::Asn1 => key.first() == Some(&0x30),
            Self::Openssh => key.starts_with(b"openssh-key-v1"),
            Self::Pgp => key.first().is_some_and(|byte| byte & 0x80 != 0),
            Self::Anything => true,
        }
    }
}

/// The length of a PEM private key at the beginning of `text`, whose body must decode to one.
pub(super) fn pem_length(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(LONGEST_PEM)];
    let label_end = memchr::memmem::find(text.get(..80.min(text.len()))?, b"PRIVATE KEY")?;
    let label = &text[11..label_end.max(11)];
    if !label
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ')
    {
        return None;
    }
    let after_label = label_end + b"PRIVATE KEY".len();
    let dashes = text[after_label..].iter().position(|byte| *byte == b'-')?;
    let body_start = after_label + dashes + 5;
    let body_length = memchr::memmem::find(text.get(body_start..)?, b"-----END ")?;
    let end = body_start + body_length;
    let close = memchr::memmem::find(&text[end + 9..], b"-----")? + end + 9 + 5;
    body_is_key(&text[body_start..end], Start::of(label)).then_some(close)
}

fn body_is_key(body: &[u8], start: Start) -> bool {
    let lines: Vec<&[u8]> = lines(body).into_iter().map(bare).collect();
    // Each line of a patch has its sign, which may belong to the key as well.
    let has_sign = |sign: u8| {
        let mut lines = lines.iter().filter(|line| !line.is_empty());
        lines.all(|line| line[0] == sign)
    };
    let may_have_signs = has_sign(b'+') || has_sign(b'-');
    are_key(&lines, 0, start) || (may_have_signs && are_key(&lines, 1, start))
}

/// Whether lines hold a key, behind so many bytes of each.
fn are_key(lines: &[&[u8]], behind: usize, mut start: Start) -> bool {
    let mut characters = Vec::with_capacity(lines.len() * 80);
    for line in lines {
        let line = line.get(behind..).unwrap_or_default();
        // Headers of old encrypted keys (`Proc-Type: 4,ENCRYPTED`) and the checksum line of OpenPGP.
        if line.contains(&b':') || line.starts_with(b"=") {
            if line.ends_with(b"ENCRYPTED") {
                start = Start::Anything;
            }
            continue;
        }
        if line.iter().any(is_of_an_ellipsis) {
            return false;
        }
        let is_part =
            |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        characters.extend(line.iter().filter(is_part));
    }
    !has_a_run(&characters)
        && STANDARD
            .decode(&characters)
            .is_ok_and(|key| key.len() >= SHORTEST_KEY && start.holds(&key))
}

/// Signs that stand for the rest of a key: `…`, `<snip>`, `[cut]`, stars.
fn is_of_an_ellipsis(byte: &u8) -> bool {
    b".<>[]*".contains(byte) || !byte.is_ascii()
}

fn has_a_run(characters: &[u8]) -> bool {
    let mut runs = characters.chunk_by(|before, after| before == after);
    runs.any(|run| {
        let most = match run[0] {
            b'A' => LONGEST_RUN_OF_ZEROS,
            _ => LONGEST_RUN,
        };
        run.len() > most
    })
}

/// A line without what comments, quotations and concatenations put around it.
fn bare(line: &[u8]) -> &[u8] {
    // A service's name stands before each line of its log.
    let service = memchr::memmem::rfind(line, b"| ");
    let mut line = &line[service.map_or(0, |at| at + 2)..];
    let is_around = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`,;\\".contains(byte);
    loop {
        let before = line.len();
        while let Some((first, rest)) = line.split_first()
            && (is_around(first) || b"#*>|".contains(first))
        {
            line = rest;
        }
        let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 && line.get(digits).is_some_and(u8::is_ascii_whitespace) {
            line = &line[digits..];
        }
        for mark in [b"// ".as_slice(), b"+ ", b". ", b"- "] {
            line = line.strip_prefix(mark).unwrap_or(line);
        }
        while let Some((last, rest)) = line.split_last()
            && is_around(last)
        {
            line = rest;
        }
        // The sign that joins a text to the next one stands behind a quote or a blank.
        if let Some((b'+' | b'.' | b'&', rest)) = line.split_last()
            && rest.last().is_some_and(is_around)
        {
            line = rest;
        }
        if matches!(line, b"+" | b"." | b"&") {
            return b"";
        }
        if line.len() == before {
            return line;
        }
    }
}

/// The lines of a PEM body, whether the line ends are real or written as some text has them.
fn lines(body: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < body.len() {
        let skip = match body[at] {
            b'\n' | b'\r' => 1,
            b'\\' | b'%' | b'&' | b'<' => ESCAPED_LINE_ENDS
                .iter()
                .find(|end| body[at..].starts_with(end))
                .map_or(0, |end| end.len()),
            _ => 0,
        };
        if skip > 0 {
            lines.push(&body[start..at]);
            start = at + skip;
        }
        at += skip.max(1);
    }
    lines.push(&body[start..]);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD as ENCODER;

    /// A made-up key whose envelope begins so.
    fn body(start: &[u8], line_end: &str) -> String {
        let noise = (0..180_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 17) as u8);
        let key: Vec<u8> = start.iter().copied().chain(noise).collect();
        let text = ENCODER.encode(key);
        let lines: Vec<&str> = (0..text.len())
            .step_by(64)
            .map(|at| &text[at..(at + 64).min(text.len())])
            .collect();
        lines.join(line_end)
    }

    fn block(label: &str, body: &str) -> String {
        let rule = "-".repeat(5);
        format!("{rule}BEGIN {label} KEY{rule}\n{body}\n{rule}END {label} KEY{rule}")
    }

    fn is_key(label: &str, body: &str) -> bool {
        pem_length(block(label, body).as_bytes()).is_some()
    }

    #[test]
    fn a_key_is_one_in_every_envelope_and_quotation() {
        let asn1 = [0x30, 0x82, 0x04, 0xbd];
        assert!(is_key("OPENSSH PRIVATE", &body(b"openssh-key-v1\0", "\n")));
        assert!(is_key("PGP PRIVATE", &body(&[0x95], "\n")));
        let encrypted = format!(
            "Proc-Type: 4,ENCRYPTED\nDEK-Info: x\n\n{}",
            body(&[1], "\n")
        );
        assert!(is_key("RSA PRIVATE", &encrypted));
        for line_end in [
            "\n",
            "\r\n",
            "\\n",
            "\\r\\n",
            "\n    ",
            "\n# ",
            "\n// ",
            "\n * ",
            "\n> ",
            "\\n\" +\n  \"",
            "\\n'\n  . '",
            "%0A",
            "&#10;",
            "<br>",
            "<br />\n",
            " ",
            "\",\n\"",
        ] {
            assert!(is_key("PRIVATE", &body(&asn1, line_end)), "{line_end}");
            assert!(is_key(
                "RSA PRIVATE",
                &format!("{line_end}{}", body(&asn1, line_end))
            ));
        }
        let numbered: Vec<String> = body(&asn1, "\n")
            .lines()
            .enumerate()
            .map(|(number, line)| format!("{:3}  {line}", number + 2))
            .collect();
        assert!(is_key(
            "PRIVATE",
            &format!("{}\n 99  ", numbered.join("\n"))
        ));
        let log = "2026-03-04T05:06:07Z app | ";
        let logged = body(&asn1, &format!("\n{log}"));
        assert!(is_key("PRIVATE", &format!("{log}{logged}\n{log}")));
        assert!(is_key("PRIVATE", &format!("+{}\n+", body(&asn1, "\n+"))));
    }

    #[test]
    fn an_elided_or_made_up_body_is_no_key() {
        let whole = body(&[0x30, 0x82, 0x04, 0xbd], "\n");
        let (head, tail) = whole.split_at(100);
        for body in [
            format!("{head}<...>{tail}"),
            format!("{head}...{tail}"),
            format!("{whole}..."),
            format!("{head}\n...\n{tail}"),
            format!("{head}\n<snip>\n{tail}"),
            format!("{head}\n[cut]\n{tail}"),
            format!("{head}…{tail}"),
            format!("{head}****{tail}"),
            format!("{}\n{}", "x".repeat(64), "x".repeat(64)),
            format!("MIIE{}", "x".repeat(124)),
            format!("MIIE{}", "A".repeat(124)),
            head[..32].to_owned(),
            body(&[0x31], "\n"),
        ] {
            assert!(!is_key("PRIVATE", &body), "{body}");
        }
    }
}
