//! Regular expressions of `--grep`.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ast::{self, Ast, Visitor};

/// What patterns may take of memory where dots take characters, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// A regular expression over bytes. Classes such as `\w` and case are those of ASCII, since the tables
/// for all of Unicode would weigh on every start; a dot takes a whole character, too. A pattern that
/// this makes too large is read as it stands.
///
/// # Errors
/// When the text is no regular expression.
pub fn of(text: &str) -> Result<Regex, regex::Error> {
    let wide = with_wide_dots(text).and_then(|text| {
        let mut builder = RegexBuilder::new(&text);
        builder.unicode(false).size_limit(MOST_BYTES).build().ok()
    });
    match wide {
        Some(pattern) => Ok(pattern),
        // An error is about what was written.
        None => RegexBuilder::new(text).unicode(false).build(),
    }
}

/// The same with dots that take a whole character, or as before a byte, since a line need not be text.
fn with_wide_dots(text: &str) -> Option<String> {
    let ast = ast::parse::Parser::new().parse(text).ok()?;
    let dots = ast::visit(&ast, Dots(Vec::new())).ok()?;
    let mut wide = String::with_capacity(text.len() + 20 * dots.len());
    let mut end = 0;
    for dot in dots {
        wide.push_str(text.get(end..dot.start.offset)?);
        wide.push_str(r"(?:(?u-i:.)|[\x80-\xff])");
        end = dot.end.offset;
    }
    wide.push_str(text.get(end..)?);
    Some(wide)
}

/// Where dots stand, from left to right.
struct Dots(Vec<ast::Span>);

impl Visitor for Dots {
    type Output = Vec<ast::Span>;
    type Err = ();

    fn finish(self) -> Result<Vec<ast::Span>, ()> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), ()> {
        if let Ast::Dot(span) = ast {
            self.0.push(**span);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_takes_a_whole_character() {
        let cases = [
            ("^W.rter$", "Wörter", true),
            ("^W...rter$", "Wörter", false),
            ("^.{3}$", "äöü", true),
            ("(?i)^w.RTER$", "Wörter", true),
            (r"^\.\[.\]$", ".[ß]", true),
            (r"^[.].$", ".ß", true),
            (r"\bmia\b", "user=mia", true),
            ("(?x) a . c # .", "aßc", true),
            // As they stand.
            (r"^[^\x80-\xff]+$", "Wörter", false),
            (r"user[^\S]+mia", "userömia", false),
            (r"^[^\W]+$", "ö", false),
        ];
        for (pattern, text, is_match) in cases {
            let pattern = of(pattern).unwrap();
            assert_eq!(
                pattern.is_match(text.as_bytes()),
                is_match,
                "{pattern} {text}"
            );
        }
        for pattern in ["^a.*b$", "^a.{2}b$"] {
            assert!(of(pattern).unwrap().is_match(b"a\xff\xffb"), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_grows_too_large_is_read_as_it_stands() {
        let pattern = of("^(?:.{0,250}){1,16}zz$").unwrap();
        assert!(!pattern.as_str().contains("?u"), "{pattern}");
        assert!(pattern.is_match(b"azz"));
    }

    #[test]
    fn an_error_is_about_what_was_written() {
        let error = of("a.(").unwrap_err().to_string();
        assert!(error.contains("a.(") && !error.contains("?u"), "{error}");
    }
}
