//! Times, addresses and numbers as digits: what `Display` gives, in a fraction of its time.

use std::io::{self, Write};
use std::net::IpAddr;

use jiff::Timestamp;
use openclaw_sec::audit::address::ipv4_digits;

/// Writes a time in UTC, as RFC 3339 has it.
pub fn write_time(out: &mut impl Write, time: Timestamp) -> io::Result<()> {
    let (second, nanos) = (time.as_second(), time.subsec_nanosecond());
    // Years of four digits, after 1970.
    let (Ok(second), Ok(nanos)) = (u64::try_from(second), u32::try_from(nanos)) else {
        return write!(out, "{time}");
    };
    if second >= 253_402_300_800 {
        return write!(out, "{time}");
    }
    let (year, month, day) = civil_from_days(second / 86_400);
    let second = second % 86_400;
    let mut text = *b"0000-00-00T00:00:00";
    let mut put = |at: usize, number: u64| text[at..at + 2].copy_from_slice(&two_digits(number));
    put(0, year / 100);
    put(2, year % 100);
    put(5, month);
    put(8, day);
    put(11, second / 3600);
    put(14, second / 60 % 60);
    put(17, second % 60);
    out.write_all(&text)?;
    if nanos > 0 {
        let mut fraction = *b".000000000";
        let mut rest = nanos;
        for digit in fraction[1..].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let end = fraction.iter().rposition(|digit| *digit != b'0');
        out.write_all(&fraction[..end.map_or(0, |last| last + 1)])?;
    }
    out.write_all(b"Z")
}

/// Year, month and day of a day after 1970-01-01, with years that begin in March (Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms").
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// A number below 100 as two digits.
pub fn two_digits(number: u64) -> [u8; 2] {
    // Both are below 10.
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

/// Writes an address and returns its columns; IPv6 as RFC 5952 has it.
pub fn write_address(out: &mut impl Write, address: IpAddr) -> io::Result<usize> {
    let IpAddr::V4(address) = address else {
        let text = address.to_string();
        out.write_all(text.as_bytes())?;
        return Ok(text.len());
    };
    let (text, length) = ipv4_digits(address);
    out.write_all(&text[..length])?;
    Ok(length)
}

/// Writes a number.
pub fn write_number(out: &mut impl Write, number: u64) -> io::Result<()> {
    let mut text = [0; 20];
    let mut start = text.len();
    let mut rest = number;
    loop {
        start -= 1;
        text[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return out.write_all(&text[start..]);
        }
    }
}

/// Puts the digits of a number into a place and returns how many they are: eight at once, and not one
/// division for each.
#[inline]
pub fn put_number(place: &mut [u8; 20], number: u64) -> usize {
    const EIGHT: u64 = 100_000_000;
    let mut length = 0;
    let mut put = |digits: u64, zeros: usize| {
        let text = (digits | ONES * 0x30) >> (8 * zeros);
        if let Some(place) = place[length..].first_chunk_mut() {
            *place = text.to_le_bytes();
        }
        length += 8 - zeros;
    };
    let upper = number / EIGHT;
    let lower = eight_digits(number % EIGHT);
    if upper == 0 {
        put(lower, leading_zeros(lower));
        return length;
    }
    let most = upper / EIGHT;
    let middle = eight_digits(upper % EIGHT);
    if most == 0 {
        put(middle, leading_zeros(middle));
    } else {
        let first = eight_digits(most);
        put(first, leading_zeros(first));
        put(middle, 0);
    }
    put(lower, 0);
    length
}

/// The digits of a number below 10^8 as the bytes of a word, the first the lowest: it is cut into
/// halves three times, each time all at once.
#[inline]
fn eight_digits(number: u64) -> u64 {
    // Multiplied by 1/10000, 1/100 and 1/10, rounded up so little that no quotient is wrong.
    let fours = number / 10_000 | (number % 10_000) << 32;
    let quotients = (fours * 10_486 >> 20) & 0x0000_007f_0000_007f;
    let pairs = quotients | (fours - 100 * quotients) << 16;
    let quotients = (pairs * 103 >> 10) & 0x000f_000f_000f_000f;
    quotients | (pairs - 10 * quotients) << 8
}

/// Digits in front that are not written; the last always is.
#[inline]
fn leading_zeros(digits: u64) -> usize {
    ((digits.trailing_zeros() / 8) as usize).min(7)
}

/// Whether a text is printable ASCII, without a look at each byte by itself.
pub fn is_printable_ascii(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks();
    let odd = words
        .iter()
        .fold(0, |odd, word| odd | odd_bytes(u64::from_le_bytes(*word)));
    odd == 0 && rest.iter().all(|byte| (0x20..0x7f).contains(byte))
}

/// Ones in every byte of a word.
const ONES: u64 = u64::from_ne_bytes([1; 8]);
/// The highest bit of every byte of a word.
const HIGHEST: u64 = u64::from_ne_bytes([0x80; 8]);

/// Not zero where one of eight bytes is no printable ASCII; the lowest bit that is set is the highest
/// of the first such byte.
#[inline]
pub fn odd_bytes(word: u64) -> u64 {
    let below_blank = word.wrapping_sub(ONES * 0x20) & !word;
    let above_tilde = word.wrapping_add(ONES) | word;
    (below_blank | above_tilde) & HIGHEST
}

/// The same for bytes of this value.
#[inline]
pub fn bytes_like(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * u64::from(byte));
    difference.wrapping_sub(ONES) & !difference & HIGHEST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ends_of_ranges_are_written_as_display_writes_them() {
        let times = [
            Timestamp::MIN,
            Timestamp::MAX,
            Timestamp::UNIX_EPOCH,
            "1969-12-31T23:59:59.5Z".parse().unwrap(),
            "2000-02-29T00:00:00Z".parse().unwrap(),
            "2026-12-31T23:59:59.000000001Z".parse().unwrap(),
        ];
        for time in times {
            assert_eq!(written(|out| write_time(out, time)), time.to_string());
        }
        for number in [0, 9, 10, u64::MAX] {
            assert_eq!(written(|out| write_number(out, number)), number.to_string());
        }
    }

    proptest::proptest! {
        #[test]
        fn everything_is_written_as_display_writes_it(
            second in -10_000_000_000i64..253_402_207_200,
            nanos in proptest::sample::select(vec![0, 1, 1000, 120_000_000, 999_999_999]),
            address: std::net::IpAddr,
            number: u64,
        ) {
            let time = Timestamp::new(second, nanos).unwrap();
            proptest::prop_assert_eq!(written(|out| write_time(out, time)), time.to_string());
            let text = address.to_string();
            let shown = written(|out| {
                assert_eq!(write_address(out, address)?, text.len());
                Ok(())
            });
            proptest::prop_assert_eq!(shown, text);
            proptest::prop_assert_eq!(written(|out| write_number(out, number)), number.to_string());
            for number in [number, number >> 20, number >> 40, number >> 56, u64::MAX - number] {
                let mut place = [0; 20];
                let length = put_number(&mut place, number);
                let text = std::str::from_utf8(&place[..length]).unwrap();
                proptest::prop_assert_eq!(text, number.to_string());
            }
        }

        #[test]
        fn eight_digits_are_right(number in 0..100_000_000u64) {
            let text = (eight_digits(number) | ONES * 0x30).to_le_bytes();
            let expected = format!("{number:08}");
            proptest::prop_assert_eq!(&text[..], expected.as_bytes());
        }

        #[test]
        fn printable_is_what_has_no_odd_byte(text in "[ -~]{0,40}", odd in "[\\x00-\\x20~\\x7fé]{0,3}") {
            let text = format!("{text}{odd}{text}");
            let expected = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            proptest::prop_assert_eq!(is_printable_ascii(text.as_bytes()), expected);
        }
    }
}
