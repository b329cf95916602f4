//! What the figures need beyond the other reports, read in bounded memory.

mod connections;
mod headers;
mod series;

#[cfg(test)]
pub use connections::ChosenSide;
pub use connections::{Chosen, Connections, Distribution, Wanted};
pub use headers::{Segment, segments};
pub use series::{Column, Series};
