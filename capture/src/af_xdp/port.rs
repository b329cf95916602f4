//! A socket with its rings, bound to a queue.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use super::options::Mode;
use super::ring::{Consumer, Producer};
use super::socket::Socket;
use super::umem::Cut;
use super::{GENERIC, explain};
use crate::SourceError;
use crate::interface::Failed;

/// Entries of a completion ring that nothing is sent through; the kernel insists on one.
const UNUSED: u32 = 2;

/// How often a busy queue is tried, and the pause before the next time: a second in all.
const BIND_ATTEMPTS: u32 = 50;
const BIND_PAUSE: Duration = Duration::from_millis(20);

/// A socket and its rings.
pub(super) struct Port {
    pub socket: Arc<Socket>,
    pub fill: Producer<u64>,
    pub received: Consumer<libc::xdp_desc>,
    /// What it sends, and what was sent; only of a socket that sends.
    pub sending: Option<(Producer<libc::xdp_desc>, Consumer<u64>)>,
}

impl Port {
    /// A port that receives into these chunks of its memory. One that sends has room for as many, of other ports.
    pub(super) fn new(socket: Socket, cut: Cut, chunks: Range<u32>, sends: bool) -> Result<Self, Failed> {
        let size = chunks.end - chunks.start;
        let mut fill = socket.fill(size)?;
        let completions = socket.completions(if sends { size } else { UNUSED })?;
        let received = socket.received(size)?;
        let sending = if sends { Some((socket.transmit(size)?, completions)) } else { None };
        for chunk in chunks {
            fill.put(u64::from(chunk) * u64::from(cut.chunk));
        }
        fill.publish();
        Ok(Self { socket: Arc::new(socket), fill, received, sending })
    }

    /// Binds it to a queue with `flags`, or to the memory of a port that is bound. The kernel frees the queue of a socket that was closed
    /// some time after the close, and tells nobody: until then it is busy.
    pub(super) fn bind(&self, interface: u32, queue: u16, flags: u16, shared: Option<&Self>) -> Result<(), Failed> {
        let mut bound = Err(("binding to the queue", Errno::BUSY));
        for _ in 0..BIND_ATTEMPTS {
            bound = self.socket.bind(interface, queue.into(), flags, shared.map(|port| &*port.socket));
            if !matches!(bound, Err((_, Errno::BUSY))) {
                break;
            }
            #[expect(clippy::disallowed_methods, reason = "there is nothing to wait for but time")]
            std::thread::sleep(BIND_PAUSE);
        }
        bound
    }
}

/// Opens something with the best flags that it can be bound with. Frames in several chunks need Linux 6.6; without them, what is longer
/// than a chunk is lost, and counted.
pub(super) fn with_best_flags<T>(
    wanted: Mode,
    mode: u32,
    splits: bool,
    mut open: impl FnMut(u16) -> Result<T, Failed>,
) -> Result<T, Failed> {
    const ZERO_COPY: u16 = libc::XDP_ZEROCOPY;
    const COPY: u16 = libc::XDP_COPY;
    const SPLIT: u16 = libc::XDP_USE_SG;
    let flags: &[u16] = match (wanted, mode, splits) {
        (_, GENERIC, _) => &[COPY | SPLIT, COPY],
        (Mode::ZeroCopy, _, true) => &[ZERO_COPY | SPLIT],
        (Mode::ZeroCopy, _, false) => &[ZERO_COPY],
        (_, _, true) => &[ZERO_COPY | SPLIT, COPY | SPLIT, COPY],
        (_, _, false) => &[ZERO_COPY, COPY | SPLIT, COPY],
    };
    let mut last = ("binding to the queue", Errno::OPNOTSUPP);
    for &flags in flags {
        match open(flags | libc::XDP_USE_NEED_WAKEUP) {
            Err(failed @ (_, Errno::OPNOTSUPP | Errno::INVAL)) => last = failed,
            done => return done,
        }
    }
    Err(last)
}

/// Opens something in the driver, or, where that does not work and may be, in the network stack.
pub(super) fn with_best_mode<T>(
    wanted: Mode,
    interface: &str,
    mut open: impl FnMut(u32) -> Result<T, Failed>,
) -> Result<T, SourceError> {
    let opened = match open(if wanted == Mode::Generic { GENERIC } else { super::NATIVE }) {
        Err((_, Errno::OPNOTSUPP | Errno::INVAL | Errno::RANGE | Errno::NOSPC)) if wanted == Mode::Auto => {
            open(GENERIC)
        }
        opened => opened,
    };
    opened.map_err(|failed| explain(interface, failed))
}

/// How a queue is captured, in words.
pub(super) fn detail(mode: u32, socket: &Socket, cut: Cut, flags: u16) -> String {
    let place = if mode == GENERIC { "generic XDP" } else { "XDP in the driver" };
    let copy = if socket.is_zero_copy() { "zero copy" } else { "frames copied" };
    let split = if flags & libc::XDP_USE_SG == 0 { ", no frames beyond a chunk" } else { "" };
    format!("{place}, {copy}, {} chunks of {} bytes{split}", cut.chunks, cut.chunk)
}
