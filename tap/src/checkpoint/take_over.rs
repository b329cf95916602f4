//! What the run before has kept, taken over.

use std::fmt;
use std::num::NonZeroU32;

use conntrack::{Detail, Heir, Kept, Shard, Sink};
use recorder::{CheckpointPlace, Chunk, DamagedChunk, Encoder, Recorder, RecorderError, Table};
use wire::{FlowHasher, Nanos};

use crate::anonymise::prefix::PrefixCipher;
use crate::anonymise::{Anonymiser, Masked};
use crate::clock;

/// How a run takes over.
pub struct TakeOver<'a> {
    /// Names those whose memory can be read.
    pub layout: &'a str,
    /// Each shard.
    pub tracker: &'a conntrack::Config,
    /// How many shards.
    pub shards: NonZeroU32,
    /// Key of the flow hash.
    pub seed: u64,
    /// What replaces addresses.
    pub mask: Option<&'a PrefixCipher>,
    /// Connections that there should be, if that is known.
    pub expected: Option<u64>,
}

/// What came of it.
#[derive(Debug)]
pub struct Taken {
    /// The shards, with what they go on with.
    pub shards: Vec<Shard>,
    /// Connections that go on.
    pub continued: u64,
    /// Connections that left their rows as they were when they were kept.
    pub closed: u64,
    /// Connections that are lost.
    pub lost: u64,
}

impl fmt::Display for Taken {
    /// What follows "the campaign goes on"; nothing where nothing was kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { continued, closed, lost, .. } = self;
        if *continued > 0 {
            write!(f, "; {continued} connections go on, which were open then")?;
        }
        if *closed > 0 {
            let why = "the tracker, the salt of uids or the number of headers was another";
            write!(f, "; {closed} connections end as they were kept, because {why}")?;
        }
        if *lost > 0 {
            write!(f, "; {lost} connections of the checkpoint are lost")?;
        }
        Ok(())
    }
}

/// What is in hand while a checkpoint is read.
struct Reading<'a> {
    order: &'a TakeOver<'a>,
    heirs: Vec<Heir>,
    hasher: FlowHasher,
    recorder: &'a mut Recorder,
    rows: Encoder,
    /// The latest packet when it was made.
    clock: Nanos,
    continued: u64,
    open: u64,
    closed: u64,
    lost: u64,
}

impl TakeOver<'_> {
    /// Takes over what the run before has kept, and removes it: now it is this run's to write the rows.
    ///
    /// # Errors
    /// When the disk refuses to remove it: it would be taken over twice.
    pub fn from(&self, recorder: &mut Recorder) -> Result<Taken, RecorderError> {
        let place = recorder.checkpoint();
        let heirs = (0..self.shards.get()).map(|_| Heir::new(self.tracker.clone())).collect();
        let (hasher, rows) = (FlowHasher::new(self.seed), Encoder::new(0));
        let mut reading = Reading {
            order: self,
            heirs,
            hasher,
            recorder,
            rows,
            clock: Nanos::MIN,
            continued: 0,
            open: 0,
            closed: 0,
            lost: 0,
        };
        let problem = reading.read(&place);
        let taken = reading.conclude(problem);
        // The rows that stand for it must outlive it.
        recorder.sync();
        place.remove()?;
        Ok(taken)
    }
}

impl Reading<'_> {
    /// Reads the checkpoint. Says why it cannot be used, or not all of it.
    fn read(&mut self, place: &CheckpointPlace) -> Option<String> {
        let reader = match place.open() {
            Ok(None) => return self.order.expected.map(|_| "it is not there".to_owned()),
            Err(error) => return Some(error.to_string()),
            Ok(Some(reader)) => reader,
        };
        if !place.follows(reader.head()) {
            return Some("a run after the one that made it was interrupted, and had gone on with it".to_owned());
        }
        let is_ours = reader.head().layout == self.order.layout;
        let mut damaged = 0;
        for chunk in reader {
            match chunk {
                Ok(chunk) => self.take(chunk, is_ours),
                Err(DamagedChunk { count }) => {
                    damaged += 1;
                    self.lost += u64::from(count);
                }
            }
        }
        (damaged > 0).then(|| format!("{damaged} parts of it are damaged"))
    }

    fn take(&mut self, mut chunk: Chunk, is_ours: bool) {
        self.clock = self.clock.max(chunk.clock);
        if let Some(cipher) = self.order.mask {
            cipher.states().decipher(&mut chunk.states);
        }
        match is_ours.then(|| chunk.states::<Kept>()).flatten() {
            Some(states) => {
                self.continued += u64::from(chunk.count);
                states.into_iter().for_each(|kept| self.give(kept));
            }
            None => {
                let before = self.closed;
                for row in chunk.rows() {
                    self.closed += 1;
                    self.rows.record(row);
                }
                // Those of a row that this version cannot read.
                self.lost += u64::from(chunk.count).saturating_sub(self.closed - before);
                self.write();
            }
        }
    }

    fn give(&mut self, kept: Kept) {
        self.open += u64::from(kept.is_open());
        match kept.key().map(|key| self.hasher.hash(&key)) {
            Some(hash) => {
                let shard = capture::shard_of(hash, self.order.shards.get()) as usize;
                self.heirs[shard].take_over(kept, hash);
            }
            None => self.heirs.iter_mut().for_each(|heir| heir.take_over(kept.clone(), 0)),
        }
    }

    /// Hands rows to the recorder, as fast as a disk takes them.
    fn write(&mut self) {
        while let Some(block) = self.rows.take() {
            if self.recorder.is_full() {
                self.recorder.sync();
            }
            // What no disk takes is counted as lost.
            let _ = self.recorder.append(&block);
            self.rows.recycle(block);
        }
    }

    fn conclude(mut self, problem: Option<String>) -> Taken {
        let found = self.continued + self.closed;
        self.lost = self.order.expected.map_or(self.lost, |expected| expected.saturating_sub(found));
        let mut mask = self.order.mask.cloned().map(Anonymiser::new);
        let mut shards = Vec::new();
        for heir in std::mem::take(&mut self.heirs) {
            let mut sink = Masked { sink: &mut self.rows, mask: mask.as_mut() };
            let mut shard = heir.into_shard(self.clock, &mut sink);
            if self.continued > 0 {
                shard.note_loss(self.clock, &mut sink);
            }
            shards.push(shard);
            self.write();
        }
        self.rows.flush(Nanos::MIN);
        self.write();
        self.recorder.begin_with(self.open);
        let problem = problem.or_else(|| (self.lost > 0).then(|| "their rows cannot be read".to_owned()));
        // Where it is not known how many there should be, what is wrong is told all the same.
        if let Some(problem) = problem.filter(|_| self.lost > 0 || self.order.expected.is_none()) {
            let number = if self.lost > 0 { self.lost.to_string() } else { "an unknown number of".to_owned() };
            let sentence = format!("{number} connections of the checkpoint: {problem}");
            self.recorder.count_lost(Table::Connections, self.lost);
            self.recorder.manifest_mut().losses.reasons.push(sentence.clone());
            self.recorder.tell(clock::time_of_day(), Detail::Lost(sentence));
        }
        let Self { continued, closed, lost, .. } = self;
        Taken { shards, continued, closed, lost }
    }
}
