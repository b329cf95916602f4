//! Capture files of the classic pcap format, streamed.

use std::io::{self, Write};

use wire::Nanos;

/// How exact the timestamps of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl Resolution {
    /// The instant as a file of this resolution holds it: rounded towards the past.
    #[must_use]
    pub const fn round(self, ts: Nanos) -> Nanos {
        match self {
            Self::Micros => Nanos(ts.0 - ts.0.rem_euclid(1000)),
            Self::Nanos => ts,
        }
    }

    const fn magic(self) -> u32 {
        match self {
            Self::Micros => 0xa1b2_c3d4,
            Self::Nanos => 0xa1b2_3c4d,
        }
    }
}

/// Writes a pcap file, little-endian, of Ethernet frames.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    resolution: Resolution,
}

impl<W: Write> Writer<W> {
    /// Starts a file by its header.
    ///
    /// # Errors
    /// Those of the output.
    pub fn new(mut out: W, resolution: Resolution, snaplen: u32) -> io::Result<Self> {
        const VERSION: [u8; 4] = [2, 0, 4, 0];
        const ETHERNET: u32 = 1;
        out.write_all(&resolution.magic().to_le_bytes())?;
        out.write_all(&VERSION)?;
        out.write_all(&[0; 8])?;
        out.write_all(&snaplen.to_le_bytes())?;
        out.write_all(&ETHERNET.to_le_bytes())?;
        Ok(Self { out, resolution })
    }

    /// Appends a frame of which `bytes` were kept. The seconds of its instant must fit into 32 bits, as they do until 2106.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write(&mut self, ts: Nanos, bytes: &[u8], wire_len: u32) -> io::Result<()> {
        let (seconds, nanos) = ts.split();
        let fraction = match self.resolution {
            Resolution::Micros => nanos / 1000,
            Resolution::Nanos => nanos,
        };
        let mut header = [0; 16];
        header[..4].copy_from_slice(&(seconds as u32).to_le_bytes());
        header[4..8].copy_from_slice(&fraction.to_le_bytes());
        header[8..12].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        header[12..].copy_from_slice(&wire_len.to_le_bytes());
        self.out.write_all(&header)?;
        self.out.write_all(bytes)
    }

    /// The output, all frames handed over to it.
    pub fn into_inner(self) -> W {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_magic_of_its_resolution_and_the_fraction_in_its_unit() {
        for (resolution, magic, fraction) in
            [(Resolution::Micros, 0xa1b2_c3d4_u32, 123_456_u32), (Resolution::Nanos, 0xa1b2_3c4d, 123_456_789)]
        {
            let mut writer = Writer::new(Vec::new(), resolution, 96).unwrap();
            writer.write(Nanos(7_123_456_789), &[1, 2, 3], 60).unwrap();
            let bytes = writer.into_inner();
            assert_eq!(bytes[..4], magic.to_le_bytes());
            assert_eq!(bytes[24..28], 7_u32.to_le_bytes());
            assert_eq!(bytes[28..32], fraction.to_le_bytes());
            assert_eq!(bytes[32..], [3, 0, 0, 0, 60, 0, 0, 0, 1, 2, 3]);
        }
    }
}
