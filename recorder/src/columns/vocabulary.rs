//! The names that stand as texts in columns, and what they mean.

use conntrack::{Anomaly, EventKind};

use crate::Table;

/// The names that a column can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The column.
    pub column: &'static str,
    /// Each name with its meaning.
    pub names: Vec<(&'static str, &'static str)>,
}

/// The columns of a table that hold names, with all of them.
#[must_use]
pub fn vocabulary(table: Table) -> Vec<Names> {
    match table {
        Table::Connections => vec![Names {
            column: "anomalies",
            names: Anomaly::ALL.iter().map(|anomaly| (anomaly.as_str(), anomaly.definition())).collect(),
        }],
        Table::Events => vec![Names {
            column: "kind",
            names: EventKind::ALL.iter().map(|kind| (kind.as_str(), kind.definition())).collect(),
        }],
        Table::Headers | Table::Intervals => Vec::new(),
    }
}

/// The names in the `kind` column of `events`.
pub fn event_kinds() -> impl Iterator<Item = &'static str> {
    EventKind::ALL.iter().map(|kind| kind.as_str())
}
