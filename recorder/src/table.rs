//! The four tables of a campaign.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A table of a campaign: a directory of Parquet files, one directory a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Table {
    /// One row a connection, and interim rows of long ones.
    Connections = 0,
    /// The first headers of each connection, byte for byte.
    Headers = 1,
    /// What happened in connections, and to the appliance itself.
    Events = 2,
    /// The base series: one row a bin of time.
    Intervals = 3,
}

impl Table {
    /// How many tables there are.
    pub const COUNT: usize = 4;
    /// Every table, in order of index.
    pub const ALL: [Self; Self::COUNT] = [Self::Connections, Self::Headers, Self::Events, Self::Intervals];

    /// The name: of the directory, and in SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Headers => "headers",
            Self::Events => "events",
            Self::Intervals => "intervals",
        }
    }

    /// Position in [`Table::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The table at `index`, if there is one.
    #[must_use]
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
