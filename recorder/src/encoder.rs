//! What runs in a shard's thread: rows into blocks.

use std::collections::VecDeque;

use conntrack::{Event, Header, Record, Sink};
use wire::{Interval, Nanos};

use crate::{Table, rows};

/// Rows of one table, encoded one after another: what goes from a shard to the recorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Whose rows.
    pub table: Table,
    /// Which encoder made it.
    pub producer: u16,
    /// How many rows. In a block of `intervals` they are parts of bins, which the recorder adds up.
    pub rows: u32,
    /// The encoder gives no part of a bin before this instant any more; only a block of `intervals` says so.
    pub clock: Option<Nanos>,
    /// The rows.
    pub bytes: Vec<u8>,
}

impl Block {
    fn new(table: Table, producer: u16) -> Self {
        Self { table, producer, rows: 0, clock: None, bytes: Vec::new() }
    }
}

/// Encodes what a shard (or a poller) produces into blocks. A block is handed out when it is full, and at a [`flush`]; what
/// is still inside when the process dies is lost, so flush at least every quarter of a second.
///
/// ```
/// # use conntrack::Sink; use recorder::Encoder; use wire::{Interval, Nanos};
/// let mut encoder = Encoder::new(0);
/// encoder.interval(Interval::around(Nanos(25), 10));
/// encoder.flush(Nanos(30));
/// let block = encoder.take().unwrap();
/// assert_eq!((block.rows, block.clock), (1, Some(Nanos(30))));
/// encoder.recycle(block); // once its bytes are written
/// ```
///
/// [`flush`]: Encoder::flush
#[derive(Debug)]
pub struct Encoder {
    producer: u16,
    open: [Block; Table::COUNT],
    full: VecDeque<Block>,
    spare: Vec<Vec<u8>>,
    lost: [u64; Table::COUNT],
}

impl Encoder {
    /// A block is full when it has this many bytes: enough for zstd to find what repeats, and for a frame's header not to count.
    pub const BLOCK_BYTES: usize = 64 << 10;
    /// A row of any table is far smaller, so that a full block does not grow.
    const ROW_BYTES: usize = 4 << 10;
    /// Buffers kept for reuse; more are given back to the allocator.
    const SPARE: usize = 64;

    /// The encoder of producer `producer`: numbers run from 0, one for each encoder of a campaign.
    #[must_use]
    pub fn new(producer: u16) -> Self {
        Self {
            producer,
            open: Table::ALL.map(|table| Block::new(table, producer)),
            full: VecDeque::new(),
            spare: Vec::new(),
            lost: [0; Table::COUNT],
        }
    }

    /// The next block that is ready, oldest first. Take them until there is none after each step: they are not bounded here.
    pub fn take(&mut self) -> Option<Block> {
        self.full.pop_front()
    }

    /// Hands out everything, and says that no part of a bin before `clock` follows: [`Nanos::MAX`] at the end.
    pub fn flush(&mut self, clock: Nanos) {
        for table in Table::ALL {
            let block = &mut self.open[table.index()];
            if table == Table::Intervals {
                block.clock = Some(clock);
            }
            if block.rows > 0 || block.clock.is_some() {
                self.hand_out(table);
            }
        }
    }

    /// Gives back a block whose bytes are not needed any more.
    pub fn recycle(&mut self, block: Block) {
        if self.spare.len() < Self::SPARE {
            self.spare.push(block.bytes);
        }
    }

    /// Rows of `table` that could not be encoded; nothing that the tracker makes is such.
    #[must_use]
    pub const fn lost(&self, table: Table) -> u64 {
        self.lost[table.index()]
    }

    /// A connection's headers and events go before its row: whatever a crash leaves of the journal, a row there has all of them.
    fn hand_out(&mut self, table: Table) {
        if table == Table::Connections {
            for before in [Table::Headers, Table::Events] {
                if self.open[before.index()].rows > 0 {
                    self.hand_out(before);
                }
            }
        }
        let mut next = Block::new(table, self.producer);
        next.bytes = self.spare.pop().unwrap_or_default();
        next.bytes.clear();
        self.full.push_back(std::mem::replace(&mut self.open[table.index()], next));
    }

    fn add(&mut self, table: Table, encode: impl FnOnce(&mut Vec<u8>) -> postcard::Result<()>) {
        let block = &mut self.open[table.index()];
        if block.bytes.capacity() == 0 {
            block.bytes.reserve(Self::BLOCK_BYTES + Self::ROW_BYTES);
        }
        let before = block.bytes.len();
        match encode(&mut block.bytes) {
            Ok(()) => block.rows += 1,
            Err(_) => {
                // Half a row would make those behind it unreadable.
                block.bytes.truncate(before);
                self.lost[table.index()] += 1;
            }
        }
        if block.bytes.len() >= Self::BLOCK_BYTES {
            self.hand_out(table);
        }
    }
}

impl Sink for Encoder {
    fn record(&mut self, record: Record) {
        self.add(Table::Connections, |out| rows::encode(&record, out));
    }

    fn header(&mut self, header: Header<'_>) {
        self.add(Table::Headers, |out| rows::encode_header(&header, out));
    }

    fn event(&mut self, event: Event) {
        self.add(Table::Events, |out| rows::encode(&event, out));
    }

    fn interval(&mut self, interval: Interval) {
        self.add(Table::Intervals, |out| rows::encode(&interval, out));
    }
}
