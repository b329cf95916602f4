//! Scripts in packetdrill's notation, read as captures.
//!
//! packetdrill (Cardwell et al., USENIX ATC 2013) tests a TCP stack by a script: what is sent to the stack (`<`), what it must send (`>`), and
//! the system calls between. For a bystander the packets of both directions are the whole story, so that each script is a capture
//! of one situation, in a notation that the field reads:
//! ```text
//! --ip_version=ipv4
//! 0.000 < S 0:0(0) win 65535 <mss 1460,sackOK,nop,nop,nop,wscale 7>
//! +0    > S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 8>
//! +.010 < . 1:1(0) ack 1 win 512
//! +0    < P. 1:101(100) ack 1 win 512
//! +0~+.04 > . 1:1(0) ack 101
//! ```
//!
//! A line of a packet is: time, direction, perhaps IP fields in brackets, perhaps `source port > destination port`, flags, `first:end(length)` of
//! the sequence space that the payload takes, then `ack`, `win`, `urg` and the options, each where it is wanted. What the notation says, and
//! what this reader makes of it:
//!
//! - A time is absolute (`0.1`), relative to the event above (`+.1`), a range (`+0~+.1`: the earliest instant is taken), or any
//!   (`*`: that of the event above). An absolute time may lie before the event above: the clock of the capture stepped back.
//! - The numbers of a SYN or SYN-ACK stand on the wire as they are written. Those of other segments count from the first SYN of
//!   the side that they belong to: `seq` from the sender's, `ack` and `sack` from the receiver's; where none was written, from 0. Without
//!   `ack` the field is 0, whatever the flags say.
//! - Flags are letters of tcpdump (`.` for ACK, `E` ECE, `W` CWR, `A` AE), or a number for the ACE field of RFC 9768; `-` is none.
//! - A window that the script leaves open is the one of its sender's segment before, at first 65,535. Options that it leaves open
//!   (`<...>`) are none.
//! - ICMP errors (`icmp unreachable frag_needed mtu 1400 [1:1001(1000)]`) come from the host that the line names by its direction, and
//!   quote a segment of the other.
//! - The side that opens a connection has the port 49,152, the other 8080, unless ports are written. After a call of `socket` the next
//!   SYN opens another connection, from the next port.
//! - Options on lines of their own (`--ip_version`, `--local_ip`, `--remote_ip`, `--bind_port`, `--connect_port`, `--define`) are heeded. All others,
//!   system calls, commands in backticks, code in `%{ }%`, UDP datagrams, echo requests and encapsulated packets are skipped, and [`Script::skipped`] says so.
//!
//! Two things are ours: `id N` among the IP fields sets the IPv4 identification (it counts up by one a packet and sender otherwise), and
//! `mptcp HEX` is an option of kind 30 with these bytes.

mod connections;
mod error;
mod icmp;
mod ip;
mod options;
mod parser;
mod play;
mod scanner;
mod segment;
mod settings;

use std::fmt;

use wire::{Family, Nanos, SeqNum, TcpFlags};

use crate::frame::IcmpError;

pub use error::{Fault, ScriptError};
pub use settings::Settings;

/// When a script begins as a capture: 2026-01-01 00:00:00 UTC.
pub const START: Nanos = Nanos::from_secs(1_767_225_600);

/// A side of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The stack under test, which sends what is marked `>`.
    Local,
    /// Its peer, whose packets are marked `<`.
    Remote,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Local => Self::Remote,
            Self::Remote => Self::Local,
        }
    }
}

/// A script that was read: a capture to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The packets, in the order of the text.
    pub packets: Vec<Packet>,
    /// What is no packet for a bystander of TCP.
    pub skipped: Vec<Skipped>,
    family: Family,
    /// The addresses of the local host and the remote one, as [`wire::Endpoint`] has them.
    addresses: [[u8; 16]; 2],
}

/// A packet of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Its line, counted from 1.
    pub line: u32,
    /// When it passes, ns since the script began.
    pub at: i64,
    /// Who sends it.
    pub by: Side,
    /// The ports of the local host and the remote one.
    pub ports: [u16; 2],
    /// What the script says of its IP header.
    pub ip: IpFields,
    /// What it carries.
    pub body: Body,
}

/// What a line says of an IP header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpFields {
    /// Type of service or traffic class, the ECN field included.
    pub traffic_class: u8,
    /// Time to live or hop limit.
    pub ttl: Option<u8>,
    /// IPv4 identification.
    pub id: Option<u16>,
}

/// What an IP datagram carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// A TCP segment.
    Tcp(Segment),
    /// An ICMP error about one.
    Icmp(IcmpError),
}

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The control bits.
    pub flags: TcpFlags,
    /// Sequence number.
    pub seq: SeqNum,
    /// Bytes of payload.
    pub payload_len: u16,
    /// Acknowledgment number; 0 where the line has none.
    pub ack: SeqNum,
    /// The window field.
    pub window: Option<u16>,
    /// The urgent pointer.
    pub urgent: u16,
    /// The options.
    pub options: OptionBytes,
}

/// The options of a header, as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionBytes {
    bytes: [u8; Self::MOST],
    len: u8,
}

impl OptionBytes {
    /// The room that a header has for them (RFC 9293, 3.1).
    const MOST: usize = 40;

    /// The bytes, padding included.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// Something in a script that is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its line, counted from 1.
    pub line: u32,
    /// What it is.
    pub kind: Skip,
    /// Its name, where it has one: of the system call, of the option, of the protocol.
    pub name: String,
}

/// The kinds of things that are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Skip {
    /// An option of the tool.
    Option,
    /// A system call of the program under test.
    Call,
    /// A command for the shell.
    Command,
    /// Code that looks into the socket.
    Code,
    /// A packet that is neither a TCP segment nor an ICMP error about one.
    Packet,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Skip::Option => "option",
            Skip::Call => "system call",
            Skip::Command => "command",
            Skip::Code => "code",
            Skip::Packet => "packet",
        };
        f.write_str(kind)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {}", self.name) }
    }
}

impl Script {
    /// Reads a script. `settings` hold until the script says otherwise.
    ///
    /// # Errors
    /// Where the text is no script: the line, and what was expected there.
    pub fn read(text: &str, settings: Settings) -> Result<Self, ScriptError> {
        parser::read(text, settings)
    }
}
