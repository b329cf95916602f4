//! SQL over campaigns: DataFusion, with tables that are campaigns and functions that are of the field.
//!
//! Each table of a campaign is a `UNION ALL` of its sealed files, which DataFusion reads itself, with its row groups and columns left
//! out where a query does not need them, and of the journal. Several campaigns are united, too, and told apart by the column
//! `campaign`. All of it is read only. Files that are not what was sealed are left out, said and counted, as in every report.
//!
//! Memory: what DataFusion's operators hold is bounded by the pool, and what exceeds it goes to files in the scratch folder; besides
//! them there are the batches and pages in flight, some tens of megabytes a core.

mod arithmetic;
mod cluster;
mod damage;
mod errors;
mod filter;
mod functions;
mod length;
mod printable;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use datafusion::catalog::{TableProvider, view::ViewTable};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext, lit};
use futures::StreamExt;
use recorder::{Campaign, Table};
use tokio::runtime::{Builder, Runtime};

use crate::standing::Standing;
use crate::{ReportError, Usage};
use damage::Damage;
pub use filter::Filter;
pub use printable::Printable;

/// The column that tells campaigns apart.
const CAMPAIGN: &str = "campaign";
/// DataFusion plans and runs by recursion, which needs more stack than threads have by default.
const STACK: usize = 16 << 20;

/// Where queries run.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// In this process.
    Here {
        /// Bytes that the operators may hold.
        memory: usize,
        /// Where they put what exceeds them.
        scratch: &'a Path,
    },
    /// On a Ballista cluster with the scheduler at `host:port`.
    Cluster(&'a str),
}

/// Answers queries over campaigns.
pub struct Engine {
    runtime: Runtime,
    context: SessionContext,
    damage: Arc<Damage>,
    on_cluster: bool,
}

/// A query that can be run.
pub struct Planned(DataFrame);

impl Planned {
    /// The columns of the answer.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        self.0.schema().as_arrow()
    }
}

impl Engine {
    /// An engine over the campaigns at `paths`.
    ///
    /// # Errors
    /// When one is no campaign, or the engine cannot be set up.
    pub fn open(paths: &[PathBuf], place: Place<'_>) -> Result<Self, ReportError> {
        let open = |path: &PathBuf| Ok((path.display().to_string(), Arc::new(Campaign::open(path)?)));
        let campaigns = paths.iter().map(open).collect::<Result<Vec<_>, ReportError>>()?;
        // Of what executors read it is told elsewhere.
        let here = campaigns.iter().filter(|_| matches!(place, Place::Here { .. }));
        for (name, campaign) in here {
            if let Some(sentence) = Standing::of(campaign)?.sentence() {
                tracing::warn!("{name}: {sentence}");
            }
        }
        let runtime = Builder::new_multi_thread().thread_stack_size(STACK).enable_all().build()?;
        let context = match place {
            Place::Here { memory, scratch } => local(memory, scratch)?,
            Place::Cluster(scheduler) => runtime.block_on(cluster::context(scheduler))?,
        };
        let on_cluster = matches!(place, Place::Cluster(_));
        let engine = Self { runtime, context, damage: Arc::default(), on_cluster };
        functions::register(&engine.context);
        for table in Table::ALL {
            engine.register(table, &campaigns).map_err(errors::failed)?;
        }
        Ok(engine)
    }

    /// Makes all campaigns' rows of a table one table.
    fn register(&self, table: Table, campaigns: &[(String, Arc<Campaign>)]) -> datafusion::error::Result<()> {
        let mut whole: Option<DataFrame> = None;
        for (name, campaign) in campaigns {
            for part in self.parts(table, campaign)? {
                let rows = self.context.read_table(part)?;
                let columns = rows.schema().fields().iter().map(|field| arithmetic::column(field));
                let columns = columns.chain([lit(name.as_str()).alias(CAMPAIGN)]).collect::<Vec<_>>();
                let rows = rows.select(columns)?;
                whole = Some(match whole {
                    Some(whole) => whole.union(rows)?,
                    None => rows,
                });
            }
        }
        if let Some(whole) = whole {
            let view = ViewTable::new(whole.into_unoptimized_plan(), None);
            self.context.register_table(table.as_str(), Arc::new(view))?;
        }
        Ok(())
    }

    /// The parts of a campaign's table, to be united.
    fn parts(&self, table: Table, campaign: &Arc<Campaign>) -> datafusion::error::Result<Vec<Arc<dyn TableProvider>>> {
        if self.on_cluster {
            return cluster::parts(table, campaign, &self.damage);
        }
        let sealed = tables::SealedTable::new(Arc::clone(campaign), table, Arc::clone(&self.damage));
        let mut parts: Vec<Arc<dyn TableProvider>> = vec![Arc::new(sealed)];
        if campaign.has_journal() {
            parts.push(Arc::new(tables::JournalTable::new(Arc::clone(campaign), table, Arc::clone(&self.damage))));
        }
        Ok(parts)
    }

    /// Plans a query. Nothing is read yet.
    ///
    /// # Errors
    /// [`Usage`] when it is no SQL, asks for what there is not, or does more than read.
    pub fn plan(&self, sql: &str) -> Result<Planned, Usage> {
        length::check(sql)?;
        let plan = self.runtime.block_on(self.context.state().create_logical_plan(sql));
        let plan = plan.map_err(|error| errors::wrong(&error))?;
        let only_read = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        only_read.verify_plan(&plan).map_err(|error| {
            Usage(format!("{}; campaigns are only read: use SELECT, EXPLAIN, DESCRIBE or SHOW", errors::said(&error)))
        })?;
        if self.on_cluster {
            cluster::check(&plan)?;
        }
        Ok(Planned(DataFrame::new(self.context.state(), plan)))
    }

    /// Runs a query and gives its answer to `take`, batch by batch.
    ///
    /// # Errors
    /// [`ReportError::Query`] and [`ReportError::QueryMemory`] when it fails, and those of `take`.
    pub fn run(
        &self,
        planned: Planned,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        self.runtime.block_on(async {
            let mut stream = planned.0.execute_stream().await.map_err(errors::failed)?;
            while let Some(batch) = stream.next().await {
                take(&batch.map_err(errors::failed)?)?;
            }
            Ok(())
        })
    }

    /// How many parts of campaigns had to be left out so far.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.damage.parts()
    }
}

/// What every session is told: missing values come last, whichever way is sorted, and the catalog can be asked.
fn told(config: SessionConfig) -> SessionConfig {
    config.with_information_schema(true).set_str("datafusion.sql_parser.default_null_ordering", "nulls_last")
}

/// A session in this process.
fn local(memory: usize, scratch: &Path) -> Result<SessionContext, ReportError> {
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![scratch.to_owned()]));
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(memory)))
        .with_disk_manager_builder(disk)
        .build_arc()
        .map_err(errors::failed)?;
    let mut config = told(SessionConfig::new());
    // Rows that a condition leaves out cost no decoding of their other columns, of which there are many.
    config.options_mut().execution.parquet.pushdown_filters = true;
    Ok(SessionContext::new_with_config_rt(config, runtime))
}
