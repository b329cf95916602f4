//! A connection, as it leaves the tracker: the row of the `connections` table.

use std::fmt;

use serde::{Deserialize, Serialize};
use wire::{Endpoint, Family, IcmpCode, Nanos, TunnelKind};

use crate::measures::{RttRecord, SegmentsRecord};
use crate::names::names;
use crate::{Anomalies, EventCounts, RatesRecord};

names! {
    /// What ended a connection.
    CloseReason {
        /// Both FINs were acknowledged.
        Fin = "fin",
        /// A RST.
        Rst = "rst",
        /// A new connection took over the tuple.
        Reused = "reused",
        /// Nothing answered the SYN.
        AttemptTimeout = "attempt_timeout",
        /// Silence beyond the timeout of its state.
        IdleTimeout = "idle_timeout",
        /// The table was full and it was the oldest of its class.
        Evicted = "evicted",
        /// The campaign ended first.
        CampaignEnd = "campaign_end",
    }
}

names! {
    /// How the originator was told from the responder.
    DirectionBy {
        /// It sent the SYN.
        Syn = "syn",
        /// The other sent a SYN-ACK.
        SynAck = "synack",
        /// The other's port is a well-known one (below 1024), its own is not.
        Port = "port",
        /// It sent the first packet that was seen.
        First = "first",
    }
}

names! {
    /// The states of an endpoint (RFC 9293, 3.3.2).
    TcpState {
        /// No connection.
        Closed = "CLOSED",
        /// Waiting for a SYN.
        Listen = "LISTEN",
        /// Sent a SYN.
        SynSent = "SYN_SENT",
        /// Received and sent a SYN.
        SynRcvd = "SYN_RCVD",
        /// Data flows.
        Established = "ESTABLISHED",
        /// Sent a FIN.
        FinWait1 = "FIN_WAIT_1",
        /// Its FIN was acknowledged.
        FinWait2 = "FIN_WAIT_2",
        /// Received a FIN.
        CloseWait = "CLOSE_WAIT",
        /// Both sent a FIN, neither acknowledged.
        Closing = "CLOSING",
        /// Received a FIN, then sent its own.
        LastAck = "LAST_ACK",
        /// Both FINs acknowledged; waits out old segments.
        TimeWait = "TIME_WAIT",
    }
}

names! {
    /// Subtypes of the Multipath TCP option (RFC 8684, 3).
    MultipathSubtype {
        /// Opens a connection that may have several subflows.
        Capable = "MP_CAPABLE",
        /// Adds a subflow to a connection.
        Join = "MP_JOIN",
        /// Maps data of the connection to the subflow, and acknowledges it.
        Dss = "DSS",
        /// Tells of another address.
        AddAddr = "ADD_ADDR",
        /// Takes an address back.
        RemoveAddr = "REMOVE_ADDR",
        /// Changes the priority of the subflow.
        Prio = "MP_PRIO",
        /// Falls back, because a checksum failed.
        Fail = "MP_FAIL",
        /// Aborts the connection.
        Fastclose = "MP_FASTCLOSE",
        /// Says why the subflow is reset.
        TcpRst = "MP_TCPRST",
    }
}

/// A set of subtypes: bit n for subtype n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultipathSubtypes(pub u16);

impl MultipathSubtypes {
    /// Those that have a name, in order of number.
    pub fn iter(self) -> impl Iterator<Item = MultipathSubtype> {
        MultipathSubtype::ALL.iter().copied().filter(move |&subtype| self.0 & (1 << subtype as u8) != 0)
    }
}

names! {
    /// Zeek's summary of a connection (`conn_state` of its conn.log).
    ConnState {
        /// Attempt seen, no reply.
        S0 = "S0",
        /// Established, not terminated.
        S1 = "S1",
        /// Normal establishment and termination.
        Sf = "SF",
        /// Attempt rejected.
        Rej = "REJ",
        /// Established, close attempt by the originator seen, no reply from the responder.
        S2 = "S2",
        /// Established, close attempt by the responder seen, no reply from the originator.
        S3 = "S3",
        /// Established, originator aborted.
        Rsto = "RSTO",
        /// Responder aborted.
        Rstr = "RSTR",
        /// Originator sent a SYN followed by a RST; no SYN-ACK seen.
        Rstos0 = "RSTOS0",
        /// Responder sent a SYN-ACK followed by a RST; no SYN seen.
        Rstrh = "RSTRH",
        /// Originator sent a SYN followed by a FIN; no SYN-ACK seen.
        Sh = "SH",
        /// Responder sent a SYN-ACK followed by a FIN; no SYN seen.
        Shr = "SHR",
        /// No SYN seen, a connection that was already there.
        Oth = "OTH",
    }
}

/// Zeek's history string: ASCII letters, at most [`History::CAPACITY`] of them.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    letters: [u8; Self::CAPACITY],
    len: u8,
}

impl History {
    /// How many letters are kept. Only the letters that repeat on a logarithmic scale, or on changed sequence numbers, could go beyond.
    pub const CAPACITY: usize = 31;

    /// No letters.
    #[must_use]
    pub const fn new() -> Self {
        Self { letters: [0; Self::CAPACITY], len: 0 }
    }

    /// These letters, as far as they fit.
    #[must_use]
    pub fn from_letters(letters: &[u8]) -> Self {
        let mut history = Self::new();
        letters.iter().for_each(|&letter| history.push(letter));
        history
    }

    /// Adds an ASCII letter, unless it is full.
    pub fn push(&mut self, letter: u8) {
        debug_assert!(letter.is_ascii());
        if let Some(slot) = self.letters.get_mut(usize::from(self.len)) {
            *slot = letter;
            self.len += 1;
        }
    }

    /// The letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The letters as bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.letters.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// The instants of a connection; `None` where the thing never happened, or was never seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instants {
    /// First SYN of the originator.
    pub syn: Option<Nanos>,
    /// First SYN-ACK of the responder, or of whoever began with one.
    pub synack: Option<Nanos>,
    /// The segment that completed the handshake.
    pub established: Option<Nanos>,
    /// First segment with payload, by direction.
    pub first_data: [Option<Nanos>; 2],
    /// Last segment with payload, by direction.
    pub last_data: [Option<Nanos>; 2],
    /// First FIN, by direction.
    pub fin: [Option<Nanos>; 2],
    /// First RST that took effect, or, where none did, the first RST.
    pub rst: Option<Nanos>,
    /// Last packet.
    pub last: Nanos,
    /// The segment that closed it; `None` where it stayed open.
    pub closed: Option<Nanos>,
}

/// What one endpoint sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HalfRecord {
    /// State of the endpoint at the end.
    pub state: TcpState,
    /// Packets.
    pub pkts: u64,
    /// IP bytes, headers included, by the IP header's length.
    pub ip_bytes: u64,
    /// Zeek's `orig_bytes`/`resp_bytes`: the extent of its sequence space; `None` where Zeek leaves it unset.
    pub bytes: Option<u64>,
    /// Payload bytes as seen, retransmissions counted.
    pub wire_bytes: u64,
    /// Distinct payload bytes seen, whether or not they lay in the receiver's window; the payload of a RST is left out.
    pub unique_bytes: u64,
    /// Payload bytes that its peer acknowledged and that were never seen; `None` of an endpoint that was never heard.
    pub missed_bytes: Option<u64>,
    /// Segments with SYN.
    pub syn_pkts: u64,
    /// Segments with FIN.
    pub fin_pkts: u64,
    /// Segments with RST.
    pub rst_pkts: u64,
    /// Smallest window advertised after the handshake, bytes; scaled where both SYNs were seen, else as in the header.
    pub window_min: Option<u32>,
    /// Largest window advertised after the handshake, bytes; scaled where both SYNs were seen, else as in the header.
    pub window_max: Option<u32>,
    /// MSS option of its SYN.
    pub mss: Option<u16>,
    /// Window scale option of its SYN, capped at 14.
    pub wscale: Option<u8>,
    /// Its SYN permitted SACK; `None` without a SYN.
    pub sack_ok: Option<bool>,
    /// It used the timestamps option.
    pub tsopt: bool,
    /// It set ECN bits: ECE or CWR on its SYN, or a non-zero ECN field.
    pub ecn: bool,
    /// Smallest TTL or hop limit; `None` if it sent nothing.
    pub ttl_min: Option<u8>,
    /// Largest TTL or hop limit; `None` if it sent nothing.
    pub ttl_max: Option<u8>,
    /// What its rates are formed from.
    pub rates: RatesRecord,
    /// Its SYN asked for Accurate ECN or accepted it, or it used the option (RFC 9768).
    pub accecn: bool,
    /// What its segments did.
    pub segments: SegmentsRecord,
    /// Round trips of its segments: between the tap and the peer.
    pub rtt: RttRecord,
    /// The same by timestamps, without a deviation.
    pub rtt_ts: RttRecord,
}

/// A connection. Directions are indexed by [`wire::Direction::index`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Unique in the campaign: from the flow key, the first timestamp and the campaign's salt.
    pub uid: u64,
    /// First packet.
    pub ts: Nanos,
    /// IPv4 or IPv6.
    pub family: Family,
    /// Originator, then responder.
    pub endpoints: [Endpoint; 2],
    /// `false` in an interim row of a connection that goes on.
    pub is_final: bool,
    /// It began before the capture saw it: no SYN.
    pub partial: bool,
    /// How the direction was decided.
    pub direction_by: DirectionBy,
    /// Zeek's state.
    pub conn_state: ConnState,
    /// Zeek's history.
    pub history: History,
    /// Zeek's missed bytes: acknowledged but never seen, both directions.
    pub missed_bytes: u64,
    /// Outermost VLAN of the first packet.
    pub vlan: Option<u16>,
    /// Tunnel around the first packet.
    pub tunnel: TunnelKind,
    /// Why the row was written; in an interim row `None`.
    pub close_reason: Option<CloseReason>,
    /// Who sent the RST that closed it.
    pub rst_by: Option<wire::Direction>,
    /// When things happened.
    pub at: Instants,
    /// SYN to SYN-ACK, ns.
    pub syn_rtt: Option<i64>,
    /// SYN-ACK to the acknowledgment of it, ns.
    pub ack_rtt: Option<i64>,
    /// What each endpoint sent.
    pub halves: [HalfRecord; 2],
    /// How many headers were recorded.
    pub headers: u8,
    /// Oddities seen.
    pub anomalies: Anomalies,
    /// Its rows in the events table.
    pub events: EventCounts,
    /// ICMP and ICMPv6 errors about its segments.
    pub icmp_errors: u32,
    /// The last of them.
    pub icmp_last: Option<IcmpCode>,
    /// TCP Fast Open: the option was there, or data came with the SYN.
    pub tfo: bool,
    /// Multipath TCP option seen.
    pub mptcp: bool,
    /// The subtypes of those options.
    pub mptcp_subtypes: MultipathSubtypes,
    /// The token of an MP_JOIN.
    pub mptcp_token: Option<u32>,
    /// The capture lost packets during its life.
    pub lost_capture: bool,
}
