//! Timers in packet time.
//!
//! A connection waits in the list of its [`Class`]. All in a list wait equally long, so the list is in order of expiry by itself.
//! A packet does not move its connection within the list, which would touch two more of them: only at the front of the list a
//! connection that was active meanwhile goes to the back again.

use serde::{Deserialize, Serialize};
use wire::Nanos;

use crate::config::Timeouts;
use crate::connection::Connection;
use crate::record::{CloseReason, TcpState};

/// What a connection waits for. In this order they are evicted: those first that have least left to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub(crate) enum Class {
    /// Closed; late segments still belong to it.
    Tombstone,
    /// FINs closed it, and what takes sequence space comes again.
    TimeWait,
    /// A RST waits for silence to confirm it.
    Suspect,
    /// A SYN that nothing answers. A retransmission does not refresh it.
    Attempt,
    /// Only one endpoint was heard.
    Unanswered,
    /// The handshake goes on.
    Opening,
    /// Both FINs were seen.
    Closing,
    /// One FIN was seen.
    HalfClosed,
    /// Both endpoints talk.
    Established,
}

impl Class {
    pub(super) const COUNT: usize = 9;
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::Tombstone,
        Self::TimeWait,
        Self::Suspect,
        Self::Attempt,
        Self::Unanswered,
        Self::Opening,
        Self::Closing,
        Self::HalfClosed,
        Self::Established,
    ];

    /// The class of a connection as it is now.
    pub(super) fn of(connection: &Connection) -> Self {
        let [orig, resp] = &connection.halves;
        let handshaking = |state| matches!(state, TcpState::SynSent | TcpState::SynRcvd);
        if let Some(closed) = connection.closed() {
            if closed.lingers { Self::TimeWait } else { Self::Tombstone }
        } else if connection.suspect.is_some() {
            Self::Suspect
        } else if connection.is_attempt() {
            Self::Attempt
        } else if !orig.heard || !resp.heard {
            Self::Unanswered
        } else if handshaking(orig.state) || handshaking(resp.state) {
            Self::Opening
        } else {
            match (orig.fin_end, resp.fin_end) {
                (Some(_), Some(_)) => Self::Closing,
                (None, None) => Self::Established,
                _ => Self::HalfClosed,
            }
        }
    }

    /// How long it waits, ns.
    pub(super) fn timeout(self, timeouts: &Timeouts) -> i64 {
        match self {
            Self::Tombstone => timeouts.tombstone,
            // Who lingers waits no less than who does not.
            Self::TimeWait => timeouts.time_wait.max(timeouts.tombstone),
            Self::Suspect => timeouts.suspect,
            Self::Attempt => timeouts.attempt,
            Self::Unanswered => timeouts.unanswered,
            Self::Opening => timeouts.opening,
            Self::Closing => timeouts.closing,
            Self::HalfClosed => timeouts.half_closed,
            Self::Established => timeouts.established,
        }
    }

    /// The instant from which the connection waits: its last packet, or its end.
    pub(super) fn since(self, connection: &Connection) -> Nanos {
        match (self, connection.closed()) {
            (Self::Tombstone | Self::TimeWait, Some(closed)) => closed.clock,
            (Self::Attempt, _) => connection.first_clock,
            _ => connection.last_clock,
        }
    }

    /// Why a connection that waited in vain ends.
    pub(super) const fn reason(self) -> CloseReason {
        match self {
            Self::Attempt => CloseReason::AttemptTimeout,
            _ => CloseReason::IdleTimeout,
        }
    }
}
