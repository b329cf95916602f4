//! Bytes that survive a crash: what the tracker produces, on disk and back.
//!
//! [`Encoder`] runs in each shard's thread and turns rows into [`Block`]s. One thread owns the [`Recorder`], which journals the blocks
//! (acknowledged by fdatasync) and seals ended journal segments into Parquet files by day. [`Campaign`] reads what is there: sealed, or
//! still in the journal of a campaign that runs or crashed. [`recover`] seals what a crash left, and [`verify`] checks every byte
//! and every count.
//!
//! The columns of each table stand in one list: [`columns`].
#![forbid(unsafe_code)]

mod campaign;
mod checkpoint;
pub mod columns;
mod disk;
mod encoder;
mod error;
mod intervals;
mod journal;
mod manifest;
mod recorder;
mod recover;
mod rows;
mod seal;
mod store;
mod table;
mod tcp_view;
mod verify;

pub use campaign::{Campaign, Scan, Sealed};
pub use checkpoint::{Carried, CheckpointPlace, CheckpointReader, CheckpointWriter, Chunk, DamagedChunk, Head};
pub use disk::{Disk, DiskError, DiskFile, LocalDisk, Room};
pub use encoder::{Block, Encoder};
pub use error::{ReadError, RecorderError};
pub use intervals::Aggregator;
pub use manifest::{
    Deleted, Dropped, EndedBy, Imbalance, Ledger, Losses, Manifest, Run, Software, SourceEntry, Span, State,
};
pub use recorder::{Condition, Config, Finished, Outcome, Recorder, Resumed, RoomIn, is_being_recorded};
pub use recover::{Recovered, recover, recover_on};
pub use rows::{HeaderRow, IntervalRow};
pub use seal::{KEEP, Quota, Retention};
pub use store::BACKLOG;
pub use table::Table;
pub use tcp_view::TcpView;
pub use verify::{Check, Verdict, VerifyReport, verify};
