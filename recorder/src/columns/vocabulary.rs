//! The names that stand as texts in columns, and what they mean.

use conntrack::{Anomaly, CloseReason, ConnState, DirectionBy, EventKind, MultipathSubtype, TcpState};

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
    macro_rules! names {
        ($column:literal, $name:ident) => {
            Names { column: $column, names: $name::ALL.iter().map(|name| (name.as_str(), name.definition())).collect() }
        };
    }
    match table {
        Table::Connections => vec![
            names!("conn_state", ConnState),
            names!("direction_by", DirectionBy),
            names!("close_reason", CloseReason),
            names!("orig_state", TcpState),
            names!("anomalies", Anomaly),
            names!("mptcp_subtypes", MultipathSubtype),
        ],
        Table::Events => vec![names!("kind", EventKind)],
        Table::Headers | Table::Intervals => Vec::new(),
    }
}

/// The names in the `kind` column of `events`.
pub fn event_kinds() -> impl Iterator<Item = &'static str> {
    EventKind::ALL.iter().map(|kind| kind.as_str())
}
