//! The sentences of alerts, put together without the machinery of formatting, which costs more than
//! all detectors together.

use std::net::IpAddr;

use super::Alert;
use crate::audit::address::{Subject, ipv4_digits};

/// A piece of a sentence.
#[derive(Debug, Clone, Copy)]
pub enum Piece<'p> {
    /// As it stands.
    Text(&'p str),
    /// In decimal digits.
    Number(u64),
    /// As `Display` gives it.
    Address(IpAddr),
    /// Seconds as people say it: `10 min`, `24 h`, `90 s`.
    Span(u64),
}

impl Alert {
    /// About whom it is, what it says, and the one event on which it rests.
    pub fn say(&mut self, subject: &str, message: &[Piece<'_>], offset: u64) {
        self.subject.push_str(subject);
        push_sentence(&mut self.message, message);
        self.evidence.push(offset);
    }
}

/// Adds the pieces in a row.
pub fn push_sentence(text: &mut String, pieces: &[Piece<'_>]) {
    for piece in pieces {
        match *piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Number(number) => push_number(text, number),
            Piece::Address(ip) => push_address(text, ip),
            Piece::Span(seconds) => {
                let (number, unit) = match seconds {
                    0..120 => (seconds, " s"),
                    120..7200 => (seconds / 60, " min"),
                    _ if seconds.is_multiple_of(3600) || seconds > 36_000 => (seconds / 3600, " h"),
                    _ => (seconds / 60, " min"),
                };
                push_number(text, number);
                text.push_str(unit);
            }
        }
    }
}

/// Whom an alert is about.
#[derive(Debug, Clone, Copy)]
pub enum Name<'n> {
    /// A user.
    User(&'n str),
    /// An address.
    Address(Subject),
}

impl Name<'_> {
    /// Adds it to a text, as it is shown.
    pub fn push_to(self, text: &mut String) {
        match self {
            Self::User(name) => text.push_str(name),
            Self::Address(address) => {
                let ip = address.address();
                push_address(text, ip);
                if ip.is_ipv6() {
                    text.push_str("/64");
                }
            }
        }
    }
}

/// Adds an address.
pub fn push_address(text: &mut String, ip: IpAddr) {
    match ip {
        IpAddr::V4(address) => {
            let (digits, length) = ipv4_digits(address);
            text.push_str(std::str::from_utf8(&digits[..length]).unwrap_or_default());
        }
        IpAddr::V6(address) => text.push_str(&address.to_string()),
    }
}

fn push_number(text: &mut String, number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        // A digit is below 10.
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text.push_str(std::str::from_utf8(&digits[start..]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(pieces: &[Piece<'_>]) -> String {
        let mut text = String::new();
        push_sentence(&mut text, pieces);
        text
    }

    #[test]
    fn spans_are_said_as_people_say_them() {
        let cases = [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (5400, "90 min"),
            (7199, "119 min"),
            (7200, "2 h"),
            (7260, "121 min"),
            (36_001, "10 h"),
            (86_400, "24 h"),
            (u64::MAX, "5124095576030431 h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(sentence(&[Piece::Span(seconds)]), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn numbers_and_addresses_are_those_of_display(number: u64, ip: IpAddr) {
            let subject = Subject::of(ip);
            let mut name = String::new();
            Name::Address(subject).push_to(&mut name);
            proptest::prop_assert_eq!(name, subject.to_string());
            let text = sentence(&[Piece::Text("a "), Piece::Number(number), Piece::Text(" é")]);
            proptest::prop_assert_eq!(text, format!("a {number} é"));
            proptest::prop_assert_eq!(sentence(&[Piece::Address(ip)]), ip.to_string());
        }
    }
}
