//! Changes inputs a little, always the same way for the same name.

/// Signs that parsers turn at.
const TURNS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\0",
    b"\"",
    b"'",
    b"`",
    b"\\",
    b"=",
    b":",
    b",",
    b"{",
    b"}",
    b"[",
    b"]",
    b"#",
    b" ",
    b"\t",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xe2\x80\xa8",
    b"\xc2\x85",
    b"\\u0000",
    b"\\ud800",
    b"//",
    b"/*",
    b"0",
    b"-1",
    b"18446744073709551616",
    b"1e999",
    b"null",
    b"true",
    b"[[x]]\n",
    b"%%\n",
    b"\n%%\n",
    b"\x7f",
    b"\x80",
    b"../",
    b"\x1b[2J",
    b"Zq9Wv7Xk",
];
/// Longer inputs are not tried.
const LONGEST: usize = 16 << 10;

/// Makes inputs out of a corpus.
pub struct Mutator {
    corpus: Vec<Vec<u8>>,
    state: u64,
}

impl Mutator {
    /// The inputs of `name` begin with those of the corpus.
    pub fn new(name: &str, mut corpus: Vec<Vec<u8>>) -> Self {
        corpus.push(Vec::new());
        let seed = name.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |seed, byte| {
            (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            corpus,
            state: seed | 1,
        }
    }

    /// The next input.
    pub fn next(&mut self) -> Vec<u8> {
        let which = self.below(self.corpus.len());
        let mut input = self.corpus[which].clone();
        for _ in 0..1 + self.below(5) {
            self.change(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = (at + 1 + self.below(24)).min(input.len()).max(at);
        match self.below(9) {
            0 => input.insert(at, self.below(256).to_be_bytes()[7]),
            1 if at < input.len() => input[at] ^= 1 << self.below(8),
            2 => drop(input.drain(at..end)),
            3 => {
                let copy = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, copy);
            }
            4 | 5 => {
                let turn = TURNS[self.below(TURNS.len())];
                input.splice(at..at, turn.iter().copied());
            }
            6 => {
                let turn = TURNS[self.below(TURNS.len())];
                input.splice(at..end, turn.iter().copied());
            }
            7 => {
                // A piece of another input.
                let which = self.below(self.corpus.len());
                let from = self.below(self.corpus[which].len() + 1);
                let length = self.below(64);
                let other = self.corpus[which].iter().skip(from).take(length);
                let piece: Vec<u8> = other.copied().collect();
                input.splice(at..end, piece);
            }
            _ => input.truncate(at.max(input.len() / 2)),
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % limit as u64).unwrap()
    }
}
