//! What the words of an event say: what it is about and how it ended.

mod closer;

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
    /// It refused in so many words, or what it said is about a failure.
    pub limited: bool,
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

/// What the words of a text mark, one bit for each.
type Marks = u16;

/// A limiter spoke.
const LIMIT: Marks = 1;
/// Of a limit, that it was met.
const MET: Marks = 1 << 1;
/// Of a limit, that there is room below it.
const ROOM: Marks = 1 << 2;
/// It is about proving an identity.
const AUTH: Marks = 1 << 3;
/// A key or a token is spoken of.
const CREDENTIAL: Marks = 1 << 4;
/// Something was refused.
const REFUSAL: Marks = 1 << 5;
/// It went well.
const GOOD: Marks = 1 << 6;
/// It went wrong.
const BAD: Marks = 1 << 7;
/// That it went well is denied.
const DENIED: Marks = 1 << 8;
/// Something may be counted, and be none.
const NONE: Marks = 1 << 9;

/// Words and phrases, as they stand between blanks once signs and humps are blanks, too.
const PHRASES: &[(&str, Marks)] = &{
    const LIMITED: Marks = LIMIT | MET;
    const REFUSED: Marks = REFUSAL | BAD;
    /// Said of nothing but what happened; what is allowed or accepted may be a number.
    const WELL: Marks = GOOD | ROOM;
    const AUTH_GOOD: Marks = AUTH | GOOD;
    const AUTH_NOT: Marks = AUTH | DENIED;
    const AUTH_BAD: Marks = AUTH | BAD;
    [
        (" rate limit ", LIMIT),
        (" rate limits ", LIMIT),
        (" rate limited ", LIMITED),
        (" rate limiting ", LIMIT),
        (" ratelimit ", LIMIT),
        (" ratelimited ", LIMITED),
        (" throttled ", LIMITED),
        (" limiting requests ", LIMITED),
        (" limiting connections ", LIMITED),
        (" too many requests ", LIMITED),
        (" exceeded ", MET),
        (" exceeds ", MET),
        (" exceeding ", MET),
        (" reached ", MET),
        (" hit ", MET),
        (" triggered ", MET),
        (" violated ", MET),
        (" retry ", MET),
        (" try again ", MET),
        (" rate limit remaining ", ROOM),
        (" ratelimit remaining ", ROOM),
        (" requests remaining ", ROOM),
        (" rate limit reset ", ROOM),
        (" api key ", CREDENTIAL),
        (" apikey ", CREDENTIAL),
        (" jwt ", CREDENTIAL),
        (" token ", CREDENTIAL),
        (" 0 ", NONE),
        (" no ", NONE),
        (" zero ", NONE),
        (" without ", NONE),
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
        (" unknown api key ", AUTH_BAD),
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
        (" not correct ", BAD),
        (" not valid ", BAD),
        (" not recognized ", BAD),
        (" not recognised ", BAD),
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
        (" didn t match ", BAD),
        (" does not match ", BAD),
        (" did not match ", BAD),
        (" could not verify ", BAD),
        (" couldn t verify ", BAD),
        (" cannot verify ", BAD),
        (" unable to verify ", BAD),
        (" malformed ", BAD),
        (" expired ", BAD),
        (" blocked ", BAD),
        (" unsuccessful ", BAD),
        (" unknown user ", BAD),
        (" user not found ", BAD),
        (" error ", BAD),
        (" success false ", BAD),
        (" allowed false ", BAD),
        (" not ok ", BAD),
        (" success ", WELL),
        (" successful ", GOOD),
        (" successfully ", GOOD),
        (" succeeded ", WELL),
        (" succeed ", GOOD),
        (" accepted ", GOOD),
        (" allowed ", GOOD),
        (" granted ", GOOD),
        (" passed ", WELL),
        (" ok ", WELL),
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
            limited: self.limited | other.limited,
            auth: self.auth | other.auth,
            refused: self.refused | other.refused,
            success: self.success | other.success,
            failure: self.failure | other.failure,
            denied: self.denied | other.denied,
        }
    }

    /// What words say together.
    fn of(mut marks: Marks, text: &str) -> Self {
        let all = |marks: Marks, wanted: Marks| marks & wanted == wanted;
        if all(marks, BAD | NONE) {
            marks = read_words(&closer::without_zero_counts(text));
        }
        if all(marks, BAD | CREDENTIAL) && marks & AUTH == 0 && closer::refuses_credential(text) {
            marks |= AUTH;
        }
        // Where something is none, it may be what is left.
        let is_met = marks & (MET | BAD | NONE) != 0;
        let rate_limit = marks & LIMIT != 0 && (is_met || marks & ROOM == 0);
        Self {
            rate_limit,
            limited: rate_limit && is_met,
            auth: marks & AUTH != 0,
            refused: marks & REFUSAL != 0,
            success: marks & GOOD != 0,
            failure: marks & BAD != 0,
            denied: marks & DENIED != 0,
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

    /// Whether this alone says that a login went well.
    pub fn is_login(self) -> bool {
        self.auth && self.outcome() == Some(super::event::Outcome::Success)
    }
}

/// What is read of a text: the beginning of a long one.
pub fn beginning(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_READ);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn read_anew(text: &str) -> Said {
    let text = beginning(text);
    Said::of(read_words(text), text)
}

/// What the words of a text say one by one.
fn read_words(text: &str) -> Marks {
    let mut reader = Reader::default();
    each_letter(text, |letter| reader.take(letter));
    reader.marks
}

/// Gives a text in lower case, with one blank for every run of signs and before every hump of
/// `camelCase`, and one at both ends.
fn each_letter(text: &str, mut take: impl FnMut(u8)) {
    take(b' ');
    let mut is_blank = true;
    let mut was = b' ';
    for byte in text.bytes() {
        // Letters beyond ASCII are in no phrase, whatever they are.
        if byte.is_ascii_alphanumeric() || byte >= 0x80 {
            if byte.is_ascii_uppercase() && was.is_ascii_lowercase() {
                take(b' ');
            }
            take(byte.to_ascii_lowercase());
            is_blank = false;
        } else if !is_blank {
            take(b' ');
            is_blank = true;
        }
        was = byte;
    }
    if !is_blank {
        take(b' ');
    }
}

/// Steps through the automaton of all phrases.
struct Reader {
    automaton: &'static DFA,
    state: StateID,
    marks: Marks,
}

impl Default for Reader {
    fn default() -> Self {
        let automaton = automaton();
        Self {
            automaton,
            state: automaton
                .start_state(Anchored::No)
                .expect("the automaton is built for unanchored searches"),
            marks: 0,
        }
    }
}

impl Reader {
    fn take(&mut self, byte: u8) {
        self.state = self.automaton.next_state(Anchored::No, self.state, byte);
        if self.automaton.is_special(self.state) && self.automaton.is_match(self.state) {
            for found in 0..self.automaton.match_len(self.state) {
                let phrase = self.automaton.match_pattern(self.state, found);
                self.marks |= PHRASES[phrase.as_usize()].1;
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
        let said = PHRASES.iter().filter(|(phrase, _)| normal.contains(phrase));
        Said::of(said.fold(0, |marks, (_, more)| marks | more), text)
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
