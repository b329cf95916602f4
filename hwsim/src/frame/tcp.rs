//! TCP headers (RFC 9293, 3.1) and their options.

use wire::{Direction, Family, SackBlock, SeqNum, TcpFlags, Timestamps};

use super::Addressing;

/// IANA's protocol number.
pub(super) const PROTOCOL: u8 = 6;
/// Length of a header without options.
pub(super) const HEADER_LEN: usize = 20;
/// Where the checksum lies in the header.
pub(super) const CHECKSUM_AT: usize = 16;
/// The most that options can take.
const MAX_OPTIONS: usize = 40;

const NOP: u8 = 1;

/// A segment's header, and how much payload follows it.
#[derive(Clone, Copy, Debug)]
pub struct TcpHeader<'a> {
    /// Sequence number.
    pub seq: SeqNum,
    /// Acknowledgment number.
    pub ack: SeqNum,
    /// Control bits.
    pub flags: TcpFlags,
    /// The window field.
    pub window: u16,
    /// The urgent pointer.
    pub urgent: u16,
    /// IPv4 type of service or IPv6 traffic class: DSCP, and the ECN field in the two low bits.
    pub traffic_class: u8,
    /// IPv4 identification.
    pub ip_id: u16,
    /// Bytes of payload.
    pub payload_len: u16,
    /// The options.
    pub options: Options<'a>,
}

/// TCP options. Every combination that a speaker makes fits into 40 bytes; what does not fit is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Maximum segment size.
    pub mss: Option<u16>,
    /// SACK permitted.
    pub sack_permitted: bool,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
    /// Window scale.
    pub wscale: Option<u8>,
    /// The cookie of TCP Fast Open (RFC 7413).
    pub cookie: Option<[u8; 8]>,
    /// SACK blocks, at most four.
    pub sack: &'a [SackBlock],
    /// Further options as they stand in the header, padding included.
    pub raw: &'a [u8],
}

impl TcpHeader<'_> {
    /// Length of the IP datagram that carries it and its payload.
    #[must_use]
    pub fn ip_len(&self, family: Family) -> u32 {
        let ip = if family == Family::V6 { 40 } else { 20 };
        (ip + HEADER_LEN + self.options.encode().1) as u32 + u32::from(self.payload_len)
    }

    /// The header's first 20 bytes, the checksum still zero.
    pub(super) fn encode(&self, addressing: &Addressing, from: Direction, options_len: usize) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        header[0..2].copy_from_slice(&addressing.ends[from.index()].port.to_be_bytes());
        header[2..4].copy_from_slice(&addressing.ends[from.other().index()].port.to_be_bytes());
        header[4..8].copy_from_slice(&self.seq.0.to_be_bytes());
        header[8..12].copy_from_slice(&self.ack.0.to_be_bytes());
        let [accurate_ecn, flags] = self.flags.0.to_be_bytes();
        header[12] = (((HEADER_LEN + options_len) / 4) as u8) << 4 | accurate_ecn & 1;
        header[13] = flags;
        header[14..16].copy_from_slice(&self.window.to_be_bytes());
        header[18..20].copy_from_slice(&self.urgent.to_be_bytes());
        header
    }
}

impl Options<'_> {
    /// The options as bytes, padded to whole words, and their length.
    pub(super) fn encode(&self) -> ([u8; MAX_OPTIONS], usize) {
        let mut area = Area { bytes: [NOP; MAX_OPTIONS], len: 0 };
        if let Some(mss) = self.mss {
            area.put(&[2, 4]);
            area.put(&mss.to_be_bytes());
        }
        if self.sack_permitted {
            area.put(&[4, 2]);
        }
        if let Some(timestamps) = self.timestamps {
            area.align(2);
            area.put(&[8, 10]);
            area.put(&timestamps.value.to_be_bytes());
            area.put(&timestamps.echo.to_be_bytes());
        }
        if let Some(wscale) = self.wscale {
            area.align(1);
            area.put(&[3, 3, wscale]);
        }
        if let Some(cookie) = self.cookie {
            area.put(&[34, 10]);
            area.put(&cookie);
        }
        if !self.sack.is_empty() {
            area.align(2);
            area.put(&[5, (2 + 8 * self.sack.len()) as u8]);
            for block in self.sack {
                area.put(&block.left.0.to_be_bytes());
                area.put(&block.right.0.to_be_bytes());
            }
        }
        area.put(self.raw);
        area.align(0);
        (area.bytes, area.len)
    }
}

/// The options' forty bytes as they fill up; what is skipped stays NOP.
struct Area {
    bytes: [u8; MAX_OPTIONS],
    len: usize,
}

impl Area {
    fn put(&mut self, bytes: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.len..self.len + bytes.len()) {
            room.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    /// Skips to the next position that is `phase` modulo four.
    fn align(&mut self, phase: usize) {
        self.len += (4 + phase - self.len % 4) % 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_a_syn_and_of_data_are_laid_out_as_linux_does() {
        let stamps = Timestamps { value: 1, echo: 2 };
        let syn = Options {
            mss: Some(1460),
            sack_permitted: true,
            timestamps: Some(stamps),
            wscale: Some(7),
            ..Options::default()
        };
        let (bytes, len) = syn.encode();
        assert_eq!(bytes[..len], [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7]);
        let (bytes, len) = Options { timestamps: Some(stamps), ..Options::default() }.encode();
        assert_eq!(bytes[..len], [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    }

    #[test]
    fn a_syn_without_timestamps_is_padded_to_whole_words() {
        let syn = Options { mss: Some(1460), sack_permitted: true, wscale: Some(8), ..Options::default() };
        let (bytes, len) = syn.encode();
        assert_eq!(bytes[..len], [2, 4, 5, 180, 4, 2, 1, 1, 1, 3, 3, 8]);
    }

    #[test]
    fn timestamps_and_three_sack_blocks_fit_and_a_cookie_beside_the_options_of_a_syn() {
        let timestamps = Some(Timestamps { value: 0, echo: 0 });
        let sack = [SackBlock { left: SeqNum(1), right: SeqNum(2) }; 3];
        let (_, len) = Options { timestamps, sack: &sack, ..Options::default() }.encode();
        assert_eq!(len, 12 + 28);
        let syn = Options { mss: Some(1460), sack_permitted: true, timestamps, wscale: Some(7), ..Options::default() };
        let (bytes, len) = Options { cookie: Some([9; 8]), ..syn }.encode();
        assert_eq!(len, 32);
        assert_eq!(bytes[20..30], [34, 10, 9, 9, 9, 9, 9, 9, 9, 9]);
    }
}
