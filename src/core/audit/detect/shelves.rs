//! A list whose items stay where they are while others come: to grow moves none of them, and wastes
//! little.

use std::ops::{Index, IndexMut};

/// Items that stand side by side.
const SHELF: usize = 256;

/// The list.
#[derive(Debug)]
pub struct Shelves<V>(Vec<Vec<V>>);

impl<V> Default for Shelves<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Shelves<V> {
    /// How many items there are.
    #[inline]
    pub fn len(&self) -> usize {
        match self.0.split_last() {
            Some((last, full)) => full.len() * SHELF + last.len(),
            None => 0,
        }
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: V) {
        match self.0.last_mut() {
            Some(last) if last.len() < SHELF => last.push(item),
            _ => {
                let mut shelf = Vec::with_capacity(SHELF);
                shelf.push(item);
                self.0.push(shelf);
            }
        }
    }

    /// All items, in order.
    pub fn iter(&self) -> impl Iterator<Item = &V> {
        self.0.iter().flatten()
    }
}

impl<V> Index<usize> for Shelves<V> {
    type Output = V;

    #[inline]
    fn index(&self, place: usize) -> &V {
        &self.0[place / SHELF][place % SHELF]
    }
}

impl<V> IndexMut<usize> for Shelves<V> {
    #[inline]
    fn index_mut(&mut self, place: usize) -> &mut V {
        &mut self.0[place / SHELF][place % SHELF]
    }
}
