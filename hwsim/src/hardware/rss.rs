//! Receive-side scaling: which queue of a network card a frame goes to.
//!
//! A card hashes addresses and ports with Toeplitz's function under a key of 40 bytes, and looks the hash's last seven bits up in a
//! table of queues (Microsoft, "RSS Hashing Functions"). With the usual key the two directions of a connection come to different queues
//! more often than not; with a key that repeats every 16 bits they come to the same.

/// The key of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rss {
    /// The key that most drivers bring.
    Usual,
    /// A key under which both directions of a flow hash alike (Woo and Park, "Scalable TCP Session Monitoring with Symmetric
    /// Receive-side Scaling", 2012).
    Symmetric,
}

const KEY_LEN: usize = 40;

/// From Microsoft's description; Linux's drivers start from it or from a random one.
const USUAL: [u8; KEY_LEN] = [
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b,
    0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
    0x01, 0xfa,
];

const SYMMETRIC: [u8; KEY_LEN] = {
    let mut key = [0x6d; KEY_LEN];
    let mut at = 1;
    while at < KEY_LEN {
        key[at] = 0x5a;
        at += 2;
    }
    key
};

/// Bits of the hash that the table of queues is indexed by.
const TABLE_BITS: u32 = 0x7f;

const TCP: u8 = 6;
const UDP: u8 = 17;

impl Rss {
    /// The queue of a frame, of `queues`. What has no IP header goes to the first.
    pub(super) fn queue(self, frame: &[u8], queues: u16) -> u16 {
        if queues <= 1 {
            return 0;
        }
        let key = match self {
            Self::Usual => &USUAL,
            Self::Symmetric => &SYMMETRIC,
        };
        let hash = hashed_part(frame).map_or(0, |[addresses, ports]| toeplitz(key, addresses.iter().chain(ports)));
        ((hash & TABLE_BITS) % u32::from(queues)) as u16
    }
}

/// Addresses and ports of an Ethernet frame, perhaps tagged; no ports where it is neither TCP nor UDP.
fn hashed_part(frame: &[u8]) -> Option<[&[u8]; 2]> {
    let ethertype = |at: usize| frame.get(at..at + 2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
    let at = if ethertype(12)? == 0x8100 { 16 } else { 12 };
    let ip = frame.get(at + 2..)?;
    let (protocol, addresses, header) = match ethertype(at)? {
        0x0800 => (*ip.get(9)?, ip.get(12..20)?, usize::from(ip.first()? & 0x0f) * 4),
        0x86dd => (*ip.get(6)?, ip.get(8..40)?, 40),
        _ => return None,
    };
    let ports = if matches!(protocol, TCP | UDP) { ip.get(header..header + 4)? } else { &[] };
    Some([addresses, ports])
}

/// For every bit of the input that is set, the 32 bits of the key that begin there, added without carry.
fn toeplitz<'a>(key: &[u8; KEY_LEN], input: impl Iterator<Item = &'a u8>) -> u32 {
    let mut hash = 0;
    for (byte, window) in input.zip(key.windows(5)) {
        let window = window.iter().fold(0_u64, |window, byte| window << 8 | u64::from(*byte));
        for bit in (0..8).filter(|bit| byte << bit & 0x80 != 0) {
            hash ^= (window >> (8 - bit)) as u32;
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Microsoft's examples: source address and port, destination address and port, hash.
    #[test]
    fn the_hash_is_that_of_microsofts_examples() {
        for (source, destination, ports, hash) in [
            ([66, 9, 149, 187], [161, 142, 100, 80], [2794_u16, 1766], 0x51cc_c178_u32),
            ([199, 92, 111, 2], [65, 69, 140, 83], [14230, 4739], 0xc626_b0ea),
            ([24, 19, 198, 95], [12, 22, 207, 184], [12898, 38024], 0x5c2b_394a),
        ] {
            let ports = ports.map(u16::to_be_bytes).concat();
            let input = [&source[..], &destination, &ports].concat();
            assert_eq!(toeplitz(&USUAL, input.iter()), hash, "{source:?}");
            let back = [&destination[..], &source, &ports[2..], &ports[..2]].concat();
            assert_eq!(toeplitz(&SYMMETRIC, input.iter()), toeplitz(&SYMMETRIC, back.iter()), "{source:?}");
        }
    }

    #[test]
    fn what_is_cut_short_or_no_ip_goes_to_the_first_queue() {
        for len in 0..60 {
            let mut frame = vec![0xff; len];
            assert_eq!(Rss::Usual.queue(&frame, 8), 0, "{len} bytes of no protocol");
            if len > 14 {
                frame[12..14].copy_from_slice(&[8, 0]);
                frame[14] = 0x4f;
                assert!(Rss::Usual.queue(&frame, 8) < 8);
            }
        }
    }
}
