//! Other addresses in recorded header bytes: in the IP header, and wherever else TCP/IP carries one. A checksum that was right stays right,
//! and one that was wrong stays wrong by as much (RFC 1624).

use super::prefix::PrefixCipher;

const TCP: u8 = 6;
const MPTCP: u8 = 30;

/// Replaces every address in `bytes`, an IP header and the TCP header behind it, as far as they were captured.
pub(super) fn replace(bytes: &mut [u8], cipher: &PrefixCipher) {
    let mut page = Page { bytes, cipher };
    match page.byte(0).map(|first| first >> 4) {
        Some(4) => page.replace_v4(),
        Some(6) => page.replace_v6(),
        _ => {}
    }
}

/// The bytes, and what stands for their addresses.
struct Page<'a> {
    bytes: &'a mut [u8],
    cipher: &'a PrefixCipher,
}

/// An option of IPv4, IPv6 or TCP: its kind, and where it begins and ends.
#[derive(Clone, Copy)]
struct TypedOption {
    kind: u8,
    start: usize,
    end: usize,
}

impl Page<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// Replaces the address at `at`, if it was captured, and corrects the checksums at `sums`.
    fn address<const BYTES: usize>(&mut self, at: usize, sums: &[usize]) {
        let Some(address) = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<BYTES>()).copied() else { return };
        self.write(at, self.cipher.map(address), sums);
    }

    /// Writes over what stands at `at`, which is there, and corrects the checksums at `sums`. They add up words that begin at even
    /// distances from theirs.
    fn write<const BYTES: usize>(&mut self, at: usize, new: [u8; BYTES], sums: &[usize]) {
        for &sum in sums {
            let Some(old) = self.bytes.get(sum..).and_then(|rest| rest.first_chunk::<2>()).copied() else { continue };
            let mut total = u32::from(!u16::from_be_bytes(old));
            for (offset, &byte) in new.iter().enumerate() {
                let shift = if (at + offset).abs_diff(sum) % 2 == 0 { 8 } else { 0 };
                total += u32::from(!(u16::from(self.bytes[at + offset]) << shift)) + (u32::from(byte) << shift);
            }
            while total > 0xffff {
                total = (total & 0xffff) + (total >> 16);
            }
            self.bytes[sum..sum + 2].copy_from_slice(&(!(total as u16)).to_be_bytes());
        }
        self.bytes[at..at + BYTES].copy_from_slice(&new);
    }

    fn replace_v4(&mut self) {
        const CHECKSUM: usize = 10;
        let header = usize::from(self.bytes[0] & 0x0f) * 4;
        let tcp = (self.byte(9) == Some(TCP)).then_some(header);
        let sums: &[usize] = &[CHECKSUM, header + 16];
        // The pseudo-header of TCP has these two addresses, and no option's.
        for at in [12, 16] {
            self.address::<4>(at, if tcp.is_some() { sums } else { &[CHECKSUM] });
        }
        for option in self.options(20, header) {
            let (first, step) = match (option.kind, self.byte(option.start + 3)) {
                // Record route, loose and strict source route (RFC 791).
                (7 | 131 | 137, _) => (option.start + 3, 4),
                // Timestamps, each behind an address.
                (68, Some(flags)) if matches!(flags & 0x0f, 1 | 3) => (option.start + 4, 8),
                _ => continue,
            };
            for at in (first..option.end.saturating_sub(3)).step_by(step) {
                self.address::<4>(at, &[CHECKSUM]);
            }
        }
        if let Some(tcp) = tcp {
            self.replace_in_tcp(tcp);
        }
    }

    fn replace_v6(&mut self) {
        const FIXED: usize = 40;
        let (mut next, mut at) = (self.byte(6), FIXED);
        let mut inside = Vec::new();
        // Hop-by-hop options, routing header, fragment header, authentication header, destination options, mobility.
        while let Some(kind @ (0 | 43 | 44 | 51 | 60 | 135)) = next {
            let Some(length) = self.byte(at + 1).map(usize::from) else { break };
            let end = at
                + match kind {
                    44 => 8,
                    51 => (length + 2) * 4,
                    _ => (length + 1) * 8,
                };
            match kind {
                43 => inside.extend((at + 8..end.saturating_sub(15)).step_by(16)),
                // A mobile node's home address (RFC 6275, 6.3).
                0 | 60 => inside.extend(
                    self.options_v6(at + 2, end)
                        .iter()
                        .filter(|option| option.kind == 201)
                        .map(|option| option.start + 2),
                ),
                _ => {}
            }
            (next, at) = (self.byte(at), end);
        }
        let tcp = (next == Some(TCP)).then_some(at);
        let sum = [tcp.map_or(usize::MAX, |tcp| tcp + 16)];
        self.address::<16>(8, &sum);
        self.address::<16>(24, &sum);
        for at in inside {
            self.address::<16>(at, &[]);
        }
        if let Some(tcp) = tcp {
            self.replace_in_tcp(tcp);
        }
    }

    /// Multipath TCP tells the peer of further addresses, with a truncated HMAC from which the address could be guessed (RFC 8684, 3.4.1).
    fn replace_in_tcp(&mut self, tcp: usize) {
        const ADD_ADDR: u8 = 3;
        let sum = [tcp + 16];
        let Some(length) = self.byte(tcp + 12).map(|offset| usize::from(offset >> 4) * 4) else { return };
        for option in self.options(tcp + 20, tcp + length) {
            let is_add_addr = self.byte(option.start + 2).is_some_and(|subtype| subtype >> 4 == ADD_ADDR);
            if option.kind != MPTCP || !is_add_addr {
                continue;
            }
            let address = option.start + 4;
            // With or without a port (2 bytes) and an HMAC (8 bytes).
            let after = match option.end - option.start {
                8 | 10 | 16 | 18 => {
                    self.address::<4>(address, &sum);
                    address + 4
                }
                20 | 22 | 28 | 30 => {
                    self.address::<16>(address, &sum);
                    address + 16
                }
                _ => continue,
            };
            if option.end - after >= 8 && option.end <= self.bytes.len() {
                self.write(option.end - 8, [0; 8], &sum);
            }
        }
    }

    /// The options of IPv4 or TCP from `start` to `end`.
    fn options(&self, start: usize, end: usize) -> Vec<TypedOption> {
        const END: u8 = 0;
        const NOTHING: u8 = 1;
        let (mut found, mut start) = (Vec::new(), start);
        while start < end {
            let Some(kind) = self.byte(start).filter(|&kind| kind != END) else { break };
            if kind == NOTHING {
                start += 1;
                continue;
            }
            let Some(length) = self.byte(start + 1).map(usize::from).filter(|&length| length >= 2) else { break };
            found.push(TypedOption { kind, start, end: (start + length).min(end) });
            start += length;
        }
        found
    }

    /// The options of an IPv6 extension header from `start` to `end`.
    fn options_v6(&self, start: usize, end: usize) -> Vec<TypedOption> {
        const PAD_1: u8 = 0;
        let (mut found, mut start) = (Vec::new(), start);
        while start < end {
            let Some(kind) = self.byte(start) else { break };
            if kind == PAD_1 {
                start += 1;
                continue;
            }
            let Some(length) = self.byte(start + 1).map(usize::from) else { break };
            found.push(TypedOption { kind, start, end: (start + 2 + length).min(end) });
            start += 2 + length;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymise::prefix::KEY_BYTES;
    use etherparse::{IpNumber, Ipv4Header, Ipv4Options, Ipv6Header, TcpHeader};

    fn cipher() -> PrefixCipher {
        PrefixCipher::new(&[7; KEY_BYTES])
    }

    fn tcp(options: &[u8]) -> TcpHeader {
        let mut tcp = TcpHeader::new(40_000, 443, 1, 1000);
        tcp.set_options_raw(options).unwrap();
        tcp
    }

    const FROM: [u8; 4] = [192, 0, 2, 17];
    const TO: [u8; 4] = [198, 51, 100, 9];
    const FURTHER: [u8; 4] = [203, 0, 113, 5];

    #[test]
    fn checksums_that_were_right_stay_right_and_no_address_is_left() {
        let add_addr = [&[MPTCP, 16, 3 << 4, 1][..], &FURTHER, &[9; 8]].concat();
        let mut ip = Ipv4Header::new(36, 64, IpNumber::TCP, FROM, TO).unwrap();
        let route = [&[7, 11, 8][..], &FURTHER, &[0; 4], &[1]].concat();
        ip.options = Ipv4Options::try_from(route.as_slice()).unwrap();
        ip.header_checksum = ip.calc_header_checksum();
        let mut tcp = tcp(&add_addr);
        tcp.checksum = tcp.calc_checksum_ipv4(&ip, &[]).unwrap();
        let mut bytes = [ip.to_bytes().to_vec(), tcp.to_bytes().to_vec()].concat();
        replace(&mut bytes, &cipher());

        let (ip, rest) = Ipv4Header::from_slice(&bytes).unwrap();
        let (tcp, _) = TcpHeader::from_slice(rest).unwrap();
        assert_eq!((ip.source, ip.destination), (cipher().map(FROM), cipher().map(TO)));
        assert_eq!(ip.header_checksum, ip.calc_header_checksum());
        assert_eq!(tcp.checksum, tcp.calc_checksum_ipv4(&ip, &[]).unwrap());
        for address in [FROM, TO, FURTHER] {
            assert!(!bytes.windows(4).any(|four| four == address), "{address:?}");
        }
        assert!(
            !bytes.windows(8).any(|eight| eight == [9; 8]),
            "the HMAC would tell the address to who tries them all"
        );
    }

    #[test]
    fn a_wrong_checksum_stays_wrong_by_as_much() {
        let ip = Ipv6Header {
            payload_length: 20,
            next_header: IpNumber::TCP,
            hop_limit: 64,
            source: [0x20; 16],
            destination: [0x30; 16],
            ..Ipv6Header::default()
        };
        let mut tcp = tcp(&[]);
        tcp.checksum = tcp.calc_checksum_ipv6(&ip, &[]).unwrap().wrapping_sub(5);
        let mut bytes = [ip.to_bytes().to_vec(), tcp.to_bytes().to_vec()].concat();
        replace(&mut bytes, &cipher());
        let (ip, rest) = Ipv6Header::from_slice(&bytes).unwrap();
        let (tcp, _) = TcpHeader::from_slice(rest).unwrap();
        assert_eq!(ip.source, cipher().map([0x20; 16]));
        let right = i32::from(tcp.calc_checksum_ipv6(&ip, &[]).unwrap());
        assert_eq!((right - i32::from(tcp.checksum)).rem_euclid(0xffff), 5);
    }

    #[test]
    fn a_routing_header_and_a_home_address_are_replaced_too() {
        let (node, home) = ([0xaa; 16], [0xbb; 16]);
        let routing = [&[60, 2, 4, 1, 0, 0, 0, 0][..], &node].concat();
        let options = [&[TCP, 2, 1, 2, 0, 0, 201, 16][..], &home].concat();
        let mut fixed = vec![0x60, 0, 0, 0, 0, 68, 43, 64];
        fixed.extend([[0x20; 16], [0x30; 16]].concat());
        let mut bytes = [fixed, routing, options, tcp(&[]).to_bytes().to_vec()].concat();
        replace(&mut bytes, &cipher());
        for address in [[0x20; 16], [0x30; 16], node, home] {
            assert!(!bytes.windows(16).any(|sixteen| sixteen == address), "{address:?}");
        }
        assert_eq!(bytes[88..92], tcp(&[]).to_bytes()[..4], "what follows stands where it stood");
    }

    #[test]
    fn cut_and_absurd_headers_are_taken_as_far_as_they_go() {
        let mut rng = hwsim::rng::Rng::new(1);
        for round in 0..20_000u64 {
            let mut bytes: Vec<u8> = (0..rng.below(140)).map(|_| rng.bits() as u8).collect();
            if let Some(first) = bytes.first_mut() {
                *first = if round % 2 == 0 { 0x40 | (*first & 0x0f) } else { 0x60 };
            }
            if let (Some(next), true) = (bytes.get_mut(6), round % 3 == 0) {
                *next = [0, 43, 44, 51, 60, 135, TCP][(round % 7) as usize];
            }
            if let (Some(protocol), true) = (bytes.get_mut(9), round % 4 == 0) {
                *protocol = TCP;
            }
            let length = bytes.len();
            replace(&mut bytes, &cipher());
            assert_eq!(bytes.len(), length);
        }
    }
}
