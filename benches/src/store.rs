//! What lies behind the tracker: rows encoded, journalled and sealed, by one thread.

use std::fs;
use std::io;
use std::path::Path;

use conntrack::{Event, Header, Record, Shard, Sink};
use recorder::{Block, Config, Encoder, Manifest, Recorder, Software};
use wire::{Interval, Nanos, Packet};

use crate::track::observations;
use crate::traffic::Captured;

/// Rows that are kept.
#[derive(Debug, Default)]
pub struct Kept {
    records: Vec<Record>,
    /// Headers, their bytes apart.
    headers: Vec<(Header<'static>, Vec<u8>)>,
}

impl Sink for Kept {
    fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    fn header(&mut self, header: Header<'_>) {
        self.headers.push((Header { bytes: &[], ..header }, header.bytes.to_vec()));
    }

    fn event(&mut self, _: Event) {}

    fn interval(&mut self, _: Interval) {}
}

impl Kept {
    /// What the tracker makes of frames.
    #[must_use]
    pub fn of(frames: &[Captured]) -> Self {
        let (mut shard, mut kept) = (Shard::new(conntrack::Config::default()), Self::default());
        for (frame, observation) in frames.iter().zip(&observations(frames)) {
            let headers = frame.bytes().get(Captured::ETHERNET..).unwrap_or_default();
            shard.step(&Packet { observation, headers }, &mut kept);
        }
        shard.finish(Nanos::MAX, &mut kept);
        kept
    }

    /// Connections alone.
    #[must_use]
    pub fn connections(self) -> Self {
        Self { headers: Vec::new(), ..self }
    }

    /// Headers alone.
    #[must_use]
    pub fn headers(self) -> Self {
        Self { records: Vec::new(), ..self }
    }

    /// How many rows there are.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.records.len() + self.headers.len()
    }
}

/// A new campaign.
pub struct Store {
    recorder: Recorder,
    encoder: Encoder,
}

impl Store {
    /// In `folder`, which does not exist yet. Nothing happens in other threads.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(folder: &Path) -> Result<Self, recorder::RecorderError> {
        let software = Software { version: "0".to_owned(), commit: "bench".to_owned() };
        let config = Config { background: false, segment_bytes: u64::MAX, ..Config::default() };
        let recorder = Recorder::create(folder, config, Manifest::new(software, Nanos::from_secs(1_000_000_000)))?;
        Ok(Self { recorder, encoder: Encoder::new(0) })
    }

    /// Records rows, and seals them.
    pub fn record(mut self, rows: &Kept) {
        for record in &rows.records {
            self.encoder.record(*record);
            self.hand_over();
        }
        for (header, bytes) in &rows.headers {
            self.encoder.header(Header { bytes, ..*header });
            self.hand_over();
        }
        self.encoder.flush(Nanos::MAX);
        self.hand_over();
        let _ = self.recorder.finish();
    }

    fn hand_over(&mut self) {
        while let Some(block) = self.encoder.take() {
            self.append(block);
        }
    }

    fn append(&mut self, block: Block) {
        let _ = self.recorder.append(&block);
        self.encoder.recycle(block);
    }
}

/// Bytes of the Parquet files of a table.
///
/// # Errors
/// When the folder cannot be read.
pub fn sealed_bytes(table: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for day in fs::read_dir(table)? {
        for file in fs::read_dir(day?.path())? {
            bytes += file?.metadata()?.len();
        }
    }
    Ok(bytes)
}
