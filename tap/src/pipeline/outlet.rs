//! How rows leave a shard or a poller: encoded into blocks, and into the scribe's queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use capture::{Pace, SeriesNews};
use conntrack::{Event, Header, Record, Sink};
use crossbeam_channel::{Receiver, Sender};
use recorder::{Block, Encoder, Table};
use wire::{Interval, Nanos};

use crate::anonymise::{Anonymiser, Masked};

/// Rows wait in an encoder for at most this long, so that a crash loses no more than this and the journal's sync interval.
const FLUSH_EVERY: Duration = Duration::from_millis(250);

/// Rows that found no room in the queue, or could not be encoded, by table.
#[derive(Debug, Default)]
pub(super) struct LostRows([AtomicU64; Table::COUNT]);

impl LostRows {
    fn add(&self, table: Table, rows: u64) {
        self.0[table.index()].fetch_add(rows, Ordering::Relaxed);
    }

    /// What was lost since this was asked last.
    pub(super) fn take(&self) -> impl Iterator<Item = (Table, u64)> {
        Table::ALL
            .into_iter()
            .map(|table| (table, self.0[table.index()].swap(0, Ordering::Relaxed)))
            .filter(|lost| lost.1 > 0)
    }
}

/// The end of one producer of rows.
pub(super) struct Outlet {
    encoder: Encoder,
    mask: Option<Anonymiser>,
    pace: Pace,
    blocks: Sender<Block>,
    /// Blocks whose bytes are written, to be filled again.
    spare: Receiver<Block>,
    lost: Arc<LostRows>,
    /// Nothing before the first time that it is asked.
    flushed: Option<Instant>,
}

impl Outlet {
    pub(super) fn new(
        number: u16,
        mask: Option<Anonymiser>,
        pace: Pace,
        blocks: Sender<Block>,
        spare: Receiver<Block>,
        lost: Arc<LostRows>,
    ) -> Self {
        Self { encoder: Encoder::new(number), mask, pace, blocks, spare, lost, flushed: None }
    }

    /// Where rows go in.
    pub(super) const fn rows(&mut self) -> Masked<'_, Encoder> {
        Masked { sink: &mut self.encoder, mask: self.mask.as_mut() }
    }

    /// Takes what a poller has to say of the base series.
    pub(super) fn hear(&mut self, news: SeriesNews, now: Instant) {
        match news {
            SeriesNews::Part(part) => self.encoder.interval(part),
            SeriesNews::Past(clock) => self.pass_on(clock, now),
        }
    }

    /// Passes on the blocks that are full, and every [`FLUSH_EVERY`] those that are not, with the promise that no part of a bin before
    /// `clock` follows.
    pub(super) fn pass_on(&mut self, clock: Nanos, now: Instant) {
        if now.saturating_duration_since(*self.flushed.get_or_insert(now)) >= FLUSH_EVERY {
            self.encoder.flush(clock);
            self.flushed = Some(now);
        }
        self.send();
    }

    /// For the rows of a campaign's end: no packet waits for them any more, so they wait for room in the queue, and are passed on as
    /// they come, however many there are.
    pub(super) fn at_the_end(&mut self) -> impl Sink {
        self.pace = Pace::Patient;
        Unhurried(self)
    }

    /// Passes on everything.
    pub(super) fn close(mut self) {
        self.encoder.flush(Nanos::MAX);
        self.send();
        for table in Table::ALL {
            self.lost.add(table, self.encoder.lost(table));
        }
    }

    fn send(&mut self) {
        while let Some(block) = self.encoder.take() {
            // A queue without a scribe is full for ever: its rows are lost like any others.
            let refused = match self.pace {
                Pace::Patient => self.blocks.send(block).err().map(|error| error.into_inner()),
                Pace::Live => self.blocks.try_send(block).err().map(|error| error.into_inner()),
            };
            if let Some(block) = refused {
                self.lost.add(block.table, u64::from(block.rows));
                self.encoder.recycle(block);
            }
        }
        while let Ok(block) = self.spare.try_recv() {
            self.encoder.recycle(block);
        }
    }
}

/// Passes each full block on before the next row is encoded.
struct Unhurried<'a>(&'a mut Outlet);

impl Sink for Unhurried<'_> {
    fn record(&mut self, record: Record) {
        self.0.rows().record(record);
        self.0.send();
    }

    fn header(&mut self, header: Header<'_>) {
        self.0.rows().header(header);
        self.0.send();
    }

    fn event(&mut self, event: Event) {
        self.0.rows().event(event);
        self.0.send();
    }

    fn interval(&mut self, interval: Interval) {
        self.0.rows().interval(interval);
        self.0.send();
    }
}
