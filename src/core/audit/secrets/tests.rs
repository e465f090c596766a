//! What is found of secrets, however it is written.

use super::*;
use crate::state::StateDir;
use crate::world::World;

#[test]
fn every_spelling_of_a_secret_becomes_one_fingerprint_and_placeholders_stay() {
    let base = tempfile::tempdir().unwrap();
    let world = World::real();
    let fingerprints = StateDir::locate(Some(base.path()), &world)
        .unwrap()
        .fingerprints()
        .unwrap();
    let file = EnvFile::parse("WEB_API_KEY='q8/Zr+\"41xYwT'\nAPI_TOKEN=changeme\nPORT=18789123\n");
    let secrets = EnvSecrets::of(&file, &fingerprints);
    let shown = fingerprints.of(b"q8/Zr+\"41xYwT");
    for spelling in [
        "q8/Zr+\"41xYwT",
        "q8/Zr+\\\"41xYwT",
        "q8\\/Zr+\\\"41xYwT",
        "q8%2FZr%2B%2241xYwT",
        "q8%2fZr%2b%2241xYwT",
    ] {
        let line = format!("key={spelling}; changeme 18789123");
        let expected = format!("key={shown}; changeme 18789123");
        assert_eq!(
            secrets.replace(line.as_bytes()),
            expected.as_bytes(),
            "{spelling}"
        );
    }
}

/// The one find in a text, and the text around it.
fn only_find<'t>(searcher: &Searcher, text: &'t str) -> Option<&'t str> {
    let found = searcher.find(text.as_bytes());
    let [one] = found.as_slice() else { return None };
    text.get(one.range.clone())
}

#[test]
fn every_usual_writer_of_json_is_read() {
    for (value, written) in [
        // Python and PHP, Go, Gson, .NET, nginx, a container engine.
        (r"Grün/weg", r"Gr\u00fcn/weg"),
        (r"Grün/weg", r"Gr\u00fcn\/weg"),
        ("key😀x/12", r"key\ud83d\ude00x\/12"),
        ("a<b&c>d'=", r"a\u003cb\u0026c\u003ed'="),
        ("a<b&c>d'=", r"a\u003Cb&c>d'="),
        ("a<b&c>d'=", r"a\u003cb\u0026c\u003ed\u0027\u003d"),
        ("a\"b+ü\\c1", r"a\u0022b\u002B\u00FC\\c1"),
        ("a\"b+ü\\c1", r"a\x22b+\xC3\xBC\x5Cc1"),
        (
            "q8Zr4xYw",
            r"\u0071\u0038\u005A\u0072\u0034\u0078\u0059\u0077",
        ),
        // JSON in a record of Docker or the journal, and in one more.
        ("a\"b\\cde12", r#"a\\\"b\\\\cde12"#),
        ("tr0ub4dor&3-horse", r"tr0ub4dor\\u00263-horse"),
        ("tr0ub4dor&3-horse", r"tr0ub4dor\\\\u00263-horse"),
        ("Zx9/kQ+4", r"Zx9\\/kQ+4"),
        ("a\"b&c1234", r#"a\\\"b\u0026c1234"#),
        // A key of several lines in one.
        ("first\nsecond", r"first\nsecond"),
        // An address in JSON.
        ("a/b&c+123", r"a%2Fb\u0026c%2b123"),
    ] {
        let searcher = Searcher::new(&spellings(value.as_bytes())).unwrap();
        for (before, after) in [("", ""), (r#"{"msg":"\u0041 \" "#, r#" \n C:\ \u00"}"#)] {
            let text = format!("{before}{written}{after}");
            assert_eq!(only_find(&searcher, &text), Some(written), "{text}");
        }
        assert!(written.len() <= searcher.longest());
    }
}

#[test]
fn a_secret_that_the_end_cuts_off_is_found_by_its_beginning() {
    let searcher = Searcher::new(&spellings(b"Zx9kQ2m/b7TnR4s1LpWq")).unwrap();
    for (text, expected) in [
        ("tok Zx9kQ2m/b7TnR4s1LpW", Some("Zx9kQ2m/b7TnR4s1LpW")),
        ("tok Zx9kQ2m/", Some("Zx9kQ2m/")),
        ("tok Zx9kQ2m", None),
        ("Zx9kQ2m/b7Tn ", None),
        (r#"{"msg":"tok Zx9kQ2m\/b7"#, Some(r"Zx9kQ2m\/b7")),
        (
            r#"{"log":"{\"msg\":\"tok Zx9kQ2m\\/b7"#,
            Some(r"Zx9kQ2m\\/b7"),
        ),
        ("/?key=Zx9kQ2m%2Fb7TnR", Some("Zx9kQ2m%2Fb7TnR")),
    ] {
        let found = searcher.find_cut_off(text.as_bytes());
        let found = found.and_then(|found| text.get(found.range));
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn the_end_of_a_line_without_one_holds_no_part_of_a_secret() {
    let base = tempfile::tempdir().unwrap();
    let world = World::real();
    let state = StateDir::locate(Some(base.path()), &world).unwrap();
    let fingerprints = state.fingerprints().unwrap();
    let file = EnvFile::parse("WEB_API_KEY=Zx9kQ2mVb7TnR4s1LpWq8YdHf0aBcDeFgH123456\n");
    let secrets = EnvSecrets::of(&file, &fingerprints);
    let shown = fingerprints.of(b"Zx9kQ2mVb7TnR4s1LpWq8YdHf0aBcDeFgH123456");
    let cleaned = secrets.replace(b"tok Zx9kQ2mVb7TnR4s1LpWq8YdHf0aBcDeFgH");
    assert_eq!(*cleaned, *format!("tok {shown}").as_bytes());
    // A complete line says what it says.
    assert_eq!(*secrets.replace(b"tok Zx9kQ2mVb7\n"), *b"tok Zx9kQ2mVb7\n");
}

#[test]
fn any_of_a_value_s_characters_may_be_percent_encoded_in_either_case() {
    for (value, written) in [
        // encodeURIComponent, encodeURI and URLSearchParams.
        ("a/b!(c)'*~", "a%2Fb!(c)'*~"),
        ("a/b ü#", "a/b%20%C3%BC#"),
        ("a/b c!~*", "a%2Fb+c%21%7E*"),
        ("a/b c!~*", "a%2fb+c%21%7e*"),
        // Python's quote, and one digit of each case.
        ("x7/Jm2Qp+T0vLw9sZc4=", "x7/Jm2Qp%2BT0vLw9sZc4%3D"),
        ("x7/Jm2Qp+T0vLw9sZc4=", "%787/Jm2Qp%2bT0vLw9sZc4%3d"),
        ("a/b+c=d", r"a\/b%2Bc%3dd"),
        ("100%25+b", "100%25+b"),
        ("100%25+b", "100%2525+b"),
        // An address in an address.
        ("a/b+c=d9", "a%252Fb%252Bc=d9"),
    ] {
        let searcher = Searcher::new(&spellings(value.as_bytes())).unwrap();
        for (before, after) in [("", ""), ("k=", "&x=1"), ("%41 ", "%4"), ("% ", "%zz%41")] {
            let text = format!("{before}{written}{after}");
            let found: Vec<_> = searcher.find(text.as_bytes());
            let expected = before.len()..before.len() + written.len();
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].range, expected, "{text}");
        }
        assert!(written.len() <= searcher.longest());
    }
    let searcher = Searcher::new(&spellings(b"a/b+c=d")).unwrap();
    for text in ["a%2Gb+c=d", "a%2", "%", "a%2Fb%2Bc%3", "%%%%%%"] {
        assert_eq!(searcher.find(text.as_bytes()), [], "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn an_encoded_value_is_found_wherever_it_stands(
        value in "[ -~ü]{8,30}",
        which in proptest::collection::vec(0..3u8, 64),
        before in "[a-z%0-9]{0,9}",
    ) {
        let encode = |(byte, how): (u8, &u8)| match how {
            0 => vec![byte],
            1 => format!("%{byte:02x}").into_bytes(),
            _ => format!("%{byte:02X}").into_bytes(),
        };
        let written: Vec<u8> = value.bytes().zip(which.iter().cycle()).flat_map(encode).collect();
        let text = [before.as_bytes(), b" ", &written, b" "].concat();
        let searcher = Searcher::new(&spellings(value.as_bytes())).unwrap();
        let holds_it = searcher.find(&text).into_iter().any(|found| {
            found.range.start <= before.len() + 1 && found.range.end >= text.len() - 1
        });
        // A value that itself holds what looks encoded may be read in another way.
        proptest::prop_assert!(holds_it || value.contains('%'));
    }
}

#[test]
fn weak_values_and_passwords_of_urls_are_secrets_and_placeholders_are_none() {
    let file = EnvFile::parse(
        "WEB_API_KEY=hunter2hunter2\nAPP_TOKEN=aaaaaaaa\nDB_PASS=Blub4711\nSHORT_TOKEN=abc4567\n\
         DATABASE_URL=postgres://mia:Sup3rGeheim@db/app\nAPI_SECRET=changeme\nMODE=production\n\
         ROOT_PASSWORD=secret123\nSMTP_PASSWORD=your-password-here\n",
    );
    let found: Vec<String> = secrets_of(&file)
        .iter()
        .map(|secret| String::from_utf8_lossy(secret.expose()).into_owned())
        .collect();
    assert_eq!(
        found,
        [
            "hunter2hunter2",
            "aaaaaaaa",
            "Blub4711",
            "Sup3rGeheim",
            "secret123"
        ]
    );
}
