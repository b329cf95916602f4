//! The Internet checksum (RFC 1071).

/// A running ones' complement sum of big-endian 16-bit words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checksum(u64);

impl Checksum {
    /// Adds a 16-bit word.
    pub(super) fn word(&mut self, word: u16) {
        self.0 += u64::from(word);
    }

    /// Adds bytes, as if padded with a zero to whole words.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<2>();
        self.0 += words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>();
        if let [last] = rest {
            self.word(u16::from_be_bytes([*last, 0]));
        }
    }

    /// Adds `count` times the same byte.
    pub(super) fn repeated(&mut self, byte: u8, count: usize) {
        self.0 += u64::from(u16::from_be_bytes([byte, byte])) * (count as u64 / 2);
        if count % 2 == 1 {
            self.word(u16::from_be_bytes([byte, 0]));
        }
    }

    /// The checksum field's value.
    pub(super) fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_gives_its_sum() {
        let mut sum = Checksum::default();
        sum.bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.finish(), !0xddf2);
    }

    #[test]
    fn repeated_bytes_count_like_written_ones() {
        for count in [0, 1, 2, 7, 1460] {
            let (mut one, mut other) = (Checksum::default(), Checksum::default());
            one.repeated(b'.', count);
            other.bytes(&vec![b'.'; count]);
            assert_eq!(one.finish(), other.finish(), "{count} bytes");
        }
    }
}
