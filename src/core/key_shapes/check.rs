//! What lies beyond a key's shape: checksums and parts that must decode.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Digits, upper case, lower case: GitHub's and npm's order.
const GITHUB_DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What decides about a value that has the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// The shape is enough.
    None,
    /// The last six characters are the CRC-32 of those after the first four (`ghp_`, `npm_`).
    GithubCrc,
    /// The first part is base64 of 17 to 20 digits.
    DiscordId,
    /// What follows `ABSK` decodes to `BedrockAPIKey-…`.
    Bedrock,
    /// The first part is base64url of JSON with an `alg` that is not `none`.
    JwtHead,
    /// What follows `ghs_digits_` is a JSON web token.
    GithubAppToken,
    /// Base64 of JSON with `a`, `t` and `s`.
    TunnelJson,
    /// CRC-32 as `keygen --prefix claw` writes it.
    OpenclawCrc,
    /// Tailscale's node marker `CNTRL` ends the id.
    TailscaleId,
    /// Not one of Amazon's documented samples, which end in `EXAMPLE`.
    NotExample,
    /// Not the name of a model (`xai-grok-…`).
    NotModelName,
    /// At least one digit and one letter, so that no identifier in code passes.
    DigitAndLetter,
}

impl Check {
    /// Whether a value that has the shape passes.
    pub(super) fn accepts(self, text: &[u8], length: usize) -> bool {
        let value = &text[..length];
        match self {
            Self::None => true,
            Self::GithubCrc => github_crc_holds(value),
            Self::DiscordId => discord_id_decodes(value),
            Self::Bedrock => bedrock_decodes(value),
            Self::JwtHead => jwt_head_decodes(value),
            Self::GithubAppToken => value
                .splitn(3, |byte| *byte == b'_')
                .nth(2)
                .is_some_and(jwt_head_decodes),
            Self::TunnelJson => tunnel_json_decodes(value),
            Self::OpenclawCrc => openclaw_crc_holds(value),
            Self::TailscaleId => value
                .split(|byte| *byte == b'-')
                .nth(2)
                .is_some_and(|id| id.len() > 5 && id.ends_with(b"CNTRL")),
            Self::NotExample => !value.ends_with(b"EXAMPLE"),
            Self::NotModelName => !value[4..].starts_with(b"grok-") && mixes(&value[4..]),
            Self::DigitAndLetter => mixes(value),
        }
    }

    /// Whether a failure proves that the value is no key of any kind.
    pub(super) fn is_decisive(self) -> bool {
        matches!(
            self,
            Self::GithubCrc | Self::OpenclawCrc | Self::Bedrock | Self::GithubAppToken
        )
    }
}

/// The six digits that end a token `prefix_` + body + six digits: CRC-32 (IEEE) of the body in base 62.
///
/// The alphabet is `0-9A-Za-z`, the most significant digit comes first, zeros fill the left.
pub fn openclaw_checksum(body: &[u8]) -> [u8; 6] {
    let mut rest = crc32fast::hash(body);
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = GITHUB_DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

fn github_crc_holds(value: &[u8]) -> bool {
    value.len() > 10 && {
        let (body, digits) = value[4..].split_at(value.len() - 10);
        openclaw_checksum(body) == digits
    }
}

fn openclaw_crc_holds(value: &[u8]) -> bool {
    let Some(cut) = value.len().checked_sub(6) else {
        return false;
    };
    value
        .iter()
        .position(|byte| *byte == b'_')
        .filter(|underscore| underscore + 1 < cut)
        .is_some_and(|underscore| openclaw_checksum(&value[underscore + 1..cut]) == value[cut..])
}

fn discord_id_decodes(value: &[u8]) -> bool {
    value
        .split(|byte| *byte == b'.')
        .next()
        .and_then(|id| URL_SAFE.decode(id).ok())
        .is_some_and(|id| (17..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit))
}

fn bedrock_decodes(value: &[u8]) -> bool {
    let body = &value[4.min(value.len())..];
    // Some of these keys carry a stray byte before the name, so the name is looked for near the start.
    STANDARD.decode(body).is_ok_and(|decoded| {
        let start = &decoded[..decoded.len().min(20)];
        memchr::memmem::find(start, b"BedrockAPIKey-").is_some_and(|at| at <= 2)
    })
}

fn jwt_head_decodes(value: &[u8]) -> bool {
    let Some(head) = value
        .split(|byte| *byte == b'.')
        .next()
        .and_then(|head| URL_SAFE.decode(head).ok())
    else {
        return false;
    };
    serde_json::from_slice::<serde_json::Value>(&head)
        .ok()
        .and_then(|json| {
            json.get("alg")?
                .as_str()
                .map(|alg| !alg.eq_ignore_ascii_case("none"))
        })
        .unwrap_or(false)
}

fn tunnel_json_decodes(value: &[u8]) -> bool {
    STANDARD
        .decode(value)
        .ok()
        .and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok())
        .is_some_and(|json| {
            ["a", "t", "s"]
                .iter()
                .all(|field| json.get(field).is_some())
        })
}

fn mixes(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}
