//! Foreign text inside XML and HTML stays text.

use std::fmt::Write as _;

use openclaw_sec::foreign_text::harmless;

/// Text for an element or an attribute in quotes. Control characters and what XML 1.0 or HTML
/// forbid become visible escapes.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for character in harmless(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            character if is_no_character(character) => {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
            }
            plain => safe.push(plain),
        }
    }
    safe
}

/// Unicode's noncharacters: U+FDD0 to U+FDEF and the last two of each plane.
fn is_no_character(character: char) -> bool {
    let number = u32::from(character);
    (0xfdd0..=0xfdef).contains(&number) || number & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_text() {
        let cases = [
            ("plain – ünïcode ✓", "plain – ünïcode ✓"),
            ("]]><b>&\"'", "]]&gt;&lt;b&gt;&amp;&quot;&#39;"),
            ("\x1b[31m\n\u{202e}", "\\u{1b}[31m\\n\\u{202e}"),
            ("\u{ffff}\u{1fffe}\u{fdd0}", "\\u{ffff}\\u{1fffe}\\u{fdd0}"),
        ];
        for (text, expected) in cases {
            assert_eq!(escaped(text), expected);
        }
    }
}
