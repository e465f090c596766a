//! Sorts lists of any type with one copy of the sorting code.
//!
//! The standard library's `sort` is compiled anew for each type and key, about 5 kB each time. Here
//! only the places are sorted, by code that is there once; then the items are put into their places.
//! All functions are stable: equal items stay in the order they had.

use std::cmp::Ordering;

/// Sorts from small to large.
pub fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// Sorts by a key that each item has; it is computed for every comparison.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], mut key: impl FnMut(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

/// Sorts by a comparison.
pub fn sort_by<T>(items: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    if items.len() < 2 {
        return;
    }
    let mut sources = sorted_places(items.len(), &mut |a, b| compare(&items[a], &items[b]));
    // Each place takes its item from its source, around every circle of places.
    for start in 0..sources.len() {
        let mut place = start;
        loop {
            let source = std::mem::replace(&mut sources[place], place);
            if source == start {
                break;
            }
            items.swap(place, source);
            place = source;
        }
    }
}

/// For each place of the sorted list the place where its item is now.
#[inline(never)]
fn sorted_places(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|a, b| compare(*a, *b));
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_is_sorted_as_the_standard_library_does(
            items in proptest::collection::vec((0_u8..20, any::<u8>()), 0..100),
        ) {
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            let mut found = items.clone();
            sort_by_key(&mut found, |(key, _)| *key);
            prop_assert_eq!(&found, &expected);
            expected.sort();
            sort(&mut found);
            prop_assert_eq!(&found, &expected);
            expected.reverse();
            sort_by(&mut found, |a, b| b.cmp(a));
            prop_assert_eq!(&found, &expected);
        }
    }
}
