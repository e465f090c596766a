//! Regular expressions of `--grep`.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ast::{self, Ast, ClassBracketed, Visitor};

/// A regular expression over bytes. Classes such as `\w` and case are those of ASCII, since the tables
/// for all of Unicode would weigh on every start; `.` and `[^x]` take whole characters, and the bytes of
/// a line that are no text.
///
/// # Errors
/// When the text is no regular expression.
pub fn of(text: &str) -> Result<Regex, regex::Error> {
    let build = |text: &str| RegexBuilder::new(text).unicode(false).build();
    match in_characters(text).map(|text| build(&text)) {
        Some(Ok(pattern)) => Ok(pattern),
        // Its error is about what was written.
        _ => build(text),
    }
}

/// The same with marks around what takes any character but some.
fn in_characters(text: &str) -> Option<String> {
    let ast = ast::parse::Parser::new().parse(text).ok()?;
    let spans = ast::visit(&ast, Wide(Vec::new())).ok()?;
    let mut marked = String::with_capacity(text.len() + 20 * spans.len());
    let mut end = 0;
    for span in spans {
        let (start, behind) = (span.start.offset, span.end.offset);
        marked.push_str(text.get(end..start)?);
        marked.push_str("(?:(?u:");
        marked.push_str(text.get(start..behind)?);
        marked.push_str(r")|[\x80-\xff])");
        end = behind;
    }
    marked.push_str(text.get(end..)?);
    Some(marked)
}

/// Where dots and negated classes stand, from left to right.
struct Wide(Vec<ast::Span>);

impl Visitor for Wide {
    type Output = Vec<ast::Span>;
    type Err = ();

    fn finish(self) -> Result<Vec<ast::Span>, ()> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), ()> {
        match ast {
            Ast::Dot(span) => self.0.push(**span),
            Ast::ClassBracketed(class) => {
                let ClassBracketed { span, negated, .. } = **class;
                if negated {
                    self.0.push(span);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_and_a_negated_class_take_a_whole_character() {
        let cases = [
            ("^W.rter$", "Wörter", true),
            ("^W...rter$", "Wörter", false),
            ("^W[^a]rter$", "Wörter", true),
            ("^.{3}$", "äöü", true),
            ("(?i)^w.RTER$", "Wörter", true),
            ("(?i)^w[^a]RTER$", "Wörter", true),
            (r"^\.\[.\]$", ".[ß]", true),
            (r"^[.][^.]$", ".ß", true),
            (r"\bmia\b", "user=mia", true),
            ("(?x) a . c # .", "aßc", true),
        ];
        for (pattern, text, is_match) in cases {
            let pattern = of(pattern).unwrap();
            assert_eq!(
                pattern.is_match(text.as_bytes()),
                is_match,
                "{pattern} {text}"
            );
        }
        for pattern in ["^a.*b$", "^a.{2}b$", "^a[^b]+b$"] {
            assert!(of(pattern).unwrap().is_match(b"a\xff\xffb"), "{pattern}");
        }
    }

    #[test]
    fn an_error_is_about_what_was_written() {
        let error = of("a.(").unwrap_err().to_string();
        assert!(error.contains("a.(") && !error.contains("?u"), "{error}");
    }
}
