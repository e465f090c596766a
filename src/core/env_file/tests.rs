//! Tests of reading: tables of lines, and properties over arbitrary bytes.

mod edit;

use proptest::prelude::*;

use super::*;

/// Name and value pairs, as Node hands them out.
fn read(text: impl AsRef<[u8]>) -> Vec<(String, Vec<u8>)> {
    EnvFile::parse(text.as_ref())
        .assignments()
        .iter()
        .map(|assignment| (assignment.name.clone(), assignment.value.expose().to_vec()))
        .collect()
}

fn pair(name: &str, value: &[u8]) -> (String, Vec<u8>) {
    (name.to_owned(), value.to_vec())
}

#[test]
fn one_line_is_read_as_node_reads_it() {
    let table: &[(&[u8], &[u8])] = &[
        (b"K=60000 # 1 minute", b"60000"),
        (b"K=abc#def", b"abc"),
        (b"K=#abc", b""),
        (b"K=", b""),
        (b"K=   ", b""),
        (b"K=\"a # b\" # c", b"a # b"),
        (b"export K=v", b"v"),
        (b"export\tK = v", b"v"),
        (b"K = v", b"v"),
        (b"K: v", b"v"),
        (b"K=\"a\nb\"", b"a\nb"),
        (b"K=\"a\\nb\"", b"a\nb"),
        (b"K='a\\nb'", b"a\\nb"),
        (b"K=\"a\\\"b\"", b"a\\\"b"),
        (b"K=\"abc", b"\"abc"),
        (b"K=don't", b"don't"),
        (b"K=\"a\" b \"c\"", b"a\" b \"c"),
        (b"K=`a`", b"a"),
        (b"\xEF\xBB\xBFK=v", b"v"),
        (b"K=v\r\n", b"v"),
        (b"K=v\r", b"v"),
        (b"K=${B} $B", b"${B} $B"),
        (b"K=\n\"abc\"", b"abc"),
        (b"K\n=v", b"v"),
        (b"K:\nB=2", b"B=2"),
        (b"K=caf\xE9", b"caf\xE9"),
        (b"K=a\0b", b"a\0b"),
        (b"K=\xC2\xA0v\xC2\xA0", b"v"),
        (b"\xC2\xA0 K=v", b"v"),
    ];
    for (text, value) in table {
        let shown = String::from_utf8_lossy(text);
        assert_eq!(read(text), [pair("K", value)], "{shown:?}");
    }
}

#[test]
fn what_is_no_assignment_is_passed_over() {
    for text in [
        "", "\n\n", "# K=v", "K", "K v", "=v", "1", "K:v", "\u{FEFF}", "\0", "export", "export K",
    ] {
        assert_eq!(read(text), [], "{text:?}");
    }
}

#[test]
fn a_decoy_in_a_quoted_value_or_a_comment_is_no_variable() {
    let text = "A='x\nB=1\n' # C=2\n# D=3\nE=4";
    assert_eq!(read(text), [pair("A", b"x\nB=1\n"), pair("E", b"4")]);
}

#[test]
fn the_last_of_two_wins_and_case_matters() {
    let file = EnvFile::parse("A=1\na=2\nA=3\n");
    assert_eq!(
        file.get("A").map(|found| found.value.expose()),
        Some(b"3".as_slice())
    );
    assert_eq!(
        file.get("a").map(|found| found.value.expose()),
        Some(b"2".as_slice())
    );
    assert!(file.get("B").is_none());
}

#[test]
fn positions_are_counted_in_the_raw_file() {
    let table = [
        ("A=1\nB=2", (2, 1)),
        ("A=1\r\n\r\n  export B=2", (3, 10)),
        ("A='1\n2\n'\nB=3", (4, 1)),
        ("A=1\rB=2", (2, 1)),
        ("A=1\rC=2\nB=3", (2, 1)),
        ("\u{FEFF}B=1", (1, 1)),
        ("# \u{E9}\u{2028}B=1", (1, 5)),
    ];
    for (text, expected) in table {
        let file = EnvFile::parse(text);
        let found = file.get("B").map(|found| (found.line, found.column));
        assert_eq!(found, Some(expected), "{text:?}");
    }
}

#[test]
fn spans_point_at_name_value_and_comment() {
    let table = [
        ("export K = v w  # c\n", "K", "v w", Some("# c")),
        ("K=\"v\" # c", "K", "v", Some("# c")),
        ("K=v\n# c", "K", "v", None),
        ("K='v'\n\n# c", "K", "v", None),
        ("K=v#c", "K", "v", Some("#c")),
    ];
    for (text, name, value, comment) in table {
        let file = EnvFile::parse(text);
        let found = file.get("K").expect("each line sets K");
        assert_eq!(&text[found.name_span.clone()], name);
        assert_eq!(&text[found.value_span.clone()], value);
        assert_eq!(found.comment_span.clone().map(|span| &text[span]), comment);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_kept_and_every_span_lies_inside(bytes: Vec<u8>) {
        let file = EnvFile::parse(bytes.clone());
        prop_assert_eq!(file.bytes(), bytes.as_slice());
        for assignment in file.assignments() {
            prop_assert_eq!(&bytes[assignment.name_span.clone()], assignment.name.as_bytes());
            prop_assert!(assignment.value_span.end <= bytes.len());
        }
    }

    #[test]
    fn of_each_name_the_last_assignment_counts(names in proptest::collection::vec("[AB]{1,2}", 0..20)) {
        let lines = names.iter().enumerate();
        let text: String = lines.map(|(number, name)| format!("{name}=v{number}\n")).collect();
        let file = EnvFile::parse(text);
        for (place, name) in names.iter().enumerate() {
            let last = names.iter().rposition(|other| other == name);
            prop_assert_eq!(file.counts(place), last == Some(place));
            let value = file.get(name).map(|found| found.value.expose().to_vec());
            prop_assert_eq!(value, last.map(|last| format!("v{last}").into_bytes()));
        }
        prop_assert!(file.get("C").is_none());
    }
}
