//! What the words of an event say: what it is about and how it ended.

use std::sync::OnceLock;

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, StartKind};

use super::answers::Answers;

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
    /// That it went well is denied: it is a state, and nothing was tried.
    pub denied: bool,
}

/// Words and phrases, as they stand between blanks once signs and humps are blanks, too.
const PHRASES: &[(&str, Said)] = &{
    const NONE: Said = Said {
        rate_limit: false,
        auth: false,
        refused: false,
        success: false,
        failure: false,
        denied: false,
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
    const AUTH_NOT: Said = Said {
        auth: true,
        denied: true,
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
        (" limiting requests ", LIMIT),
        (" limiting connections ", LIMIT),
        (" too many requests ", LIMIT),
        (" auth ", AUTH),
        (" authn ", AUTH),
        (" login ", AUTH),
        (" logins ", AUTH),
        (" log in ", AUTH),
        (" logon ", AUTH),
        (" log on ", AUTH),
        (" sign in ", AUTH),
        (" signin ", AUTH),
        (" signed in ", AUTH_GOOD),
        (" logged in ", AUTH_GOOD),
        (" logged on ", AUTH_GOOD),
        (" not signed in ", AUTH_NOT),
        (" not logged in ", AUTH_NOT),
        (" not logged on ", AUTH_NOT),
        (" not authenticated ", AUTH_NOT),
        (" not yet signed in ", AUTH_NOT),
        (" not yet logged in ", AUTH_NOT),
        (" not yet authenticated ", AUTH_NOT),
        (" never signed in ", AUTH_NOT),
        (" never logged in ", AUTH_NOT),
        (" never authenticated ", AUTH_NOT),
        (" isn t signed in ", AUTH_NOT),
        (" isn t logged in ", AUTH_NOT),
        (" isn t authenticated ", AUTH_NOT),
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
        (" totp ", AUTH),
        (" nonexistent user ", AUTH_BAD),
        (" no such user ", AUTH_BAD),
        (" invalid token ", AUTH_BAD),
        (" invalid admin token ", AUTH_BAD),
        (" no user password was provided ", AUTH_BAD),
        (" denied ", REFUSED),
        (" forbidden ", REFUSED),
        (" origin not allowed ", REFUSED),
        (" not allowed ", BAD),
        (" not accepted ", BAD),
        (" not granted ", BAD),
        (" not successful ", BAD),
        (" not authorized ", BAD),
        (" not authorised ", BAD),
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
        (" doesn t match ", BAD),
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

/// How much of a text is looked at, in bytes.
const LONGEST_READ: usize = 8 << 10;

/// Reads words, and remembers what it read last.
#[derive(Debug, Default)]
pub struct Words {
    answers: Answers<Said>,
}

impl Words {
    /// What a text says.
    pub fn read(&mut self, text: &str) -> Said {
        self.answers.recall(text, read_anew)
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
            denied: self.denied | other.denied,
        }
    }

    /// Whether it is about a login, a limiter or a refusal.
    pub fn is_about_access(self) -> bool {
        self.rate_limit | self.auth | self.refused
    }

    /// How it ended; words of failure weigh more.
    pub fn outcome(self) -> Option<super::event::Outcome> {
        use super::event::Outcome::{Failure, Success};
        if self.failure {
            Some(Failure)
        } else {
            (self.success && !self.denied).then_some(Success)
        }
    }
}

/// Reads a text in lower case, with one blank for every run of signs and before every hump of
/// `camelCase`.
fn read_anew(text: &str) -> Said {
    let mut end = text.len().min(LONGEST_READ);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut reader = Reader::default();
    reader.take(b' ');
    let mut was = b' ';
    for byte in text[..end].bytes() {
        // Letters beyond ASCII are in no phrase, whatever they are.
        if byte.is_ascii_alphanumeric() || byte >= 0x80 {
            if byte.is_ascii_uppercase() && was.is_ascii_lowercase() {
                reader.take(b' ');
            }
            reader.take(byte.to_ascii_lowercase());
        } else if !reader.is_blank {
            reader.take(b' ');
        }
        was = byte;
    }
    if !reader.is_blank {
        reader.take(b' ');
    }
    reader.said
}

/// Steps through the automaton of all phrases.
struct Reader {
    automaton: &'static DFA,
    state: StateID,
    said: Said,
    is_blank: bool,
}

impl Default for Reader {
    fn default() -> Self {
        let automaton = automaton();
        Self {
            automaton,
            state: automaton
                .start_state(Anchored::No)
                .expect("the automaton is built for unanchored searches"),
            said: Said::default(),
            is_blank: false,
        }
    }
}

impl Reader {
    fn take(&mut self, byte: u8) {
        self.is_blank = byte == b' ';
        self.state = self.automaton.next_state(Anchored::No, self.state, byte);
        if self.automaton.is_special(self.state) && self.automaton.is_match(self.state) {
            for found in 0..self.automaton.match_len(self.state) {
                let phrase = self.automaton.match_pattern(self.state, found);
                self.said = self.said.and(PHRASES[phrase.as_usize()].1);
            }
        }
    }
}

fn automaton() -> &'static DFA {
    static AUTOMATON: OnceLock<DFA> = OnceLock::new();
    AUTOMATON.get_or_init(|| {
        DFA::builder()
            .start_kind(StartKind::Unanchored)
            .build(PHRASES.iter().map(|(phrase, _)| phrase))
            .expect("the table is small enough for an automaton")
    })
}

/// What the value of a field called `outcome` says.
pub fn outcome_word(word: &str) -> Option<super::event::Outcome> {
    use super::event::Outcome::{Failure, Success};
    let word = word.trim();
    let mut lower = [0; 24];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    match str::from_utf8(lower).ok()? {
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

    /// What the phrases say, found the plain way.
    fn plainly(text: &str) -> Said {
        let mut normal = String::from(" ");
        let mut was = b' ';
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || byte >= 0x80 {
                if byte.is_ascii_uppercase() && was.is_ascii_lowercase() {
                    normal.push(' ');
                }
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
        normal.push(' ');
        PHRASES
            .iter()
            .filter(|(phrase, _)| normal.contains(phrase))
            .fold(Said::default(), |said, (_, more)| said.and(*more))
    }

    proptest::proptest! {
        #[test]
        fn every_phrase_is_found_and_memory_changes_nothing(
            parts in proptest::collection::vec((proptest::sample::select(PHRASES), "[ ._-]{0,2}", "[a-zA-Zé:]{0,3}"), 0..40)
        ) {
            let mut words = Words::default();
            for split in 0..=parts.len() {
                let text: String = parts[split..]
                    .iter()
                    .flat_map(|((phrase, _), blank, letters)| [phrase.trim(), blank, letters])
                    .collect();
                let expected = plainly(&text);
                proptest::prop_assert_eq!(words.read(&text), expected);
                proptest::prop_assert_eq!(words.read(&text), expected);
            }
        }
    }

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
