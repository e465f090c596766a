//! Times, addresses and numbers as digits: what `Display` gives, in a fraction of its time.

use std::io::Write as _;
use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::block::{Block, Row};

/// Writes times in UTC, as RFC 3339 has them; it remembers the minute it wrote last.
#[derive(Debug)]
pub struct UtcTimes {
    /// Its first second.
    minute: i64,
    /// That second and the dot behind it, with room.
    text: [u8; 32],
}

impl Default for UtcTimes {
    fn default() -> Self {
        Self {
            // No time is within a minute of it.
            minute: i64::MIN,
            text: [b' '; 32],
        }
    }
}

impl UtcTimes {
    /// Writes one time.
    #[inline(always)]
    pub fn write(&mut self, block: &mut Block, time: Timestamp) {
        let second = time.as_second();
        // Part of a second before 1970 counts backwards.
        let nanos = u32::try_from(time.subsec_nanosecond());
        let is_known = is_within_minute(second, self.minute) || self.begin_minute(second);
        let (Ok(nanos), true) = (nanos, is_known) else {
            // Writing to a block cannot fail.
            let _ = write!(block, "{time}");
            return;
        };
        let room = block.room::<64>();
        *room.first_chunk_mut().expect("32 of 64") = self.text;
        let [tens, units] = two_digits(second.wrapping_sub(self.minute).unsigned_abs());
        (room[17], room[18]) = (tens, units);
        let mut end = 19;
        if nanos > 0 {
            // Most logs write milliseconds.
            let (mut rest, digits) = if nanos.is_multiple_of(1_000_000) {
                (nanos / 1_000_000, 3)
            } else {
                (nanos, 9)
            };
            for digit in room[20..20 + digits].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            end = 19 + digits;
            // A digit other than 0 stands there.
            while room[end & 31] == b'0' {
                end -= 1;
            }
            end += 1;
        }
        room[end & 31] = b'Z';
        block.advance(end + 1);
    }

    /// Remembers the minute of a second; false where its year has not four digits or is before 1970.
    #[cold]
    fn begin_minute(&mut self, second: i64) -> bool {
        if !(0..253_402_300_800).contains(&second) {
            return false;
        }
        self.minute = second - second % 60;
        let minutes = second.unsigned_abs() / 60;
        let (year, month, day) = civil_from_days(minutes / (24 * 60));
        let mut text = *b"0000-00-00T00:00:00.            ";
        let mut put =
            |at: usize, number: u64| text[at..at + 2].copy_from_slice(&two_digits(number));
        put(0, year / 100);
        put(2, year % 100);
        put(5, month);
        put(8, day);
        put(11, minutes / 60 % 24);
        put(14, minutes % 60);
        self.text = text;
        true
    }
}

/// Whether a second is one of the 60 from `minute` on.
#[inline(always)]
pub fn is_within_minute(second: i64, minute: i64) -> bool {
    second >= minute && second.wrapping_sub(minute).unsigned_abs() < 60
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
#[inline(always)]
pub fn two_digits(number: u64) -> [u8; 2] {
    // It fits 8 bits, of which a tenth is below 26.
    let number = number as u8;
    [b'0' + number / 10, b'0' + number % 10]
}

/// The digits of every octet and a dot behind them, with how many bytes that takes in the last place:
/// three digits leave no room for the dot, which is set anyway.
static OCTETS: [[u8; 4]; 256] = {
    let mut octets = [[b'.'; 4]; 256];
    let mut octet: u8 = 0;
    loop {
        let digits = [
            b'0' + octet / 100,
            b'0' + octet / 10 % 10,
            b'0' + octet % 10,
        ];
        let skipped = (octet < 100) as usize + (octet < 10) as usize;
        let row = &mut octets[octet as usize];
        let mut at = skipped;
        while at < 3 {
            row[at - skipped] = digits[at];
            at += 1;
        }
        row[3] = 4 - skipped as u8;
        if octet == 255 {
            break octets;
        }
        octet += 1;
    }
};

/// Adds an IPv4 address to a row.
#[inline(always)]
pub fn push_ipv4(row: &mut Row<'_>, address: Ipv4Addr) {
    for octet in address.octets() {
        let [first, second, third, length] = OCTETS[usize::from(octet)];
        *row.next() = [first, second, third, b'.'];
        row.end += usize::from(length);
    }
    // Without the last dot.
    row.end -= 1;
}

/// Adds a number to a row.
#[inline]
pub fn push_number(row: &mut Row<'_>, number: u64) {
    row.end += put_number(row.next(), number);
}

/// Puts the digits of a number into a place and returns how many they are: eight at once, and not one
/// division for each.
fn put_number(place: &mut [u8; 20], number: u64) -> usize {
    const EIGHT: u64 = 100_000_000;
    let mut length = 0;
    let mut put = |digits: u64, zeros: usize| {
        let text = (digits | u64::from_ne_bytes([b'0'; 8])) >> (8 * zeros);
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
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let quotients = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = quotients | (fours - 100 * quotients) << 16;
    let quotients = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    quotients | (pairs - 10 * quotients) << 8
}

/// Digits in front that are not written; the last always is.
#[inline]
fn leading_zeros(digits: u64) -> usize {
    ((digits.trailing_zeros() / 8) as usize).min(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(time: Timestamp) -> String {
        let mut times = UtcTimes::default();
        let mut block = Block::default();
        times.write(&mut block, time);
        let once = block.written().len();
        times.write(&mut block, time);
        // What is remembered gives the same.
        assert_eq!(&block.written()[..once], &block.written()[once..]);
        String::from_utf8(block.written()[..once].to_vec()).unwrap()
    }

    fn row(push: impl FnOnce(&mut Row<'_>)) -> String {
        let mut block = Block::default();
        let mut row = Row::new(&mut block);
        push(&mut row);
        let end = row.end;
        block.advance(end);
        String::from_utf8(block.written().to_vec()).unwrap()
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
        for stamp in times {
            assert_eq!(time(stamp), stamp.to_string());
        }
        for number in [0, 9, 10, 99, 100, u64::MAX] {
            assert_eq!(row(|row| push_number(row, number)), number.to_string());
        }
        for octet in 0..=255u8 {
            let address = Ipv4Addr::new(octet, 0, 255, octet);
            assert_eq!(row(|row| push_ipv4(row, address)), address.to_string());
        }
    }

    proptest::proptest! {
        #[test]
        fn everything_is_written_as_display_writes_it(
            second in -10_000_000_000i64..253_402_207_200,
            nanos in proptest::sample::select(vec![0, 1, 1000, 100_000_000, 120_000_000, 7_000_000, 999_999_999]),
            address: std::net::Ipv4Addr,
            number: u64,
            shift in 0..64u32,
        ) {
            let stamp = Timestamp::new(second, nanos).unwrap();
            proptest::prop_assert_eq!(time(stamp), stamp.to_string());
            proptest::prop_assert_eq!(row(|row| push_ipv4(row, address)), address.to_string());
            let number = number >> shift;
            for number in [number, u64::MAX - number] {
                proptest::prop_assert_eq!(row(|row| push_number(row, number)), number.to_string());
            }
        }

        #[test]
        fn eight_digits_are_right(number in 0..100_000_000u64) {
            let text = (eight_digits(number) | u64::from_ne_bytes([b'0'; 8])).to_le_bytes();
            let expected = format!("{number:08}");
            proptest::prop_assert_eq!(&text[..], expected.as_bytes());
        }

        #[test]
        fn times_of_one_log_are_written_as_display_writes_them(
            steps in proptest::collection::vec((-70i64..70, 0..1000i32), 1..40),
        ) {
            let mut times = UtcTimes::default();
            let mut second = 1_794_650_000;
            for (step, millis) in steps {
                second += step;
                let stamp = Timestamp::new(second, millis * 1_000_000).unwrap();
                let mut block = Block::default();
                times.write(&mut block, stamp);
                let written = std::str::from_utf8(block.written()).unwrap();
                proptest::prop_assert_eq!(written, stamp.to_string());
            }
        }
    }
}
