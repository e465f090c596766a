//! A closer look at texts in which single words mislead.

use std::sync::OnceLock;

use regex::Regex;

use super::each_letter;

/// What is refused where a key or a token is named beside it.
const KEY: &str = "(?:api ?key|(?:api|access|bearer|refresh|gateway) token|json web token|jwt)";

/// A text in letters and blanks, without the failures that it counts and that are none: `0 failed logins`,
/// `no failures`, `failed attempts: 0`.
pub fn without_zero_counts(text: &str) -> String {
    static COUNTS: OnceLock<Option<Regex>> = OnceLock::new();
    let text = letters(text);
    let counts = COUNTS.get_or_init(|| {
        const FAILURES: &str = "(?:failures|(?:failed|invalid|incorrect|wrong|bad|denied|rejected|refused|blocked|unsuccessful|unauthori[sz]ed)(?: [a-z]+)? (?:attempts|tries|logins|logons|sign ?ins|authentications|requests|passwords|tokens|devices|users|count))";
        const NONE: &str = "(?:0|no|zero|without)(?: any)?(?: (?:recent|previous|prior|earlier|new|other|further))?";
        Regex::new(&format!(r"(?-u: (?:{NONE} {FAILURES}|{FAILURES} 0)\b)")).ok()
    });
    let Some(counts) = counts else {
        return text;
    };
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    for count in counts.find_iter(&text) {
        // `no, failed attempts: 7` and `too many failures, 0 attempts left` count something else.
        let is_other = text[count.end()..]
            .split(' ')
            .skip(1)
            .take(2)
            .any(|word| matches!(word, "left" | "remaining") || word.parse::<u64>().is_ok());
        if !is_other {
            rest.push_str(&text[at..count.start()]);
            at = count.end();
        }
    }
    rest.push_str(&text[at..]);
    rest
}

/// Whether a text says that a key or a token is not the right one. That one expired, or could not be made,
/// is no attempt.
pub fn refuses_credential(text: &str) -> bool {
    static REFUSAL: OnceLock<Option<Regex>> = OnceLock::new();
    let refusal = REFUSAL.get_or_init(|| {
        const WRONG: &str = "(?:invalid|incorrect|wrong|bad|malformed|rejected)";
        const BETWEEN: &str =
            "(?: (?:is|was|has|been|provided|given|error|check|signature|verification|validation))*";
        Regex::new(&[
            "(?-u: (?:",
            &format!("{WRONG}(?: (?:or|and|expired|missing|unknown|revoked|web|x))* {KEY}"),
            &format!("|(?:{KEY}|token){BETWEEN} (?:{WRONG}|refused|denied|mismatch|not (?:valid|accepted|recogni[sz]ed|authori[sz]ed))"),
            &format!("|(?:{KEY}|token) (?:check|verification|validation) fail(?:s|ed|ure)"),
            &format!("|(?:failed to|could not|couldn t|cannot|unable to) (?:verify|validate)(?: (?:the|your|an?))? (?:{KEY}|token)"),
            r")\b)",
        ].concat()).ok()
    });
    refusal
        .as_ref()
        .is_some_and(|refusal| refusal.is_match(&letters(text)))
}

fn letters(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    each_letter(text, |letter| bytes.push(letter));
    String::from_utf8(bytes).unwrap_or_default()
}
