//! Numbers from records: what `conntrack-report` prints of recorded campaigns.
//!
//! Everything works on record batches as recorder reads them, and by the names and types of their columns, so that a
//! new column appears in every format by itself. Memory does not grow with a campaign.
#![forbid(unsafe_code)]

pub mod cell;
mod error;
pub mod format;
pub mod output;
pub mod pcapng;
pub mod text;
pub mod time_sort;

pub use error::ReportError;
