//! The checkpoint: what a run keeps of its open connections for the next one.
//!
//! # File
//! `checkpoint` in the campaign's directory. All numbers are little-endian.
//! ```text
//! file:                          frame:
//!   magic    8  "CTCHECK1"         kind     1  0 = head, 1 = connections
//!   frame...  the head first       reserved 3  0
//!                                  count    4  connections and attempts
//!                                  clock    8  the latest packet of all sources, ns since 1970-01-01 UTC
//!                                  rows     4  bytes of rows when unpacked, <= 4 MiB
//!                                  states   4  bytes of states when unpacked, <= 4 MiB
//!                                  length   4  bytes of the payload
//!                                  payload  4  crc32 of the payload
//!                                  header   4  crc32 of the 32 bytes above
//!                                  (payload)  zstd of the rows, the states behind them
//! ```
//! The payload of the head is a [`Head`]; all values are written like the rows of the journal, each behind its length. *Rows* are of the table of connections, as the journal has them: what each would leave
//! if it ended now. *States* are what the tracker remembers, readable by the same [`Head::layout`] alone; where it is another, the
//! rows are written instead.
//!
//! # Who writes, who deletes
//! A run that ends writes `checkpoint.tmp`, syncs and renames it, so that it is there whole or not at all. The run that takes over deletes it, once it has
//! begun: from then on a crash loses the rows of connections that are open, as ever. Where it dies in between, the file is older than the
//! latest run ([`Head::run`]), and nobody goes on with it: some of its connections may have left their rows.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conntrack::Record;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wire::Nanos;

use crate::campaign::open_file;
use crate::disk::{Disk, DiskError, DiskFile, OnPath, publish, temporary};
use crate::{ReadError, RecorderError, rows};

/// Name of the file in the campaign's directory.
const NAME: &str = "checkpoint";
const MAGIC: [u8; 8] = *b"CTCHECK1";
const HEADER: usize = 36;
/// A chunk goes when its states have as many bytes.
const CHUNK: usize = 256 << 10;
/// Nothing is larger when unpacked: what a reader allocates is bounded whatever the file says.
const LIMIT: usize = 4 << 20;
/// Whatever zstd makes of both.
const LENGTH_LIMIT: usize = 9 << 20;
const LEVEL: i32 = 1;

/// What a checkpoint begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// What tells whose states can be read.
    pub layout: String,
    /// Which run of the campaign wrote it, from 1.
    pub run: u64,
}

/// What a checkpoint holds, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Connections and attempts that left no row yet.
    pub connections: u64,
    /// Their packets.
    pub packets: u64,
    /// Their rows in the table of headers.
    pub headers: u64,
    /// Their rows in the table of events.
    pub events: u64,
}

/// A part of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// The latest packet of all sources when it was made.
    pub clock: Nanos,
    /// Connections and attempts in it.
    pub count: u32,
    /// What the tracker remembers. Whoever must not let it be read may encipher it, and has to decipher it before reading.
    pub states: Vec<u8>,
    rows: Vec<u8>,
    carried: Carried,
}

impl Chunk {
    /// An empty one, made when the sources had come to `clock`.
    #[must_use]
    pub fn new(clock: Nanos) -> Self {
        Self { clock, ..Self::default() }
    }

    /// Adds what is saved: the row that it would leave, if it left none yet, and the packets of it that are not in that.
    ///
    /// # Errors
    /// When it does not serialise, which is a defect of this program.
    pub fn add(&mut self, row: Option<&Record>, undecided: u64, state: &impl Serialize) -> Result<(), RecorderError> {
        rows::encode(state, &mut self.states).map_err(|_| RecorderError::BadBlock)?;
        let Some(row) = row else { return Ok(()) };
        rows::encode(row, &mut self.rows).map_err(|_| RecorderError::BadBlock)?;
        self.count += 1;
        let packets = row.halves.iter().map(|half| half.pkts).fold(undecided, u64::saturating_add);
        self.carried.add(&Carried {
            connections: 1,
            packets,
            headers: row.headers.into(),
            events: row.events.recorded.into(),
        });
        Ok(())
    }

    /// Whether it is to be handed on.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.states.len() >= CHUNK || self.rows.len() >= CHUNK
    }

    /// The rows, as far as they can be read.
    pub fn rows(&self) -> impl Iterator<Item = Record> {
        values(&self.rows)
    }

    /// The states; nothing unless all of them can be read.
    #[must_use]
    pub fn states<T: DeserializeOwned>(&self) -> Option<Vec<T>> {
        let mut rest = self.states.as_slice();
        let mut states = Vec::new();
        while !rest.is_empty() {
            let (state, after) = rows::decode(rest)?;
            states.push(state);
            rest = after;
        }
        Some(states)
    }
}

fn values<T: DeserializeOwned>(bytes: &[u8]) -> impl Iterator<Item = T> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (value, after) = rows::decode(rest)?;
        rest = after;
        Some(value)
    })
}

impl Carried {
    fn add(&mut self, other: &Self) {
        self.connections = self.connections.saturating_add(other.connections);
        self.packets = self.packets.saturating_add(other.packets);
        self.headers = self.headers.saturating_add(other.headers);
        self.events = self.events.saturating_add(other.events);
    }
}

/// Where a campaign keeps its checkpoint.
#[derive(Clone)]
pub struct CheckpointPlace {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// Where an earlier run may have left one.
    earlier: Vec<PathBuf>,
    run: u64,
}

impl CheckpointPlace {
    /// That of a run in the directory `root`, one of the campaign's `directories`.
    pub(crate) fn new(disk: Arc<dyn Disk>, root: &Path, directories: &[PathBuf], run: u64) -> Self {
        let earlier = directories.iter().map(|directory| directory.join(NAME)).collect();
        Self { disk, path: root.join(NAME), earlier, run }
    }

    /// Begins to write one.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn begin(&self, layout: &str) -> Result<CheckpointWriter, RecorderError> {
        let path = temporary(&self.path);
        let file = self.disk.create(&path).on("create", &path)?;
        let mut writer = CheckpointWriter { file, place: self.clone(), path, carried: Carried::default() };
        writer.write(&MAGIC)?;
        let head = Head { layout: layout.to_owned(), run: self.run };
        let mut states = Vec::new();
        rows::encode(&head, &mut states).map_err(|_| RecorderError::BadBlock)?;
        writer.frame(0, &Chunk { states, ..Chunk::default() })?;
        Ok(writer)
    }

    /// Opens the one that the run before has left; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub fn open(&self) -> Result<Option<CheckpointReader>, ReadError> {
        self.earlier.iter().find_map(|path| CheckpointReader::open(path).transpose()).transpose()
    }

    /// Removes what was left, now that this run has taken over.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove(&self) -> Result<(), DiskError> {
        for path in self.earlier.iter().filter(|path| path.exists()) {
            self.disk.remove(path).on("remove", path)?;
        }
        Ok(())
    }

    /// Whether a checkpoint of that run is what this one goes on from.
    #[must_use]
    pub const fn follows(&self, head: &Head) -> bool {
        head.run.saturating_add(1) == self.run
    }
}

/// Writes a checkpoint, which is not there before [`CheckpointWriter::commit`].
pub struct CheckpointWriter {
    file: Box<dyn DiskFile>,
    place: CheckpointPlace,
    path: PathBuf,
    carried: Carried,
}

impl CheckpointWriter {
    /// Writes a part.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add(&mut self, chunk: &Chunk) -> Result<(), RecorderError> {
        self.carried.add(&chunk.carried);
        self.frame(1, chunk)
    }

    /// Puts the file in its place, durably.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn commit(mut self) -> Result<Carried, RecorderError> {
        self.file.sync().on("sync", &self.path)?;
        drop(self.file);
        publish(&*self.place.disk, &self.path, &self.place.path).inspect_err(|_| {
            // It may have its name already. Whoever is told that nothing was kept writes the rows.
            let _ = self.place.disk.remove(&self.place.path);
        })?;
        Ok(self.carried)
    }

    fn frame(&mut self, kind: u8, chunk: &Chunk) -> Result<(), RecorderError> {
        let Chunk { clock, count, states, rows, .. } = chunk;
        let both = [rows.as_slice(), states].concat();
        let payload = zstd::bulk::compress(&both, LEVEL).map_err(RecorderError::Zstd)?;
        let word = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let mut header = [0; HEADER];
        header[0] = kind;
        header[4..8].copy_from_slice(&count.to_le_bytes());
        header[8..16].copy_from_slice(&clock.0.to_le_bytes());
        header[16..20].copy_from_slice(&word(rows.len()));
        header[20..24].copy_from_slice(&word(states.len()));
        header[24..28].copy_from_slice(&word(payload.len()));
        header[28..32].copy_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        let crc = crc32fast::hash(&header[..32]);
        header[32..].copy_from_slice(&crc.to_le_bytes());
        self.write(&header)?;
        self.write(&payload)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), RecorderError> {
        Ok(self.file.write_all(bytes).on("write", &self.path)?)
    }
}

/// Reads a checkpoint, part by part.
pub struct CheckpointReader {
    file: BufReader<File>,
    head: Head,
}

/// A part that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DamagedChunk {
    /// Connections and attempts in it, where that is known.
    pub count: u32,
}

impl CheckpointReader {
    /// Opens the checkpoint of the campaign at `root`; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or does not begin as one.
    pub fn of(root: &Path) -> Result<Option<Self>, ReadError> {
        Self::open(&root.join(NAME))
    }

    fn open(path: &Path) -> Result<Option<Self>, ReadError> {
        let file = match open_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|error| ReadError::io(path, error))?,
        };
        let mut file = BufReader::new(file);
        let mut magic = [0; MAGIC.len()];
        let begins = file.read_exact(&mut magic).is_ok() && magic == MAGIC;
        let head = begins.then(|| next_frame(&mut file)).flatten();
        let head = match head {
            Some(Ok((0, chunk))) => values(&chunk.states).next(),
            _ => None,
        };
        let head = head.ok_or_else(|| ReadError::damaged(path, "it is no checkpoint, or lacks its beginning"))?;
        Ok(Some(Self { file, head }))
    }

    /// What it begins with.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }
}

impl Iterator for CheckpointReader {
    type Item = Result<Chunk, DamagedChunk>;

    fn next(&mut self) -> Option<Self::Item> {
        next_frame(&mut self.file).map(|frame| frame.map(|(_, chunk)| chunk))
    }
}

/// The next frame and its kind; nothing at the end. Behind a header that is damaged nothing more is found.
fn next_frame(file: &mut impl Read) -> Option<Result<(u8, Chunk), DamagedChunk>> {
    let mut header = Vec::with_capacity(HEADER);
    let read = file.by_ref().take(HEADER as u64).read_to_end(&mut header);
    if header.is_empty() && read.is_ok() {
        return None;
    }
    let word = |at: usize| header.get(at..at + 4).and_then(|bytes| Some(u32::from_le_bytes(bytes.try_into().ok()?)));
    let checked = word(32).filter(|&crc| crc == crc32fast::hash(&header[..32]));
    let fields = checked.and_then(|_| Some([word(4)?, word(16)?, word(20)?, word(24)?, word(28)?]));
    let Some([count, rows, states, length, crc]) = fields else {
        // Nobody knows where the next one begins.
        let _ = io::copy(file, &mut io::sink());
        return Some(Err(DamagedChunk { count: 0 }));
    };
    let mut payload = Vec::new();
    let room = (length as usize).min(LENGTH_LIMIT) as u64;
    let _ = file.by_ref().take(room).read_to_end(&mut payload);
    let (rows, states) = (rows as usize, states as usize);
    let is_whole = payload.len() == length as usize && crc32fast::hash(&payload) == crc;
    let both = (is_whole && rows <= LIMIT && states <= LIMIT)
        .then(|| zstd::bulk::decompress(&payload, rows + states).ok())
        .flatten()
        .filter(|both| both.len() == rows + states);
    let Some(mut both) = both else { return Some(Err(DamagedChunk { count })) };
    let states = both.split_off(rows);
    let clock = header.get(8..16).and_then(|bytes| Some(i64::from_le_bytes(bytes.try_into().ok()?))).unwrap_or(0);
    let chunk = Chunk { clock: Nanos(clock), count, states, rows: both, carried: Carried::default() };
    Some(Ok((header[0], chunk)))
}
