//! Chooses rows and columns of batches on their way to a format.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use recorder::{Campaign, Table, columns};

use crate::cell::{Cell, Column};
use crate::cli::RowArgs;
use crate::input::{Named, Skipped, each_batch};
#[cfg(feature = "sql")]
use crate::sql::Filter;
#[cfg(not(feature = "sql"))]
use crate::without_sql::Filter;
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
    /// Only rows that fit.
    filter: Option<Filter>,
    /// Only rows of connections whose own row fits.
    connections: Option<Filter>,
    limit: u64,
}

/// The connections of a campaign that were chosen, by uid, ascending: eight bytes each.
type Chosen = Option<Vec<u64>>;

impl Selection {
    /// Of `table`, as the user asked; without a word on columns, those of `default`, or all where that is empty.
    ///
    /// # Errors
    /// [`Usage`] when a column is not in the table, or the condition is none.
    pub fn new(table: Table, rows: &RowArgs, default: &[&str], final_only: bool) -> Result<Self, Usage> {
        let known = columns::of(table).map(|about| about.name).collect::<Vec<_>>();
        if let Some(unknown) = rows.columns.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Usage(format!(
                "{table} has no column {unknown}; `conntrack-report columns {table}` lists them"
            )));
        }
        if let Some(twice) = rows.columns.iter().enumerate().find(|(at, name)| rows.columns[..*at].contains(name)) {
            return Err(Usage(format!("column {} is named twice", twice.1)));
        }
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let read = match (rows.columns.as_slice(), default) {
            ([], []) => names(&known),
            ([], default) => names(default),
            (asked, _) => asked.to_vec(),
        };
        let wanted = read.len();
        let limit = rows.limit.unwrap_or(u64::MAX);
        // Headers have no properties that one would choose them by, but their connections have.
        let of_connections = table == Table::Headers;
        let about = if of_connections { Table::Connections } else { table };
        let condition = rows.fitting.as_deref().map(|text| Filter::parse(about, text)).transpose()?;
        let (filter, connections) = if of_connections { (None, condition) } else { (condition, None) };
        let mut selection =
            Self { table, read, wanted, uid: rows.uid, kinds: Vec::new(), final_only, filter, connections, limit };
        selection.need("uid", rows.uid.is_some() || selection.connections.is_some());
        selection.need("final", final_only);
        let needed = selection.filter.iter().flat_map(Filter::columns).map(str::to_owned).collect::<Vec<_>>();
        needed.iter().for_each(|name| selection.need(name, true));
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
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        Ok(Arc::new(Schema::new_with_metadata(fields, whole.metadata().clone())))
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
            let chosen = self.chosen(&named.campaign, skipped)?;
            each_batch(&named.campaign, self.table, &names, skipped, &mut |batch| {
                self.choose(batch, &chosen, &mut left, take)
            })?;
        }
        self.miss(left == self.limit && left > 0);
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
            let chosen = self.chosen(&named.campaign, skipped)?;
            each_batch(&named.campaign, self.table, &names, skipped, &mut |batch| {
                let columns = batch.project(&(0..self.wanted).collect::<Vec<_>>())?;
                let ts = Column::find(batch, "ts")?;
                for row in self.runs(batch, &chosen)?.into_iter().flat_map(|(start, length)| start..start + length) {
                    found.push((ts.as_ref().and_then(|ts| ts.cell(row).instant()), columns.slice(row, 1)));
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        self.miss(found.is_empty());
        found.sort_by_key(|(ts, _)| *ts);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        found.iter().take(limit).try_for_each(|(_, row)| take(row))
    }

    /// Says that a connection that was asked for by name has no rows.
    fn miss(&self, nothing: bool) {
        if let Some(uid) = self.uid.filter(|_| nothing) {
            tracing::warn!("the table {} has no row of uid {uid}", self.table);
        }
    }

    /// Gives the rows wanted of a batch, at most `left`, in slices that share its memory.
    fn choose(
        &self,
        batch: &RecordBatch,
        chosen: &Chosen,
        left: &mut u64,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), ReportError>,
    ) -> Result<ControlFlow<()>, ReportError> {
        let columns = batch.project(&(0..self.wanted).collect::<Vec<_>>())?;
        for (start, length) in self.runs(batch, chosen)? {
            let length = length.min(usize::try_from(*left).unwrap_or(usize::MAX));
            take(&columns.slice(start, length))?;
            *left -= length as u64;
            if *left == 0 {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The connections of `campaign` that fit, where rows are chosen by their connections. What counts is a connection's final row,
    /// or any interim row of one that goes on.
    fn chosen(&self, campaign: &Campaign, skipped: &mut Skipped) -> Result<Chosen, ReportError> {
        let Some(filter) = &self.connections else { return Ok(None) };
        let mut names = vec!["uid", "final"];
        names.extend(filter.columns().filter(|name| !["uid", "final"].contains(name)));
        let (mut fitting, mut interim) = (Vec::new(), Vec::new());
        each_batch(campaign, Table::Connections, &names, skipped, &mut |batch| {
            let (uid, finals) = uids(batch)?;
            for row in filter.fits(batch)?.values().set_indices() {
                let of = if finals.cell(row).is_true() { &mut fitting } else { &mut interim };
                of.extend(uid.cell(row).unsigned());
            }
            Ok(ControlFlow::Continue(()))
        })?;
        fitting.extend(going_on(interim, campaign, skipped)?);
        fitting.sort_unstable();
        Ok(Some(fitting))
    }

    /// Start and length of each run of rows that are wanted.
    fn runs(&self, batch: &RecordBatch, chosen: &Chosen) -> Result<Vec<(usize, usize)>, ReportError> {
        let rows = batch.num_rows();
        let (uid, finals) = (Column::find(batch, "uid")?, Column::find(batch, "final")?);
        let kind = Column::find(batch, "kind")?.filter(|_| !self.kinds.is_empty());
        let fits = self.filter.as_ref().map(|filter| filter.fits(batch)).transpose()?;
        let all = (self.uid.is_none() || uid.is_none()) && kind.is_none() && !self.final_only;
        if all && fits.is_none() && chosen.is_none() {
            return Ok(vec![(0, rows)]);
        }
        let wanted = |row: usize| {
            let number = uid.as_ref().and_then(|uid| uid.cell(row).unsigned());
            let uid_fits = self.uid.is_none_or(|wanted| number == Some(wanted));
            let is_chosen = |chosen: &Vec<u64>| number.is_some_and(|uid| chosen.binary_search(&uid).is_ok());
            let is_interim = finals.as_ref().is_some_and(|finals| matches!(finals.cell(row), Cell::Truth(false)));
            let is_kind = |text: Option<&str>| self.kinds.iter().any(|kind| Some(kind.as_str()) == text);
            let kind_fits = kind.as_ref().is_none_or(|kind| is_kind(kind.cell(row).text()));
            let condition_fits = fits.as_ref().is_none_or(|fits| fits.value(row));
            uid_fits
                && kind_fits
                && condition_fits
                && chosen.as_ref().is_none_or(is_chosen)
                && !(self.final_only && is_interim)
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

/// The columns `uid` and `final` of connections.
fn uids(batch: &RecordBatch) -> Result<(Column<'_>, Column<'_>), ReportError> {
    let column = |name| Column::require(batch, Table::Connections, name);
    Ok((column("uid")?, column("final")?))
}

/// Those of the connections `interim` that have no final row in `campaign`.
fn going_on(mut interim: Vec<u64>, campaign: &Campaign, skipped: &mut Skipped) -> Result<Vec<u64>, ReportError> {
    if interim.is_empty() {
        return Ok(interim);
    }
    interim.sort_unstable();
    interim.dedup();
    let mut ended = vec![false; interim.len()];
    each_batch(campaign, Table::Connections, &["uid", "final"], skipped, &mut |batch| {
        let (uid, finals) = uids(batch)?;
        for row in (0..batch.num_rows()).filter(|&row| finals.cell(row).is_true()) {
            if let Some(at) = uid.cell(row).unsigned().and_then(|uid| interim.binary_search(&uid).ok()) {
                ended[at] = true;
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let mut ended = ended.into_iter();
    interim.retain(|_| ended.next() == Some(false));
    Ok(interim)
}
