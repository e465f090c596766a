//! A rotation's journal is read or refused, and says the same when it is written again.

use openclaw_sec::rotate::{Event, status, unfinished};

use super::support::{clear, file, state};

/// A journal; `@ENV@` stands for the env file it is about.
pub fn run(data: &[u8]) {
    let env = file("journal.env", b"OPENAI_API_KEY=x\n");
    let text = String::from_utf8_lossy(data).replace("@ENV@", &env.to_string_lossy());
    let bytes = match std::str::from_utf8(data) {
        Ok(_) => text.as_bytes(),
        Err(_) => data,
    };
    let state = state();
    let folder = state.folder("rotations").expect("a folder");
    clear(&folder);
    let folder = state.folder("rotations").expect("a folder");
    let path = folder.join("0.journal");
    std::fs::write(&path, bytes).expect("a journal");
    let Ok(found) = unfinished(&state, None) else {
        return;
    };
    let [(plan, events)] = found.as_slice() else {
        panic!("one journal is {} rotations", found.len());
    };
    for outcome in status(&env, None, &state).unwrap_or_default() {
        assert!(outcome.exit_code() <= 3);
    }
    let line = |json: Result<String, serde_json::Error>| json.expect("it came from JSON") + "\n";
    let written: String = std::iter::once(line(serde_json::to_string(plan)))
        .chain(
            events
                .iter()
                .map(|event| line(serde_json::to_string(event))),
        )
        .collect();
    // The line that a crash cut off never happened.
    std::fs::write(&path, format!("{written}{{\"event\":\"sta")).expect("a journal");
    let again = unfinished(&state, Some(&plan.target)).expect("what was written is read");
    let shown =
        |(plan, events): &(_, Vec<Event>)| (serde_json::to_string(plan).ok(), events.clone());
    assert_eq!(
        again.iter().map(shown).collect::<Vec<_>>(),
        [shown(&found[0])]
    );
    let _ = (plan.command("resume"), plan.created_name());
}
