//! Short lists: one that costs nothing on the heap while it has one entry, as most lists of a log's
//! subjects have for ever, and one of the last so many.

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
    #[cfg(test)]
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

/// The last so many: the next takes the place of the first.
#[derive(Debug)]
pub struct Ring<T> {
    items: Vec<T>,
    /// Where the first stands.
    start: usize,
    is_full: bool,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            start: 0,
            is_full: false,
        }
    }
}

impl<T: Copy> Ring<T> {
    /// The memory it takes beside itself, in bytes.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        self.items.capacity() * size_of::<T>()
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the next takes the place of the first.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Adds one at the end; of `most`, always the same, the first goes and is returned.
    #[inline]
    pub fn push(&mut self, item: T, most: usize) -> Option<T> {
        let count = self.items.len();
        if count < most {
            self.items.push(item);
            self.is_full = count + 1 == most;
            return None;
        }
        let first = std::mem::replace(self.items.get_mut(self.start)?, item);
        self.start += 1;
        if self.start >= count {
            self.start = 0;
        }
        Some(first)
    }

    /// All of them, in order, in two parts.
    #[inline]
    pub fn parts(&self) -> [&[T]; 2] {
        let (after, before) = self.items.split_at(self.start);
        [before, after]
    }

    /// The last but so many.
    #[inline]
    pub fn last_but(&self, number: usize) -> Option<&T> {
        let count = self.items.len();
        let place = count.checked_sub(number + 1)? + self.start;
        self.items.get(place.checked_sub(count).unwrap_or(place))
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
        ) {
            let mut ring = Ring::default();
            let mut model: VecDeque<u32> = VecDeque::new();
            for number in 0..count {
                model.push_back(number);
                let gone = (model.len() > most).then(|| model.pop_front()).flatten();
                proptest::prop_assert_eq!(ring.push(number, most), gone);
                proptest::prop_assert_eq!(ring.is_full(), model.len() == most);
                let all: Vec<u32> = ring.parts().concat();
                proptest::prop_assert_eq!(&all, &Vec::from(model.clone()));
                proptest::prop_assert_eq!(ring.len(), all.len());
                for place in 0..=most {
                    let expected = model.iter().rev().nth(place);
                    proptest::prop_assert_eq!(ring.last_but(place), expected);
                }
            }
        }
    }
}
