//! Which keys lines had so far, and which came after which: most lines of a log look alike.

use std::collections::HashMap;

use super::fields::Role;

/// Leads that are remembered; then it begins anew.
const MOST_LEADS: usize = 256;
/// A longer lead is read each time.
const LONGEST_LEAD: usize = 96;
/// How much of a lead is compared at once, in bytes.
const HEAD: usize = 16;

/// The lead that was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(u16);

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
    leads: Vec<Lead>,
    places: HashMap<Box<[u8]>, Place>,
}

impl Default for KeyOrder {
    fn default() -> Self {
        // START is before every key; UNKNOWN holds whatever was too long to be remembered.
        Self {
            leads: vec![Lead::new(b"", ""), Lead::new(b"", "")],
            places: HashMap::new(),
        }
    }
}

impl KeyOrder {
    /// The lead with which `rest` begins, if it came behind `place` before.
    #[inline]
    pub fn follow(&self, place: Place, rest: &[u8]) -> Option<(Place, &Lead)> {
        let [latest, other] = self.leads[usize::from(place.0)].next;
        let lead = &self.leads[usize::from(latest.0)];
        if lead.begins(rest) {
            return Some((latest, lead));
        }
        let lead = &self.leads[usize::from(other.0)];
        lead.begins(rest).then_some((other, lead))
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
                if self.leads.len() >= MOST_LEADS {
                    *self = Self::default();
                    // The beginning stays the beginning: only there a brace may stand.
                    if place != Place::START {
                        place = Place::UNKNOWN;
                    }
                }
                // At most 256 of them.
                let fresh = Place(self.leads.len() as u16);
                self.leads.push(Lead::new(bytes, key));
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
    fn new(bytes: &[u8], key: &str) -> Self {
        let mut head = [0; HEAD];
        let mut mask = [0; HEAD];
        let length = bytes.len().min(HEAD);
        head[..length].copy_from_slice(&bytes[..length]);
        mask[..length].fill(0xff);
        let mut lead = Self {
            bytes: Box::from(bytes),
            head: u128::from_le_bytes(head),
            mask: u128::from_le_bytes(mask),
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

    /// Whether `rest` begins with it; nothing begins with what stands before every key.
    #[inline]
    fn begins(&self, rest: &[u8]) -> bool {
        match rest.first_chunk() {
            Some(head) => {
                (u128::from_le_bytes(*head) ^ self.head) & self.mask == 0
                    && self.mask != 0
                    && (self.bytes.len() <= HEAD || rest.starts_with(&self.bytes))
            }
            None => self.mask != 0 && rest.starts_with(&self.bytes),
        }
    }

    fn know(&mut self, key: &str) {
        self.role = Role::of(key);
        // Only a container's key is asked for again.
        self.key = Box::from(if self.role.is_container { key } else { "" });
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
            let found = order.follow(place, rest).map(|(next, _)| next);
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(rest));
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
        assert!(order.leads.len() <= MOST_LEADS && order.places.len() <= MOST_LEADS);
    }
}
