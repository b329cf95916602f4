//! A capture, again and again, each time later: a link that does not end.

use std::io::Write;
use std::path::Path;
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support;

/// Packets a write, and writes a second: several times the capture's own pace, and far from what a tap can take.
const PACKETS: usize = 200;
const PERIOD: Duration = Duration::from_millis(10);

/// The capture's records, and how far they are fed.
pub struct Stream {
    header: Vec<u8>,
    records: Arc<Vec<Vec<u8>>>,
    /// Seconds from one round to the next.
    span: u32,
    /// Records fed so far, over all rounds.
    position: usize,
}

/// What one run was given.
#[derive(Clone, Debug)]
pub struct Fed {
    /// Number of the first record, over all rounds; and of the one after the last.
    pub records: (usize, usize),
    /// Instants by packet and by wall clock, ns: by the second, all packets up to the first had been given.
    pub progress: Vec<(i64, i64)>,
    /// The longest time between two writes: how far other processes cannot be trusted to be on time, ns.
    pub stall: i64,
}

/// A run that is being fed.
pub struct Feeding<'a> {
    stream: &'a mut Stream,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Fed>,
}

impl Stream {
    /// That of a pcap file with timestamps in nanoseconds and little-endian, as the simulation writes.
    pub fn of(capture: &Path) -> Self {
        let (header, records) = support::packets(capture);
        let seconds = |record: &[u8]| word(record, 0);
        // Long enough for the last connections of one round to be over when the next begins.
        let span = seconds(&records[records.len() - 1]) - seconds(&records[0]) + 400;
        Self { header, records: Arc::new(records), span, position: 0 }
    }

    /// Seconds from one round to the next.
    pub fn span(&self) -> u32 {
        self.span
    }
}

/// The record at a position over all rounds, and its time in ns.
fn record(records: &[Vec<u8>], span: u32, position: usize) -> (Vec<u8>, i64) {
    let round = u32::try_from(position / records.len()).expect("few rounds");
    let mut record = records[position % records.len()].clone();
    let seconds = word(&record, 0) + round * span;
    record[..4].copy_from_slice(&seconds.to_le_bytes());
    let ts = i64::from(seconds) * 1_000_000_000 + i64::from(word(&record, 4));
    (record, ts)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

#[expect(clippy::disallowed_methods, reason = "it is the wall clock that the recorder speaks of")]
fn wall_clock() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos() as i64
}

#[expect(clippy::disallowed_methods, reason = "a stream has its own pace")]
fn pause_until(instant: Instant) {
    thread::sleep(instant.saturating_duration_since(Instant::now()));
}

impl<'a> Feeding<'a> {
    /// Feeds the stream from where it stands, until the pipe breaks or it is ended.
    pub fn start(stream: &'a mut Stream, pipe: ChildStdin) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (header, records) = (stream.header.clone(), Arc::clone(&stream.records));
            let (span, from, stop) = (stream.span, stream.position, Arc::clone(&stop));
            thread::spawn(move || feed(pipe, &header, (&records, span), from, &stop))
        };
        Self { stream, stop, thread }
    }

    /// Ends the feeding, and says what was given.
    pub fn end(self) -> Fed {
        self.stop.store(true, Ordering::SeqCst);
        let fed = self.thread.join().expect("the feeder ends");
        self.stream.position = fed.records.1;
        fed
    }
}

fn feed(
    mut pipe: ChildStdin,
    header: &[u8],
    (records, span): (&[Vec<u8>], u32),
    from: usize,
    stop: &AtomicBool,
) -> Fed {
    let mut fed = Fed { records: (from, from), progress: Vec::new(), stall: 0 };
    if pipe.write_all(header).is_err() {
        return fed;
    }
    #[expect(clippy::disallowed_methods, reason = "a stream has its own pace")]
    let mut due = Instant::now();
    let mut before = wall_clock();
    while !stop.load(Ordering::SeqCst) {
        let to = fed.records.1 + PACKETS;
        let mut chunk = Vec::new();
        let mut last = 0;
        for position in fed.records.1..to {
            let (bytes, ts) = record(records, span, position);
            chunk.extend(bytes);
            last = ts;
        }
        if pipe.write_all(&chunk).is_err() {
            break;
        }
        let now = wall_clock();
        fed.stall = fed.stall.max(now - before);
        before = now;
        fed.records.1 = to;
        fed.progress.push((last, now));
        due += PERIOD;
        pause_until(due);
    }
    fed
}
