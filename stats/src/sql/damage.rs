//! What of the campaigns cannot be read. A query may come across the same damage more than once: it is said and counted once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use recorder::{ReadError, Table};

/// The parts that were left out.
#[derive(Debug, Default)]
pub struct Damage {
    known: Mutex<BTreeSet<String>>,
}

impl Damage {
    /// Says and counts that rows of `table` are left out.
    pub fn left_out(&self, table: Table, error: &ReadError) {
        self.note(format!("rows of the table {table} are left out: {error}"));
    }

    /// Says and counts what else is left out.
    pub fn note(&self, what: String) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&what) {
            tracing::warn!("{what}");
            known.insert(what);
        }
    }

    /// How many parts.
    pub fn parts(&self) -> u64 {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }
}
