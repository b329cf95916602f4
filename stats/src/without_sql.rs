//! Stands where the SQL engine is in a program that was built without it, and says so.

use std::iter;

use arrow_array::{BooleanArray, RecordBatch};
use recorder::Table;

use crate::{ReportError, Usage};

/// The answer to whoever asks for it.
pub fn refusal(asked: &str) -> Usage {
    Usage(format!(
        "{asked}: this conntrack-report was built without SQL; `cargo build --release --bins` builds it with SQL"
    ))
}

/// A condition, of which there is none.
#[derive(Debug)]
pub enum Filter {}

impl Filter {
    /// Reads no condition.
    ///
    /// # Errors
    /// Always.
    pub fn parse(_: Table, _: &str) -> Result<Self, Usage> {
        Err(refusal("--where"))
    }

    /// No columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        iter::empty()
    }

    /// Nothing, of no condition.
    ///
    /// # Errors
    /// None.
    pub const fn fits(&self, _: &RecordBatch) -> Result<BooleanArray, ReportError> {
        match *self {}
    }
}
