//! The way on of an inline tap's frames: out of the other port, from where they lie.

use std::sync::Arc;

use super::port::Port;
use super::ring::{Consumer, Producer};
use super::socket::Socket;

/// Calls for a batch at most: the kernel sends 32 frames a call.
const CALLS: u32 = 4;

/// The transmit ring of the other port, and what comes back from there.
pub(super) struct Outlet {
    socket: Arc<Socket>,
    transmit: Producer<libc::xdp_desc>,
    completions: Consumer<u64>,
    is_zero_copy: bool,
    completed: u64,
}

impl Outlet {
    /// The way out of a port, if it sends.
    pub(super) fn of(port: &mut Port) -> Option<Self> {
        let (transmit, completions) = port.sending.take()?;
        let socket = Arc::clone(&port.socket);
        let is_zero_copy = socket.is_zero_copy();
        Some(Self { socket, transmit, completions, is_zero_copy, completed: 0 })
    }

    /// Takes a chunk; it is sent by [`Self::send`]. There is room for each chunk of the direction.
    pub(super) fn put(&mut self, chunk: libc::xdp_desc) {
        let _ = self.transmit.put(chunk);
    }

    /// Hands over what was put, and has the kernel send.
    pub(super) fn send(&mut self) {
        self.transmit.publish();
        self.push();
    }

    /// Has the kernel go on with what it has not sent yet. It copies frames only when called; a driver may have to be woken.
    pub(super) fn push(&self) {
        for _ in 0..CALLS {
            if self.is_done() || self.is_zero_copy && !self.transmit.needs_wakeup() {
                return;
            }
            self.socket.wake_sender();
        }
    }

    /// Whether the kernel has taken everything.
    pub(super) fn is_done(&self) -> bool {
        self.transmit.pending() == 0
    }

    /// Gives chunks that were sent to the fill ring of the port that they came from.
    pub(super) fn reclaim(&mut self, fill: &mut Producer<u64>) {
        let count = self.completions.available();
        if count == 0 {
            return;
        }
        for chunk in (0..count).filter_map(|at| self.completions.get(at)) {
            fill.put(chunk);
        }
        self.completions.release(count);
        fill.publish();
        self.completed += u64::from(count);
    }

    /// Chunks that the kernel is done with.
    pub(super) const fn completed(&self) -> u64 {
        self.completed
    }
}
