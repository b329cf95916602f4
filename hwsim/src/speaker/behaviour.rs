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
    /// All turns, then the originator probes the silent connection this many times, and closes.
    KeptAlive {
        /// How many probes.
        probes: u8,
    },
    /// All turns, then nothing more.
    Abandoned,
    /// A reset answers the SYN.
    Refused,
    /// Nothing answers the SYN; it is sent again this many times.
    Unanswered {
        /// How many times again.
        retries: u8,
    },
    /// The originator resets as soon as it has the SYN-ACK.
    Scanned,
    /// Nothing answers the SYN, and the originator resets.
    Cancelled,
}
