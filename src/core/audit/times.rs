//! Times as loggers write them, and times as people ask for them.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// What a time without zone or year means.
#[derive(Debug, Clone)]
pub struct TimeContext {
    /// The zone of times that name none.
    pub zone: TimeZone,
    /// The present, for times that name no year.
    pub now: Timestamp,
}

/// A time that was found, and the bytes it takes.
pub type Found = (Timestamp, usize);

impl TimeContext {
    /// The time that is the whole of a field's value: a date and time of any common form, or an
    /// epoch in seconds, milli-, micro- or nanoseconds, told by its number of digits.
    pub fn value(&self, text: &str) -> Option<Timestamp> {
        if let Some(time) = Universal::default().read(text.as_bytes()) {
            return Some(time);
        }
        let text = text.trim();
        if let Some(found) = epoch(text) {
            return Some(found);
        }
        let (time, used) = self.leading(text)?;
        matches!(text[used..].trim(), "" | "Z" | "UTC" | "GMT").then_some(time)
    }

    /// The time that `text` begins with.
    pub fn leading(&self, text: &str) -> Option<Found> {
        match text.as_bytes().first()? {
            b'0'..=b'9' => self.iso(text).or_else(|| self.common_log(text)),
            b'A'..=b'Z' => self.month_first(text).or_else(|| self.weekday_first(text)),
            _ => None,
        }
    }

    /// `2026-11-20T10:00:02.123+01:00` with `T` or blank, `-` or `/`, dot or comma, any offset.
    fn iso(&self, text: &str) -> Option<Found> {
        let mut digits = Digits::new(text);
        let year = digits.number(4)?;
        let dash = digits.one_of(b"-/")?;
        let month = digits.number(2)?;
        digits.one_of(&[dash])?;
        let day = digits.number(2)?;
        digits.one_of(b"T t_:")?;
        // MariaDB pads the hour with a blank.
        digits.skip_blanks();
        let (hour, minute, second, nanos) = digits.clock()?;
        let time = civil(year, month, day, hour, minute, second, nanos)?;
        let at = digits.at;
        self.zoned(time, text, at)
    }

    /// `10/Oct/2000:13:55:36 -0700`, also as `20-Nov-2026 10:00:00.123`.
    fn common_log(&self, text: &str) -> Option<Found> {
        let mut digits = Digits::new(text);
        let day = digits.number(2)?;
        digits.one_of(b"/- ")?;
        let month = digits.month()?;
        digits.one_of(b"/- ")?;
        let year = digits.number(4)?;
        digits.one_of(b": ")?;
        let (hour, minute, second, nanos) = digits.clock()?;
        let time = civil(year, month, day, hour, minute, second, nanos)?;
        let at = digits.at;
        self.zoned(time, text, at)
    }

    /// `Nov 20 10:00:02` (RFC 3164 §4.1.2: no year, no zone), also with a year before or behind.
    fn month_first(&self, text: &str) -> Option<Found> {
        let mut digits = Digits::new(text);
        let month = digits.month()?;
        digits.one_of(b" ")?;
        digits.skip_blanks();
        let day = digits.number_up_to(2)?;
        digits.one_of(b" ")?;
        digits.skip_blanks();
        let before_year = digits.at;
        let mut year = digits.number(4).filter(|_| digits.one_of(b" ").is_some());
        if year.is_none() {
            digits.at = before_year;
        }
        let (hour, minute, second, nanos) = digits.clock()?;
        let mut at = digits.at;
        if year.is_none() && digits.one_of(b" ").is_some() {
            year = digits.number(4);
            if year.is_some()
                && digits.peek().is_none_or(|byte| {
                    !byte.is_ascii_alphanumeric() && byte != b':' && byte != b'.'
                })
            {
                at = digits.at;
            } else {
                year = None;
            }
        }
        let Some(year) = year else {
            return Some((
                self.latest_year(month, day, (hour, minute, second, nanos))?,
                at,
            ));
        };
        let time = civil(year, month, day, hour, minute, second, nanos)?;
        self.zoned(time, text, at)
    }

    /// `Fri Nov 20 10:00:02 2026` (ctime) and `Fri, 20 Nov 2026 10:00:02 +0000` (RFC 5322).
    fn weekday_first(&self, text: &str) -> Option<Found> {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let day = text.get(..3)?;
        if !DAYS.contains(&day) {
            return None;
        }
        let rest = text[3..].trim_start_matches([',', ' ']);
        let skipped = text.len() - rest.len();
        let (time, used) = match rest.as_bytes().first()? {
            b'0'..=b'9' => self.common_log(rest)?,
            _ => self.month_first(rest)?,
        };
        Some((time, used + skipped))
    }

    /// `1120 10:00:02.123`, as klog writes it: no year, no zone.
    pub fn month_and_day(&self, text: &str) -> Option<Found> {
        let mut digits = Digits::new(text);
        let month = digits.number(2)?;
        let day = digits.number(2)?;
        digits.one_of(b" ")?;
        let clock = digits.clock()?;
        Some((self.latest_year(month, day, clock)?, digits.at))
    }

    fn latest_year(&self, month: i64, day: i64, clock: (i64, i64, i64, i64)) -> Option<Timestamp> {
        let limit = self.now.checked_add(SignedDuration::from_hours(24)).ok()?;
        let this_year = i64::from(limit.to_zoned_datetime(self.zone.clone()).year());
        // The 29th of February may be up to eight years back.
        (0..=8)
            .filter_map(|back| {
                let (hour, minute, second, nanos) = clock;
                let time = civil(this_year - back, month, day, hour, minute, second, nanos)?;
                self.zone.to_timestamp(time).ok()
            })
            .find(|time| *time <= limit)
    }

    /// Reads the offset that may follow, and makes the time of it.
    fn zoned(&self, time: DateTime, text: &str, at: usize) -> Option<Found> {
        let rest = &text[at..];
        let offset_text = rest.strip_prefix(' ').unwrap_or(rest);
        let blank = rest.len() - offset_text.len();
        if let Some((seconds, used)) = offset(offset_text) {
            let time = Offset::from_seconds(seconds)
                .ok()?
                .to_timestamp(time)
                .ok()?;
            return Some((time, at + blank + used));
        }
        Some((self.zone.to_timestamp(time).ok()?, at))
    }
}

/// Reads times of the commonest form, `2026-11-20T10:00:02Z` with up to nine digits behind a dot,
/// without a detour over the calendar. Whatever is odd is left to the reader of all forms. It
/// remembers the last minute, since most lines of a log are of the same one as the line before.
#[derive(Debug, Clone, Copy)]
pub struct Universal {
    /// `2026-11-20T10:00` as a number.
    minute: u128,
    /// Its seconds since 1970.
    start: i64,
}

impl Default for Universal {
    fn default() -> Self {
        Self {
            // No text has these bytes.
            minute: u128::MAX,
            start: 0,
        }
    }
}

impl Universal {
    /// The time, if `text` is one of this form.
    #[inline]
    pub fn read(&mut self, text: &[u8]) -> Option<Timestamp> {
        let (minute, rest) = text.split_first_chunk()?;
        let number = u128::from_le_bytes(*minute);
        if number != self.minute {
            self.start = start_of_minute(*minute)?;
            self.minute = number;
        }
        let [b':', tens @ b'0'..=b'5', ones @ b'0'..=b'9', rest @ ..] = rest else {
            return None;
        };
        let nanos = match rest {
            [b'Z'] => 0,
            [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => nanoseconds(digits)?,
            _ => return None,
        };
        let second = (tens - b'0') * 10 + (ones - b'0');
        Timestamp::new(self.start + i64::from(second), nanos).ok()
    }
}

/// Seconds since 1970 of `2026-11-20T10:00`; apart, since it is asked for once a minute.
#[inline(never)]
fn start_of_minute(text: [u8; 16]) -> Option<i64> {
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        o1,
        o2,
        b'-',
        d1,
        d2,
        b'T' | b' ',
        h1,
        h2,
        b':',
        m1,
        m2,
    ] = text
    else {
        return None;
    };
    let mut is_odd = false;
    let mut two = |tens: u8, ones: u8| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        is_odd |= tens > 9 || ones > 9;
        i64::from(tens) * 10 + i64::from(ones)
    };
    let (year, month, day) = (two(y1, y2) * 100 + two(y3, y4), two(o1, o2), two(d1, d2));
    let (hour, minute) = (two(h1, h2), two(m1, m2));
    if is_odd
        || !(1..=12).contains(&month)
        || !(1..=28).contains(&day) && !(1..=days_in_month(year, month)).contains(&day)
        || hour > 23
        || minute > 59
    {
        return None;
    }
    Some(days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60)
}

fn nanoseconds(digits: &[u8]) -> Option<i32> {
    let mut nanos = 0;
    let mut unit = 100_000_000;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        nanos += i32::from(digit) * unit;
        unit /= 10;
    }
    Some(nanos)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, for years from 0 on: years begin in March, so
/// that the leap day is the last one (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// `Z`, `UTC`, `+01:00`, `-0700`, `+01`: seconds east of Greenwich and the bytes it takes.
fn offset(text: &str) -> Option<(i32, usize)> {
    let ends = |used: usize| {
        text[used..]
            .chars()
            .next()
            .is_none_or(|c| !c.is_ascii_alphanumeric())
    };
    for word in ["Z", "z", "UTC", "GMT"] {
        if text.starts_with(word) && ends(word.len()) {
            return Some((0, word.len()));
        }
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let mut digits = Digits::new(text);
    digits.at = 1;
    let hours = digits.number(2)?;
    let before = digits.at;
    let _ = digits.one_of(b":");
    let minutes = digits.number(2).unwrap_or_else(|| {
        digits.at = before;
        0
    });
    if hours > 18 || minutes > 59 || !ends(digits.at) {
        return None;
    }
    Some((
        sign * i32::try_from(hours * 3600 + minutes * 60).ok()?,
        digits.at,
    ))
}

fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let negative = whole.strip_prefix('-');
    let digits = negative.unwrap_or(whole);
    if digits.is_empty() || !is_digits(digits) || !is_digits(fraction) {
        return scientific(text);
    }
    // Seconds have up to 11 digits until the year 5138.
    let unit: i128 = match digits.len() {
        9..=11 => 1_000_000_000,
        12..=14 => 1_000_000,
        15..=17 => 1_000,
        18..=20 => 1,
        _ => return None,
    };
    let number: i128 = digits.parse().ok()?;
    let nanos = i128::from(nanoseconds(&fraction.as_bytes()[..fraction.len().min(9)])?);
    let total = number * unit + nanos * unit / 1_000_000_000;
    Timestamp::from_nanosecond(if negative.is_some() { -total } else { total }).ok()
}

/// zap writes seconds as `1.7946500e+09`.
fn scientific(text: &str) -> Option<Timestamp> {
    if !text.as_bytes().first()?.is_ascii_digit() || !text.contains(['e', 'E']) || text.len() > 40 {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    let unit = match number {
        n if (1e8..1e11).contains(&n) => 1e9,
        n if (1e11..1e14).contains(&n) => 1e6,
        n if (1e14..1e17).contains(&n) => 1e3,
        n if (1e17..1e20).contains(&n) => 1.0,
        _ => return None,
    };
    // Microseconds are what a double still holds.
    Timestamp::from_microsecond((number * unit / 1e3).round() as i64).ok()
}

fn civil(y: i64, mo: i64, d: i64, h: i64, mi: i64, s: i64, n: i64) -> Option<DateTime> {
    // A leap second is the one before it.
    let second = if s == 60 { 59 } else { s };
    DateTime::new(
        i16::try_from(y).ok()?,
        i8::try_from(mo).ok()?,
        i8::try_from(d).ok()?,
        i8::try_from(h).ok()?,
        i8::try_from(mi).ok()?,
        i8::try_from(second).ok()?,
        i32::try_from(n).ok()?,
    )
    .ok()
}

struct Digits<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Digits<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn number(&mut self, length: usize) -> Option<i64> {
        let digits = self.bytes.get(self.at..self.at + length)?;
        let mut number = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            number = number * 10 + i64::from(digit - b'0');
        }
        self.at += length;
        Some(number)
    }

    fn number_up_to(&mut self, length: usize) -> Option<i64> {
        (1..=length).rev().find_map(|length| self.number(length))
    }

    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let byte = self.peek()?;
        allowed.contains(&byte).then(|| {
            self.at += 1;
            byte
        })
    }

    fn skip_blanks(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    fn month(&mut self) -> Option<i64> {
        const MONTHS: [&[u8; 3]; 12] = [
            b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
            b"Dec",
        ];
        let name = self.bytes.get(self.at..self.at + 3)?;
        let month = MONTHS.iter().position(|month| name == *month)?;
        self.at += 3;
        i64::try_from(month + 1).ok()
    }

    /// `10:00[:02[.123]]`.
    fn clock(&mut self) -> Option<(i64, i64, i64, i64)> {
        let hour = self.number_up_to(2)?;
        self.one_of(b":")?;
        let minute = self.number(2)?;
        let before = self.at;
        let second = match self.one_of(b":").and_then(|_| self.number(2)) {
            Some(second) => second,
            None => {
                self.at = before;
                return Some((hour, minute, 0, 0));
            }
        };
        let mut nanos = 0;
        if matches!(self.peek(), Some(b'.' | b','))
            && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit)
        {
            self.at += 1;
            let mut unit = 100_000_000;
            while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
                nanos += i64::from(digit - b'0') * unit;
                unit /= 10;
                self.at += 1;
            }
        }
        Some((hour, minute, second, nanos))
    }
}

/// A time that a person asks for: RFC 3339, a date, a date and a time in the display zone, an age
/// such as `90m`, `now`, `today`, `yesterday`, or `@` and epoch seconds.
pub fn asked(text: &str, context: &TimeContext) -> Option<Timestamp> {
    let text = text.trim();
    let midnight = |date: Date| {
        context
            .zone
            .to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
            .ok()
    };
    let today = || context.now.to_zoned_datetime(context.zone.clone()).date();
    match text {
        "now" => return Some(context.now),
        "today" => return midnight(today()),
        "yesterday" => return midnight(today().yesterday().ok()?),
        _ => {}
    }
    if let Some(seconds) = text.strip_prefix('@') {
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
        let nanos: i32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        return Timestamp::new(whole.parse().ok()?, nanos).ok();
    }
    if let Some(age) = age(text) {
        return context.now.checked_sub(age).ok();
    }
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        return midnight(date);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (time, used) = context.iso(text)?;
    (used == text.len()).then_some(time)
}

/// `90m`, `2h`, `4d`, `1w`, `30s`, also several in a row: `1h30m`.
pub fn age(text: &str) -> Option<SignedDuration> {
    let mut rest = text;
    let mut total = 0i64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .filter(|at| *at > 0)?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(seconds)?)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    (!text.is_empty()).then(|| SignedDuration::from_secs(total))
}

#[cfg(test)]
impl TimeContext {
    /// That of the tests: UTC, at noon of one day.
    pub fn of_tests() -> Self {
        Self {
            zone: TimeZone::UTC,
            now: "2026-11-22T12:00:00Z".parse().expect("a time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> TimeContext {
        TimeContext {
            zone: TimeZone::fixed(Offset::from_seconds(3600).unwrap()),
            ..TimeContext::of_tests()
        }
    }

    #[test]
    fn every_form_of_a_loggers_time_is_the_same_moment() {
        let forms = [
            "2026-11-20T10:00:02Z",
            "2026-11-20T10:00:02.000Z",
            "2026-11-20 10:00:02+00:00",
            "2026-11-20T11:00:02+01:00",
            "2026-11-20T11:00:02+0100",
            "2026-11-20 11:00:02 +01",
            "2026/11/20 11:00:02",
            "2026-11-20 11:00:02,000",
            "2026-11-20 10:00:02 UTC",
            "20/Nov/2026:10:00:02 +0000",
            "20/Nov/2026:11:00:02",
            "Nov 20 11:00:02",
            "Nov 20 2026 11:00:02",
            "Nov 20 11:00:02 2026",
            "Fri Nov 20 11:00:02 2026",
            "Fri, 20 Nov 2026 10:00:02 +0000",
            "1795168802",
            "1795168802.000",
            "1795168802000",
            "1795168802000000",
            "1795168802000000000",
            "1.795168802e+09",
        ];
        let expected: Timestamp = "2026-11-20T10:00:02Z".parse().unwrap();
        for form in forms {
            assert_eq!(context().value(form), Some(expected), "{form}");
        }
    }

    #[test]
    fn nonsense_is_no_time() {
        for text in [
            "",
            "-",
            "yesterday",
            "2026-13-40T99:99:99Z",
            "2026-02-30T00:00:00Z",
            "12",
            "abc",
            "99999999999999999999999",
            "2026-11-20",
            "Foo 20 10:00:00",
            "Nov 31 10:00:00",
            "2026-11-20T10:00:02Z trailing",
            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0:02Z",
        ] {
            assert_eq!(context().value(text), None, "{text}");
        }
    }

    #[test]
    fn a_stamp_without_a_year_is_the_latest_that_is_not_more_than_a_day_ahead() {
        let cases = [
            ("Nov 23 12:00:00", "2026-11-23T11:00:00Z"),
            ("Nov 24 12:00:00", "2025-11-24T11:00:00Z"),
            ("Feb 29 00:00:00", "2024-02-28T23:00:00Z"),
            ("Jan  1 00:00:00", "2025-12-31T23:00:00Z"),
        ];
        for (text, expected) in cases {
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(context().value(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn times_are_asked_for_in_every_documented_way() {
        let cases = [
            ("2026-11-20T10:00:00Z", Some("2026-11-20T10:00:00Z")),
            ("2026-11-20", Some("2026-11-19T23:00:00Z")),
            ("2026-11-20 10:00", Some("2026-11-20T09:00:00Z")),
            ("2026-11-20 10:00:02", Some("2026-11-20T09:00:02Z")),
            ("90m", Some("2026-11-22T10:30:00Z")),
            ("2h", Some("2026-11-22T10:00:00Z")),
            ("4d", Some("2026-11-18T12:00:00Z")),
            ("1w", Some("2026-11-15T12:00:00Z")),
            ("now", Some("2026-11-22T12:00:00Z")),
            ("today", Some("2026-11-21T23:00:00Z")),
            ("yesterday", Some("2026-11-20T23:00:00Z")),
            ("@1794650000", Some("2026-11-14T09:53:20Z")),
            ("soon", None),
            ("2026-11-31", None),
            ("4y", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
            assert_eq!(asked(text, &context()), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_and_the_long_way_give_the_same_time(
            text in "[0-9]{4}-[0-3][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|z|\\+01:00|)",
            days in -719_528i64..2_932_896, second in 0i64..86_400,
        ) {
            let real = Timestamp::from_second(days * 86_400 + second).unwrap().to_string();
            for text in [text, real] {
                if let Some(time) = Universal::default().read(text.as_bytes()) {
                    let full = context().leading(&text).map(|(time, used)| (Some(time), used));
                    proptest::prop_assert_eq!(full, Some((Some(time), text.len())), "{}", text);
                }
            }
        }

        #[test]
        fn every_time_in_the_usual_form_takes_the_short_way(second in -62_167_219_200i64..253_402_207_200) {
            let text = Timestamp::from_second(second).unwrap().to_string();
            proptest::prop_assert_eq!(Universal::default().read(text.as_bytes()), Timestamp::from_second(second).ok());
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}", likely in "[0-9A-Za-z:/. +-]{0,30}") {
            for text in [text, likely] {
                let _ = context().value(&text);
                let _ = context().leading(&text);
                let _ = asked(&text, &context());
            }
        }
    }
}
