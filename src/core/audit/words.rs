//! What the words of an event say: what it is about and how it ended.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// What was read out of words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Said {
    /// A limiter spoke.
    pub rate_limit: bool,
    /// It is about proving an identity.
    pub auth: bool,
    /// Something was refused.
    pub refused: bool,
    /// It went well.
    pub success: bool,
    /// It went wrong.
    pub failure: bool,
}

/// Words and phrases, as they stand between blanks once signs and humps are blanks, too.
const PHRASES: &[(&str, Said)] = &{
    const NONE: Said = Said {
        rate_limit: false,
        auth: false,
        refused: false,
        success: false,
        failure: false,
    };
    const LIMIT: Said = Said {
        rate_limit: true,
        ..NONE
    };
    const AUTH: Said = Said { auth: true, ..NONE };
    const REFUSED: Said = Said {
        refused: true,
        failure: true,
        ..NONE
    };
    const GOOD: Said = Said {
        success: true,
        ..NONE
    };
    const BAD: Said = Said {
        failure: true,
        ..NONE
    };
    const AUTH_GOOD: Said = Said {
        auth: true,
        success: true,
        ..NONE
    };
    const AUTH_BAD: Said = Said {
        auth: true,
        failure: true,
        ..NONE
    };
    [
        (" rate limit ", LIMIT),
        (" rate limits ", LIMIT),
        (" rate limited ", LIMIT),
        (" rate limiting ", LIMIT),
        (" ratelimit ", LIMIT),
        (" ratelimited ", LIMIT),
        (" throttled ", LIMIT),
        (" too many requests ", LIMIT),
        (" auth ", AUTH),
        (" authn ", AUTH),
        (" login ", AUTH),
        (" logins ", AUTH),
        (" log in ", AUTH),
        (" logon ", AUTH),
        (" sign in ", AUTH),
        (" signin ", AUTH),
        (" signed in ", AUTH_GOOD),
        (" logged in ", AUTH_GOOD),
        (" logged on ", AUTH_GOOD),
        (" invalid user ", AUTH_BAD),
        (" authentication ", AUTH),
        (" authenticate ", AUTH),
        (" authenticated ", AUTH_GOOD),
        (" authenticating ", AUTH),
        (" unauthenticated ", AUTH_BAD),
        (" password ", AUTH),
        (" passwords ", AUTH),
        (" credential ", AUTH),
        (" credentials ", AUTH),
        (" session created ", AUTH_GOOD),
        (" token mismatch ", AUTH_BAD),
        (" unauthorized ", AUTH_BAD),
        (" unauthorised ", AUTH_BAD),
        (" one time code ", AUTH),
        (" publickey ", AUTH),
        (" denied ", REFUSED),
        (" forbidden ", REFUSED),
        (" origin not allowed ", REFUSED),
        (" not allowed ", BAD),
        (" fail ", BAD),
        (" fails ", BAD),
        (" failed ", BAD),
        (" failure ", BAD),
        (" failures ", BAD),
        (" refused ", BAD),
        (" rejected ", BAD),
        (" reject ", BAD),
        (" deny ", BAD),
        (" invalid ", BAD),
        (" incorrect ", BAD),
        (" wrong ", BAD),
        (" bad ", BAD),
        (" mismatch ", BAD),
        (" expired ", BAD),
        (" blocked ", BAD),
        (" unsuccessful ", BAD),
        (" unknown user ", BAD),
        (" error ", BAD),
        (" success ", GOOD),
        (" successful ", GOOD),
        (" successfully ", GOOD),
        (" succeeded ", GOOD),
        (" succeed ", GOOD),
        (" accepted ", GOOD),
        (" allowed ", GOOD),
        (" granted ", GOOD),
        (" passed ", GOOD),
        (" ok ", GOOD),
    ]
};

/// Texts whose reading is remembered.
const REMEMBERED: usize = 512;
/// Longer texts are read anew each time, and only this far.
const LONGEST_REMEMBERED: usize = 160;
/// How much of a text is looked at, in bytes.
const LONGEST_READ: usize = 8 << 10;

/// Reads words, and remembers what it read last: a log says the same things over and over.
#[derive(Debug)]
pub struct Words {
    normal: String,
    memory: Vec<Option<(Box<[u8]>, Said)>>,
    hasher: std::hash::RandomState,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            normal: String::new(),
            memory: vec![None; REMEMBERED],
            hasher: std::hash::RandomState::new(),
        }
    }
}

impl Words {
    /// What a text says.
    pub fn read(&mut self, text: &str) -> Said {
        if text.is_empty() {
            return Said::default();
        }
        if text.len() > LONGEST_REMEMBERED {
            return self.read_anew(text);
        }
        let place = self.place(text);
        if let Some((known, said)) = &self.memory[place]
            && **known == *text.as_bytes()
        {
            return *said;
        }
        let said = self.read_anew(text);
        self.memory[place] = Some((text.as_bytes().into(), said));
        said
    }

    fn place(&self, text: &str) -> usize {
        use std::hash::BuildHasher as _;
        // The remainder is below 512.
        (self.hasher.hash_one(text) % REMEMBERED as u64) as usize
    }

    fn read_anew(&mut self, text: &str) -> Said {
        let mut end = text.len().min(LONGEST_READ);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        normalise(&text[..end], &mut self.normal);
        let mut said = Said::default();
        for found in searcher().find_overlapping_iter(&self.normal) {
            said = said.and(PHRASES[found.pattern().as_usize()].1);
        }
        said
    }
}

impl Said {
    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            rate_limit: self.rate_limit | other.rate_limit,
            auth: self.auth | other.auth,
            refused: self.refused | other.refused,
            success: self.success | other.success,
            failure: self.failure | other.failure,
        }
    }
}

fn searcher() -> &'static AhoCorasick {
    static SEARCHER: OnceLock<AhoCorasick> = OnceLock::new();
    SEARCHER.get_or_init(|| {
        AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .build(PHRASES.iter().map(|(phrase, _)| phrase))
            .expect("the table is small enough for an automaton")
    })
}

/// Lower case, with one blank for every run of signs and before every hump of `camelCase`.
fn normalise(text: &str, normal: &mut String) {
    normal.clear();
    normal.push(' ');
    let mut was = b' ';
    for byte in text.bytes() {
        let is_word = byte.is_ascii_alphanumeric() || byte >= 0x80;
        if is_word {
            if byte.is_ascii_uppercase() && was.is_ascii_lowercase() {
                normal.push(' ');
            }
            // Letters beyond ASCII are in no phrase: any one letter stands for them.
            normal.push(if byte < 0x80 {
                char::from(byte.to_ascii_lowercase())
            } else {
                'é'
            });
        } else if !normal.ends_with(' ') {
            normal.push(' ');
        }
        was = byte;
    }
    if !normal.ends_with(' ') {
        normal.push(' ');
    }
}

/// What the value of a field called `outcome` says.
pub fn outcome_word(word: &str) -> Option<super::event::Outcome> {
    use super::event::Outcome::{Failure, Success};
    let word = word.trim();
    if word.len() > 24 {
        return None;
    }
    match word.to_ascii_lowercase().as_str() {
        "success" | "succeeded" | "successful" | "ok" | "okay" | "pass" | "passed" | "allow"
        | "allowed" | "accept" | "accepted" | "granted" | "grant" | "true" | "yes"
        | "authenticated" | "permitted" | "permit" => Some(Success),
        "failure" | "fail" | "failed" | "error" | "err" | "denied" | "deny" | "rejected"
        | "reject" | "refused" | "blocked" | "block" | "forbidden" | "unauthorized" | "false"
        | "no" | "invalid" | "unsuccessful" => Some(Failure),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_read_and_parts_of_words_are_not() {
        let mut words = Words::default();
        let cases = [
            ("auth.failure", (false, true, false)),
            ("rate_limit.exceeded", (true, false, false)),
            ("ConsoleLogin", (false, true, false)),
            ("Too Many Requests", (true, false, false)),
            ("hook auth throttled", (true, true, false)),
            ("tokens: 90", (false, false, false)),
            ("author of the authority", (false, false, false)),
            ("rows: 401", (false, false, false)),
            ("origin not allowed", (false, false, true)),
            ("access denied", (false, false, true)),
            ("loginé", (false, false, false)),
            ("", (false, false, false)),
        ];
        for (text, expected) in cases {
            let said = words.read(text);
            assert_eq!(
                (said.rate_limit, said.auth, said.refused),
                expected,
                "{text}"
            );
            assert_eq!(words.read(text), said, "read twice: {text}");
        }
    }
}
