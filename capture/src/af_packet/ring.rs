//! The ring of blocks that the kernel and we share, and the frames in a block.
#![expect(unsafe_code, reason = "the ring is memory that the kernel writes")]

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Errno;
use wire::Nanos;

use super::socket::Socket;
use crate::interface::Failed;

/// A block: large enough for the largest frame that the kernel makes without BIG TCP (64 KiB), four times over.
const BLOCK: u32 = 256 << 10;

/// Blocks there are at least: one being filled, one being read, and some between them.
const FEWEST_BLOCKS: u32 = 4;

/// Granularity of blocks, a multiple of every page size in use.
const PAGE: u32 = 64 << 10;

/// Asked for by the kernel, but without a meaning in version 3: frames take what they need.
const NOMINAL_FRAME: u32 = 2048;

// struct tpacket_block_desc: version u32, offset_to_priv u32, then struct tpacket_hdr_v1.
const BLOCK_STATUS: usize = 8;
const BLOCK_FRAMES: usize = 12;
const BLOCK_FIRST_FRAME: usize = 16;

// struct tpacket3_hdr.
const FRAME_NEXT: usize = 0;
const FRAME_SECONDS: usize = 4;
const FRAME_NANOS: usize = 8;
const FRAME_CAPTURED: usize = 12;
const FRAME_LEN: usize = 16;
const FRAME_STATUS: usize = 20;
const FRAME_MAC: usize = 24;
const FRAME_NET: usize = 26;
const FRAME_VLAN: usize = 32;

/// The identifier in a VLAN tag (IEEE 802.1Q).
const VLAN_ID: u32 = 0x0fff;

/// A ring mapped into memory.
#[derive(Debug)]
pub(super) struct Ring {
    start: NonNull<u8>,
    block: usize,
    blocks: usize,
    /// The block that is handed over next.
    current: usize,
}

// SAFETY: the mapping belongs to this value alone and has no tie to the thread that made it.
unsafe impl Send for Ring {}

/// A frame as the ring holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RingFrame<'a> {
    pub ts: Nanos,
    /// From the link layer's header on.
    pub bytes: &'a [u8],
    /// Length of the link layer's header.
    pub header: usize,
    /// Length before anything was cut off.
    pub len: u32,
    pub vlan: Option<u16>,
}

impl Ring {
    /// A ring of about `bytes`, whose blocks are handed over after `timeout` milliseconds at the latest.
    pub(super) fn new(socket: &Socket, bytes: u32, timeout: u32) -> Result<Self, Failed> {
        let block = (bytes / FEWEST_BLOCKS).clamp(PAGE, BLOCK) / PAGE * PAGE;
        let blocks = (bytes / block).max(FEWEST_BLOCKS);
        socket.request_ring(&libc::tpacket_req3 {
            tp_block_size: block,
            tp_block_nr: blocks,
            tp_frame_size: NOMINAL_FRAME,
            tp_frame_nr: block / NOMINAL_FRAME * blocks,
            tp_retire_blk_tov: timeout,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        })?;
        let (block, blocks) = (block as usize, blocks as usize);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses; the result is checked below.
        let start = unsafe {
            libc::mmap(ptr::null_mut(), block * blocks, protection, libc::MAP_SHARED, socket.as_fd().as_raw_fd(), 0)
        };
        if start == libc::MAP_FAILED {
            let error = Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::NOMEM);
            return Err(("mapping the ring", error));
        }
        let start = NonNull::new(start.cast::<u8>()).ok_or(("mapping the ring", Errno::NOMEM))?;
        Ok(Self { start, block, blocks, current: 0 })
    }

    fn current_start(&self) -> *mut u8 {
        // SAFETY: `current` is below `blocks`, so this stays inside the mapping.
        unsafe { self.start.as_ptr().add(self.current * self.block) }
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: the status lies inside the block, at a multiple of four from a page's start; kernel and program both access
        // it while the ring is shared, which is why it is atomic here; it lives as long as the mapping.
        unsafe { AtomicU32::from_ptr(self.current_start().add(BLOCK_STATUS).cast()) }
    }

    /// The next block, if the kernel has handed it over.
    pub(super) fn current(&self) -> Option<Block<'_>> {
        // Acquire: what the kernel wrote before it set the status is seen below.
        let status = self.status().load(Ordering::Acquire);
        if status & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: the block lies inside the mapping. While its status is TP_STATUS_USER the kernel does not write to it, and we
        // change the status only in `release`, which needs the ring mutably, when this borrow is over.
        let bytes = unsafe { std::slice::from_raw_parts(self.current_start(), self.block) };
        Some(Block { bytes, status })
    }

    /// Gives the current block back to the kernel and goes to the next one.
    pub(super) fn release(&mut self) {
        // Release: all reading of the block is over before the kernel sees that it may write again.
        self.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.current = (self.current + 1) % self.blocks;
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping was made in `new` with this start and length, and no block of it is borrowed any more. A
        // failure would only leave it mapped.
        let _ = unsafe { libc::munmap(self.start.as_ptr().cast::<c_void>(), self.block * self.blocks) };
    }
}

/// A block that is ours for now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    bytes: &'a [u8],
    status: u32,
}

impl<'a> Block<'a> {
    /// Frames were dropped before this block was closed, and not counted by us yet.
    pub(super) const fn is_losing(&self) -> bool {
        self.status & libc::TP_STATUS_LOSING != 0
    }

    /// The frames, in order. The kernel wrote the lengths and offsets; should they ever point outside, the frames end there.
    pub(super) fn frames(&self) -> impl Iterator<Item = RingFrame<'a>> + use<'a> {
        let bytes = self.bytes;
        let mut left = u32_at(bytes, BLOCK_FRAMES);
        let mut rest = bytes.get(u32_at(bytes, BLOCK_FIRST_FRAME) as usize..).unwrap_or_default();
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let frame = frame(rest)?;
            rest = rest.get(u32_at(rest, FRAME_NEXT) as usize..).unwrap_or_default();
            Some(frame)
        })
    }
}

fn frame(header: &[u8]) -> Option<RingFrame<'_>> {
    let (mac, net) = (usize::from(u16_at(header, FRAME_MAC)), usize::from(u16_at(header, FRAME_NET)));
    let captured = u32_at(header, FRAME_CAPTURED) as usize;
    let bytes = header.get(mac..mac + captured)?;
    let seconds = i64::from(u32_at(header, FRAME_SECONDS));
    let ts = Nanos::from_secs(seconds).plus(i64::from(u32_at(header, FRAME_NANOS)));
    let has_vlan = u32_at(header, FRAME_STATUS) & libc::TP_STATUS_VLAN_VALID != 0;
    let vlan = has_vlan.then(|| (u32_at(header, FRAME_VLAN) & VLAN_ID) as u16);
    Some(RingFrame { ts, bytes, header: net.saturating_sub(mac), len: u32_at(header, FRAME_LEN), vlan })
}

/// The integer at `at`, in the host's byte order; 0 beyond the end.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes(bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default())
}
