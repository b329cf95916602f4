//! The tables of a campaign as DataFusion sees them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::project_schema;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::{StreamExt, stream};
use recorder::{Campaign, Sealed, Table, columns};
use tokio::sync::OnceCell;
use url::Url;

use super::damage::Damage;

/// Batches that wait between the thread that reads a journal and the query.
const WAITING: usize = 2;

/// The columns of a table, without what our files say of the table as a whole: DataFusion joins no tables that differ in it.
fn schema(table: Table) -> SchemaRef {
    Arc::new(columns::schema(table).as_ref().clone().with_metadata(HashMap::new()))
}

/// The sealed rows of a table. When a query first reads it, every file is checked against its checksum, and those that are not what
/// was sealed are left out; the others are DataFusion's to read.
pub struct SealedTable {
    campaign: Arc<Campaign>,
    table: Table,
    damage: Arc<Damage>,
    checked: OnceCell<Option<ListingTable>>,
}

impl SealedTable {
    /// Those of `campaign`; what is left out goes to `damage`.
    pub fn new(campaign: Arc<Campaign>, table: Table, damage: Arc<Damage>) -> Self {
        Self { campaign, table, damage, checked: OnceCell::new() }
    }

    async fn check(&self) -> Result<Option<ListingTable>> {
        for error in self.campaign.missing(self.table) {
            self.damage.left_out(self.table, &error);
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let checks = self.campaign.sealed_files(self.table).into_iter().map(|file| {
            tokio::task::spawn_blocking(move || {
                let verdict = file.check();
                (file, verdict)
            })
        });
        let mut whole = Vec::new();
        let mut checks = stream::iter(checks).buffered(threads);
        while let Some(checked) = checks.next().await {
            match checked.map_err(|error| DataFusionError::External(error.into()))? {
                (file, Ok(())) => whole.push(file),
                (_, Err(error)) => self.damage.left_out(self.table, &error),
            }
        }
        listing(self.table, &whole)
    }
}

impl fmt::Debug for SealedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sealed {} of {}", self.table, self.campaign.root().display())
    }
}

#[async_trait]
impl TableProvider for SealedTable {
    fn schema(&self) -> SchemaRef {
        schema(self.table)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match self.checked.get_or_try_init(|| self.check()).await? {
            Some(files) => files.scan(session, projection, filters, limit).await,
            None => Ok(Arc::new(EmptyExec::new(project_schema(&self.schema(), projection)?))),
        }
    }
}

/// The rows of these files of a table; nothing where there are none.
pub fn listing(table: Table, files: &[Sealed]) -> Result<Option<ListingTable>> {
    if files.is_empty() {
        return Ok(None);
    }
    let urls = files.iter().map(url).collect::<Result<Vec<_>>>()?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let config =
        ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema(table));
    ListingTable::try_new(config).map(Some)
}

/// Where a file lies; no character of its path is taken for a pattern.
fn url(file: &Sealed) -> Result<ListingTableUrl> {
    let path = file.path().canonicalize()?;
    let url = Url::from_file_path(&path)
        .map_err(|()| DataFusionError::Execution(format!("{} cannot be named by a URL", path.display())))?;
    ListingTableUrl::try_new(url, None)
}

/// The rows of a table that were not sealed when the campaign was opened.
pub struct JournalTable {
    campaign: Arc<Campaign>,
    table: Table,
    damage: Arc<Damage>,
}

impl JournalTable {
    /// Those of `campaign`; what is left out goes to `damage`.
    pub const fn new(campaign: Arc<Campaign>, table: Table, damage: Arc<Damage>) -> Self {
        Self { campaign, table, damage }
    }
}

impl fmt::Debug for JournalTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "journalled {} of {}", self.table, self.campaign.root().display())
    }
}

#[async_trait]
impl TableProvider for JournalTable {
    fn schema(&self) -> SchemaRef {
        schema(self.table)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = project_schema(&self.schema(), projection)?;
        let rows: Arc<dyn PartitionStream> = Arc::new(JournalRows {
            schema: Arc::clone(&schema),
            campaign: Arc::clone(&self.campaign),
            table: self.table,
            damage: Arc::clone(&self.damage),
        });
        Ok(Arc::new(StreamingTableExec::try_new(schema, vec![rows], None, [], false, limit)?))
    }
}

/// Some columns of a [`JournalTable`].
struct JournalRows {
    schema: SchemaRef,
    campaign: Arc<Campaign>,
    table: Table,
    damage: Arc<Damage>,
}

impl fmt::Debug for JournalRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "journalled {} of {}", self.table, self.campaign.root().display())
    }
}

impl PartitionStream for JournalRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), WAITING);
        let sender = stream.tx();
        let (schema, campaign, table) = (Arc::clone(&self.schema), Arc::clone(&self.campaign), self.table);
        let damage = Arc::clone(&self.damage);
        stream.spawn_blocking(move || {
            let names = schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>();
            let rows = campaign.scan_journal(table, &names).map_err(|error| DataFusionError::External(error.into()))?;
            for batch in rows {
                match batch {
                    Ok(batch) => {
                        // Nobody waits for more, as after a LIMIT.
                        if sender.blocking_send(Ok(batch)).is_err() {
                            break;
                        }
                    }
                    Err(error) => damage.left_out(table, &error),
                }
            }
            Ok(())
        });
        stream.build()
    }
}
