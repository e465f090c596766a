//! The names to the left of a value, as far as they may belong to it.

use std::ops::Range;

/// So many names to the left of a value may belong to it.
const MOST_NAMES: usize = 5;
/// So many signs may stand between two names, or a name and its value.
const MOST_GLUE: usize = 40;
const LONGEST_NAME: usize = 80;

/// The names to the left of a value, the nearest first, as capitals with underscores; empty where
/// no separator stands between.
///
/// `{"name": "X", "value": "…"}` has its name in a pair of its own; further than into that pair
/// nothing is looked for, nor behind a pair whose value is empty or masked.
pub(super) fn names_before(line: &[u8], value: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut end = value;
    let mut is_in_another_pair = false;
    // The fallback of a shell's `${NAME:-value}`.
    if line[..end].ends_with(b":-") {
        end -= 1;
    }
    while names.len() < MOST_NAMES {
        let glue = line[..end]
            .iter()
            .rev()
            .take(MOST_GLUE)
            .take_while(|byte| is_glue(**byte))
            .count();
        let between = &line[end - glue..end];
        let assigns = between.iter().any(|byte| b":=".contains(byte));
        if glue == 0 || is_in_another_pair && assigns || ends_something(between) {
            break;
        }
        is_in_another_pair |= between.contains(&b',');
        end -= glue;
        let length = line[..end]
            .iter()
            .rev()
            .take(LONGEST_NAME)
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte))
            .count();
        if length == 0 {
            break;
        }
        let mut start = end - length;
        let next = start;
        if start > 0 && line[start - 1] == b'\\' && b"nrt".contains(&line[start]) {
            start += 1;
        }
        names.push(screaming(&line[start..end]));
        end = next;
    }
    names
}

fn is_glue(byte: u8) -> bool {
    b" \t\r\n\"'`\\=:>,?<([{|/;&*#@%!]})$".contains(&byte)
}

/// Whether what stands left of these signs ends in them: a statement, a call, a pair with its value.
fn ends_something(glue: &[u8]) -> bool {
    let is_open = |at: usize| {
        let after = &glue[at + 1..];
        let signs = after
            .iter()
            .take_while(|byte| b" \t\"'`!]})".contains(byte))
            .count();
        let after = &after[signs..];
        [b"=".as_slice(), b":", b"||", b"??"]
            .iter()
            .any(|sign| after.starts_with(sign))
    };
    glue.iter().enumerate().any(|(at, byte)| match byte {
        // Between columns of a table it stands alone.
        b';' => glue.len() > 1,
        b')' | b']' | b'}' => !is_open(at),
        b':' | b'=' => is_pair(&glue[at + 1..]),
        _ => false,
    })
}

/// Whether a value stands behind the sign, and another one is meant: `: "", ` and `="***" `.
fn is_pair(after: &[u8]) -> bool {
    if after.contains(&b',') {
        return true;
    }
    let after = after.trim_ascii_start();
    let Some((quote @ (b'"' | b'\'' | b'`'), rest)) = after.split_first() else {
        return false;
    };
    let masks = rest.iter().take_while(|byte| **byte == b'*').count();
    match rest[masks..].split_first() {
        // Three quotes open a long text.
        Some((close, behind)) => close == quote && behind.first() != Some(quote),
        None => false,
    }
}

/// Whether the word is the name of what follows: `port2 = 8080`, and no value.
pub(super) fn is_name_itself(line: &[u8], word: &Range<usize>) -> bool {
    let before = word.start.checked_sub(1).map(|at| line[at]);
    if before.is_some_and(|byte| b"=\"'`".contains(&byte)) {
        return false;
    }
    let after = &line[word.end..];
    let signs = after.iter().take_while(|byte| **byte == b'=').count();
    if signs == 0 {
        let blanks = after.iter().take_while(|byte| **byte == b' ').count();
        return after.get(blanks) == Some(&b'=');
    }
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`\\,;)]}<&|%".contains(byte);
    let is_padding =
        signs <= 2 && (word.len() + signs).is_multiple_of(4) && after.get(signs).is_none_or(is_end);
    !is_padding
}

/// `apiKey`, `api-key` and `api.key` as `API_KEY`.
fn screaming(name: &[u8]) -> String {
    let mut screaming = String::with_capacity(name.len() + 4);
    for (at, byte) in name.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| name[before]);
        let begins_a_word = byte.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_uppercase()
                        && name.get(at + 1).is_some_and(u8::is_ascii_lowercase)
            });
        if begins_a_word {
            screaming.push('_');
        }
        match byte {
            b'-' | b'.' => screaming.push('_'),
            other => screaming.push(other.to_ascii_uppercase() as char),
        }
    }
    screaming.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Vec<String> {
        let at = line.find("VALUE").unwrap();
        names_before(line.as_bytes(), at)
    }

    #[test]
    fn names_reach_a_value_through_signs_and_its_own_pair() {
        for line in [
            "MY_KEY=VALUE",
            r#"{"key":"MY_KEY","value":"VALUE"}"#,
            r#"{name: "MY_KEY", value: "VALUE"}"#,
            "- name: MY_KEY\n  value: VALUE",
            r#"os.environ["MY_KEY"] = "VALUE""#,
            r#"getenv("MY_KEY") ?? "VALUE""#,
            r#"getenv('MY_KEY') || 'VALUE'"#,
            r#"setdefault("MY_KEY", "VALUE")"#,
            r#"const char MY_KEY[] = "VALUE""#,
            r#"MY_KEY = """VALUE"#,
            r#"<add key="MY_KEY" value="VALUE"/>"#,
            "**MY_KEY:** VALUE",
        ] {
            let is_there = names(line).iter().any(|name| name == "MY_KEY");
            assert!(is_there, "{line}");
        }
    }

    #[test]
    fn names_of_other_pairs_and_statements_are_none_of_a_value() {
        for line in [
            r#"{"my_key": "***", "name": "VALUE"}"#,
            r#"{"my_key": "", "name": "VALUE"}"#,
            r#"{"my_key": "none", "name": "VALUE"}"#,
            r#"{"my_key":"***","VALUE":1}"#,
            r#"<input id="my_key" value="" name="VALUE">"#,
            r#"const x = getEnv("MY_KEY"); VALUE = true;"#,
            "f(process.env.MY_KEY)},VALUE",
            r#"const x = getEnv("MY_KEY"), VALUE=65535;"#,
        ] {
            let is_there = names(line).iter().any(|name| name.ends_with("MY_KEY"));
            assert!(!is_there, "{line}");
        }
    }

    #[test]
    fn a_word_before_an_equals_sign_is_a_name_and_padding_is_none() {
        for (line, expected) in [
            ("port2abc = 1", true),
            ("port2abc=1", true),
            ("port2abc=>1", true),
            ("port2a==", false),
            ("port2ab= x", false),
            ("port2abc= x", true),
            ("\"port2abc\" = 1", false),
            ("=port2abc=1", false),
            ("port2abc", false),
        ] {
            let start = line.find("port").unwrap();
            let end = start
                + line[start..]
                    .bytes()
                    .take_while(u8::is_ascii_alphanumeric)
                    .count();
            let is_name = is_name_itself(line.as_bytes(), &(start..end));
            assert_eq!(is_name, expected, "{line}");
        }
    }
}
