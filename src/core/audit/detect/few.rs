//! A list that costs nothing on the heap while it has one entry, as most lists of a log's subjects
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
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    /// The same, to be changed in place.
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
    /// Adds one at the end; of `most` or more the first goes.
    pub fn push_bounded(&mut self, item: T, most: usize) {
        let slice = self.as_mut_slice();
        if slice.len() < most {
            return self.push(item);
        }
        slice.copy_within(1.., 0);
        if let Some(last) = slice.last_mut() {
            *last = item;
        }
    }
}
