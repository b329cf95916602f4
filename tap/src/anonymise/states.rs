//! What a checkpoint remembers of connections, enciphered: it names their addresses, and none may be read on a disk.
//!
//! AES-128 in counter mode, under a key that follows from that of the addresses. Each part begins with a number that is used once, in the clear.

use aes::Aes128;
use aes::cipher::{Block, BlockEncrypt, KeyInit};

/// A block of AES, bytes.
const BLOCK: usize = 16;

/// Bytes of the number that is used once.
const NONCE: usize = 8;

/// Enciphers and deciphers.
#[derive(Clone)]
pub struct StateCipher(Aes128);

impl StateCipher {
    /// Under this key.
    #[must_use]
    pub fn new(key: [u8; BLOCK]) -> Self {
        Self(Aes128::new(&key.into()))
    }

    /// Enciphers a part under a number that no other part has.
    pub fn encipher(&self, nonce: u64, bytes: &mut Vec<u8>) {
        self.apply(nonce.to_le_bytes(), bytes);
        bytes.splice(..0, nonce.to_le_bytes());
    }

    /// Deciphers it. With another key, or of something else, nothing sensible comes out.
    pub fn decipher(&self, bytes: &mut Vec<u8>) {
        let Some(&nonce) = bytes.first_chunk::<NONCE>() else { return bytes.clear() };
        bytes.drain(..NONCE);
        self.apply(nonce, bytes);
    }

    fn apply(&self, nonce: [u8; NONCE], bytes: &mut [u8]) {
        for (counter, part) in (0u64..).zip(bytes.chunks_mut(BLOCK)) {
            let mut block = Block::<Aes128>::default();
            block[..NONCE].copy_from_slice(&nonce);
            block[NONCE..].copy_from_slice(&counter.to_le_bytes());
            self.0.encrypt_block(&mut block);
            part.iter_mut().zip(block).for_each(|(byte, key)| *byte ^= key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_enciphered_comes_back_and_shows_nothing_meanwhile() {
        let cipher = StateCipher::new([7; BLOCK]);
        let text: Vec<u8> = b"10.0.0.9 talks to 10.0.0.1".repeat(5);
        let mut bytes = text.clone();
        cipher.encipher(3, &mut bytes);
        assert!(!bytes.windows(4).any(|window| window == b"10.0"));
        let mut others = bytes.clone();
        cipher.decipher(&mut bytes);
        assert_eq!(bytes, text);
        StateCipher::new([8; BLOCK]).decipher(&mut others);
        assert_ne!(others, text);
        cipher.decipher(&mut vec![1, 2]);
    }

    /// The key stream is AES of the counter block: F.5.1 of NIST SP 800-38A, whose first block encrypts f0f1…ff.
    #[test]
    fn the_key_stream_is_that_of_the_standard() {
        let key = [0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c];
        let cipher = StateCipher::new(key);
        let counter: [u8; BLOCK] = std::array::from_fn(|at| 0xf0 + at as u8);
        let mut block = counter.into();
        cipher.0.encrypt_block(&mut block);
        assert_eq!(block[..4], [0xec, 0x8c, 0xdf, 0x73]);
    }
}
