//! Which keys lines had so far, and which came after which: most lines of a log look alike.

use std::collections::HashMap;

use super::fields::Role;

/// Leads that are remembered, as many as a place can tell apart; then it begins anew.
const MOST_LEADS: usize = 256;
/// A longer lead is read each time.
const LONGEST_LEAD: usize = 96;
/// How much of a lead is compared at once, in bytes.
const HEAD: usize = 16;

/// The lead that was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(u8);

impl Place {
    /// Nothing was read yet.
    pub const START: Self = Self(0);
    /// Something was read that is not remembered.
    const UNKNOWN: Self = Self(1);
}

/// What stood between two values, blanks and the quote that opens a text included: `{"time":"`
/// or `, "user":`.
#[derive(Debug)]
pub struct Lead {
    bytes: Box<[u8]>,
    /// The first bytes as a number, and which of its bits count.
    head: u128,
    mask: u128,
    /// The leads that came behind it, the latest first.
    next: [Place; 2],
    /// Whether a text's opening quote belongs to it.
    pub ends_in_quote: bool,
    /// What its key means.
    pub role: Role,
    /// Its key, if it is one of an object that is looked into.
    pub key: Box<str>,
}

/// The leads of lines before.
#[derive(Debug)]
pub struct KeyOrder {
    leads: Box<[Lead; MOST_LEADS]>,
    known: usize,
    places: HashMap<Box<[u8]>, Place>,
}

impl Default for KeyOrder {
    fn default() -> Self {
        // START is before every key; UNKNOWN holds whatever was too long to be remembered.
        Self {
            leads: Box::new(std::array::from_fn(|_| Lead::nowhere())),
            known: 2,
            places: HashMap::new(),
        }
    }
}

impl KeyOrder {
    /// The lead that stands at `at`, if it came behind `place` before.
    #[inline(always)]
    pub fn follow(&self, place: Place, bytes: &[u8], at: usize) -> Option<(Place, &Lead)> {
        let head = head_at(bytes, at);
        let [latest, other] = self.leads[usize::from(place.0)].next;
        let lead = &self.leads[usize::from(latest.0)];
        if lead.stands_at(head, bytes, at) {
            return Some((latest, lead));
        }
        let lead = &self.leads[usize::from(other.0)];
        lead.stands_at(head, bytes, at).then_some((other, lead))
    }

    /// Remembers that this lead, with this key, came behind `place`.
    pub fn learn(&mut self, place: Place, bytes: &[u8], key: &str) -> Place {
        if bytes.len() > LONGEST_LEAD {
            self.leads[usize::from(Place::UNKNOWN.0)].know(key);
            return Place::UNKNOWN;
        }
        let mut place = place;
        let learned = match self.places.get(bytes) {
            Some(known) => *known,
            None => {
                if self.known >= MOST_LEADS {
                    *self = Self::default();
                    // The beginning stays the beginning: only there a brace may stand.
                    if place != Place::START {
                        place = Place::UNKNOWN;
                    }
                }
                // Below 256.
                let fresh = Place(self.known as u8);
                self.leads[self.known] = Lead::new(bytes, key);
                self.known += 1;
                self.places.insert(Box::from(bytes), fresh);
                fresh
            }
        };
        let next = &mut self.leads[usize::from(place.0)].next;
        if next[0] != learned {
            *next = [learned, next[0]];
        }
        learned
    }

    /// The lead at a place.
    pub fn lead(&self, place: Place) -> &Lead {
        &self.leads[usize::from(place.0)]
    }
}

impl Lead {
    /// What stands before every key, and nowhere in a text: none holds these bytes.
    fn nowhere() -> Self {
        Self {
            head: u128::MAX,
            mask: u128::MAX,
            ..Self::new(b"", "")
        }
    }

    fn new(bytes: &[u8], key: &str) -> Self {
        let length = bytes.len().clamp(1, HEAD);
        let mut lead = Self {
            bytes: Box::from(bytes),
            head: head_at(bytes, 0),
            mask: u128::MAX >> (8 * (HEAD - length)),
            next: [Place::START; 2],
            ends_in_quote: bytes.len() > 1 && bytes.ends_with(b"\""),
            role: Role::default(),
            key: Box::default(),
        };
        lead.know(key);
        lead
    }

    /// How long it is, in bytes.
    #[inline]
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it stands at `at`, where the first bytes are `head`.
    #[inline(always)]
    fn stands_at(&self, head: u128, bytes: &[u8], at: usize) -> bool {
        (head ^ self.head) & self.mask == 0
            && at + self.bytes.len() <= bytes.len()
            && (self.bytes.len() <= HEAD || bytes[at..].starts_with(&self.bytes))
    }

    fn know(&mut self, key: &str) {
        self.role = Role::of(key);
        // Only a container's key is asked for again.
        self.key = Box::from(if self.role.is_container { key } else { "" });
    }
}

/// The sixteen bytes from `at` on; behind the end stand zeros.
#[inline(always)]
fn head_at(bytes: &[u8], at: usize) -> u128 {
    if let Some(head) = bytes.get(at..at + HEAD).and_then(<[u8]>::first_chunk) {
        return u128::from_le_bytes(*head);
    }
    head_at_the_end(bytes, at)
}

#[inline(never)]
fn head_at_the_end(bytes: &[u8], at: usize) -> u128 {
    let rest = bytes.get(at..).unwrap_or_default();
    match bytes.last_chunk() {
        Some(last) if !rest.is_empty() => u128::from_le_bytes(*last) >> (8 * (HEAD - rest.len())),
        _ => rest
            .iter()
            .rev()
            .fold(0, |head, byte| head << 8 | u128::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_is_followed_by_what_came_behind_it_before() {
        let mut order = KeyOrder::default();
        let first = order.learn(Place::START, b"{\"time\":", "time");
        let user = order.learn(first, b",\"user\":", "user");
        let long = order.learn(
            first,
            b",\"a longer key than others\":",
            "a longer key than others",
        );
        let rest = [
            (Place::START, &b"{\"time\":\"2026-11-20\"}"[..], Some(first)),
            (first, b",\"user\":\"mia.miller\"", Some(user)),
            (first, b",\"users\":\"mia.miller\"", None),
            (first, b",\"a longer key than others\":1", Some(long)),
            (first, b",\"a longer key than all\":1,", None),
            (user, b",\"user\":\"mia.miller\"", None),
            (first, b",\"user\":1}", Some(user)),
            (first, b",\"user\":", Some(user)),
            (first, b",\"user\"", None),
        ];
        for (place, rest, expected) in rest {
            let found = order.follow(place, rest, 0).map(|(next, _)| next);
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(rest));
            let behind = [b"{\"a long beginning\":1", rest].concat();
            let found = order.follow(place, &behind, behind.len() - rest.len());
            assert_eq!(found.map(|(next, _)| next), expected);
        }
    }

    #[test]
    fn foreign_keys_cost_no_memory() {
        let mut order = KeyOrder::default();
        let mut place = Place::START;
        for number in 0..10_000 {
            let key = format!("key{number}");
            place = order.learn(place, format!(",\"{key}\":").as_bytes(), &key);
            assert_eq!(order.lead(place).role, Role::of(&key));
        }
        let long = "x".repeat(1 << 20);
        order.learn(place, long.as_bytes(), &long);
        assert!(order.known <= MOST_LEADS && order.places.len() <= MOST_LEADS);
    }
}
