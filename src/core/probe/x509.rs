//! Reads of a certificate what the checks ask (RFC 5280), and passes over all the rest.
//!
//! Whether it is valid and whom it belongs to is the TLS library's matter; it keeps to itself what is
//! read here, and a whole parser of X.509 would be 130 kB of the program.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What a certificate says.
#[derive(Debug)]
pub(super) struct X509<'a> {
    /// 0 for version 1.
    pub(super) version: u8,
    /// Who signed it.
    pub(super) issuer: Name<'a>,
    /// Whose it is.
    pub(super) subject: Name<'a>,
    /// First moment of validity.
    pub(super) not_before: Timestamp,
    /// Last moment of validity.
    pub(super) not_after: Timestamp,
    /// The public key.
    pub(super) key: Key,
    /// The algorithm it is signed with: an object identifier with dots.
    pub(super) signature_algorithm: String,
    /// The host names and addresses it is for, in its order.
    pub(super) hosts: Vec<HostName<'a>>,
}

/// A public key, by algorithm.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// With the length of its modulus in bits.
    Rsa(usize),
    /// On an elliptic curve, with the length of a coordinate in bits.
    Ec(usize),
    /// DSA (FIPS 186), obsolete.
    Dsa,
    /// Another: its object identifier.
    Other(String),
}

/// An entry of the subjectAltName.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HostName<'a> {
    /// A host name.
    Dns(&'a str),
    /// The bytes of an address.
    Address(&'a [u8]),
}

/// A distinguished name, as it is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'a>(&'a [u8]);

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const DSA: &str = "1.2.840.10040.4.1";
const SUBJECT_ALT_NAME: &str = "2.5.29.17";

/// The short names of what a distinguished name is made of.
const ATTRIBUTES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "Email"),
];

impl<'a> X509<'a> {
    /// Reads a certificate in DER; none where it is none.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut certificate = Der(Der(der).take(SEQUENCE)?);
        let mut body = Der(certificate.take(SEQUENCE)?);
        let mut algorithm = Der(certificate.take(SEQUENCE)?);
        let signature_algorithm = dotted(algorithm.take(OBJECT_IDENTIFIER)?)?;
        certificate.take(BIT_STRING)?;
        let version = match body.take(VERSION) {
            Some(version) => *Der(version).take(INTEGER)?.last()?,
            None => 0,
        };
        body.take(INTEGER)?;
        body.take(SEQUENCE)?;
        let issuer = Name(body.take(SEQUENCE)?);
        let mut validity = Der(body.take(SEQUENCE)?);
        let not_before = validity.time()?;
        let not_after = validity.time()?;
        let subject = Name(body.take(SEQUENCE)?);
        let key = Key::read(body.take(SEQUENCE)?)?;
        Some(Self {
            version,
            issuer,
            subject,
            not_before,
            not_after,
            key,
            signature_algorithm,
            hosts: hosts(body).unwrap_or_default(),
        })
    }
}

impl Key {
    fn read(der: &[u8]) -> Option<Self> {
        let mut fields = Der(der);
        let algorithm = dotted(Der(fields.take(SEQUENCE)?).take(OBJECT_IDENTIFIER)?)?;
        // The first byte counts the bits that are left over, of which a key has none.
        let key = fields.take(BIT_STRING)?.get(1..)?;
        let known = match algorithm.as_str() {
            RSA => rsa_bits(key).map(Self::Rsa),
            EC => Some(Self::Ec(coordinate_bits(key))),
            DSA => Some(Self::Dsa),
            _ => None,
        };
        Some(known.unwrap_or(Self::Other(algorithm)))
    }
}

fn rsa_bits(key: &[u8]) -> Option<usize> {
    let modulus = Der(Der(key).take(SEQUENCE)?).take(INTEGER)?;
    let leading = modulus.iter().take_while(|byte| **byte == 0).count();
    let digits = &modulus[leading..];
    let unused = digits.first().map_or(0, |byte| byte.leading_zeros());
    Some(digits.len() * 8 - usize::try_from(unused).ok()?)
}

/// SEC 1, section 2.3.3: a point with both coordinates begins with 4, with one with 2 or 3.
fn coordinate_bits(point: &[u8]) -> usize {
    match point {
        [4, both @ ..] => both.len() * 4,
        [2 | 3, one @ ..] => one.len() * 8,
        _ => 0,
    }
}

/// What stands behind the public key: two identifiers nobody uses, and the extensions.
fn hosts(mut rest: Der<'_>) -> Option<Vec<HostName<'_>>> {
    while !rest.0.is_empty() {
        let (tag, content) = rest.next()?;
        if tag != EXTENSIONS {
            continue;
        }
        let mut extensions = Der(Der(content).take(SEQUENCE)?);
        while !extensions.0.is_empty() {
            let mut extension = Der(extensions.take(SEQUENCE)?);
            let is_wanted = dotted(extension.take(OBJECT_IDENTIFIER)?)? == SUBJECT_ALT_NAME;
            extension.take(BOOLEAN);
            let value = extension.take(OCTET_STRING)?;
            if is_wanted {
                return host_names(Der(Der(value).take(SEQUENCE)?));
            }
        }
    }
    None
}

fn host_names(mut names: Der<'_>) -> Option<Vec<HostName<'_>>> {
    let mut found = Vec::new();
    while !names.0.is_empty() {
        match names.next()? {
            (DNS_NAME, name) => found.push(HostName::Dns(std::str::from_utf8(name).ok()?)),
            (IP_ADDRESS, bytes) => found.push(HostName::Address(bytes)),
            _ => {}
        }
    }
    Some(found)
}

/// `C=NL, O=Example, CN=Root`.
impl std::fmt::Display for Name<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Der(self.0);
        let mut separator = "";
        while let Some(set) = parts.take(SET) {
            let mut attributes = Der(set);
            while let Some(attribute) = attributes.take(SEQUENCE) {
                if let Some((name, value)) = name_and_value(Der(attribute)) {
                    write!(formatter, "{separator}{name}={value}")?;
                }
                separator = " + ";
            }
            separator = ", ";
        }
        Ok(())
    }
}

fn name_and_value(mut attribute: Der<'_>) -> Option<(String, String)> {
    let id = dotted(attribute.take(OBJECT_IDENTIFIER)?)?;
    let short = ATTRIBUTES.iter().find(|(known, _)| *known == id);
    let name = short.map_or_else(|| format!("OID({id})"), |(_, short)| (*short).to_owned());
    let value = match attribute.next()? {
        (BMP_STRING, units) => String::from_utf16_lossy(
            &units
                .chunks_exact(2)
                .map(|unit| u16::from_be_bytes([unit[0], unit[1]]))
                .collect::<Vec<_>>(),
        ),
        (_, text) => String::from_utf8_lossy(text).into_owned(),
    };
    Some((name, value))
}

/// An object identifier with dots: seven bits in each byte, the first two numbers in one.
fn dotted(id: &[u8]) -> Option<String> {
    let mut numbers: Vec<u64> = Vec::new();
    let mut number = 0_u64;
    for byte in id {
        number = number.checked_mul(128)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(number);
            number = 0;
        }
    }
    let both = *numbers.first()?;
    let first = (both / 40).min(2);
    let mut text = format!("{first}.{}", both - first * 40);
    for number in &numbers[1..] {
        text.push_str(&format!(".{number}"));
    }
    Some(text)
}

/// Reads values in DER (X.690) one after the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next value: its tag and its content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, length], rest) = self.0.split_first_chunk::<2>()?;
        // No tag of a certificate needs a second byte.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = if length < 0x80 {
            (usize::from(length), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let is_usual = !digits.is_empty() && digits.len() <= 4;
            let length = digits
                .iter()
                .take(4)
                .fold(0, |length, digit| length << 8 | usize::from(*digit));
            (is_usual.then_some(length)?, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The next value if it has this tag; else it stays.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let before = self.0;
        match self.next() {
            Some((found, content)) if found == tag => Some(content),
            _ => {
                self.0 = before;
                None
            }
        }
    }

    /// RFC 5280, section 4.1.2.5: always in UTC, with seconds.
    fn time(&mut self) -> Option<Timestamp> {
        let (tag, text) = self.next()?;
        let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
        let text = match tag {
            UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
            UTC_TIME => format!("19{text}"),
            GENERALIZED_TIME => text.to_owned(),
            _ => return None,
        };
        if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = |at: usize| text[at..at + 2].parse::<i8>().ok();
        let year = text[..4].parse().ok()?;
        let date = DateTime::new(
            year,
            number(4)?,
            number(6)?,
            number(8)?,
            number(10)?,
            number(12)?,
            0,
        );
        // 99991231235959Z means that there is no end; it is beyond the last moment of a clock.
        let moment = date.ok()?.to_zoned_datetime(TimeZone::UTC);
        Some(moment.map_or(Timestamp::MAX, |moment| moment.timestamp()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};
    use x509_parser::public_key::PublicKey;

    use super::*;

    fn sample() -> Vec<u8> {
        let names = ["one.example".to_owned(), "192.0.2.7".to_owned()];
        let mut parameters = rcgen::CertificateParams::new(names).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2049, 12, 31);
        parameters.not_after = rcgen::date_time_ymd(2051, 1, 2);
        let name = &mut parameters.distinguished_name;
        name.push(rcgen::DnType::CommonName, "Grün & Söhne");
        name.push(rcgen::DnType::CountryName, "NL");
        let key = rcgen::KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    /// The same certificate, read by a whole parser.
    fn compare(der: &[u8]) {
        let ours = X509::read(der).unwrap();
        let (_, theirs) = X509Certificate::from_der(der).unwrap();
        assert_eq!(u32::from(ours.version), theirs.version().0);
        assert_eq!(
            ours.subject == ours.issuer,
            theirs.subject() == theirs.issuer()
        );
        let validity = theirs.validity();
        assert_eq!(ours.not_before.as_second(), validity.not_before.timestamp());
        let end = validity.not_after.timestamp();
        assert_eq!(
            ours.not_after.as_second(),
            end.min(Timestamp::MAX.as_second())
        );
        let algorithm = &theirs.signature_algorithm.algorithm;
        assert_eq!(ours.signature_algorithm, algorithm.to_id_string());
        let key = match theirs.public_key().parsed().unwrap() {
            PublicKey::RSA(key) => Key::Rsa(key.key_size()),
            PublicKey::EC(point) => Key::Ec(point.key_size()),
            PublicKey::DSA(_) => Key::Dsa,
            _ => Key::Other(theirs.public_key().algorithm.algorithm.to_id_string()),
        };
        assert_eq!(ours.key, key);
        let extension = theirs.subject_alternative_name().unwrap();
        let hosts: Vec<_> = extension
            .iter()
            .flat_map(|extension| &extension.value.general_names)
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(HostName::Dns(name)),
                GeneralName::IPAddress(bytes) => Some(HostName::Address(bytes)),
                _ => None,
            })
            .collect();
        assert_eq!(ours.hosts, hosts);
        let issuer = theirs.issuer().to_string();
        assert_eq!(ours.issuer.to_string(), issuer);
    }

    #[test]
    fn a_new_certificate_is_read_as_a_whole_parser_reads_it() {
        let der = sample();
        compare(&der);
        let ours = X509::read(&der).unwrap();
        assert_eq!(ours.not_before.to_string(), "2049-12-31T00:00:00Z");
        assert_eq!(ours.not_after.to_string(), "2051-01-02T00:00:00Z");
        assert_eq!(ours.subject.to_string(), "CN=Grün & Söhne, C=NL");
        assert_eq!(ours.hosts.len(), 2);
    }

    #[test]
    fn the_roots_of_this_host_are_read_as_a_whole_parser_reads_them() {
        let roots = rustls_native_certs::load_native_certs().certs;
        if roots.is_empty() {
            println!("skipped: this host has no roots");
        }
        for root in roots {
            compare(&root);
        }
    }

    #[test]
    fn object_identifiers_are_written_with_dots() {
        assert_eq!(dotted(&[0x55, 4, 3]).unwrap(), "2.5.4.3");
        assert_eq!(
            dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]).unwrap(),
            "1.2.840.113549"
        );
        assert_eq!(dotted(&[]), None);
        assert_eq!(dotted(&[0xff; 40]), None);
    }

    proptest! {
        #[test]
        fn no_change_makes_it_panic(at in 0_usize..2000, byte in any::<u8>(), cut in 0_usize..2000) {
            let mut der = sample();
            let length = der.len();
            der[at % length] = byte;
            der.truncate(cut.max(length / 2));
            if let Some(read) = X509::read(&der) {
                let _ = read.issuer.to_string();
            }
        }
    }
}
