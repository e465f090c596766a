//! Tests of changing one value: byte-exact tables, refusals, and properties.

use proptest::prelude::*;

use super::*;

fn set(text: impl AsRef<[u8]>, value: &str) -> Result<Vec<u8>, EditError> {
    let edited = EnvFile::parse(text.as_ref()).set("K", &Secret::new(value))?;
    Ok(edited.bytes().to_vec())
}

#[test]
fn one_value_changes_and_every_other_byte_stays() {
    let table: &[(&[u8], &[u8])] = &[
        (b"K=old\n", b"K=new\n"),
        (b"A=1\nK=old", b"A=1\nK=new"),
        (b"A=1\r\nK=old\r\nB=2\n", b"A=1\r\nK=new\r\nB=2\n"),
        (b"\xEF\xBB\xBFK=old\n", b"\xEF\xBB\xBFK=new\n"),
        (
            b"# caf\xE9\nK=old\nB=\xFF\0\n",
            b"# caf\xE9\nK=new\nB=\xFF\0\n",
        ),
        (
            b"  export  K = old   # note\n",
            b"  export  K = new   # note\n",
        ),
        (b"K=\"old\" # note\n", b"K=\"new\" # note\n"),
        (b"K='old'   \n", b"K='new'   \n"),
        (b"K=\"two\nA=1\nlines\"\nA=2\n", b"K=\"new\"\nA=2\n"),
        (
            b"A=\"x\nK=decoy\n\"\nK=old\n",
            b"A=\"x\nK=decoy\n\"\nK=new\n",
        ),
        (
            b"A='it\n\"K=decoy\n'\nK=old\n",
            b"A='it\n\"K=decoy\n'\nK=new\n",
        ),
        (
            b"A=\"say \\\"x\nK=decoy\n\"\nK=old\n",
            b"A=\"say \\\"x\nK=decoy\n\"\nK=new\n",
        ),
        (b"A=don't\nK=27\"\nB='x'\n", b"A=don't\nK=new\nB='x'\n"),
        (
            b"# K=old\nKK=old\nk=old\nXK=old\nK=old\n",
            b"# K=old\nKK=old\nk=old\nXK=old\nK=new\n",
        ),
        (b"K=old\nK=older\n", b"K=old\nK=new\n"),
        (
            b"A=x\xE2\x80\xA8y\x0C\nK=old\n",
            b"A=x\xE2\x80\xA8y\x0C\nK=new\n",
        ),
        (b"K=\n", b"K=new\n"),
        (b"K=   \n", b"K=new   \n"),
        (b"K = \n", b"K = new\n"),
        (b"K= # note\n", b"K=new # note\n"),
        (b"K =  # note\n", b"K = new # note\n"),
        (b"K = # note\n", b"K =new # note\n"),
        (b"K=\"\"\r\n", b"K=\"new\"\r\n"),
        (b"K='' # note", b"K='new' # note"),
        (b"", b"K=new\n"),
        (b"A=1\n", b"A=1\nK=new\n"),
        (b"A=1\r\n", b"A=1\r\nK=new\r\n"),
        (b"A=1\r\nB=2", b"A=1\r\nB=2\r\nK=new"),
        (b"A=1", b"A=1\nK=new"),
    ];
    for (text, expected) in table {
        let edited = set(text, "new").expect("every line here is clear");
        let (shown, edited) = (
            String::from_utf8_lossy(text),
            String::from_utf8_lossy(&edited),
        );
        assert_eq!(edited, String::from_utf8_lossy(expected), "{shown:?}");
    }
}

#[test]
fn lines_that_loaders_disagree_on_are_refused_with_the_reason() {
    use Ambiguity::*;
    let table = [
        ("K=\"old\n", 1, UnclosedQuote),
        ("A=\"x\nK=old\n", 1, UnclosedQuote),
        ("A=1\nB='x\n", 2, UnclosedQuote),
        ("K=\"a\" \"b\"\n", 1, UnclosedQuote),
        ("K='it\\'s'\n", 1, EscapedQuote),
        ("K=\"old\\\"\n", 1, EscapedQuote),
        ("K=old\\\nB=1\n", 1, Continued),
        ("# note\\\n", 1, Continued),
        ("K: old\n", 1, Colon),
        ("K=old#er\n", 1, HashWithoutBlank),
        ("K=#note\n", 1, HashWithoutBlank),
        ("K=old; export B=1\n", 1, Commands),
        ("export K=old; B=1 # c\n", 1, Commands),
        ("K=old;\n", 1, Commands),
        ("K=old;B=1\n", 1, Commands),
        ("K=old && run\n", 1, Commands),
        ("K=old B=1\n", 1, Commands),
        ("K=$(cat old)\n", 1, Commands),
        ("K=`cat old`\n", 1, Commands),
        ("K=\n\"old\"\n", 1, SeveralLines),
        ("A=1\nK\n=old\n", 2, SeveralLines),
        ("K=\u{a0}old\n", 1, InvisibleCharacter),
        ("# x\u{2028}K=old\n", 1, InvisibleCharacter),
    ];
    for (text, line, reason) in table {
        assert_eq!(
            set(text, "new"),
            Err(EditError::Ambiguous { line, reason }),
            "{text:?}"
        );
    }
}

#[test]
fn a_value_is_quoted_as_all_loaders_need_it() {
    let table = [
        ("K=old", "a+b/c=.:@,%-_~", "K=a+b/c=.:@,%-_~"),
        ("K=\"old\"", "ab:cd==", "K=\"ab:cd==\""),
        ("K=`old`", "abc", "K=`abc`"),
        ("K=old", "ab#cd", "K='ab#cd'"),
        ("K=\"old\"", "ab#cd", "K=\"ab#cd\""),
        ("K=\"old\"", "a$b", "K='a$b'"),
        ("K=old", "a\"b", "K='a\"b'"),
        ("K=old", "a'b", "K=\"a'b\""),
        ("K=old", "~/x", "K='~/x'"),
        ("K=old", "a b", "K='a b'"),
        ("", "a;b", "K='a;b'\n"),
    ];
    for (text, value, expected) in table {
        let edited = set(text, value).expect("there is a form for it");
        assert_eq!(String::from_utf8_lossy(&edited), expected, "{value:?}");
    }
}

#[test]
fn what_only_looks_like_a_command_is_replaced_as_a_whole() {
    for old in [
        "a;b",
        "<your key here>",
        "change me",
        "$OTHER",
        "don't",
        "\"a; B=1\"",
        "'a B=1'",
    ] {
        let edited = set(format!("K={old}\n"), "new").expect(old);
        assert!(
            !edited
                .windows(3)
                .any(|part| part == b"B=1" || part == b"her")
        );
    }
}

#[test]
fn a_value_that_no_quotes_keep_is_refused_without_showing_it() {
    for value in [
        "a${b}", "a'b$c", "a'b\"c", "abc\\", "a\\\\b'", "a\rb", "a\0b",
    ] {
        let refused = set("K=old", value);
        let Err(EditError::Unquotable { .. }) = &refused else {
            panic!("{value:?}: {refused:?}")
        };
        assert!(!refused.expect_err("refused").to_string().contains(value));
    }
}

#[test]
fn a_new_variable_that_another_line_would_swallow_is_refused() {
    let file = EnvFile::parse("A:\n");
    assert_eq!(
        set("A:\n", "new"),
        Err(EditError::SideEffect("K".to_owned()))
    );
    let refused = file.set("1 K", &Secret::new("new"));
    assert!(
        matches!(refused, Err(EditError::InvalidName(_))),
        "{refused:?}"
    );
}

#[test]
fn the_old_value_can_be_put_back_whatever_it_looked_like() {
    for text in [
        "K=a$b'c # note\n",
        "K='x y'\n",
        "K=\n",
        "K=`x`\r\n",
        "A=1\nK=\"a\nb\" # c\n",
    ] {
        let file = EnvFile::parse(text);
        let written = file.written(file.get("K").expect("each sets K"));
        let edited = file
            .set("K", &Secret::new("new$value"))
            .expect("clear lines");
        let restored = edited.put_back("K", &written).expect("put back");
        assert_eq!(restored.bytes(), text.as_bytes());
    }
}

#[test]
fn a_value_that_stands_there_already_changes_no_byte() {
    assert_eq!(set("K=a#b", "a"), Ok(b"K=a#b".to_vec()));
}

fn file_with_neighbours() -> impl Strategy<Value = String> {
    const LINES: &[&str] = &[
        "",
        "# comment",
        "# K=decoy",
        "A=1",
        "B = two words # c",
        "export C='x'",
        "D=\"a\nK=decoy\nb\"",
        "E=don't",
        "KK=3",
        "k=4",
        "garbage",
        "F=`b`",
        "G=",
        "\tH=5",
        "I=\u{e9}\u{2028}",
    ];
    const OWN: &[&str] = &[
        "",
        "K=old",
        "export K = old # c",
        "K=\"old\"",
        "K='old'  ",
        "K=",
        "K=`x`",
        "K=\"\"",
    ];
    let line = || prop::collection::vec(prop::sample::select(LINES), 0..6);
    (
        line(),
        prop::sample::select(OWN),
        line(),
        prop::sample::select(&["\n", "\r\n"][..]),
        any::<bool>(),
    )
        .prop_map(|(before, own, after, line_end, is_ended)| {
            let lines: Vec<_> = before.into_iter().chain([own]).chain(after).collect();
            lines.join(line_end) + if is_ended { line_end } else { "" }
        })
}

proptest! {
    #[test]
    fn after_an_edit_the_name_has_the_value_and_the_rest_is_unchanged(
        text in file_with_neighbours(),
        value in "[!-~]{1,40}",
    ) {
        let file = EnvFile::parse(text.as_bytes());
        let Ok(edited) = file.set("K", &Secret::new(value.as_bytes())) else { return Ok(()) };
        prop_assert_eq!(edited.get("K").map(|found| found.value.expose()), Some(value.as_bytes()));
        let (old, new) = (file.bytes(), edited.bytes());
        let place = file.get("K").map_or(old.len()..old.len(), Assignment::written_span);
        let after = file.get("K").map_or(0, |found| old.len() - found.written_span().end);
        prop_assert!(new.starts_with(&old[..place.start.min(old.len() - after)]));
        prop_assert!(new.ends_with(&old[old.len() - after..]));
    }

    #[test]
    fn an_edit_of_any_bytes_never_panics_and_never_touches_another_variable(
        bytes in prop::collection::vec(prop::sample::select(b"K=A'\"`#\\ \n\r:vexport\xE2\x80\xA8".as_slice()), 0..40),
    ) {
        let file = EnvFile::parse(bytes);
        if let Ok(edited) = file.set("K", &Secret::new("new")) {
            let others = |file: &EnvFile| -> Vec<_> {
                file.assignments().iter().filter(|one| one.name != "K")
                    .map(|one| (one.name.clone(), one.value.expose().to_vec())).collect()
            };
            prop_assert_eq!(others(&file), others(&edited));
        }
    }
}
