//! What Zeek's reassembler would have waited for in vain.

use serde::{Deserialize, Serialize};
use wire::Direction;

use super::endpoint::Endpoint;
use super::{Stream, View};
use crate::coverage::Range;

/// Zeek gives up a stream with this many bytes above a hole while nothing was ever acknowledged
/// (`tcp_max_above_hole_without_any_acks`), and holds back no more than this (`tcp_max_initial_window`).
const UNACKNOWLEDGED_MAX: i64 = 16_384;

/// Zeek gives up a stream with this many bytes waiting for an acknowledgment (`tcp_excessive_data_without_further_acks`).
const WAITING_MAX: i64 = 10 * 1024 * 1024;

/// How far a stream was put together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Reassembly {
    /// Position up to which bytes were delivered, or given up.
    delivered: i64,
    /// Position up to which bytes were acknowledged, and so let go.
    trimmed: i64,
    /// The stream was given up.
    skipping: bool,
}

impl Reassembly {
    pub(super) const fn new() -> Self {
        Self { delivered: 1, trimmed: 1, skipping: false }
    }

    /// Reads it, so that it is in the cache.
    pub(super) const fn touch(&self) -> u64 {
        self.delivered.unsigned_abs()
    }
}

impl View {
    /// The stream of `side` was acknowledged up to `position`: what was not seen until now is missed.
    pub(super) fn acknowledge(&mut self, side: Direction, position: i64, stream: &Stream<'_>) {
        let partial = self.partial;
        let endpoint = self.endpoint(side);
        let position = endpoint.fin_end.filter(|&fin| position >= fin).map_or(position, |fin| fin - 1);
        if position <= endpoint.reassembly.trimmed {
            return;
        }
        endpoint.reassembly.trimmed = position;
        let delivered = endpoint.reassembly.delivered;
        if position <= delivered || position <= 2 && partial {
            return;
        }
        let start = endpoint.start();
        endpoint.reassembly.delivered = stream.contiguous_from(start, position);
        if endpoint.reassembly.skipping || !self.endpoints.iter().all(Endpoint::is_clean) {
            return;
        }
        for hole in stream.missing(start, Range { start: delivered, end: position }) {
            self.missed_bytes += hole.unsigned_abs();
            if self.endpoint(side).gaps.bump() {
                self.letters.push_from(side, b'G');
            }
        }
    }

    /// Bytes at `start` arrive in the stream of `side`, of which some may have been there before.
    pub(super) fn deliver(&mut self, side: Direction, start: i64, len: u32, stream: &Stream<'_>) {
        let endpoint = self.endpoint(side);
        let base = endpoint.start();
        let end = start + i64::from(len);
        let delivered = endpoint.reassembly.delivered;
        if endpoint.reassembly.skipping || end <= endpoint.acked() || end <= delivered {
            return;
        }
        if start <= delivered {
            let reached = stream.contiguous_from(base, end);
            endpoint.reassembly.delivered = reached;
            if endpoint.no_data_acked() && reached > UNACKNOWLEDGED_MAX {
                endpoint.reassembly.trimmed = endpoint.reassembly.trimmed.max(reached);
            }
        }
        let high = stream.high(base).max(end);
        let above_hole = high - endpoint.reassembly.delivered;
        let hopeless = endpoint.no_data_acked() && above_hole > UNACKNOWLEDGED_MAX;
        let excessive = high - endpoint.reassembly.trimmed > WAITING_MAX && {
            let within = Range { start: endpoint.reassembly.trimmed, end: high };
            let missing: i64 = stream.missing(base, within).sum();
            within.end - within.start - missing > WAITING_MAX
        };
        endpoint.reassembly.skipping = hopeless || excessive;
    }
}
