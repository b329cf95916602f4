//! The same queries on a Ballista cluster.
//!
//! The plan goes to the scheduler, and the executors read the sealed files themselves: each must find them at the same absolute path as
//! this machine does (a shared file system). Checksums are not computed there, the journal is not read, and functions of this
//! program are not known; each of these is said.

use std::any::Any;
use std::sync::Arc;

use datafusion::catalog::{TableProvider, empty::EmptyTable};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionContext;
use recorder::{Campaign, Table, columns};

use super::damage::Damage;
use super::{errors, functions, tables};
use crate::{ReportError, Usage};

/// A session whose queries run on the cluster of `scheduler`, as `host:port`.
#[cfg(feature = "cluster")]
pub async fn context(scheduler: &str) -> std::result::Result<SessionContext, ReportError> {
    use ballista::prelude::{SessionConfigExt, SessionContextExt};
    use datafusion::execution::SessionStateBuilder;
    use datafusion::prelude::SessionConfig;

    let state = SessionStateBuilder::new()
        .with_config(super::told(SessionConfig::new_with_ballista()))
        .with_default_features()
        .build();
    SessionContext::remote_with_state(&format!("df://{scheduler}"), state)
        .await
        .map_err(|error| ReportError::Scheduler { scheduler: scheduler.to_owned(), cause: errors::said(&error) })
}

/// Says that this program cannot ask a cluster.
#[cfg(not(feature = "cluster"))]
pub async fn context(_: &str) -> std::result::Result<SessionContext, ReportError> {
    Err(ReportError::NoCluster)
}

/// The sealed files of a table, as executors read them.
pub fn parts(table: Table, campaign: &Campaign, damage: &Damage) -> Result<Vec<Arc<dyn TableProvider>>> {
    for error in campaign.missing(table) {
        damage.left_out(table, &error);
    }
    if campaign.has_journal() {
        let root = campaign.root().display();
        damage.note(format!(
            "what is not sealed yet of {root} is left out: executors read no journal; \
             leave --cluster out, or wait until the campaign is complete"
        ));
    }
    Ok(match tables::listing(table, &campaign.sealed_files(table))? {
        Some(files) => vec![Arc::new(files)],
        None => vec![Arc::new(EmptyTable::new(columns::schema(table)))],
    })
}

/// Refuses a plan with what executors do not know: functions of ours, and tables without files.
pub fn check(plan: &LogicalPlan) -> std::result::Result<(), Usage> {
    let mut ours = None;
    let mut look = |expression: &Expr| {
        expression.apply(|part| {
            if let Expr::ScalarFunction(call) = part
                && functions::NAMES.contains(&call.func.name())
            {
                ours = Some(call.func.name().to_owned());
            }
            Ok(TreeNodeRecursion::Continue)
        })
    };
    let mut empty = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let table: Arc<dyn Any + Send + Sync> = source_as_provider(&scan.source)?;
            empty |= table.is::<EmptyTable>();
        }
        node.apply_expressions(&mut look)
    })
    .map_err(|error| errors::wrong(&error))?;
    match (ours, empty) {
        (Some(name), _) => Err(Usage(format!(
            "{name} is a function of this program, which the executors of a cluster do not know: \
             leave --cluster out, or use the functions of DataFusion"
        ))),
        (None, true) => {
            Err(Usage("a table has no sealed rows that a cluster could read: leave --cluster out".to_owned()))
        }
        (None, false) => Ok(()),
    }
}
