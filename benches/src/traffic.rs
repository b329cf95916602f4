//! Connections that do what they are told, packet by packet.
//!
//! Clients speak from 10.0.0.0/8 to one server. Every frame is Ethernet, IPv4 and TCP with the timestamps option, cut behind its headers as
//! by a snaplen: what a tap sees of the web, and the same for whoever measures.

use wire::Nanos;

/// Payload of a full segment, bytes: an Ethernet of 1500 bytes less headers and timestamps.
pub const SEGMENT: u32 = 1448;

/// Between packets, ns: a million packets a second.
const PACE: i64 = 1000;

const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// A frame as captured.
#[derive(Clone, Copy, Debug)]
pub struct Captured {
    /// When.
    pub ts: Nanos,
    /// Bytes on the wire.
    pub wire_len: u32,
    bytes: [u8; Self::MOST],
    len: u8,
}

impl Captured {
    /// Bytes before IP's.
    pub const ETHERNET: usize = 14;
    /// Ethernet, IPv4, TCP and the options of a SYN.
    const MOST: usize = Self::ETHERNET + 20 + 20 + 20;

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who opened the connection.
    Client,
    /// Who was asked.
    Server,
}

/// Where the sequence numbers of a connection stand: what each side sends next.
#[derive(Clone, Copy, Debug, Default)]
struct Talk {
    next: [u32; 2],
}

/// The connections, and the packets that they have sent since they were last taken.
#[derive(Debug)]
pub struct Traffic {
    talks: Vec<Talk>,
    now: Nanos,
    sent: Vec<Captured>,
}

/// A segment to be sent.
struct Sends {
    side: Side,
    flags: u8,
    /// Before what its side sends next, bytes.
    back: u32,
    /// How much less than everything it acknowledges, bytes.
    missing: u32,
    payload: u32,
}

impl Traffic {
    /// Connections that have sent nothing yet.
    #[must_use]
    pub fn of(connections: usize) -> Self {
        Self { talks: vec![Talk::default(); connections], now: Nanos::from_secs(1_000_000_000), sent: Vec::new() }
    }

    /// What was sent since this was last asked, in order.
    pub fn take(&mut self) -> Vec<Captured> {
        std::mem::take(&mut self.sent)
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.talks.len()
    }

    /// The SYN alone.
    pub fn syn(&mut self, connection: usize) {
        if let Some(talk) = self.talks.get_mut(connection) {
            talk.next = [connection as u32, (connection as u32).wrapping_mul(7)];
        }
        self.send(connection, &Sends { side: Side::Client, flags: SYN, back: 0, missing: 0, payload: 0 });
    }

    /// The three packets of the handshake.
    pub fn open(&mut self, connection: usize) {
        self.syn(connection);
        self.send(connection, &Sends { side: Side::Server, flags: SYN | ACK, back: 0, missing: 0, payload: 0 });
        self.acknowledge(connection, Side::Client, 0);
    }

    /// A segment with so much payload.
    pub fn data(&mut self, connection: usize, side: Side, payload: u32) {
        self.send(connection, &Sends { side, flags: ACK | PSH, back: 0, missing: 0, payload });
    }

    /// An acknowledgment of all but the last `missing` bytes.
    pub fn acknowledge(&mut self, connection: usize, side: Side, missing: u32) {
        self.send(connection, &Sends { side, flags: ACK, back: 0, missing, payload: 0 });
    }

    /// A full segment of the server, and its acknowledgment.
    pub fn exchange(&mut self, connection: usize) {
        self.data(connection, Side::Server, SEGMENT);
        self.acknowledge(connection, Side::Client, 0);
    }

    /// A request of 300 bytes and an answer of as many full segments, each acknowledged.
    pub fn ask(&mut self, connection: usize, segments: usize) {
        self.data(connection, Side::Client, 300);
        (0..segments).for_each(|_| self.exchange(connection));
    }

    /// Five full segments of the server, of which the first gets lost behind the tap, is asked for three times and sent again.
    pub fn lose(&mut self, connection: usize) {
        (0..5).for_each(|_| self.data(connection, Side::Server, SEGMENT));
        (0..4).for_each(|_| self.acknowledge(connection, Side::Client, 5 * SEGMENT));
        let again = Sends { side: Side::Server, flags: ACK, back: 5 * SEGMENT, missing: 0, payload: SEGMENT };
        self.send(connection, &again);
        self.acknowledge(connection, Side::Client, 0);
    }

    /// Both FINs and their acknowledgments.
    pub fn close(&mut self, connection: usize) {
        self.send(connection, &Sends { side: Side::Client, flags: FIN | ACK, back: 0, missing: 0, payload: 0 });
        self.send(connection, &Sends { side: Side::Server, flags: FIN | ACK, back: 0, missing: 0, payload: 0 });
        self.acknowledge(connection, Side::Client, 0);
    }

    fn send(&mut self, connection: usize, sends: &Sends) {
        let Some(talk) = self.talks.get_mut(connection) else { return };
        self.now = self.now.plus(PACE);
        let (mine, theirs) = if sends.side == Side::Client { (0, 1) } else { (1, 0) };
        let seq = talk.next[mine].wrapping_sub(sends.back);
        let ack = if sends.flags & ACK == 0 { 0 } else { talk.next[theirs].wrapping_sub(sends.missing) };
        if sends.back == 0 {
            let control = u32::from(sends.flags & (SYN | FIN) != 0);
            talk.next[mine] = seq.wrapping_add(sends.payload).wrapping_add(control);
        }
        let ip_id = self.sent.len() as u16;
        let stamp = (self.now.0 / 1_000_000) as u32;
        self.sent.push(frame(connection as u32, sends, [seq, ack, stamp], ip_id, self.now));
    }
}

/// The frame of a segment; `numbers` are sequence number, acknowledgment and timestamp.
fn frame(connection: u32, sends: &Sends, [seq, ack, stamp]: [u32; 3], ip_id: u16, ts: Nanos) -> Captured {
    let options: &[u8] = if sends.flags & SYN == 0 {
        &[1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0]
    } else {
        &[2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7]
    };
    let headers = 20 + 20 + options.len();
    let ip_len = headers as u32 + sends.payload;
    // 60,000 ports a client; the server is always the same.
    let (client, port) = (0x0a00_0000 + connection / 60_000, (1024 + connection % 60_000) as u16);
    let (server, https) = (0xc633_6401_u32, 443_u16);
    let (from, to, ports) = match sends.side {
        Side::Client => (client, server, [port, https]),
        Side::Server => (server, client, [https, port]),
    };
    let mut bytes = Vec::with_capacity(Captured::MOST);
    bytes.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0]);
    bytes.extend((ip_len as u16).to_be_bytes());
    bytes.extend(ip_id.to_be_bytes());
    bytes.extend([0x40, 0, 64, 6, 0, 0]);
    bytes.extend(from.to_be_bytes());
    bytes.extend(to.to_be_bytes());
    ports.iter().for_each(|port| bytes.extend(port.to_be_bytes()));
    bytes.extend(seq.to_be_bytes());
    bytes.extend(ack.to_be_bytes());
    bytes.extend([((20 + options.len()) as u8 / 4) << 4, sends.flags, 0xff, 0, 0, 0, 0, 0]);
    let stamps = bytes.len() + if sends.flags & SYN == 0 { 4 } else { 8 };
    bytes.extend(options);
    for (at, value) in [(stamps, stamp), (stamps + 4, if sends.flags & ACK == 0 { 0 } else { stamp })] {
        bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
    let mut captured = Captured { ts, wire_len: 14 + ip_len, bytes: [0; Captured::MOST], len: bytes.len() as u8 };
    captured.bytes[..bytes.len()].copy_from_slice(&bytes);
    captured
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::{Rows, Tracker, observations};

    #[test]
    fn connections_that_open_talk_lose_and_close_are_tracked_as_such() {
        let mut traffic = Traffic::of(3);
        for connection in 0..3 {
            traffic.open(connection);
            traffic.ask(connection, 2);
            traffic.lose(connection);
            traffic.close(connection);
        }
        let mut tracker = Tracker::new(100);
        tracker.take(&observations(&traffic.take()));
        let Rows { records, events, .. } = tracker.finish();
        assert_eq!(records, 3);
        assert!(events >= 3, "each loss leaves events: {events}");
    }
}
