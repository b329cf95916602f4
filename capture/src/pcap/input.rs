//! A file or a pipe, decompressed.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Advice, fadvise};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Bytes of compressed data read at a time.
const COMPRESSED_BUFFER: usize = 128 << 10;

/// How long a pipe without data is waited for before the caller may look after other things.
const PIPE_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// A capture file's content. gzip (several members too) and zstd (several frames too) are recognised by their magic numbers.
/// A pipe without data gives [`ErrorKind::WouldBlock`] after a short while.
pub(super) struct Input {
    state: State,
    read: Arc<AtomicU64>,
}

enum State {
    /// So many bytes are needed to tell a compression.
    Unknown(Raw),
    Plain(Raw),
    Gzip(Box<MultiGzDecoder<BufReader<Raw>>>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<Raw>>),
    /// A decompressor could not be set up.
    Failed,
}

impl Input {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let kind = file.metadata()?.file_type();
        if kind.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        if kind.is_file() {
            // Only a hint: the kernel then reads further ahead.
            let _ = fadvise(&file, 0, None, Advice::Sequential);
        }
        Ok(Self::new(file, !kind.is_file()))
    }

    pub(super) fn stdin() -> io::Result<Self> {
        let fd = rustix::io::dup(rustix::stdio::stdin())?;
        Ok(Self::new(File::from(fd), true))
    }

    fn new(file: File, may_pause: bool) -> Self {
        let read = Arc::new(AtomicU64::new(0));
        let raw = Raw { file, may_pause, magic: Vec::with_capacity(ZSTD.len()), replayed: 0, read: Arc::clone(&read) };
        Self { state: State::Unknown(raw), read }
    }

    /// Bytes read so far, before decompression.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    fn recognise(&mut self) -> io::Result<()> {
        let State::Unknown(raw) = &mut self.state else { return Ok(()) };
        raw.read_magic()?;
        let State::Unknown(raw) = std::mem::replace(&mut self.state, State::Failed) else { return Ok(()) };
        self.state = if raw.magic.starts_with(&GZIP) {
            State::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(COMPRESSED_BUFFER, raw))))
        } else if raw.magic == ZSTD {
            let buffered = BufReader::with_capacity(COMPRESSED_BUFFER, raw);
            State::Zstd(zstd::stream::read::Decoder::with_buffer(buffered)?)
        } else {
            State::Plain(raw)
        };
        Ok(())
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recognise()?;
        match &mut self.state {
            State::Unknown(raw) | State::Plain(raw) => raw.read(buffer),
            State::Gzip(decoder) => decoder.read(buffer),
            State::Zstd(decoder) => decoder.read(buffer).map_err(name_zstd_damage),
            State::Failed => Err(io::Error::other("the zstd decompressor could not be set up")),
        }
    }
}

/// The zstd library's own errors come without a kind: what it cannot decompress is damage.
fn name_zstd_damage(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::Other => io::Error::new(ErrorKind::InvalidData, error),
        _ => error,
    }
}

/// The file itself, with its first bytes given again after they were looked at.
struct Raw {
    file: File,
    may_pause: bool,
    magic: Vec<u8>,
    replayed: usize,
    read: Arc<AtomicU64>,
}

impl Raw {
    /// Reads as many bytes as a magic number has, or fewer where the file ends.
    fn read_magic(&mut self) -> io::Result<()> {
        while self.magic.len() < ZSTD.len() {
            let mut bytes = ZSTD;
            let wanted = ZSTD.len() - self.magic.len();
            match self.read_file(&mut bytes[..wanted]) {
                Ok(0) => break,
                Ok(got) => self.magic.extend_from_slice(&bytes[..got]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read_file(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.may_pause && !self.has_data()? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let got = self.file.read(buffer)?;
        self.read.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }

    /// Waits for data a short while. The end of a pipe counts as data: reading it tells.
    fn has_data(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(&self.file, PollFlags::IN)];
        match poll(&mut fds, Some(&PIPE_WAIT)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = &self.magic[self.replayed..];
        if rest.is_empty() {
            return self.read_file(buffer);
        }
        let got = rest.read(buffer)?;
        self.replayed += got;
        Ok(got)
    }
}
