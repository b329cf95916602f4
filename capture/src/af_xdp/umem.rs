//! The memory that frames are received into: chunks of equal size, which move between the kernel and us through the rings.
#![expect(unsafe_code, reason = "chunks are memory that the kernel writes while they are its own")]

use rustix::io::Errno;

use super::memory::Mapping;

/// What the kernel leaves free at the start of each chunk (`XDP_PACKET_HEADROOM`), for metadata and for headers to be put before.
pub(super) const HEADROOM: u32 = 256;

/// What an Ethernet frame has beside its packet: addresses and type, and two VLAN tags.
const LINK_HEADER: u32 = 14 + 2 * 4;

/// Sizes of chunks that the kernel takes: powers of two from 2048 to a page.
const SMALL_CHUNK: u32 = 2048;
const LARGE_CHUNK: u32 = 4096;

/// How the memory is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Bytes of a chunk.
    pub chunk: u32,
    /// Chunks, a power of two: as many as entries of the rings, so that no ring can be full.
    pub chunks: u32,
}

impl Cut {
    /// About `bytes` for frames of an interface with this MTU.
    pub(super) const fn new(bytes: u32, mtu: u32) -> Self {
        let chunk = if mtu <= SMALL_CHUNK - HEADROOM - LINK_HEADER { SMALL_CHUNK } else { LARGE_CHUNK };
        let chunks = bytes / chunk;
        let chunks = if chunks == 0 { 1 } else { 1 << chunks.ilog2() };
        Self { chunk, chunks }
    }

    /// Whether the longest frame of the interface takes more than one chunk.
    pub(super) const fn splits(self, mtu: u32) -> bool {
        mtu > self.chunk - HEADROOM - LINK_HEADER
    }
}

/// The memory.
#[derive(Debug)]
pub(super) struct Umem {
    memory: Mapping,
    pub(super) cut: Cut,
}

impl Umem {
    pub(super) fn new(cut: Cut) -> Result<Self, Errno> {
        Ok(Self { memory: Mapping::anonymous(cut.chunk as usize * cut.chunks as usize)?, cut })
    }

    /// Where it lies, for the kernel.
    pub(super) fn address(&self) -> u64 {
        self.memory.start() as u64
    }

    pub(super) const fn len(&self) -> u64 {
        self.memory.len() as u64
    }

    /// `len` bytes from `address`, counted from the start of the memory; empty where they would lie outside.
    ///
    /// # Safety
    /// The chunk must be ours: taken from a ring that the kernel fills, and given back only when the reference is gone.
    pub(super) unsafe fn bytes(&self, address: u64, len: u32) -> &[u8] {
        let inside = address.checked_add(u64::from(len)).is_some_and(|end| end <= self.len());
        if !inside {
            return &[];
        }
        // SAFETY: inside the mapping, which lives as long as this value, and zeroed or written before; by the contract above the
        // kernel does not write there meanwhile.
        unsafe { std::slice::from_raw_parts(self.memory.start().add(address as usize), len as usize) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_cut_so_that_ordinary_frames_fit_into_one() {
        let ordinary = Cut::new(64 << 20, 1500);
        assert_eq!(ordinary, Cut { chunk: 2048, chunks: 32_768 });
        assert!(!ordinary.splits(1500));
        let jumbo = Cut::new(3 << 20, 9000);
        assert_eq!(jumbo, Cut { chunk: 4096, chunks: 512 });
        assert!(jumbo.splits(9000));
    }

    #[test]
    fn what_would_lie_outside_is_empty() {
        let umem = Umem::new(Cut { chunk: 2048, chunks: 2 }).unwrap();
        // SAFETY: no kernel knows this memory.
        let lengths = unsafe { [umem.bytes(4090, 6).len(), umem.bytes(4090, 7).len(), umem.bytes(u64::MAX, 2).len()] };
        assert_eq!(lengths, [6, 0, 0]);
    }
}
