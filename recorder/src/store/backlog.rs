//! Frames that no disk has acknowledged yet.

use std::collections::VecDeque;

use crate::Table;
use crate::journal::Packed;

/// Keeps frames until they are durable, so that they can be written again, elsewhere, when a disk fails or hangs.
#[derive(Default)]
pub(crate) struct Backlog {
    frames: VecDeque<Packed>,
    bytes: usize,
}

impl Backlog {
    /// Adds the newest frame.
    pub fn push(&mut self, frame: Packed) {
        self.bytes += frame.bytes.len();
        self.frames.push_back(frame);
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The oldest frame's number.
    pub fn first(&self) -> Option<u64> {
        self.frames.front().map(|frame| frame.sequence)
    }

    /// All frames, oldest first.
    pub fn frames(&self) -> impl Iterator<Item = &Packed> {
        self.frames.iter()
    }

    /// Lets go of the frames before number `sequence`, and says how many rows they hold.
    pub fn release(&mut self, sequence: u64) -> [u64; Table::COUNT] {
        let mut rows = [0; Table::COUNT];
        while self.first().is_some_and(|first| first < sequence) {
            let Some(frame) = self.frames.pop_front() else { break };
            self.bytes -= frame.bytes.len();
            rows[frame.table.index()] += u64::from(frame.rows);
        }
        rows
    }
}
