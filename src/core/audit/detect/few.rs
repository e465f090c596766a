//! Lists that cost nothing on the heap while they have one entry, as most lists of a log's subjects
//! have for ever.

/// None, one or many.
#[derive(Debug, Default)]
pub enum Few<T> {
    /// Nothing yet.
    #[default]
    None,
    /// One entry.
    One(T),
    /// More.
    Many(Vec<T>),
}

impl<T> Few<T> {
    /// All of them, in order.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    /// The same, to be changed in place.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::None => &mut [],
            Self::One(one) => std::slice::from_mut(one),
            Self::Many(many) => many,
        }
    }

    /// Adds one at the end.
    pub fn push(&mut self, item: T) {
        if let Self::Many(many) = self {
            return many.push(item);
        }
        *self = match std::mem::take(self) {
            Self::One(one) => Self::Many(vec![one, item]),
            _ => Self::One(item),
        };
    }
}

impl<T: Copy> Few<T> {
    /// Forgets all but those to keep.
    pub fn retain(&mut self, keeps: impl Fn(&T) -> bool) {
        match self {
            Self::One(one) if !keeps(one) => *self = Self::None,
            Self::Many(many) => many.retain(keeps),
            _ => {}
        }
    }
}

/// The last so many: the next takes the place of the first.
#[derive(Debug)]
pub struct Ring<T> {
    items: Few<T>,
    /// Where the first stands.
    start: u32,
    /// How many must come before no odd one is among them.
    odd: u32,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self {
            items: Few::None,
            start: 0,
            odd: 0,
        }
    }
}

impl<T: Copy> Ring<T> {
    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.items.as_slice().len()
    }

    /// Whether one of them was odd.
    #[inline]
    pub fn has_odd(&self) -> bool {
        self.odd > 0
    }

    /// Adds one at the end; of `most`, always the same and below 2^32, the first goes.
    #[inline]
    pub fn push(&mut self, item: T, most: usize, is_odd: bool) {
        self.odd = if is_odd {
            // A record holds far fewer than 2^32.
            most as u32
        } else {
            self.odd.saturating_sub(1)
        };
        let items = self.items.as_mut_slice();
        let count = items.len();
        if count < most {
            return self.items.push(item);
        }
        if let Some(first) = items.get_mut(self.start as usize) {
            *first = item;
        }
        self.start += 1;
        if self.start as usize >= count {
            self.start = 0;
        }
    }

    /// All of them, in order, in two parts.
    #[inline]
    pub fn parts(&self) -> [&[T]; 2] {
        let (after, before) = self.items.as_slice().split_at(self.start as usize);
        [before, after]
    }

    /// The last but so many.
    #[inline]
    pub fn last_but(&self, number: usize) -> Option<T> {
        let items = self.items.as_slice();
        let behind = items.len().checked_sub(number + 1)?;
        let place = behind + self.start as usize;
        let place = place.checked_sub(items.len()).unwrap_or(place);
        items.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    proptest::proptest! {
        #[test]
        fn a_ring_holds_the_last_ones_in_order(
            most in 1usize..6,
            count in 0u32..20,
            odd in 0u32..20,
        ) {
            let mut ring = Ring::default();
            let mut model: VecDeque<u32> = VecDeque::new();
            for number in 0..count {
                ring.push(number, most, number == odd);
                model.push_back(number);
                if model.len() > most {
                    model.pop_front();
                }
                proptest::prop_assert_eq!(ring.has_odd(), model.contains(&odd));
                let all: Vec<u32> = ring.parts().concat();
                proptest::prop_assert_eq!(&all, &Vec::from(model.clone()));
                proptest::prop_assert_eq!(ring.len(), all.len());
                for place in 0..=most {
                    let expected = model.iter().rev().nth(place).copied();
                    proptest::prop_assert_eq!(ring.last_but(place), expected);
                }
            }
        }
    }
}
