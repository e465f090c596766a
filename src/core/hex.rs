//! Bytes as hex digits.

/// Two lower-case digits a byte.
pub fn lower(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    // As long as it gets: a secret that grows would leave copies behind.
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(
        bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_digits_and_nothing_grows() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let text = lower(&all);
        let plain: Vec<String> = all.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, plain.concat());
        assert_eq!(text.capacity(), text.len());
        assert_eq!(lower(b""), "");
    }
}
