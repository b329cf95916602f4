//! What the two applications of a connection do, as data.

use crate::rng::Dist;

/// A service: who speaks first, how often, how much and after how long.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// The responder's port.
    pub port: u16,
    /// The responder speaks first, with this many bytes of greeting.
    pub greeting: Option<Dist>,
    /// Turns of a request and its response.
    pub turns: Dist,
    /// Bytes of a request.
    pub request: Dist,
    /// Bytes of a response.
    pub response: Dist,
    /// Seconds that the originator thinks before a request.
    pub orig_thinks: Dist,
    /// Seconds that the responder thinks before a response.
    pub resp_thinks: Dist,
}

/// How a connection begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opening {
    /// The originator sends a SYN, the responder answers it.
    #[default]
    Ordinary,
    /// Both send a SYN before either has the other's (RFC 9293, 3.5).
    Simultaneous,
    /// The SYN carries the first request, and the responder takes it (RFC 7413), unless it speaks first.
    FastOpen,
    /// The SYN carries the first request, and the SYN-ACK leaves it out.
    FastOpenRefused,
}

/// How a connection goes on after its SYN, and how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All turns, then the originator closes and the responder follows.
    OrigCloses,
    /// The responder closes with its last response and the originator follows.
    RespCloses,
    /// All turns, then both close before either has the other's FIN.
    BothClose,
    /// The originator closes with its last request; the response follows after its FIN.
    HalfClose,
    /// All turns, then the originator resets.
    OrigResets,
    /// The responder resets instead of its last response.
    RespResets,
    /// The originator resets in the middle of the last response and answers what still arrives with more resets.
    Aborted,
    /// The originator closes in the middle of the last response, and nobody is there any more to read it: what still arrives is
    /// answered with resets.
    LeavesEarly,
    /// The originator stops reading before the last response, until its window has been closed for a while; then it reads on, and
    /// closes.
    Stalled,
    /// All turns, then the originator probes the silent connection this many times, and closes.
    KeptAlive {
        /// How many probes.
        probes: u8,
    },
    /// All turns, then the responder's host vanishes; the originator probes this many times, and resets.
    ProbedInVain {
        /// How many probes.
        probes: u8,
    },
    /// All turns, then nothing more.
    Abandoned,
    /// The originator's host vanishes in the middle of the last response.
    OrigVanishes,
    /// The responder's host vanishes before the last response; the originator closes in the end.
    RespVanishes,
    /// The responder's host starts again before the last response and knows of no connection; the originator finds out by a probe.
    RespForgets,
    /// A reset answers the SYN.
    Refused,
    /// Nothing answers the SYN; it is sent again this many times.
    Unanswered {
        /// How many times again.
        retries: u8,
    },
    /// The originator vanishes after its SYN; the SYN-ACK is sent again this many times.
    HalfOpened {
        /// How many times again.
        retries: u8,
    },
    /// The originator resets as soon as it has the SYN-ACK.
    Scanned,
    /// Nothing answers the SYN, and the originator resets.
    Cancelled,
}

impl Outcome {
    /// Whether both sides close it, if all goes well.
    #[must_use]
    pub const fn closes_in_order(self) -> bool {
        matches!(self, Self::OrigCloses | Self::RespCloses | Self::BothClose | Self::HalfClose)
    }

    /// Whether the handshake comes to its end, and an opening of another kind with it.
    #[must_use]
    pub const fn is_conversation(self) -> bool {
        !matches!(
            self,
            Self::Refused | Self::Unanswered { .. } | Self::HalfOpened { .. } | Self::Scanned | Self::Cancelled
        )
    }
}
