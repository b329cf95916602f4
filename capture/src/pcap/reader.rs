//! One capture file, record by record.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use wire::Nanos;

use super::classic::Classic;
use super::input::Input;
use super::ng::{self, Ng};
use super::record::{Fault, Record};
use super::window::Window;
use crate::{Frame, SourceError};

/// A capture file. [`Self::advance`] makes a packet the current one, [`Self::frame`] lends it.
pub(super) struct Reader {
    path: PathBuf,
    window: Window<Input>,
    format: Format,
    current: Option<Record>,
    packets: u64,
}

enum Format {
    Unknown,
    Classic(Classic),
    Ng(Ng),
}

/// What [`Reader::advance`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A packet, now the current one.
    Packet,
    /// Nothing yet: a pipe that pauses.
    Nothing,
    /// The end of the file.
    End,
}

impl Reader {
    pub(super) fn new(path: &Path, input: Input, buffer: usize) -> Self {
        let window = Window::new(input, buffer);
        Self { path: path.to_owned(), window, format: Format::Unknown, current: None, packets: 0 }
    }

    /// Goes to the next packet.
    #[inline]
    pub(super) fn advance(&mut self) -> Result<Step, SourceError> {
        if let Some(done) = self.current.take() {
            self.window.consume(done.size);
        }
        let record = match &mut self.format {
            Format::Classic(classic) => classic.next(&mut self.window),
            Format::Ng(ng) => ng.next(&mut self.window),
            Format::Unknown => return self.begin(),
        };
        match record {
            Ok(Some(record)) => {
                self.current = Some(record);
                self.packets += 1;
                Ok(Step::Packet)
            }
            Ok(None) => Ok(Step::End),
            Err(fault) => self.explain(fault),
        }
    }

    /// The current packet.
    #[inline]
    pub(super) fn frame(&self) -> Option<Frame<'_>> {
        let record = self.current.as_ref()?;
        let bytes = self.window.bytes().get(record.at..record.at + record.len)?;
        Some(Frame { ts: record.ts, link: record.link, bytes, wire_len: record.wire_len, vlan: None })
    }

    /// Timestamp of the current packet.
    #[inline]
    pub(super) fn ts(&self) -> Option<Nanos> {
        self.current.as_ref().map(|record| record.ts)
    }

    /// Packets that the file says were dropped before the current one or, at its end, in all.
    pub(super) const fn dropped(&self) -> u64 {
        match &self.format {
            Format::Ng(ng) => ng.dropped(),
            Format::Unknown | Format::Classic(_) => 0,
        }
    }

    /// Packets up to the current one whose timestamps had to be clamped.
    pub(super) const fn beyond_time(&self) -> u64 {
        match &self.format {
            Format::Ng(ng) => ng.beyond_time(),
            Format::Unknown | Format::Classic(_) => 0,
        }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes read, before decompression.
    pub(super) fn bytes_read(&self) -> u64 {
        self.window.input().bytes_read()
    }

    /// Finds out the format, then goes to the first packet.
    fn begin(&mut self) -> Result<Step, SourceError> {
        match recognise(&mut self.window) {
            Ok(format) => {
                self.format = format;
                self.advance()
            }
            Err(fault) => self.explain(fault),
        }
    }

    #[cold]
    fn explain(&self, fault: Fault) -> Result<Step, SourceError> {
        let (path, packets, offset) = (self.path.clone(), self.packets, self.window.offset());
        Err(match fault {
            Fault::Io(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Step::Nothing),
            Fault::Io(error) => SourceError::Read { path, packets, error },
            Fault::Truncated => SourceError::Truncated { path, packets, offset },
            Fault::Corrupt(reason) => SourceError::Corrupt { path, packets, offset, reason },
            Fault::Foreign(reason) => SourceError::NotACapture { path, reason },
        })
    }
}

fn recognise(window: &mut Window<Input>) -> Result<Format, Fault> {
    window.ensure(4)?;
    let Some(&magic) = window.bytes().first_chunk::<4>() else {
        return Err(Fault::Foreign(format!("it has only {} bytes", window.bytes().len())));
    };
    if u32::from_be_bytes(magic) == ng::SECTION {
        return Ok(Format::Ng(Ng::new()));
    }
    match Classic::open(magic, window)? {
        Some(classic) => Ok(Format::Classic(classic)),
        None => {
            let [a, b, c, d] = magic;
            Err(Fault::Foreign(format!("it begins with the bytes {a:02x} {b:02x} {c:02x} {d:02x}")))
        }
    }
}
