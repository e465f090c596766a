//! Every parser beside its fuzzer: the corpus is replayed, and a number of changed inputs are tried.
//!
//! `OPENCLAW_SEC_FUZZ_RUNS` says how many times as many; the same number gives the same inputs.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]
#![expect(
    clippy::print_stdout,
    reason = "which input fails is told where a test tells things"
)]

mod mutate;
mod targets;

use std::path::{Path, PathBuf};

use mutate::Mutator;

/// The fuzzers' folder; it is no part of the published package.
fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The inputs that are kept for a target.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fuzz_folder().join("corpus").join(name);
    let mut inputs: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    inputs.sort();
    inputs
}

/// How many times as many changes are tried.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has nobody who hands it the variables"
)]
fn times() -> usize {
    std::env::var("OPENCLAW_SEC_FUZZ_RUNS").map_or(1, |times| times.parse().unwrap())
}

/// Replays the corpus of a target and tries `runs` changes of it.
fn try_out(name: &str, runs: usize) {
    let (_, run) = targets::ALL.iter().find(|(one, _)| *one == name).unwrap();
    let corpus = corpus(name);
    for (path, input) in &corpus {
        println!("{}", path.display());
        run(input);
    }
    let times = times();
    let inputs = corpus.into_iter().map(|(_, input)| input);
    let mut mutator = Mutator::new(name, inputs.collect());
    for number in 0..runs * times {
        let input = mutator.next();
        let outcome = std::panic::catch_unwind(|| run(&input));
        if let Err(panic) = outcome {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}-{number}"));
            std::fs::write(&path, &input).unwrap();
            println!("change {number} fails; it lies in {}", path.display());
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn a_filter_that_looks_quickly_keeps_what_a_thorough_one_keeps() {
    try_out("audit_filter", 150);
}

#[test]
fn a_line_of_a_log_is_one_event_to_every_way_of_reading() {
    try_out("audit_line", 300);
}

#[test]
fn times_and_ages_are_the_same_when_written_again() {
    try_out("audit_values", 1000);
}

#[test]
fn certificates_say_what_a_whole_parser_reads() {
    try_out("certificate", 300);
}

#[test]
fn an_env_file_is_kept_and_a_change_can_be_taken_back() {
    try_out("env_file", 1000);
}

#[test]
fn replaced_secrets_stand_nowhere_any_more() {
    try_out("env_secrets", 300);
}

#[test]
fn any_listing_of_rules_is_walked_to_an_end() {
    try_out("firewall_listing", 300);
}

#[test]
fn rendered_rules_read_back_decide_as_explain_does() {
    try_out("firewall_model", 60);
}

#[test]
fn foreign_text_is_harmless_and_json_keeps_its_meaning() {
    try_out("foreign_text", 500);
}

#[test]
fn whatever_git_answers_a_search_ends_and_shows_no_value() {
    try_out("git_answers", 60);
}

#[test]
fn http_answers_are_the_same_however_they_arrive() {
    try_out("http_answer", 200);
}

#[test]
fn a_journal_says_the_same_when_written_again() {
    try_out("journal", 300);
}

#[test]
fn a_ledger_says_the_same_when_written_again() {
    try_out("ledger", 100);
}

#[test]
fn lists_of_networks_say_the_same_when_written_again() {
    try_out("networks", 500);
}

#[test]
fn openclaw_json_says_what_a_reader_of_json_finds() {
    try_out("openclaw_json", 500);
}

#[test]
fn reports_of_others_become_a_fleet_that_is_read_again() {
    try_out("reports", 200);
}

#[test]
fn rule_files_never_silence_what_is_ours() {
    try_out("rule_file", 60);
}

#[test]
fn the_own_value_is_found_wherever_and_however_it_stands() {
    try_out("scan_file", 60);
}

#[test]
fn a_log_called_intact_is_the_log_that_was_sealed() {
    try_out("seal", 300);
}

#[test]
fn a_configuration_says_the_same_when_written_again() {
    try_out("settings", 300);
}

#[test]
fn a_list_of_targets_says_the_same_when_written_again() {
    try_out("targets_file", 300);
}

#[test]
fn tls_hellos_are_the_same_however_they_arrive() {
    try_out("tls_hello", 200);
}

#[test]
fn websocket_frames_are_the_same_however_they_arrive() {
    try_out("websocket", 200);
}

#[test]
fn every_target_has_a_fuzzer_and_a_corpus() {
    let folder = fuzz_folder();
    let Ok(manifest) = std::fs::read_to_string(folder.join("Cargo.toml")) else {
        println!("skipped: the fuzzers are no part of the package");
        return;
    };
    let tests = include_str!("main.rs");
    let mut bytes = 0;
    for (name, _) in targets::ALL {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name}");
        let fuzzer = folder.join(format!("fuzz_targets/{name}.rs"));
        assert!(fuzzer.exists(), "{}", fuzzer.display());
        assert!(tests.contains(&format!("try_out(\"{name}\"")), "{name}");
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no corpus");
        bytes += corpus.iter().map(|(_, input)| input.len()).sum::<usize>();
    }
    assert_eq!(manifest.matches("[[bin]]").count(), targets::ALL.len());
    assert!(bytes < 300 << 10, "the corpora hold {bytes} bytes");
}
