//! The control bits of a TCP header.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The control bits (RFC 9293, 3.1; AE: RFC 9768): a set, asked by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TcpFlags(pub u16);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x001);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x002);
    /// Reset the connection.
    pub const RST: Self = Self(0x004);
    /// Push.
    pub const PSH: Self = Self(0x008);
    /// The acknowledgment field is significant.
    pub const ACK: Self = Self(0x010);
    /// The urgent pointer is significant.
    pub const URG: Self = Self(0x020);
    /// ECN echo.
    pub const ECE: Self = Self(0x040);
    /// Congestion window reduced.
    pub const CWR: Self = Self(0x080);
    /// Accurate ECN.
    pub const AE: Self = Self(0x100);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every bit of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// SYN set.
    #[must_use]
    pub const fn syn(self) -> bool {
        self.has(Self::SYN)
    }

    /// ACK set.
    #[must_use]
    pub const fn ack(self) -> bool {
        self.has(Self::ACK)
    }

    /// FIN set.
    #[must_use]
    pub const fn fin(self) -> bool {
        self.has(Self::FIN)
    }

    /// RST set.
    #[must_use]
    pub const fn rst(self) -> bool {
        self.has(Self::RST)
    }
}

impl fmt::Display for TcpFlags {
    /// The letters of tcpdump, in its order: `S`, `F`, `R`, `P`, `.` for ACK, `U`, `E`, `W`, `e`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LETTERS: [(TcpFlags, &str); 9] = [
            (TcpFlags::FIN, "F"),
            (TcpFlags::SYN, "S"),
            (TcpFlags::RST, "R"),
            (TcpFlags::PSH, "P"),
            (TcpFlags::ACK, "."),
            (TcpFlags::URG, "U"),
            (TcpFlags::ECE, "E"),
            (TcpFlags::CWR, "W"),
            (TcpFlags::AE, "e"),
        ];
        for (flag, letter) in LETTERS {
            if self.has(flag) {
                f.write_str(letter)?;
            }
        }
        Ok(())
    }
}
