//! An env file is kept byte for byte, one value changes alone, and what it was can be put back.

use openclaw_sec::env_file::EnvFile;
use openclaw_sec::secret::Secret;

use super::support::{CANARY, assert_silent, parts};

/// A file, and after a line of `%%` the value that is written into its last variable and into `K`.
pub fn run(data: &[u8]) {
    let [text, value] = parts(data);
    let file = EnvFile::parse(text);
    assert_eq!(file.bytes(), text);
    let mut end = 0;
    for one in file.assignments() {
        assert_eq!(&text[one.name_span.clone()], one.name.as_bytes());
        assert!(end <= one.name_span.start && one.name_span.end <= one.value_span.start);
        assert!(one.value_span.start <= one.value_span.end && one.value_span.end <= text.len());
        end = one.value_span.end;
        let written = one.written_span();
        assert_eq!(file.written(one).expose(), &text[written]);
        let _ = file.disagreements(one);
        assert!((1..=text.len() + 1).contains(&one.line));
    }
    let last = file.assignments().last().map(|one| one.name.clone());
    for name in last.iter().map(String::as_str).chain(["K"]) {
        edit(&file, name, value);
    }
}

fn edit(file: &EnvFile, name: &str, value: &[u8]) {
    let new = Secret::new([CANARY.as_bytes(), value].concat());
    let edited = match file.set(name, &new) {
        Ok(edited) => edited,
        Err(error) => return assert_silent(&error.to_string()),
    };
    assert_eq!(edited.get(name).map(|one| &one.value), Some(&new));
    assert_eq!(others(file, name), others(&edited, name));
    let again = EnvFile::parse(edited.bytes());
    assert_eq!(again.get(name).map(|one| &one.value), Some(&new));
    let Some(old) = file.get(name) else { return };
    let back = edited
        .put_back(name, &file.written(old))
        .expect("the way back is open");
    assert_eq!(back.get(name).map(|one| &one.value), Some(&old.value));
    assert_eq!(back.bytes(), file.bytes());
}

fn others(file: &EnvFile, name: &str) -> Vec<(String, Secret)> {
    // Of several definitions the last is changed.
    let place = file.assignments().iter().rposition(|one| one.name == name);
    let others = file.assignments().iter().enumerate();
    others
        .filter(|(at, _)| Some(*at) != place)
        .map(|(_, one)| (one.name.clone(), one.value.clone()))
        .collect()
}
