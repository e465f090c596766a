//! Walks one JSON object without recursion and without a tree: any nesting and any number is fine.

use std::borrow::Cow;

use super::fields::{Fields, Role, Slot, Slots, Value};
use super::key_order::{KeyOrder, Lead, Place};
use super::marks::Marks;

/// Objects inside objects that are looked into; no name in the table is deeper.
const DEEPEST: usize = 4;

/// Reads `text` as one JSON object, and what it says of the `wanted` slots into `fields`.
///
/// Where `fields` say afterwards that a name may be doubled, [`read_doubled`] is to read it again.
///
/// # Errors
/// Nothing but the fact that it is no JSON object.
pub fn read<'l>(
    text: &'l str,
    order: &mut KeyOrder,
    wanted: Slots,
    fields: &mut Fields<'l>,
) -> Result<(), NotJson> {
    let mut walker = Walker::over(text, wanted);
    walker.object(order, fields)
}

/// The same for an object whose names come twice: the last one counts, with all that it says.
///
/// # Errors
/// Nothing but the fact that it is no JSON object.
pub fn read_doubled<'l>(
    text: &'l str,
    wanted: Slots,
    fields: &mut Fields<'l>,
) -> Result<(), NotJson> {
    let mut walker = Walker::over(text, wanted);
    walker.blanks();
    walker.last_members("", 0, fields)
}

/// The text is no JSON object.
#[derive(Debug, PartialEq, Eq)]
pub struct NotJson;

struct Walker<'l> {
    text: &'l str,
    bytes: &'l [u8],
    marks: Marks<'l>,
    at: usize,
    wanted: Slots,
    /// The containers that were looked into.
    opened: u64,
}

impl<'l> Walker<'l> {
    #[inline]
    fn over(text: &'l str, wanted: Slots) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            marks: Marks::of(text.as_bytes()),
            at: 0,
            wanted,
            opened: 0,
        }
    }

    fn object(&mut self, order: &mut KeyOrder, fields: &mut Fields<'l>) -> Result<(), NotJson> {
        let mut place = Place::START;
        loop {
            place = if self.opened == 0 {
                self.known_members::<false>(place, order, fields)?
            } else {
                self.known_members::<true>(place, order, fields)?
            };
            match self.lead(place, order)? {
                Some(next) => place = next,
                None => break,
            }
            self.blanks();
            self.value(order.lead(place), fields)?;
        }
        self.blanks();
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    /// Reads members as long as their keys come in an order that is known, and returns the last.
    /// Only where an object was looked into, names are watched for coming twice.
    fn known_members<const IS_WATCHED: bool>(
        &mut self,
        mut place: Place,
        order: &KeyOrder,
        fields: &mut Fields<'l>,
    ) -> Result<Place, NotJson> {
        let (bytes, wanted) = (self.bytes, self.wanted);
        // Most members of most lines are read here, so that nothing is called for most of them.
        let mut at = self.at;
        while bytes.get(at) != Some(&b'}')
            && let Some((next, lead)) = order.follow(place, bytes, at)
        {
            place = next;
            at += lead.length();
            if IS_WATCHED {
                self.watch(&lead.role, fields);
            }
            if lead.ends_in_quote {
                let end = self.marks.next(at);
                if *bytes.get(end).ok_or(NotJson)? == b'"' {
                    if lead.role.slots.meet(wanted) {
                        fields.note_borrowed(&lead.role, &self.text[at..end]);
                    }
                    at = end + 1;
                    continue;
                }
                self.at = at;
                self.text(&lead.role, fields)?;
            } else {
                self.at = at;
                if let Some(digits) = self.digits() {
                    if lead.role.slots.meet(wanted) {
                        fields.note_digits(&lead.role, digits);
                    }
                } else {
                    self.blanks();
                    self.value(lead, fields)?;
                    if !IS_WATCHED && self.opened != 0 {
                        return Ok(place);
                    }
                }
            }
            at = self.at;
        }
        self.at = at;
        Ok(place)
    }

    /// A number of nothing but digits, which a comma or the object's end follows.
    #[inline]
    fn digits(&mut self) -> Option<&'l str> {
        let start = self.at;
        let mut end = start;
        while self.bytes.get(end)?.is_ascii_digit() {
            end += 1;
        }
        if end == start || !matches!(self.bytes[end], b',' | b'}') {
            return None;
        }
        self.at = end;
        Some(&self.text[start..end])
    }

    /// Reads up to the next value and has it remembered; nothing at the object's end.
    fn lead(&mut self, place: Place, order: &mut KeyOrder) -> Result<Option<Place>, NotJson> {
        let is_first = place == Place::START;
        let start = self.at;
        self.blanks();
        if is_first {
            self.expect(b'{')?;
            self.blanks();
        }
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(None);
        }
        if !is_first {
            self.expect(b',')?;
            self.blanks();
        }
        let key = self.string()?;
        self.blanks();
        self.expect(b':')?;
        let has_text = self.peek() == Some(b'"');
        let end = self.at + usize::from(has_text);
        Ok(Some(order.learn(place, &self.bytes[start..end], &key)))
    }

    /// The value behind a lead.
    fn value(&mut self, lead: &Lead, fields: &mut Fields<'l>) -> Result<(), NotJson> {
        self.watch(&lead.role, fields);
        if lead.role.is_container && self.peek() == Some(b'{') {
            self.opened |= lead.role.container;
            fields.note(&lead.role, Value::Nested);
            self.members(&lead.key, fields)
        } else {
            self.member(&lead.role, fields)
        }
    }

    /// The members of an object that is looked into, from its brace on.
    fn members(&mut self, key: &str, fields: &mut Fields<'l>) -> Result<(), NotJson> {
        let mut path = String::from(key);
        // Where the path of each open object ends.
        let mut lengths = [path.len(); DEEPEST];
        let mut depth = 1;
        let mut is_first = true;
        self.at += 1;
        while depth > 0 {
            let Some(key) = self.next_key(&mut is_first)? else {
                depth -= 1;
                continue;
            };
            path.truncate(lengths[depth - 1]);
            path.push('.');
            path.push_str(&key);
            let role = Role::of(&path);
            self.watch(&role, fields);
            if role.is_container && self.peek() == Some(b'{') && depth < DEEPEST - 1 {
                self.opened |= role.container;
                fields.note(&role, Value::Nested);
                lengths[depth] = path.len();
                depth += 1;
                self.at += 1;
                is_first = true;
            } else {
                self.member(&role, fields)?;
            }
        }
        Ok(())
    }

    /// The key of the next member, up to its value; nothing at the object's end.
    fn next_key(&mut self, is_first: &mut bool) -> Result<Option<Cow<'l, str>>, NotJson> {
        self.blanks();
        let was_first = std::mem::replace(is_first, false);
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(None);
        }
        if !was_first {
            self.expect(b',')?;
            self.blanks();
        }
        let key = self.string()?;
        self.blanks();
        self.expect(b':')?;
        self.blanks();
        Ok(Some(key))
    }

    /// Says so if what stands here was looked into before.
    #[inline]
    fn watch(&self, role: &Role, fields: &mut Fields<'l>) {
        fields.may_be_doubled |= self.opened & role.container != 0;
    }

    /// The last member of each name in an object, from its brace on.
    fn last_members(
        &mut self,
        parent: &str,
        depth: usize,
        fields: &mut Fields<'l>,
    ) -> Result<(), NotJson> {
        self.expect(b'{')?;
        // No more than there are names in the table.
        let mut last: Vec<(String, Role, usize)> = Vec::new();
        let mut is_first = true;
        while let Some(key) = self.next_key(&mut is_first)? {
            let start = self.at;
            self.member(&Role::default(), fields)?;
            let path = match depth {
                0 => key.into_owned(),
                _ => format!("{parent}.{key}"),
            };
            let role = Role::of(&path);
            match last.iter_mut().find(|(other, ..)| *other == path) {
                Some((.., at)) => *at = start,
                None if role == Role::default() => {}
                None => last.push((path, role, start)),
            }
        }
        let end = self.at;
        for (path, role, start) in last {
            self.at = start;
            if role.is_container && self.peek() == Some(b'{') && depth < DEEPEST - 1 {
                fields.note(&role, Value::Nested);
                self.last_members(&path, depth + 1, fields)?;
            } else {
                self.member(&role, fields)?;
            }
        }
        self.at = end;
        Ok(())
    }

    /// A value, noted if it is wanted.
    fn member(&mut self, role: &Role, fields: &mut Fields<'l>) -> Result<(), NotJson> {
        if self.peek() == Some(b'"') {
            self.at += 1;
            self.text(role, fields)
        } else {
            let is_wanted = role.slots.meet(self.wanted);
            self.odd_member(is_wanted.then_some(role), fields)
        }
    }

    /// A text behind its opening quote, noted if it is wanted.
    #[inline]
    fn text(&mut self, role: &Role, fields: &mut Fields<'l>) -> Result<(), NotJson> {
        let start = self.at;
        let end = self.string_end()?;
        if role.slots.meet(self.wanted) {
            let inside = &self.text[start..end.at];
            if end.has_escapes {
                fields.note(role, Value::Text(Cow::Owned(unescaped(inside))));
            } else {
                fields.note_borrowed(role, inside);
            }
        }
        Ok(())
    }

    /// A value that is no text.
    fn odd_member(&mut self, role: Option<&Role>, fields: &mut Fields<'l>) -> Result<(), NotJson> {
        match self.peek().ok_or(NotJson)? {
            b'{' | b'[' => {
                let value = match role {
                    Some(role) if role.slots.meet(Slots::LISTS) => {
                        let list = self.texts(role.slots.meet(Slots::of(&[Slot::Forwarded])))?;
                        list.map_or(Value::Nested, |list| Value::Text(Cow::Owned(list)))
                    }
                    Some(role) if role.may_be_bytes => {
                        let text = self.bytes_of_text()?;
                        text.map_or(Value::Nested, |text| Value::Text(Cow::Owned(text)))
                    }
                    _ => {
                        self.skip_nested()?;
                        Value::Nested
                    }
                };
                if let Some(role) = role {
                    fields.note(role, value);
                }
            }
            _ => {
                let word = self.bare_word()?;
                if let Some(role) = role {
                    let value = match word {
                        "true" => Value::Bool(true),
                        "false" => Value::Bool(false),
                        "null" => Value::Null,
                        digits => Value::Number(digits),
                    };
                    fields.note(role, value);
                }
            }
        }
        Ok(())
    }

    /// The texts of a list, with commas between them, or the last one: proxies add addresses at the end, and
    /// what stands before is the client's word. Nothing for what is no such list.
    fn texts(&mut self, all: bool) -> Result<Option<String>, NotJson> {
        let start = self.at;
        let mut texts = String::new();
        let mut is_first = true;
        if self.peek() == Some(b'[') {
            self.at += 1;
            self.blanks();
            while self.peek() == Some(b'"') {
                let text = self.string()?;
                if !all {
                    texts.clear();
                } else if !is_first {
                    texts.push(',');
                }
                texts.push_str(&text);
                is_first = false;
                self.blanks();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.blanks();
                    }
                    Some(b']') => {
                        self.at += 1;
                        return Ok(Some(texts));
                    }
                    _ => break,
                }
            }
        }
        self.at = start;
        self.skip_nested()?;
        Ok(None)
    }

    /// The text whose bytes a list of numbers gives. Nothing for what is no such list.
    fn bytes_of_text(&mut self) -> Result<Option<String>, NotJson> {
        let start = self.at;
        self.skip_nested()?;
        let list = &self.text[start..self.at];
        let numbers = list
            .strip_prefix('[')
            .and_then(|list| list.strip_suffix(']'));
        let bytes: Option<Vec<u8>> = numbers.and_then(|numbers| {
            let number = |number: &str| number.trim().parse().ok();
            numbers.split(',').map(number).collect()
        });
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotJson> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    /// A string from its opening quote on.
    fn string(&mut self) -> Result<Cow<'l, str>, NotJson> {
        self.expect(b'"')?;
        let start = self.at;
        let end = self.string_end()?;
        let inside = &self.text[start..end.at];
        Ok(if end.has_escapes {
            Cow::Owned(unescaped(inside))
        } else {
            Cow::Borrowed(inside)
        })
    }

    #[inline]
    fn string_end(&mut self) -> Result<StringEnd, NotJson> {
        let end = self.marks.next(self.at);
        if *self.bytes.get(end).ok_or(NotJson)? == b'"' {
            self.at = end + 1;
            return Ok(StringEnd {
                at: end,
                has_escapes: false,
            });
        }
        self.string_end_with_escapes()
    }

    fn string_end_with_escapes(&mut self) -> Result<StringEnd, NotJson> {
        let mut has_escapes = false;
        loop {
            self.at = self.marks.next(self.at);
            if self.peek().ok_or(NotJson)? == b'"' {
                self.at += 1;
                return Ok(StringEnd {
                    at: self.at - 1,
                    has_escapes,
                });
            }
            has_escapes = true;
            // The escaped character is ASCII in JSON; anything else is kept as it is.
            self.at += 2;
            if self.at > self.bytes.len() {
                return Err(NotJson);
            }
        }
    }

    fn bare_word(&mut self) -> Result<&'l str, NotJson> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.') {
                self.at += 1;
            } else {
                break;
            }
        }
        let word = &self.text[start..self.at];
        match word.as_bytes() {
            [] => Err(NotJson),
            [b'-' | b'0'..=b'9', ..] => Ok(word),
            _ if matches!(word, "true" | "false" | "null") => Ok(word),
            _ => Err(NotJson),
        }
    }

    /// Counts brackets, so that no nesting is too deep.
    fn skip_nested(&mut self) -> Result<(), NotJson> {
        let mut open = 0usize;
        loop {
            match self.peek().ok_or(NotJson)? {
                b'"' => {
                    self.at += 1;
                    self.string_end()?;
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Ok(());
            }
        }
    }
}

struct StringEnd {
    at: usize,
    has_escapes: bool,
}

/// The text behind JSON's escapes; half a surrogate pair is U+FFFD (Node writes such).
pub fn unescaped(inside: &str) -> String {
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(backslash) = rest.find('\\') {
        text.push_str(&rest[..backslash]);
        let mut after = rest[backslash + 1..].chars();
        match after.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('u') => {
                let (character, used) = code_point(after.as_str());
                text.push(character);
                rest = &after.as_str()[used..];
                continue;
            }
            Some(other) => text.push(other),
            None => {}
        }
        rest = after.as_str();
    }
    text.push_str(rest);
    text
}

/// The character whose digits begin `text`, and how many bytes they take.
fn code_point(text: &str) -> (char, usize) {
    let unit = |text: &str| {
        let digits = text.get(..4)?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(high) = unit(text) else {
        return ('\u{fffd}', 0);
    };
    if (0xd800..0xdc00).contains(&high)
        && let Some(low) = text[4..].strip_prefix("\\u").and_then(unit)
        && (0xdc00..0xe000).contains(&low)
    {
        let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or('\u{fffd}'), 10);
    }
    (char::from_u32(high).unwrap_or('\u{fffd}'), 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Option<Fields<'_>> {
        let mut fields = Fields::default();
        read(line, &mut KeyOrder::default(), Slots::ALL, &mut fields).ok()?;
        if fields.may_be_doubled {
            fields.clear();
            read_doubled(line, Slots::ALL, &mut fields).unwrap();
        }
        Some(fields)
    }

    #[test]
    fn objects_are_told_from_what_only_looks_like_one() {
        let cases = [
            (r#"{}"#, true),
            (r#" {"a":1} "#, true),
            (r#"{"a":1,"b":[{},[1,"]"]],"c":{"d":"}"}}"#, true),
            (r#"{"a":1"#, false),
            (r#"{"a":1} tail"#, false),
            (r#"{"a"}"#, false),
            (r#"{a:1}"#, false),
            (r#"{"a":nonsense}"#, false),
            (r#"{"a":"unfinished}"#, false),
            (r#"["a"]"#, false),
        ];
        for (line, expected) in cases {
            assert_eq!(fields(line).is_some(), expected, "{line}");
        }
    }

    #[test]
    fn the_first_name_in_the_table_wins_and_of_equal_keys_the_last() {
        let cases = [
            (r#"{"username":"late","user":"first"}"#, Some("first")),
            (r#"{"user":"one","user":"two"}"#, Some("two")),
            (r#"{"user":{"name":"nested"}}"#, Some("nested")),
            (r#"{"user.name":"literal"}"#, Some("literal")),
            (r#"{"user":null,"userId":42}"#, Some("42")),
            (r#"{"us\u0065r":"escaped key"}"#, Some("escaped key")),
            (r#"{"actor":{"user":{"name":"deep"}}}"#, Some("deep")),
            (r#"{"other":{"user":"elsewhere"}}"#, None),
            (r#"{"user":"-"}"#, None),
            (r#"{"user":"\ud800x"}"#, Some("\u{fffd}x")),
            (r#"{"user":"a","user":{"name":"b"}}"#, Some("b")),
            (r#"{"user":{"name":"b"},"user":"a"}"#, Some("a")),
            (r#"{"user":{"name":"b"},"user":null}"#, None),
            (
                r#"{"user":{"name":"b"},"user":null,"userId":"c"}"#,
                Some("c"),
            ),
            (r#"{"userId":"c","user":"a","user":null}"#, Some("c")),
            (r#"{"userId":"c","user":"a","user":["b"]}"#, Some("c")),
            (r#"{"user":{"name":"b"},"user":{"id":7}}"#, None),
            (r#"{"user":{"name":"b","name":"c","name":null}}"#, None),
            (
                r#"{"actor":{"user":{"name":"b"},"user":1},"sub":"c"}"#,
                Some("c"),
            ),
            (
                r#"{"actor":{"user":{"name":"b"}},"\u0061ctor":null,"sub":"c"}"#,
                Some("c"),
            ),
            (
                r#"{"actor":{"user":{"name":"b"}},"x":{"actor":0},"sub":"c"}"#,
                Some("b"),
            ),
            (r#"{"user":"\ud83d\ude00"}"#, Some("😀")),
        ];
        for (line, expected) in cases {
            let found = fields(line).expect(line).text(Slot::User);
            assert_eq!(found.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn of_a_list_of_proxies_all_are_read_and_of_addresses_the_last() {
        let cases = [
            (r#"{"xff":["a", "b"]}"#, Slot::Forwarded, Some("a,b")),
            (
                r#"{"xff":["a","\u0062"],"x":1}"#,
                Slot::Forwarded,
                Some("a,b"),
            ),
            (r#"{"xff":["a",1]}"#, Slot::Forwarded, None),
            (r#"{"xff":[]}"#, Slot::Forwarded, None),
            (r#"{"xff":{"a":["b"]}}"#, Slot::Forwarded, None),
            (r#"{"ip":["a","b"]}"#, Slot::Address, Some("b")),
            (r#"{"user":["a"]}"#, Slot::User, None),
        ];
        for (line, slot, expected) in cases {
            let found = fields(line).expect(line).text(slot);
            assert_eq!(found.as_deref(), expected, "{line}");
        }
        for line in [r#"{"xff":["a""#, r#"{"xff":["a"}"#, r#"{"xff":["a",}"#] {
            assert!(fields(line).is_none(), "{line}");
        }
    }

    #[test]
    fn twenty_thousand_brackets_are_no_reason_to_lose_a_line() {
        let deep = format!(
            "{{\"x\":{}{},\"user\":\"mia\"}}",
            "[".repeat(20_000),
            "]".repeat(20_000)
        );
        assert_eq!(fields(&deep).unwrap().text(Slot::User).unwrap(), "mia");
        let chain = format!(
            "{{\"user\":{}1{}}}",
            "{\"user\":".repeat(9000),
            "}".repeat(9000)
        );
        assert!(fields(&chain).is_some());
    }

    #[test]
    fn a_line_with_other_keys_than_the_one_before_is_read_right() {
        let mut order = KeyOrder::default();
        for (line, expected) in [
            (r#"{"user":"a","msg":"x"}"#, "a"),
            (r#"{"msg":"x","user":"b"}"#, "b"),
            (r#"{"msg":"x","user":"c","more":1}"#, "c"),
        ] {
            let mut fields = Fields::default();
            read(line, &mut order, Slots::ALL, &mut fields).unwrap();
            assert_eq!(fields.text(Slot::User).unwrap(), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_serde_reads_we_read(value in "\\PC{0,40}", number: i64, nested in "\\PC{0,10}") {
            let line = serde_json::json!({"n": number, "o": {"x": nested, "y": [1, {"z": null}]}, "user": value});
            let line = line.to_string();
            let fields = fields(&line).expect("serde wrote it");
            let expected = Some(value.as_str()).filter(|value| {
                !matches!(value.trim(), "" | "-" | "null")
            });
            let found = fields.text(Slot::User);
            proptest::prop_assert_eq!(found.as_deref(), expected);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}", braced in "[\\{\\}\\[\\]\",:\\\\u0-9a]{0,60}") {
            let _ = fields(&text);
            let braced = format!("{{{braced}");
            let _ = fields(&braced);
        }
    }
}
