//! A source of one or many capture files, merged by time.

use std::collections::VecDeque;
use std::mem;
use std::path::PathBuf;

use wire::Nanos;

use super::files::BUFFER;
use super::input::Input;
use super::reader::{Reader, Step};
use crate::{DeviceCounters, Frame, Pace, Polled, Progress, Source, SourceError};

/// Files held open at a time: a quarter of the usual limit of a process, and 64 MiB of buffers.
const MOST_OPEN: usize = 256;

/// Packets visited by one call of [`Source::poll`] at most: about half a millisecond of work.
const PACKETS_A_POLL: usize = 4096;

/// A file whose time has not come.
pub(super) struct Planned {
    pub path: PathBuf,
    /// Timestamp of its first packet.
    pub first: Nanos,
}

/// A file being read, with a current packet.
struct Begun {
    reader: Reader,
    /// The latest timestamp so far. Files are merged by it, not by the timestamp itself: a file whose clock steps back is
    /// read on in its own order.
    clock: Nanos,
}

impl Begun {
    fn goes_on(&mut self) -> Result<Step, SourceError> {
        let step = self.reader.advance()?;
        self.clock = self.clock.max(self.reader.ts().unwrap_or(Nanos::MIN));
        Ok(step)
    }
}

/// Capture files as one source. A file is opened when the merge reaches its first packet, so that thousands of rotated files
/// need no more than those that overlap.
pub(super) struct Captures {
    name: String,
    begun: Vec<Begun>,
    planned: VecDeque<Planned>,
    problems: VecDeque<SourceError>,
    /// The problem of too many files was reported.
    is_crowded: bool,
    /// Packets of files that are done with timestamps beyond the range, and the first of these files.
    beyond_time: Option<(PathBuf, u64)>,
    visited: u64,
    /// Packets that were dropped according to files that are done.
    dropped: u64,
    /// Bytes of files that are done.
    done: u64,
    total: Option<u64>,
}

impl Captures {
    /// Starts with the file `first`, if it is open already; `planned` is in order of time. `problems` are what could not be
    /// read, and `progress` what has been done.
    pub(super) fn new(
        name: String,
        first: Option<Reader>,
        planned: Vec<Planned>,
        problems: Vec<SourceError>,
        progress: Progress,
    ) -> Self {
        let begun = first.map(|reader| Begun { clock: reader.ts().unwrap_or(Nanos::MIN), reader });
        Self {
            name,
            begun: begun.into_iter().collect(),
            planned: planned.into(),
            problems: problems.into(),
            is_crowded: false,
            beyond_time: None,
            visited: 0,
            dropped: 0,
            done: progress.done,
            total: progress.total,
        }
    }

    /// Opens the files whose time has come.
    fn begin_files(&mut self) {
        while let Some(next) = self.planned.front() {
            if self.begun.iter().any(|begun| begun.clock < next.first) {
                return;
            }
            if self.begun.len() >= MOST_OPEN {
                if !self.is_crowded {
                    self.is_crowded = true;
                    self.problems.push_back(SourceError::TooManyAtOnce { path: next.path.clone(), limit: MOST_OPEN });
                }
                return;
            }
            if let Some(next) = self.planned.pop_front() {
                self.begin_file(next);
            }
        }
    }

    fn begin_file(&mut self, file: Planned) {
        match Input::open(&file.path) {
            Ok(input) => {
                let mut begun = Begun { reader: Reader::new(&file.path, input, BUFFER), clock: Nanos::MIN };
                let step = begun.goes_on();
                self.begun.push(begun);
                self.conclude(self.begun.len() - 1, step);
            }
            Err(error) => self.problems.push_back(SourceError::Open { path: file.path, error }),
        }
    }

    /// Takes a file out that has no next packet.
    fn conclude(&mut self, index: usize, step: Result<Step, SourceError>) {
        match step {
            Ok(Step::Packet | Step::Nothing) => return,
            Ok(Step::End) => {}
            Err(problem) => self.problems.push_back(problem),
        }
        let ended = self.begun.remove(index);
        self.note_times(&ended.reader);
        self.done += ended.reader.bytes_read();
        self.dropped = self.dropped.saturating_add(ended.reader.dropped());
    }

    /// Remembers how many packets of a file had timestamps beyond the range.
    fn note_times(&mut self, reader: &Reader) {
        if reader.beyond_time() > 0 {
            let (_, packets) = self.beyond_time.get_or_insert_with(|| (reader.path().to_owned(), 0));
            *packets = packets.saturating_add(reader.beyond_time());
        }
    }

    /// The end, before which it is told once what was wrong with timestamps.
    fn end(&mut self) -> Result<Polled, SourceError> {
        match self.beyond_time.take() {
            Some((path, packets)) => Err(SourceError::BeyondTime { path, packets }),
            None => Ok(Polled::End),
        }
    }

    /// Packets that the files say were dropped so far.
    fn dropped(&self) -> u64 {
        self.begun.iter().fold(self.dropped, |dropped, begun| dropped.saturating_add(begun.reader.dropped()))
    }

    /// Visits the packets of the file whose turn it is, up to the turn of another one or to a drop, `most` at most. Gives how many they were,
    /// and `false` if a pipe has nothing more for now.
    fn visit_run(&mut self, index: usize, most: usize, visit: &mut dyn FnMut(Frame<'_>)) -> (usize, bool) {
        let others = self.begun.iter().enumerate().filter(|&(other, _)| other != index);
        let limit = others.map(|(other, begun)| (begun.clock, other)).min();
        let has_room = self.begun.len() < MOST_OPEN;
        let next_file = self.planned.front().filter(|_| has_room).map(|planned| planned.first);
        let Some(begun) = self.begun.get_mut(index) else { return (0, true) };
        let mut visited = 0;
        let dropped = begun.reader.dropped();
        let step = loop {
            if let Some(frame) = begun.reader.frame() {
                visit(frame);
                visited += 1;
            }
            let step = begun.goes_on();
            let is_anothers_turn = limit.is_some_and(|limit| limit < (begun.clock, index))
                || next_file.is_some_and(|first| first <= begun.clock);
            let is_done = is_anothers_turn || visited >= most || begun.reader.dropped() != dropped;
            if is_done || !matches!(step, Ok(Step::Packet)) {
                break step;
            }
        };
        self.visited += visited as u64;
        let has_more = !matches!(step, Ok(Step::Nothing));
        self.conclude(index, step);
        (visited, has_more)
    }
}

impl Source for Captures {
    fn poll(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> Result<Polled, SourceError> {
        let mut visited = 0;
        let dropped = self.dropped();
        while visited < PACKETS_A_POLL {
            self.begin_files();
            if self.dropped() != dropped {
                // To be asked for before the next packet is visited.
                return Ok(Polled::Frames);
            }
            if let Some(problem) = self.problems.pop_front() {
                return Err(problem);
            }
            let turn = self.begun.iter().enumerate().min_by_key(|&(index, begun)| (begun.clock, index));
            let Some((turn, _)) = turn else {
                return if visited > 0 { Ok(Polled::Frames) } else { self.end() };
            };
            let (more, has_more) = self.visit_run(turn, PACKETS_A_POLL - visited, visit);
            visited += more;
            if !has_more {
                return Ok(if visited > 0 { Polled::Frames } else { Polled::Idle { past: None } });
            }
        }
        Ok(Polled::Frames)
    }

    fn device(&mut self) -> DeviceCounters {
        let dropped = self.dropped();
        DeviceCounters { offered: self.visited.saturating_add(dropped), dropped_device: dropped, dropped_kernel: 0 }
    }

    fn progress(&self) -> Progress {
        let begun: u64 = self.begun.iter().map(|begun| begun.reader.bytes_read()).sum();
        Progress { done: self.done + begun, total: self.total }
    }

    fn stop(&mut self) {
        for begun in mem::take(&mut self.begun) {
            self.note_times(&begun.reader);
        }
        self.planned.clear();
    }

    fn pace(&self) -> Pace {
        Pace::Patient
    }

    fn name(&self) -> &str {
        &self.name
    }
}
