//! Crypto-PAn: addresses for addresses, so that two share as long a prefix afterwards as before.
//!
//! J. Xu, J. Fan, M. Ammar, S. Moon: Prefix-Preserving IP Address Anonymization, ICNP 2002. Bit `n` of an address is flipped or not by
//! the first bit of an AES block that holds the `n` bits before it, and a secret pad behind them.

use aes::Aes128;
use aes::cipher::{Block, BlockEncrypt, KeyInit};

use super::states::StateCipher;

/// The secret of a key file.
pub const KEY_BYTES: usize = 32;

/// A block of AES, bytes.
const BLOCK: usize = 16;

/// Those of an IPv6 address.
const MOST_BITS: usize = 128;

/// The mapping of addresses under one key. It is one to one, so that nothing that is counted by address changes.
#[derive(Clone)]
pub struct PrefixCipher {
    aes: Aes128,
    pad: [u8; BLOCK],
}

impl PrefixCipher {
    /// The mapping under `key`: its first half is AES's key, its second half, encrypted, the pad.
    #[must_use]
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        let (secret, pad) = key.split_at(BLOCK);
        let aes = Aes128::new(Block::<Aes128>::from_slice(secret));
        let mut cipher = Self { aes, pad: [0; BLOCK] };
        cipher.pad.copy_from_slice(pad);
        cipher.pad = cipher.encrypt(cipher.pad);
        cipher
    }

    /// The address that stands for `address`: 4 bytes of IPv4, or 16 of IPv6.
    #[must_use]
    pub fn map<const BYTES: usize>(&self, address: [u8; BYTES]) -> [u8; BYTES] {
        // What decides on a bit is the original address before it, so that all blocks can be encrypted at once.
        let mut blocks = [Block::<Aes128>::default(); MOST_BITS];
        let blocks = &mut blocks[..BYTES * 8];
        let mut block = self.pad;
        for (bit, next) in blocks.iter_mut().enumerate() {
            let (byte, mask) = (bit / 8, 0x80 >> (bit % 8));
            *next = block.into();
            block[byte] = (block[byte] & !mask) | (address[byte] & mask);
        }
        self.aes.encrypt_blocks(blocks);
        let mut mapped = address;
        for (bit, block) in blocks.iter().enumerate() {
            mapped[bit / 8] ^= (block[0] & 0x80) >> (bit % 8);
        }
        mapped
    }

    /// Eight bytes that follow from the key and from what they are `used` for, and that tell nothing of the key.
    #[must_use]
    pub fn derive(&self, used: &[u8; BLOCK]) -> [u8; 8] {
        // Every block that decides on a bit ends in the pad; this one does not, unless the pad is this text.
        let mut derived = [0; 8];
        derived.copy_from_slice(&self.encrypt(*used)[..8]);
        derived
    }

    /// What enciphers a checkpoint, under a key that follows from this one.
    #[must_use]
    pub fn states(&self) -> StateCipher {
        StateCipher::new(self.encrypt(*b"conntrack-states"))
    }

    fn encrypt(&self, block: [u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = block.into();
        self.aes.encrypt_block(&mut block);
        block.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    /// The key and the trace that the authors publish with their implementation.
    const PUBLISHED_KEY: [u8; KEY_BYTES] = [
        21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16, 216, 152, 143, 131, 121, 121, 101, 39,
        98, 87, 76, 45, 42, 132, 34, 2,
    ];

    #[test]
    fn the_published_addresses_are_mapped_as_published() {
        let cipher = PrefixCipher::new(&PUBLISHED_KEY);
        for (address, published) in [
            ("128.11.68.132", "135.242.180.132"),
            ("129.118.74.4", "134.136.186.123"),
            ("130.132.252.244", "133.68.164.234"),
            ("141.223.7.43", "141.167.8.160"),
            ("141.233.145.108", "141.129.237.235"),
            ("152.163.225.39", "151.140.114.167"),
            ("156.29.3.236", "147.225.12.42"),
            ("165.247.96.84", "162.9.99.234"),
            ("166.107.77.190", "160.132.178.185"),
            ("192.102.249.13", "252.138.62.131"),
        ] {
            let mapped = cipher.map(address.parse::<Ipv4Addr>().unwrap().octets());
            assert_eq!(Ipv4Addr::from(mapped).to_string(), published, "{address}");
        }
    }

    /// For IPv6 nothing was published; these are what yacryptopan 1.0.2, another implementation, says.
    #[test]
    fn addresses_of_ipv6_are_mapped_as_by_others() {
        let cipher = PrefixCipher::new(&PUBLISHED_KEY);
        for (address, others) in [
            ("2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"),
            ("::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed"),
            ("fe80::1", "cf7f:c0e:1fc3:da1c:70:b18e:f7f3:2101"),
            ("2001:db8:1:2:3:4:5:6", "4401:2bc:603e:23c2:fffd:ff7:ff0a:c316"),
        ] {
            let mapped = cipher.map(address.parse::<Ipv6Addr>().unwrap().octets());
            assert_eq!(Ipv6Addr::from(mapped).to_string(), others, "{address}");
        }
    }

    #[test]
    fn two_addresses_share_as_long_a_prefix_afterwards_as_before() {
        let cipher = PrefixCipher::new(&PUBLISHED_KEY);
        let shared = |a: u128, b: u128| (a ^ b).leading_zeros();
        let of = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
        let addresses =
            ["2001:db8:1::1", "2001:db8:1::2", "2001:db8:4::1", "2001:dc8::", "fe80::1", "::", "::1"].map(of);
        for (a, b) in addresses.iter().flat_map(|a| addresses.iter().map(move |b| (*a, *b))) {
            let before = shared(u128::from_be_bytes(a), u128::from_be_bytes(b));
            let after = shared(u128::from_be_bytes(cipher.map(a)), u128::from_be_bytes(cipher.map(b)));
            assert_eq!(before, after);
        }
        assert_ne!(cipher.derive(b"one use of a key"), cipher.derive(b"another use of k"));
    }
}
