use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::key_shapes::openclaw_checksum;

/// What people think of as a good key, one a line.
const HUMAN: &str = include_str!("human_samples.txt");

fn all_forms(rng: &mut StdRng, length: usize) -> Vec<String> {
    let mut bytes = vec![0_u8; length];
    rng.fill(&mut bytes[..]);
    let count = (8.0 * length as f64 / 62_f64.log2()).ceil() as usize;
    let body: String = (0..count)
        .map(|_| {
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                [rng.random_range(0..62)] as char
        })
        .collect();
    let crc = String::from_utf8(openclaw_checksum(body.as_bytes()).to_vec()).unwrap();
    vec![
        STANDARD.encode(&bytes),
        URL_SAFE.encode(&bytes),
        URL_SAFE_NO_PAD.encode(&bytes),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        format!("claw_{body}{crc}"),
        format!("password2026_{body}{crc}"),
    ]
}

fn assert_no_key_is_weak(seed: u64, rounds: usize, length_of: impl Fn(usize) -> usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    for round in 0..rounds {
        for key in all_forms(&mut rng, length_of(round)) {
            assert!(
                !is_weak(key.as_bytes()),
                "{key} {:?}",
                estimate(key.as_bytes())
            );
        }
    }
}

#[test]
fn no_key_of_sixteen_bytes_is_weak() {
    assert_no_key_is_weak(1, 1_000, |_| 16);
}

#[test]
fn no_key_of_sixteen_to_sixty_four_bytes_is_weak() {
    assert_no_key_is_weak(2, 500, |round| 16 + round % 49);
}

#[test]
fn no_long_key_is_weak() {
    assert_no_key_is_weak(3, 18, |round| {
        [65, 100, 128, 256, 500, 1024, 2048, 4095, 4096][round % 9]
    });
}

/// Run with `cargo test --release --lib strength -- --ignored`.
#[test]
#[ignore = "minutes in a debug build"]
fn no_key_is_weak_in_ten_thousand_of_each_form_and_length() {
    for length in 16..=64 {
        assert_no_key_is_weak(length as u64, 10_000, |_| length);
    }
    assert_no_key_is_weak(1000, 200, |round| 65 + round * 20);
}

#[test]
fn what_people_make_up_is_weak() {
    let lines: Vec<&str> = HUMAN.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() >= 150, "{}", lines.len());
    let strong: Vec<_> = lines
        .iter()
        .filter(|line| !is_weak(line.as_bytes()))
        .map(|line| (line, estimate(line.as_bytes())))
        .collect();
    assert!(
        strong.is_empty(),
        "{} of {}: {strong:#?}",
        strong.len(),
        lines.len()
    );
}

#[test]
fn phrases_in_base64_or_hex_are_weak() {
    for phrase in [
        "password123password123password",
        "correct horse battery staple",
        "my-secret-key-for-openclaw-2026",
        "The quick brown fox jumps over",
    ] {
        for encoded in [
            STANDARD.encode(phrase),
            URL_SAFE_NO_PAD.encode(phrase),
            phrase.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ] {
            let strength = estimate(encoded.as_bytes());
            assert!(is_weak(encoded.as_bytes()), "{encoded} {strength:?}");
            assert!(strength.structure.is_some(), "{encoded}");
        }
    }
}

#[test]
fn what_an_estimate_rests_on_is_named() {
    let table = [
        ("garden-window-purple-river-29", StructureKind::Words),
        ("abcdefghijklmnopqrstuvwxyz012345", StructureKind::Run),
        ("k9Qz7mXk9Qz7mXk9Qz7mXk9Qz7mX", StructureKind::Repetition),
        (
            "lorem-ipsum-dolor-sit-amet-consectetur",
            StructureKind::KnownText,
        ),
        ("qwertyuiop[]asdfghjkl;'zxcvbnm,./", StructureKind::Keyboard),
        (
            "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ==",
            StructureKind::EncodedText,
        ),
        ("f81d4fae-7dec-41d0-a765-00a0c91e6bf6", StructureKind::Uuid),
        ("2024-01-31 2025-02-28 2026-03-31", StructureKind::Date),
    ];
    for (value, kind) in table {
        assert_eq!(
            estimate(value.as_bytes()).structure,
            Some(kind),
            "{value} {:?}",
            estimate(value.as_bytes())
        );
    }
}

#[test]
fn a_word_inside_a_long_random_key_changes_nothing() {
    let key = "Zq8T4VtPm2Ls9Xw1Kd7Rb3NcYhooksGf5Je6Ua0";
    assert_eq!(estimate(key.as_bytes()).structure, None);
    assert!(!is_weak(key.as_bytes()));
}

#[test]
fn the_alphabet_is_the_smallest_that_holds_the_value() {
    let table = [
        ("73920516482039571846", 10.0),
        ("83f20a74b50c18273d40", 16.0),
        ("kqzxwvjtpmbdhcgfylrn", 26.0),
        ("KQ2X4VJ5PM7DHCGFYLRN", 32.0),
        ("kq2x0vj9pm8dhcgfylrn", 36.0),
        ("kQ2x0Vj9pM8dHcGfyLrN", 62.0),
        ("kQ2x0Vj9-M8dHcGfyLrN", 64.0),
        ("kQ2x0Vj9~M8dHcGfyLrN", 94.0),
    ];
    for (value, size) in table {
        let expected = value.len() as f64 * f64::log2(size);
        assert!(
            (estimate(value.as_bytes()).bits - expected).abs() < 0.001,
            "{value}"
        );
    }
}

/// One random key in 160,000 lacks small letters; its padding, or its last character, still shows base64.
#[test]
fn sixteen_bytes_in_base64_are_no_smaller_alphabet_by_chance() {
    for key in [
        "YT6B7DJO83JK/WH6CU0K6Q==",
        "YT6B7DJO83JK_WH6CU0K6Q",
        "YT6B7DJO83JKAWH6CU0K6Q",
    ] {
        assert!(!is_weak(key.as_bytes()), "{key}");
    }
}

#[test]
fn padding_is_not_counted() {
    let bits = estimate(b"q83vEjRWeJCrze8SNFZ4kA==").bits;
    assert!((bits - 132.0).abs() < 0.001, "{bits}");
}

#[test]
fn empty_and_broken_values_have_defined_estimates() {
    assert_eq!(
        estimate(b""),
        Strength {
            bits: 0.0,
            structure: None,
            length_chars: 0
        }
    );
    assert!(is_weak(b"="));
    assert!(is_weak(b"==="));
    assert_eq!(estimate(b"\xff\xfe\xfd").length_chars, 3);
    assert_eq!(estimate("ключ".as_bytes()).length_chars, 4);
}

#[test]
fn huge_values_are_judged_by_their_beginning() {
    assert!(is_weak(&vec![b'a'; 1 << 20]));
    assert!(is_weak(&b"password-".repeat(100_000)));
    let mut rng = StdRng::seed_from_u64(9);
    let random: Vec<u8> = (0..1 << 20).map(|_| rng.random_range(33..127)).collect();
    assert!(!is_weak(&random));
}

proptest::proptest! {
    #[test]
    fn any_bytes_get_a_finite_estimate(value: Vec<u8>, text: String) {
        for candidate in [&value[..], text.as_bytes()] {
            let strength = estimate(candidate);
            assert!(strength.bits.is_finite() && strength.bits >= 0.0);
        }
    }
}
