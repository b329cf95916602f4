//! What the Multipath TCP options of a segment say (RFC 8684), beyond that they are there.
//!
//! Few segments carry one, so they are read from the header bytes when they are asked for, and cost other segments nothing.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::ip;

/// Kind of the option.
const KIND: u8 = 30;

/// The subtype that adds a subflow to a connection, and in a SYN names that connection by a token (RFC 8684, 3.2).
const MP_JOIN: u8 = 1;

/// Bytes of MP_JOIN in a SYN, without kind and length: subtype and flags, address identifier, token, random number.
const JOIN_OF_A_SYN: usize = 10;

/// What Multipath TCP options say, of one segment or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Multipath {
    /// Bit n: an option of subtype n was there.
    pub subtypes: u16,
    /// The token of an MP_JOIN: it names the connection of which this is a subflow.
    pub token: Option<u32>,
}

impl Multipath {
    /// From headers as [`crate::Packet::headers`] has them, as far as they were captured.
    #[must_use]
    pub fn of(headers: &[u8]) -> Self {
        let mut found = Self::default();
        // The datagram went on beyond its headers; how far does not matter here.
        let Ok(datagram) = ip::read(Bytes::new(headers, u32::MAX)) else { return found };
        let list = datagram.payload.captured.get(super::HEADER_LEN as usize..).unwrap_or_default();
        for data in options(list).filter(|(kind, _)| *kind == KIND).map(|(_, data)| data) {
            let Some(subtype) = data.first().map(|first| first >> 4) else { continue };
            found.subtypes |= 1 << subtype;
            if let [_, _, a, b, c, d, ..] = *data
                && subtype == MP_JOIN
                && data.len() == JOIN_OF_A_SYN
            {
                found.token = Some(u32::from_be_bytes([a, b, c, d]));
            }
        }
        found
    }

    /// Takes in what another segment says: the first token stays.
    pub fn add(&mut self, other: Self) {
        self.subtypes |= other.subtypes;
        self.token = self.token.or(other.token);
    }
}

/// The options of a list that have data, up to its end or its first fault.
fn options(mut list: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        while let [1, rest @ ..] = list {
            list = rest;
        }
        let [kind @ 2..=u8::MAX, len, rest @ ..] = list else { return None };
        let (data, rest) = rest.split_at_checked(usize::from(*len).checked_sub(2)?)?;
        list = rest;
        Some((*kind, data))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers of IPv4 and TCP with these options.
    fn headers(list: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 40];
        bytes[0] = 0x45;
        bytes[2..4].copy_from_slice(&1500u16.to_be_bytes());
        bytes[9] = ip::TCP;
        bytes[32] = (5 + list.len().div_ceil(4) as u8) << 4;
        bytes.extend(list);
        bytes
    }

    #[test]
    fn subtypes_add_up_and_a_join_names_its_connection() {
        let capable = Multipath::of(&headers(&[30, 4, 0x01, 0x81]));
        assert_eq!(capable, Multipath { subtypes: 1, token: None });
        let mut join = Multipath::of(&headers(&[1, 30, 12, 0x10, 2, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4]));
        assert_eq!(join, Multipath { subtypes: 2, token: Some(0xdead_beef) });
        join.add(capable);
        assert_eq!(join, Multipath { subtypes: 3, token: Some(0xdead_beef) });
    }

    #[test]
    fn a_join_that_answers_has_no_token() {
        let answer = [&[30, 16, 0x10, 2][..], &[7; 12]].concat();
        assert_eq!(Multipath::of(&headers(&answer)), Multipath { subtypes: 2, token: None });
    }

    #[test]
    fn headers_that_are_cut_or_break_the_rules_say_what_they_can() {
        let whole = headers(&[30, 4, 0x01, 0x81, 30, 3, 0x50, 30, 0, 0]);
        assert_eq!(Multipath::of(&whole).subtypes, 0b10_0001);
        for cut in 0..whole.len() {
            assert_eq!(Multipath::of(&whole[..cut]).subtypes & !0b10_0001, 0);
        }
        assert_eq!(Multipath::of(b"header"), Multipath::default());
    }
}
