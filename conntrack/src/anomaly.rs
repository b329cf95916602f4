//! Oddities, each with a name.

use serde::{Deserialize, Serialize};

use crate::names::{counts, names};

names! {
    /// Something a polite TCP does not do, or a capture should not show. It is recorded by name and counted, never logged.
    Anomaly {
        /// A set of flags that RFC 9293 gives no meaning, such as SYN with FIN, or none at all.
        BadFlags = "bad_flags",
        /// A segment outside the window of its receiver.
        OutOfWindow = "out_of_window",
        /// A RST inside the window but not where RFC 5961 demands, or after the last byte of a sender that went on beyond the window.
        RstSuspect = "rst_suspect",
        /// A RST outside the window.
        RstOutOfWindow = "rst_out_of_window",
        /// A SYN in a synchronised connection.
        SynInConnection = "syn_in_connection",
        /// SYN-ACKs with different initial sequence numbers.
        SynAckIsnChanged = "synack_isn_changed",
        /// A SYN-ACK whose acknowledgment does not fit the SYN.
        SynAckBadAck = "synack_bad_ack",
        /// The clock of the capture stepped back inside the connection.
        ClockStep = "clock_step",
        /// An acknowledgment of bytes that the capture never showed.
        AckedUnseen = "acked_unseen",
        /// More holes in the sequence space at once than are remembered: `unique_bytes` is a lower bound.
        TooManyHoles = "too_many_holes",
        /// A FIN at another place than the first one.
        FinMoved = "fin_moved",
        /// Data beyond the sender's FIN.
        DataAfterFin = "data_after_fin",
        /// Data that came with or after the sender's RST.
        DataAfterRst = "data_after_rst",
        /// TCP options that break their own format.
        BadOptions = "bad_options",
    }
}

counts! {
    /// Packets that showed an anomaly, by its name. `too_many_holes` counts the connections.
    AnomalyCounts of Anomaly
}

/// A set of anomalies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomalies(pub u32);

impl Anomalies {
    /// Adds one.
    pub const fn insert(&mut self, anomaly: Anomaly) {
        self.0 |= 1 << anomaly as u8;
    }

    /// One, or none where it is not `there`.
    pub(crate) const fn of(anomaly: Anomaly, there: bool) -> Self {
        Self((there as u32) << anomaly as u8)
    }

    /// Both together.
    pub(crate) const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether it is there.
    #[must_use]
    pub const fn has(self, anomaly: Anomaly) -> bool {
        self.0 & (1 << anomaly as u8) != 0
    }

    /// Those that are not among `others`.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Those that are there, in order of index.
    pub fn iter(self) -> impl Iterator<Item = Anomaly> {
        Anomaly::ALL.iter().copied().filter(move |&anomaly| self.has(anomaly))
    }
}
