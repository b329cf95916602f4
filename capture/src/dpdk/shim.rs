//! The C side (`shim.h`), and the buffers that it lends.
#![expect(unsafe_code, reason = "DPDK is C, and frames are read where its drivers have put them")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::slice;

use rustix::io::Errno;

/// Frames that a burst takes at most: as many as a cache of buffers gives back in one go, and as the drivers are written for.
const BURST: usize = 64;

/// `CTD_VLAN`: the device took a tag out of the frame.
const VLAN: u16 = 1;
/// `CTD_STAMP`: the device says when.
const STAMP: u16 = 2;

/// The identifier in a VLAN tag (IEEE 802.1Q).
const VLAN_ID: u16 = 0x0fff;

/// A buffer of DPDK's (`struct rte_mbuf`), of which only the address is ours.
#[repr(C)]
struct Buffer {
    _private: [u8; 0],
}

/// `struct ctd_frame`.
#[repr(C)]
#[derive(Clone, Copy)]
struct RawFrame {
    bytes: *const u8,
    stamp: u64,
    captured: u32,
    len: u32,
    vlan: u16,
    flags: u16,
    padding: u32,
}

/// `struct ctd_port`.
#[repr(C)]
struct RawPort {
    driver: [c_char; 32],
    queues: u16,
    counts_queues: u16,
    hashes: u16,
    padding: u16,
}

/// How a port is to receive, and, after the start, how it does (`struct ctd_setup`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// Buffers of each queue.
    pub buffers: u32,
    pub queues: u16,
    /// Descriptors of each queue, within what the device has.
    pub descriptors: u16,
    pub promiscuous: u16,
    pub mtu: u16,
}

/// What a port has counted since it was started (`struct ctd_counts`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Frames given to the program, by all queues.
    pub received: u64,
    /// Those of one queue, where the driver counts by queue.
    pub queue_received: u64,
    /// Frames that found no descriptor.
    pub missed: u64,
    /// Damaged frames.
    pub errors: u64,
    /// Times that there was no buffer to give to the device.
    pub no_buffer: u64,
}

// The same is asserted in shim.c.
const _: () = assert!(size_of::<RawFrame>() == 32 && size_of::<RawPort>() == 40);
const _: () = assert!(size_of::<Setup>() == 12 && size_of::<Counts>() == 40);

unsafe extern "C" {
    fn ctd_start_eal(count: c_int, arguments: *mut *mut c_char) -> c_int;
    fn ctd_attach(device: *const c_char, port: *mut u16) -> c_int;
    fn ctd_describe(port: u16, out: *mut RawPort) -> c_int;
    fn ctd_start(port: u16, setup: *mut Setup) -> c_int;
    fn ctd_counts(port: u16, queue: u16, out: *mut Counts) -> c_int;
    fn ctd_detach(port: u16, queues: u16);
    fn ctd_has_link(port: u16) -> c_int;
    fn ctd_enter_thread() -> c_int;
    fn ctd_leave_thread();
    fn ctd_receive(port: u16, queue: u16, buffers: *mut *mut Buffer, frames: *mut RawFrame, most: u16) -> u16;
    fn ctd_free(buffers: *mut *mut Buffer, count: u16);
}

fn check(result: c_int) -> Result<(), Errno> {
    if result == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(result)) }
}

/// A text for C, or what the system says of one that cannot be.
fn text(text: &str) -> Result<CString, Errno> {
    CString::new(text).map_err(|_| Errno::INVAL)
}

/// Starts DPDK's environment with these arguments, the first of them a name. Whoever calls it sees to it that nobody else does, ever.
pub(super) fn start_eal(arguments: &[String]) -> Result<(), Errno> {
    // EAL keeps its arguments, and changes their order: they are its own from here on.
    let arguments = arguments.iter().map(|argument| text(argument).map(CString::into_raw));
    let mut arguments = arguments.collect::<Result<Vec<_>, Errno>>()?;
    let count = c_int::try_from(arguments.len()).map_err(|_| Errno::TOOBIG)?;
    arguments.push(ptr::null_mut());
    let arguments = arguments.leak();
    // SAFETY: `count` texts that nobody else has, and a null pointer after them, as of a program's own arguments; all live for ever.
    check(unsafe { ctd_start_eal(count, arguments.as_mut_ptr()) })
}

/// What a port can do.
#[derive(Clone, Debug)]
pub(super) struct Ability {
    pub driver: String,
    /// Receive queues, at most.
    pub queues: u16,
    /// The driver counts frames by queue.
    pub counts_queues: bool,
    /// The device divides flows among its queues by a hash whose key can be set.
    pub hashes: bool,
}

/// A device that DPDK has taken, with the number that it gave it. Goes back when dropped.
#[derive(Debug)]
pub(super) struct Device {
    port: u16,
    queues: u16,
}

impl Device {
    /// Takes the device that these arguments name. Only after [`start_eal`].
    pub(super) fn attach(device: &str, queues: u16) -> Result<Self, Errno> {
        let mut port = 0;
        let device = text(device)?;
        // SAFETY: a text and a place for the number, both alive during the call.
        check(unsafe { ctd_attach(device.as_ptr(), &raw mut port) })?;
        Ok(Self { port, queues })
    }

    pub(super) fn describe(&self) -> Result<Ability, Errno> {
        let mut found = RawPort { driver: [0; 32], queues: 0, counts_queues: 0, hashes: 0, padding: 0 };
        // SAFETY: a place for what is found, alive during the call.
        check(unsafe { ctd_describe(self.port, &raw mut found) })?;
        // SAFETY: the shim ends the name with a zero within the 32 bytes, and it began as zeroes.
        let driver = unsafe { CStr::from_ptr(found.driver.as_ptr()) };
        Ok(Ability {
            driver: driver.to_string_lossy().into_owned(),
            queues: found.queues,
            counts_queues: found.counts_queues != 0,
            hashes: found.hashes != 0,
        })
    }

    /// Starts receiving; gives how it does.
    pub(super) fn start(&self, mut setup: Setup) -> Result<Setup, Errno> {
        // SAFETY: the structure is whole, and alive during the call.
        check(unsafe { ctd_start(self.port, &raw mut setup) })?;
        Ok(setup)
    }

    pub(super) fn counts(&self, queue: u16) -> Result<Counts, Errno> {
        let mut counts = Counts::default();
        // SAFETY: a place for the counts, alive during the call.
        check(unsafe { ctd_counts(self.port, queue, &raw mut counts) })?;
        Ok(counts)
    }

    /// Registers the calling thread, until it ends. Where that is not possible, buffers cost a little more.
    pub(super) fn enter_thread(&self) {
        MEMBERSHIP.with(|_| ());
    }

    /// Whether somebody is at the other end.
    pub(super) fn has_link(&self) -> bool {
        // SAFETY: the call takes no pointers.
        unsafe { ctd_has_link(self.port) != 0 }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: the device was attached by us, and every buffer of it has been freed: a `Burst` holds some only during `Burst::take`, which
        // borrows this value.
        unsafe { ctd_detach(self.port, self.queues) };
    }
}

/// The registration of a thread with DPDK, which gives it a cache of buffers of its own.
struct Membership {
    is_ours: bool,
}

thread_local! {
    // SAFETY: the call takes no pointers; `enter_thread` is called with a device at hand, so that the environment has been started.
    static MEMBERSHIP: Membership = Membership { is_ours: unsafe { ctd_enter_thread() != 0 } };
}

impl Drop for Membership {
    fn drop(&mut self) {
        if self.is_ours {
            // SAFETY: a thread's own value is dropped by that thread, which was registered when it was made.
            unsafe { ctd_leave_thread() };
        }
    }
}

/// A frame as a buffer holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct BufferFrame<'a> {
    /// The first segment of the buffer, which has all headers.
    pub bytes: &'a [u8],
    /// Bytes of all segments.
    pub len: u32,
    /// The identifier of a VLAN tag that the device took out.
    pub vlan: Option<u16>,
    /// What the device says of the time, in its own unit.
    pub stamp: Option<u64>,
}

/// Room for a burst.
pub(super) struct Burst {
    buffers: [*mut Buffer; BURST],
    frames: [RawFrame; BURST],
}

// SAFETY: the pointers are only used inside `take`; between two calls they mean nothing.
unsafe impl Send for Burst {}

impl Burst {
    pub(super) fn new() -> Self {
        let frame = RawFrame { bytes: ptr::null(), stamp: 0, captured: 0, len: 0, vlan: 0, flags: 0, padding: 0 };
        Self { buffers: [ptr::null_mut(); BURST], frames: [frame; BURST] }
    }

    /// Visits the frames that wait in a queue of a device that was started, a burst of them at most; gives their number. No two threads may
    /// take from the same queue, which the only [`super::queue::Queue`] of that number sees to.
    pub(super) fn take(&mut self, device: &Device, queue: u16, visit: &mut dyn FnMut(BufferFrame<'_>)) -> u16 {
        // SAFETY: there is room for BURST buffers and frames; the port was started with this queue, and this is its only reader.
        let count = unsafe {
            ctd_receive(device.port, queue, self.buffers.as_mut_ptr(), self.frames.as_mut_ptr(), BURST as u16)
        };
        for frame in self.frames.iter().take(usize::from(count)) {
            // SAFETY: the shim points to `captured` bytes of a buffer that is ours until `ctd_free` below, and nobody writes to meanwhile.
            let bytes = unsafe { slice::from_raw_parts(frame.bytes, frame.captured as usize) };
            let has = |flag: u16| frame.flags & flag != 0;
            visit(BufferFrame {
                bytes,
                len: frame.len,
                vlan: has(VLAN).then_some(frame.vlan & VLAN_ID),
                stamp: has(STAMP).then_some(frame.stamp),
            });
        }
        // SAFETY: the buffers of this burst, each once.
        unsafe { ctd_free(self.buffers.as_mut_ptr(), count) };
        count
    }
}
