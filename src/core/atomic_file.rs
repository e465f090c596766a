//! Files that are old or new at every instant: replaced by a rename, or created and never overwritten.
