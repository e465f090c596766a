//! The attempts of one subject: when they were, how many stand in a window, and whom they concerned.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::few::Ring;
use super::{MOST_EVIDENCE, Seen};
use crate::order;

/// More attempts are not remembered one by one, whatever is configured.
pub const MOST_ATTEMPTS: u64 = 1024;
/// A time this far ahead, in milliseconds, is of another clock.
const AHEAD: i64 = 60_000;
/// Most questions are about the last five.
const USUAL: u64 = 5;
/// The newest attempts, which stand by themselves.
const FRESH: usize = USUAL as usize - 1;
/// Up to this many other sides are told apart by a look at each.
const FEW: usize = 8;
/// Before all times.
const NEVER: i64 = i64::MIN;

/// The attempts of one subject. Times are in milliseconds. What a glance needs stands in front.
#[derive(Debug)]
#[repr(C)]
pub struct Attempts {
    /// The highest time of all.
    latest: i64,
    /// The time of the last but four.
    fifth: i64,
    total: u32,
    /// While it is not 0, one that came late or counts more than once is among the last: it is the
    /// number of attempts that must come before it is gone.
    odd: u16,
    /// How many of the newest are not yet among the older.
    fresh: u8,
    /// Older ones.
    older: Ring<Attempt>,
    /// Most subjects have none.
    gone: Option<Box<Gone>>,
    newest: [Attempt; FRESH],
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    time: i64,
    offset: u64,
    /// The key of the other side, of the user whom an address tried or of the address from which a
    /// user was tried; 0 where it is unknown.
    other: u64,
    count: u32,
}

/// The other side of attempts: when and where it was met last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Other {
    /// The hash under which tables know it.
    pub key: u64,
    /// In milliseconds.
    pub time: i64,
    /// Where that stands in the log.
    pub offset: u64,
}

/// Other sides beside those of the attempts that are remembered one by one, the last met last.
#[derive(Debug, Default)]
struct Gone(Vec<Other>);

/// How much is remembered of one subject.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Attempts one by one.
    pub attempts: usize,
    /// Distinct other sides.
    pub others: usize,
    /// For how long other sides matter, in seconds.
    pub others_s: u64,
}

impl Bounds {
    /// Enough to tell of so many attempts, and of so many distinct other sides in a window.
    pub fn of(attempts: u64, others: u64, others_s: u64) -> Self {
        let bound = |number: u64| {
            let number = usize::try_from(number.min(MOST_ATTEMPTS));
            let number = number.unwrap_or(MOST_EVIDENCE).max(MOST_EVIDENCE);
            number.next_multiple_of(FRESH)
        };
        Self {
            attempts: bound(attempts),
            others: bound(others),
            others_s,
        }
    }
}

impl Default for Attempts {
    fn default() -> Self {
        let none = Attempt {
            time: NEVER,
            offset: 0,
            other: 0,
            count: 0,
        };
        Self {
            latest: NEVER,
            fifth: NEVER,
            total: 0,
            odd: 0,
            fresh: 0,
            older: Ring::default(),
            gone: None,
            newest: [none; FRESH],
        }
    }
}

/// The attempts in a window.
#[derive(Debug, Default)]
pub struct Within {
    /// How many they are.
    pub count: u64,
    /// When the first of them was.
    pub first: Option<i64>,
    /// Whether there may have been more before, which nobody remembers.
    pub is_least: bool,
}

impl Attempts {
    /// All there ever were.
    pub fn total(&self) -> u64 {
        u64::from(self.total)
    }

    /// When the one that was noted last was.
    pub fn last_time(&self) -> i64 {
        self.last_but(0).map_or(0, |attempt| attempt.time)
    }

    /// The memory it takes beside itself, in bytes.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        let gone = self.gone.as_deref().map_or(0, |gone| gone.0.capacity());
        self.older.heap_bytes() + gone * size_of::<Other>()
    }

    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self, bounds: &Bounds) {
        assert!(self.older.len() <= bounds.attempts);
        assert!(self.gone.as_deref().map_or(0, |gone| gone.0.len()) <= bounds.others);
    }

    /// Writes one down, with the key of its other side. Where it `is_told` of many other sides, more of
    /// them need not be told apart. What that takes of memory is added to `grown`, in bytes.
    #[inline]
    pub fn note(
        &mut self,
        seen: &Seen<'_>,
        other: Option<u64>,
        bounds: &Bounds,
        is_told: bool,
        grown: &mut usize,
    ) {
        let other = other.unwrap_or(0);
        if seen.attempts == 0 {
            let before = self.heap_bytes();
            self.accompany(seen, other, bounds);
            *grown += self.heap_bytes().saturating_sub(before);
            return;
        }
        let count = u32::try_from(seen.attempts).unwrap_or(u32::MAX);
        self.total = self.total.saturating_add(count);
        self.odd = if seen.now < self.latest || count != 1 {
            // It is little more than MOST_ATTEMPTS.
            (bounds.attempts + FRESH) as u16
        } else {
            self.odd.saturating_sub(1)
        };
        self.latest = self.latest.max(seen.now);
        if usize::from(self.fresh) == FRESH {
            let before = self.heap_bytes();
            self.put_away(seen.now, bounds, is_told);
            *grown += self.heap_bytes().saturating_sub(before);
        }
        let place = &mut self.newest[usize::from(self.fresh) % FRESH];
        self.fifth = place.time;
        *place = Attempt {
            time: seen.now,
            offset: seen.offset,
            other,
            count,
        };
        self.fresh += 1;
    }

    /// A line that only accompanies an attempt may still name the other side.
    #[cold]
    fn accompany(&mut self, seen: &Seen<'_>, other: u64, bounds: &Bounds) {
        let last = usize::from(self.fresh).checked_sub(1);
        let last = last.map(|last| &mut self.newest[last % FRESH].other);
        match last {
            _ if other == 0 => {}
            Some(known) if *known == other => {}
            Some(known) if *known == 0 => *known = other,
            _ => {
                let other = Other {
                    key: other,
                    time: seen.now,
                    offset: seen.offset,
                };
                self.gone.get_or_insert_default().note(other, bounds.others);
            }
        }
    }

    /// Puts the newest to the older.
    #[inline(never)]
    fn put_away(&mut self, now: i64, bounds: &Bounds, is_told: bool) {
        self.fresh = 0;
        let window = window(bounds.others_s);
        for attempt in self.newest {
            let Some(oldest) = self.older.push(attempt, bounds.attempts) else {
                continue;
            };
            let other = Other::of(&oldest);
            if !is_told && other.key != 0 && is_within(now, other.time, window) {
                self.gone.get_or_insert_default().note(other, bounds.others);
            }
        }
    }

    /// All that are remembered, in order, in three parts.
    #[inline]
    fn all(&self) -> [&[Attempt]; 3] {
        let [first, second] = self.older.parts();
        [first, second, &self.newest[..usize::from(self.fresh)]]
    }

    /// The same, without those that are left only because the newest were not put away yet.
    #[inline]
    fn counted(&self) -> [&[Attempt]; 3] {
        let [first, second, third] = self.all();
        let left = if self.older.is_full() { third.len() } else { 0 };
        let from_second = left.saturating_sub(first.len());
        [&first[left - from_second..], &second[from_second..], third]
    }

    /// The last but so many.
    #[inline]
    fn last_but(&self, number: usize) -> Option<&Attempt> {
        let fresh = usize::from(self.fresh);
        match fresh.checked_sub(number + 1) {
            Some(place) => self.newest.get(place),
            None => self.older.last_but(number - fresh),
        }
    }

    /// Whether so many stand in the window that ends at `now`.
    #[inline]
    pub fn has_within(&self, now: i64, window_s: u64, needed: u64) -> bool {
        let window = window(window_s);
        // Most subjects have few, or were quiet for long.
        if self.total() < needed || now.saturating_sub(self.latest) >= window || needed == 0 {
            return needed == 0;
        }
        if self.odd > 0 || self.latest - now > AHEAD {
            return self.count_within(now, window_s) >= needed;
        }
        // They stand in order, one is one, and none is of another clock.
        if needed == USUAL {
            return now.saturating_sub(self.fifth) < window;
        }
        let place = usize::try_from(needed - 1).unwrap_or(usize::MAX - 1);
        let first = self.last_but(place);
        first.is_some_and(|first| now - first.time < window)
    }

    /// How many stand in the window that ends at `now`.
    pub fn count_within(&self, now: i64, window_s: u64) -> u64 {
        let window = window(window_s);
        let mut count = 0;
        for part in self.counted() {
            for attempt in part {
                if is_within(now, attempt.time, window) {
                    count += u64::from(attempt.count);
                }
            }
        }
        count
    }

    /// Those in the window that ends at `now`; where the last `most` of them stand becomes the evidence.
    pub fn within(&self, now: i64, window_s: u64, most: usize, evidence: &mut Vec<u64>) -> Within {
        let window = window(window_s);
        let mut within = Within::default();
        let mut remembered = 0;
        for part in self.counted() {
            for attempt in part {
                if is_within(now, attempt.time, window) && attempt.count > 0 {
                    // What came before the oldest that is remembered may stand in the window, too.
                    within.is_least |= remembered == 0;
                    within.count += u64::from(attempt.count);
                    within.first.get_or_insert(attempt.time);
                    evidence.push(attempt.offset);
                }
                remembered += u64::from(attempt.count);
            }
        }
        within.is_least &= remembered < self.total();
        keep_last(evidence, most);
        within
    }

    /// Whether so many distinct other sides stand in the window that ends at `now`.
    #[inline]
    pub fn has_others_within(&self, now: i64, window_s: u64, needed: u64) -> bool {
        // Where there are too few attempts, nobody needs to look at them.
        (self.odd > 0 || self.gone.is_some() || self.has_within(now, window_s, needed))
            && self.count_others(now, window_s, needed) >= needed
    }

    /// How many distinct other sides stand in a window, but no more than needed.
    fn count_others(&self, now: i64, window_s: u64, needed: u64) -> u64 {
        let mut few = [0; FEW];
        let few = usize::try_from(needed)
            .ok()
            .and_then(|needed| few.get_mut(..needed));
        let Some(keys) = few else {
            let mut keys = HashSet::new();
            let others = self.others(now, window_s);
            let is_new = others.map(|other| keys.insert(other.key));
            let distinct = is_new.filter(|is_new| *is_new);
            return distinct
                .take(usize::try_from(needed).unwrap_or(usize::MAX))
                .count() as u64;
        };
        let mut count = 0;
        for other in self.others(now, window_s) {
            if count >= keys.len() {
                break;
            }
            if !keys[..count].contains(&other.key) {
                keys[count] = other.key;
                count += 1;
            }
        }
        count as u64
    }

    /// The last `most` distinct other sides in the window that ends at `now`, each where it was met
    /// last, in the order of time.
    pub fn last_others(&self, now: i64, window_s: u64, most: usize) -> Vec<Other> {
        let mut others: Vec<Other> = Vec::new();
        if self.gone.is_none() && self.odd == 0 && most <= FEW {
            // They come in order, and these few are told apart by a look.
            for other in self.others(now, window_s) {
                if others.len() >= most {
                    break;
                }
                if others.iter().all(|known| known.key != other.key) {
                    others.push(other);
                }
            }
        } else {
            others.extend(self.others(now, window_s));
            order::sort_by_key(&mut others, |other| Reverse((other.time, other.offset)));
            let mut keys = HashSet::new();
            others.retain(|other| keys.len() < most && keys.insert(other.key));
        }
        others.reverse();
        others
    }

    /// The other sides in a window, the last first as long as all came in order.
    fn others(&self, now: i64, window_s: u64) -> impl Iterator<Item = Other> {
        let window = window(window_s);
        let remembered = self
            .all()
            .into_iter()
            .rev()
            .flat_map(|part| part.iter().rev());
        let gone = self
            .gone
            .as_deref()
            .map_or(&[][..], |gone| &gone.0)
            .iter()
            .rev();
        let others = remembered.map(Other::of).chain(gone.copied());
        others.filter(move |other| other.key != 0 && is_within(now, other.time, window))
    }
}

impl Gone {
    /// Remembers one as the last of `most`.
    fn note(&mut self, other: Other, most: usize) {
        self.0.retain(|known| known.key != other.key);
        if self.0.len() >= most {
            self.0.remove(0);
        }
        self.0.push(other);
    }
}

impl Other {
    fn of(attempt: &Attempt) -> Self {
        Self {
            key: attempt.other,
            time: attempt.time,
            offset: attempt.offset,
        }
    }
}

/// Milliseconds of a window.
fn window(window_s: u64) -> i64 {
    1000 * i64::try_from(window_s).unwrap_or(i64::MAX / 2000)
}

/// Whether a time stands in the window that ends at `now`, or little ahead.
#[inline(always)]
fn is_within(now: i64, time: i64, window: i64) -> bool {
    (-AHEAD..window).contains(&(now - time))
}

/// Forgets all but the last `most`.
pub fn keep_last<T>(items: &mut Vec<T>, most: usize) {
    if items.len() > most {
        items.drain(..items.len() - most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::event::Event;

    /// What one attempt says: seconds since the one before, the other side, and how many it stands for.
    type Step = (i64, u64, u64);

    fn run(steps: &[Step], bounds: &Bounds, mut each: impl FnMut(&Attempts, i64, usize)) {
        let event = Event::default();
        let mut attempts = Attempts::default();
        let (mut now, mut grown) = (1_795_000_000_000, 0);
        for (number, (seconds, other, count)) in steps.iter().enumerate() {
            now += 1000 * seconds;
            let seen = Seen {
                now,
                offset: number as u64,
                event: &event,
                ip: None,
                user: None,
                attempts: *count,
            };
            let other = (*other != 0).then_some(*other);
            attempts.note(&seen, other, bounds, false, &mut grown);
            attempts.assert_bounded(bounds);
            assert!(grown >= attempts.heap_bytes());
            each(&attempts, now, number);
        }
    }

    fn steps(least: i64) -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
        use proptest::prelude::*;
        let count = prop_oneof![8 => Just(1u64), 1 => 2u64..4];
        proptest::collection::vec((least..120, 0u64..7, count), 1..150)
    }

    proptest::proptest! {
        #[test]
        fn windows_hold_the_last_attempts(
            steps in steps(-40),
            most in proptest::sample::select(&[20u64, 33, 36, 40, 41][..]),
            needed in 1u64..42,
            window_s in 1u64..4000,
        ) {
            let bounds = Bounds::of(most, 5, 1200);
            let needed = needed.min(most);
            let mut times = Vec::new();
            run(&steps, &bounds, |attempts, now, number| {
                times.push(now);
                let last = (0..=number).rev().take(bounds.attempts);
                let inside = |number: &usize| {
                    (-60_000..1000 * window_s as i64).contains(&(now - times[*number]))
                };
                let mut inside: Vec<usize> = last.filter(inside).collect();
                inside.reverse();
                let count: u64 = inside.iter().map(|number| steps[*number].2).sum();
                assert_eq!(attempts.count_within(now, window_s), count);
                assert_eq!(attempts.has_within(now, window_s, needed), count >= needed);
                let mut evidence = Vec::new();
                let within = attempts.within(now, window_s, 3, &mut evidence);
                let last = inside.len().saturating_sub(3);
                let offsets: Vec<u64> = inside[last..].iter().map(|n| *n as u64).collect();
                assert_eq!((within.count, evidence), (count, offsets));
                assert_eq!(within.first, inside.first().map(|number| times[*number]));
                assert_eq!(attempts.last_time(), now);
            });
        }

        #[test]
        fn other_sides_are_told_apart_however_many_attempts_come(
            steps in steps(0),
            needed in 1u64..12,
        ) {
            let mut times = Vec::new();
            run(&steps, &Bounds::of(20, 5, 1200), |attempts, now, number| {
                times.push(now);
                let inside = (0..=number).rev().filter(|n| now - times[*n] < 1_200_000);
                let mut known = HashSet::new();
                let inside = inside.filter(|n| steps[*n].1 != 0 && known.insert(steps[*n].1));
                let mut others: Vec<u64> = inside.map(|n| n as u64).collect();
                let has_many = others.len() as u64 >= needed;
                assert_eq!(attempts.has_others_within(now, 1200, needed), has_many);
                others.reverse();
                let found = attempts.last_others(now, 1200, usize::MAX);
                let found: Vec<u64> = found.iter().map(|other| other.offset).collect();
                assert_eq!(found, others);
            });
        }
    }

    #[test]
    fn a_line_that_accompanies_an_attempt_names_the_other_side() {
        let bounds = Bounds::of(20, 5, 1200);
        let others = |steps: &[Step]| {
            let mut last = (0, Vec::new());
            run(steps, &bounds, |attempts, now, _| {
                let others = attempts.last_others(now, 1200, usize::MAX);
                let keys = others.iter().map(|other| other.key).collect();
                last = (attempts.count_within(now, 1200), keys);
            });
            last
        };
        assert_eq!(others(&[(0, 0, 1), (0, 7, 0)]), (1, vec![7]));
        assert_eq!(others(&[(0, 7, 1), (0, 7, 0), (0, 0, 0)]), (1, vec![7]));
        assert_eq!(others(&[(0, 7, 1), (0, 8, 0)]), (1, vec![7, 8]));
        assert_eq!(others(&[(0, 8, 0), (0, 7, 2)]), (2, vec![8, 7]));
        // Of two lines for each attempt only one takes room.
        let pairs: Vec<Step> = (0..40).flat_map(|_| [(1, 7, 1), (0, 8, 0)]).collect();
        assert_eq!(others(&pairs), (32, vec![7, 8]));
    }
}
