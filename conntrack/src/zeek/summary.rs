//! Zeek's `conn_state` and what else its conn.log says.

use wire::Direction;

use super::View;
use super::endpoint::State;
use crate::record::{ConnState, History};

impl View {
    /// The history letters.
    pub(crate) const fn history(&self) -> History {
        self.letters.history()
    }

    /// Zeek's `orig_bytes` or `resp_bytes`; it leaves them unset in a connection without duration.
    pub(crate) fn bytes(&self, side: Direction) -> Option<u64> {
        let size = self.endpoints[side.index()].size(&self.endpoints[side.other().index()]);
        (self.last > self.first).then_some(size)
    }

    /// The state of the connection in Zeek's words.
    pub(crate) fn conn_state(&self) -> ConnState {
        let [orig, resp] = &self.endpoints;
        let unseen = |state| matches!(state, State::Inactive | State::Partial);
        match (orig.state(), resp.state()) {
            (State::SynSent | State::SynAckSent, State::Reset) => ConnState::Rej,
            (State::Reset, State::Reset) if orig.size(resp) == 0 && resp.size(orig) == 0 => ConnState::Rej,
            (state, State::Reset) if unseen(state) => ConnState::Rstrh,
            (_, State::Reset) => ConnState::Rstr,
            (State::Reset, state) if unseen(state) => {
                if self.syn_then_rst() {
                    ConnState::Rstos0
                } else {
                    ConnState::Oth
                }
            }
            (State::Reset, _) => ConnState::Rsto,
            (State::Closed, State::Closed) => ConnState::Sf,
            (State::Closed, state) => {
                if unseen(state) {
                    ConnState::Sh
                } else {
                    ConnState::S2
                }
            }
            (state, State::Closed) => {
                if unseen(state) {
                    ConnState::Shr
                } else {
                    ConnState::S3
                }
            }
            (State::SynSent, State::Inactive) => ConnState::S0,
            (State::Established, State::Established) => ConnState::S1,
            _ => ConnState::Oth,
        }
    }

    /// Whether the history is a SYN, then a RST of the originator, with nothing else of it between: `^?S[^HAFGIQ]*R.*`.
    fn syn_then_rst(&self) -> bool {
        let history = self.history();
        let letters = history.as_str();
        let letters = letters.strip_prefix('^').unwrap_or(letters);
        let Some(rest) = letters.strip_prefix('S') else { return false };
        rest.find('R').is_some_and(|at| !rest[..at].contains(['H', 'A', 'F', 'G', 'I', 'Q']))
    }
}
