//! The fenced blocks of a Markdown page, and whether an output is the one that is shown.

/// One block.
pub struct Block<'t> {
    /// The word behind the opening fence.
    pub language: &'t str,
    /// The lines between the fences.
    pub text: &'t str,
    /// The 1-based line of the opening fence.
    pub line: usize,
}

/// Commands and what they print, both streams in one.
pub struct Session {
    pub script: String,
    pub output: String,
}

impl Block<'_> {
    /// Takes a block of `$ command` lines and outputs apart.
    pub fn session(&self) -> Session {
        let mut session = Session {
            script: String::new(),
            output: String::new(),
        };
        for line in self.text.lines() {
            let (part, line) = match line.strip_prefix("$ ") {
                Some(command) => (&mut session.script, command),
                None => (&mut session.output, line),
            };
            part.push_str(line);
            part.push('\n');
        }
        session
    }
}

/// The blocks of `page`, in their order.
pub fn all(page: &str) -> impl Iterator<Item = Block<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let opening = at + position_of_fence(&page[at..])?;
        let head = page[opening + 3..].lines().next()?;
        let start = opening + 3 + head.len() + 1;
        let end = start + position_of_fence(&page[start..])?;
        at = end + 3;
        Some(Block {
            language: head.trim(),
            text: &page[start..end],
            line: page[..opening].matches('\n').count() + 1,
        })
    })
}

fn position_of_fence(text: &str) -> Option<usize> {
    if text.starts_with("```") {
        return Some(0);
    }
    text.find("\n```").map(|at| at + 1)
}

/// Whether `output` is `shown`, where a line `...` stands for any lines and `[..]` for any text.
pub fn matches(shown: &str, output: &str) -> bool {
    let shown: Vec<&str> = shown.trim_end().lines().collect();
    let output: Vec<&str> = output.trim_end().lines().collect();
    lines_match(&shown, &output)
}

fn lines_match(shown: &[&str], output: &[&str]) -> bool {
    match shown.split_first() {
        None => output.is_empty(),
        Some((&"...", rest)) => (0..=output.len()).any(|skip| lines_match(rest, &output[skip..])),
        Some((first, rest)) => output
            .split_first()
            .is_some_and(|(line, others)| line_matches(first, line) && lines_match(rest, others)),
    }
}

fn line_matches(shown: &str, line: &str) -> bool {
    match shown.split_once("[..]") {
        None => shown == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len())
                .any(|skip| rest.is_char_boundary(skip) && line_matches(after, &rest[skip..]))
        }),
    }
}

#[test]
fn wildcards_stand_for_lines_and_for_text() {
    let cases = [
        ("a\nb", "a\nb\n", true),
        ("a\n...\nd", "a\nb\nc\nd", true),
        ("a\n...", "a", true),
        ("a\n...\nd", "a\nb", false),
        ("x [..] z", "x y y z", true),
        ("x [..] z", "x y", false),
        ("a", "a\nb", false),
    ];
    for (shown, output, expected) in cases {
        assert_eq!(matches(shown, output), expected, "{shown:?} {output:?}");
    }
}
