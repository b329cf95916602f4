//! Where bytes go: a file or standard output, plain or compressed.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Enough that a system call costs nothing beside what it writes.
const BUFFER: usize = 1 << 20;

/// An open output. It is complete only after [`Output::finish`].
pub enum Output {
    Plain(BufWriter<Box<dyn Write>>),
    Gzip(BufWriter<GzEncoder<Box<dyn Write>>>),
    Zstd(BufWriter<zstd::Encoder<'static, Box<dyn Write>>>),
}

impl Output {
    /// Opens `path`, or standard output for "-".
    pub fn create(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            let stdout = io::stdout();
            if stdout.is_terminal() {
                return Err(io::Error::other(
                    "a capture is nothing for a terminal: redirect it, or give a file with -o",
                ));
            }
            return Ok(Self::Plain(buffer(Box::new(stdout))));
        }
        let file: Box<dyn Write> = Box::new(File::create(path)?);
        Ok(match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Self::Gzip(buffer(GzEncoder::new(file, Compression::fast()))),
            Some("zst") => Self::Zstd(buffer(zstd::Encoder::new(file, 1)?)),
            _ => Self::Plain(buffer(file)),
        })
    }

    /// Writes what is still held back.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(mut out) => out.flush(),
            Self::Gzip(out) => unbuffer(out)?.finish()?.flush(),
            Self::Zstd(out) => unbuffer(out)?.finish()?.flush(),
        }
    }
}

fn buffer<W: Write>(out: W) -> BufWriter<W> {
    BufWriter::with_capacity(BUFFER, out)
}

fn unbuffer<W: Write>(out: BufWriter<W>) -> io::Result<W> {
    out.into_inner().map_err(io::IntoInnerError::into_error)
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(bytes),
            Self::Gzip(out) => out.write(bytes),
            Self::Zstd(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Gzip(out) => out.flush(),
            Self::Zstd(out) => out.flush(),
        }
    }
}

/// The name of an output in messages.
pub fn describe(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard output".to_owned() } else { path.display().to_string() }
}
