//! IPv6 extension headers (RFC 8200, 4), and the authentication header, which IPv4 has too (RFC 4302).

use super::{Datagram, Fragment};
use crate::Reject;
use crate::bytes::be16;
use crate::parse::Stop;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
pub(super) const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// How many extension headers the parser follows. RFC 8200 has each but one occur at most once, RFC 8504 (5.3) lets a host
/// stop at eight; twice as many for those that do not keep to it.
const MAX_EXTENSIONS: usize = 16;

/// The option in a destination options header that names the sender's home address (RFC 6275, 6.3).
const HOME_ADDRESS: u8 = 0xc9;

/// Whether the parser goes past a header of this kind.
#[inline]
pub(super) const fn is_one(protocol: u8) -> bool {
    matches!(
        protocol,
        HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | MOBILITY | HOST_IDENTITY | SHIM6
    )
}

/// Goes past the extension headers of an IPv6 datagram; stops at a later fragment, whose headers were in the first one.
pub(super) fn follow(datagram: &mut Datagram<'_>) -> Result<(), Stop> {
    for _ in 0..MAX_EXTENSIONS {
        match datagram.protocol {
            other if !is_one(other) || datagram.fragment == Fragment::Later => return Ok(()),
            FRAGMENT => past_fragment(datagram)?,
            AUTHENTICATION => past_authentication(datagram)?,
            other => {
                match other {
                    ROUTING => to_final_destination(datagram),
                    DESTINATION => from_home_address(datagram),
                    _ => {}
                }
                past(datagram, 8)?;
            }
        }
    }
    Err(Reject::TooDeep.into())
}

/// Goes past an authentication header, whose length counts words of four bytes.
pub(super) fn past_authentication(datagram: &mut Datagram<'_>) -> Result<(), Stop> {
    past(datagram, 4)
}

/// Goes past a header that starts with the next protocol and its own length, in units of `unit` bytes beyond the first eight.
fn past(datagram: &mut Datagram<'_>, unit: usize) -> Result<(), Stop> {
    let [next, len, ..] = *datagram.payload.captured else { return Err(Reject::TruncatedIp.into()) };
    datagram.payload.skip(8 + usize::from(len) * unit).ok_or(Reject::TruncatedIp)?;
    datagram.protocol = next;
    Ok(())
}

fn past_fragment(datagram: &mut Datagram<'_>) -> Result<(), Stop> {
    let &[next, _, high, low, ..] = datagram.payload.take::<8>().ok_or(Reject::TruncatedIp)?;
    let offset_and_flags = be16(high, low);
    datagram.fragment = Fragment::new(offset_and_flags >> 3, offset_and_flags & 1 != 0);
    datagram.protocol = next;
    Ok(())
}

/// Finds where a datagram with a routing header goes in the end: while segments are left, the destination of the IPv6 header is
/// only the next stop. Types 0 (RFC 5095 deprecates it), 2 (RFC 6275) and 4 (RFC 8754: the list is in reverse order).
fn to_final_destination(datagram: &mut Datagram<'_>) {
    if let [_, len, kind, 1..=u8::MAX, _, _, _, _, rest @ ..] = datagram.payload.captured {
        let list = rest.get(..usize::from(*len) * 8).unwrap_or_default();
        let last = match kind {
            0 => list.last_chunk::<16>(),
            2 | 4 => list.first_chunk::<16>(),
            _ => None,
        };
        datagram.destination = last.map_or(datagram.destination, |last| u128::from_be_bytes(*last));
    }
}

/// Finds the address by which a mobile sender is known to its peer: TCP's checksum is made with it.
fn from_home_address(datagram: &mut Datagram<'_>) {
    let [_, len, rest @ ..] = datagram.payload.captured else { return };
    let mut options = rest.get(..usize::from(*len) * 8 + 6).unwrap_or_default();
    loop {
        options = match options {
            [0, rest @ ..] => rest,
            [HOME_ADDRESS, 16, rest @ ..] => {
                let home = rest.first_chunk::<16>();
                datagram.source = home.map_or(datagram.source, |home| u128::from_be_bytes(*home));
                return;
            }
            [_, len, rest @ ..] => rest.get(usize::from(*len)..).unwrap_or_default(),
            _ => return,
        };
    }
}
