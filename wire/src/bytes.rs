//! The bytes of a layer: what was captured of it, and how long it was on the wire.

/// What remains of a frame from some header on. Taking from it either gives the bytes or `None`, and then nothing is
/// taken: nothing here can panic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a> {
    /// The bytes that were captured.
    pub captured: &'a [u8],
    /// How many bytes there were on the wire, as far as the headers before them tell.
    pub wire: u32,
}

impl<'a> Bytes<'a> {
    /// A whole frame of `wire_len` bytes.
    #[inline]
    pub fn new(captured: &'a [u8], wire_len: u32) -> Self {
        Self { captured, wire: wire_len.max(captured.len() as u32) }
    }

    /// Takes the first `N` bytes off. In place, because a position that moves from value to value moves through memory.
    #[inline]
    pub fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (head, rest) = self.captured.split_first_chunk::<N>()?;
        self.captured = rest;
        self.wire = self.wire.saturating_sub(N as u32);
        Some(head)
    }

    /// Leaves the first `count` bytes out.
    #[inline]
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.captured = self.captured.get(count..)?;
        self.wire = self.wire.saturating_sub(count as u32);
        Some(())
    }

    /// The same bytes when a header says that there are `len` of them: trailing bytes (Ethernet padding, checksums) go, and
    /// what the capture lacks still counts.
    #[inline]
    pub fn declared(self, len: u32) -> Self {
        Self { captured: self.captured.get(..len as usize).unwrap_or(self.captured), wire: len }
    }

    /// The high four bits of the first byte: the version of an IP header.
    #[inline]
    pub fn first_nibble(self) -> Option<u8> {
        self.captured.first().map(|byte| byte >> 4)
    }
}

/// Two bytes in network order.
#[inline]
pub(crate) const fn be16(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}

/// Three bytes in network order: a network identifier.
#[inline]
pub(crate) const fn be24(high: u8, middle: u8, low: u8) -> u32 {
    u32::from_be_bytes([0, high, middle, low])
}
