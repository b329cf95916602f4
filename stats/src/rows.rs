//! Chooses rows and columns of batches on their way to a format.

use std::ops::ControlFlow;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use recorder::{Table, columns};

use crate::cell::{Cell, Column};
use crate::cli::RowArgs;
use crate::input::{Named, Skipped, each_batch};
use crate::{ReportError, Usage};

/// Which rows and columns of a table are wanted.
#[derive(Debug)]
pub struct Selection {
    table: Table,
    /// What is read: the columns wanted, in order, then those that only choose rows.
    read: Vec<String>,
    /// How many of `read` are wanted.
    wanted: usize,
    uid: Option<u64>,
    /// Only events of these kinds; empty: of all.
    kinds: Vec<String>,
    final_only: bool,
    limit: u64,
}

impl Selection {
    /// Of `table`, as the user asked; without a word on columns, those of `default`, or all where that is empty.
    ///
    /// # Errors
    /// [`Usage`] when a column is not in the table.
    pub fn new(table: Table, rows: &RowArgs, default: &[&str], final_only: bool) -> Result<Self, Usage> {
        let known = columns::of(table).map(|about| about.name).collect::<Vec<_>>();
        if let Some(unknown) = rows.columns.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Usage(format!(
                "{table} has no column {unknown}; `conntrack-report columns {table}` lists them"
            )));
        }
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let read = match (rows.columns.as_slice(), default) {
            ([], []) => names(&known),
            ([], default) => names(default),
            (asked, _) => asked.to_vec(),
        };
        let wanted = read.len();
        let limit = rows.limit.unwrap_or(u64::MAX);
        let mut selection = Self { table, read, wanted, uid: rows.uid, kinds: Vec::new(), final_only, limit };
        selection.need("uid", rows.uid.is_some());
        selection.need("final", final_only);
        Ok(selection)
    }

    /// The same of events, but only of these kinds, if there are any.
    #[must_use]
    pub fn of_kinds(mut self, kinds: &[String]) -> Self {
        self.kinds = kinds.to_vec();
        self.need("kind", !kinds.is_empty());
        self
    }

    /// Has a column read, whether or not it is wanted.
    fn need(&mut self, name: &str, needed: bool) {
        if needed && !self.read.iter().any(|column| column == name) {
            self.read.push(name.to_owned());
        }
    }

    /// The columns wanted, with their types.
    ///
    /// # Errors
    /// None for the tables of this version.
    pub fn schema(&self) -> Result<SchemaRef, ReportError> {
        let whole = columns::schema(self.table);
        let fields = self.read.iter().take(self.wanted).map(|name| whole.field_with_name(name).cloned());
        Ok(std::sync::Arc::new(arrow_schema::Schema::new(fields.collect::<Result<Vec<_>, _>>()?)))
    }

    /// Gives the rows of every campaign to `take`, batch by batch, with the columns wanted.
    ///
    /// # Errors
    /// Those of reading and of `take`.
    pub fn each(
        &self,
        campaigns: &[Named],
        skipped: &mut Skipped,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let names = self.read.iter().map(String::as_str).collect::<Vec<_>>();
        let mut left = self.limit;
        for named in campaigns {
            if left == 0 {
                break;
            }
            each_batch(&named.campaign, self.table, &names, skipped, &mut |batch| self.choose(batch, &mut left, take))?;
        }
        Ok(())
    }

    /// The same in order of time, which takes all rows wanted into memory: for those of one connection.
    ///
    /// # Errors
    /// Those of reading and of `take`.
    pub fn each_by_time(
        mut self,
        campaigns: &[Named],
        skipped: &mut Skipped,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        self.need("ts", true);
        let names = self.read.iter().map(String::as_str).collect::<Vec<_>>();
        let mut found = Vec::new();
        for named in campaigns {
            each_batch(&named.campaign, self.table, &names, skipped, &mut |batch| {
                let columns = batch.project(&(0..self.wanted).collect::<Vec<_>>())?;
                let ts = Column::find(batch, "ts")?;
                for row in self.runs(batch)?.into_iter().flat_map(|(start, length)| start..start + length) {
                    found.push((ts.as_ref().and_then(|ts| ts.cell(row).instant()), columns.slice(row, 1)));
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        found.sort_by_key(|(ts, _)| *ts);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        found.iter().take(limit).try_for_each(|(_, row)| take(row))
    }

    /// Gives the rows wanted of a batch, at most `left`, in slices that share its memory.
    fn choose(
        &self,
        batch: &RecordBatch,
        left: &mut u64,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), ReportError>,
    ) -> Result<ControlFlow<()>, ReportError> {
        let columns = batch.project(&(0..self.wanted).collect::<Vec<_>>())?;
        for (start, length) in self.runs(batch)? {
            let length = length.min(usize::try_from(*left).unwrap_or(usize::MAX));
            take(&columns.slice(start, length))?;
            *left -= length as u64;
            if *left == 0 {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Start and length of each run of rows that are wanted.
    fn runs(&self, batch: &RecordBatch) -> Result<Vec<(usize, usize)>, ReportError> {
        let rows = batch.num_rows();
        let (uid, finals) = (Column::find(batch, "uid")?, Column::find(batch, "final")?);
        let kind = Column::find(batch, "kind")?.filter(|_| !self.kinds.is_empty());
        if (self.uid.is_none() || uid.is_none()) && kind.is_none() && !self.final_only {
            return Ok(vec![(0, rows)]);
        }
        let wanted = |row: usize| {
            let uid_fits =
                self.uid.is_none_or(|wanted| uid.as_ref().is_some_and(|uid| uid.cell(row).unsigned() == Some(wanted)));
            let is_interim = finals.as_ref().is_some_and(|finals| matches!(finals.cell(row), Cell::Truth(false)));
            let is_kind = |text: Option<&str>| self.kinds.iter().any(|kind| Some(kind.as_str()) == text);
            let kind_fits = kind.as_ref().is_none_or(|kind| is_kind(kind.cell(row).text()));
            uid_fits && kind_fits && !(self.final_only && is_interim)
        };
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for row in (0..rows).filter(|&row| wanted(row)) {
            match runs.last_mut() {
                Some((start, length)) if *start + *length == row => *length += 1,
                _ => runs.push((row, 1)),
            }
        }
        Ok(runs)
    }
}
