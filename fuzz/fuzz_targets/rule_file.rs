//! libFuzzer's door to the target of the same name.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| openclaw_sec_fuzz::rule_file::run(data));
