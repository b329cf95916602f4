//! The table: what an event at an endpoint does to its state (RFC 9293, 3.3.2 and 3.10).
//!
//! Events are seen from the endpoint's side. A bystander sees segments pass, not arrive; so an endpoint counts as having received
//! a SYN or FIN when it passes the tap, while "acknowledged" is certain.

use crate::record::TcpState;

/// What can happen to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Event {
    /// It sent a SYN.
    SentSyn,
    /// It sent a SYN-ACK.
    SentSynAck,
    /// It sent data or an acknowledgment.
    SentAck,
    /// It sent a FIN.
    SentFin,
    /// It sent a FIN that does not acknowledge the one of its peer: the two crossed on the way.
    SentCrossingFin,
    /// Its peer sent a SYN.
    ReceivedSyn,
    /// Its peer sent a SYN-ACK that fits its SYN.
    ReceivedSynAck,
    /// Its peer sent a FIN.
    ReceivedFin,
    /// Its SYN was acknowledged without a SYN in return.
    SynAcked,
    /// Its FIN was acknowledged.
    FinAcked,
    /// Either side reset the connection.
    Reset,
}

const EVENTS: usize = 11;
const STATES: usize = 11;

#[allow(clippy::enum_glob_use, reason = "a table of qualified names could not be read")]
use TcpState::*;

/// A row an event, in the order of [`Event`]; a column a state, in the order of [`TcpState`].
const TABLE: [[TcpState; STATES]; EVENTS] = [
    //  Closed      Listen       SynSent      SynRcvd      Established  FinWait1  FinWait2  CloseWait  Closing  LastAck  TimeWait
    // SentSyn. In SYN_RCVD without SYN-ACK: the split handshake, whose responder sends a SYN of its own.
    [SynSent, SynSent, SynSent, SynRcvd, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait],
    // SentSynAck. In SYN_SENT: the SYN-ACK of a simultaneous open, whose SYN was not seen or comes later.
    [SynRcvd, SynRcvd, SynRcvd, SynRcvd, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait],
    // SentAck. Before ESTABLISHED it tells of a handshake that the capture missed; in SYN_RCVD it tells nothing, its SYN is not
    // acknowledged yet.
    [
        Established,
        Established,
        Established,
        SynRcvd,
        Established,
        FinWait1,
        FinWait2,
        CloseWait,
        Closing,
        LastAck,
        TimeWait,
    ],
    // SentFin. Whatever came before, it has nothing more to say.
    [FinWait1, FinWait1, FinWait1, FinWait1, FinWait1, FinWait1, FinWait2, LastAck, Closing, LastAck, TimeWait],
    // SentCrossingFin. What passed the tap had not arrived: not LAST_ACK but CLOSING.
    [FinWait1, FinWait1, FinWait1, FinWait1, FinWait1, FinWait1, FinWait2, Closing, Closing, LastAck, TimeWait],
    // ReceivedSyn. LISTEN is presumed, until it answers; in SYN_SENT: simultaneous open.
    [Listen, Listen, SynRcvd, SynRcvd, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait],
    // ReceivedSynAck. From CLOSED or LISTEN: its SYN was missed.
    [
        Established,
        Established,
        Established,
        Established,
        Established,
        FinWait1,
        FinWait2,
        CloseWait,
        Closing,
        LastAck,
        TimeWait,
    ],
    // ReceivedFin. An endpoint that was never heard has received it nonetheless; one in SYN_SENT ignores it (3.10.7.3).
    [CloseWait, CloseWait, SynSent, CloseWait, CloseWait, Closing, TimeWait, CloseWait, Closing, LastAck, TimeWait],
    // SynAcked. In SYN_SENT an acknowledgment alone changes nothing: the SYN of the peer is still to come.
    [Closed, Listen, SynSent, Established, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait],
    // FinAcked. After LAST_ACK nothing is left to wait for.
    [Closed, Listen, SynSent, SynRcvd, Established, FinWait2, FinWait2, CloseWait, TimeWait, Closed, TimeWait],
    // Reset. TIME_WAIT too ends (RFC 1337 advises against it; the capture shows what hosts do: they fall silent).
    [Closed, Closed, Closed, Closed, Closed, Closed, Closed, Closed, Closed, Closed, Closed],
];

/// The state after `event` in `state`.
pub(crate) const fn next(state: TcpState, event: Event) -> TcpState {
    TABLE[event as usize][state as usize]
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    const ALL: [Event; EVENTS] = [
        Event::SentSyn,
        Event::SentSynAck,
        Event::SentAck,
        Event::SentFin,
        Event::SentCrossingFin,
        Event::ReceivedSyn,
        Event::ReceivedSynAck,
        Event::ReceivedFin,
        Event::SynAcked,
        Event::FinAcked,
        Event::Reset,
    ];

    /// Every cell, as committed in `transitions.txt`: a change of the table shows as a change of that file. To accept one, run
    /// the test with `ACCEPT=1`.
    #[test]
    fn every_cell_is_as_committed() {
        let mut text = String::new();
        for event in ALL {
            writeln!(text, "{event:?}").unwrap();
            for &state in TcpState::ALL {
                let after = next(state, event);
                let mark = if after == state { "  " } else { "->" };
                writeln!(text, "    {:12} {mark} {after}", state.as_str()).unwrap();
            }
        }
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tcp/transitions.txt");
        if std::env::var_os("ACCEPT").is_some() {
            std::fs::write(file, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(file).unwrap());
    }

    fn run(events: &[Event]) -> TcpState {
        events.iter().fold(TcpState::Closed, |state, &event| next(state, event))
    }

    #[test]
    fn a_client_that_closes_first_waits_in_time_wait() {
        use Event::*;
        assert_eq!(run(&[SentSyn, ReceivedSynAck, SentAck, SentFin, FinAcked, ReceivedFin]), TimeWait);
    }

    #[test]
    fn its_server_ends_closed() {
        use Event::*;
        assert_eq!(run(&[ReceivedSyn, SentSynAck, SynAcked, ReceivedFin, SentFin, FinAcked]), Closed);
    }

    #[test]
    fn simultaneous_open_and_close_are_ordinary_paths() {
        use Event::*;
        assert_eq!(run(&[SentSyn, ReceivedSyn, SynAcked]), Established);
        assert_eq!(run(&[SentSyn, ReceivedSyn, ReceivedSynAck, SentFin, ReceivedFin, FinAcked]), TimeWait);
    }
}
