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

/// Goes past the extension headers of an IPv6 datagram; stops at a later fragment, whose headers were in the first one.
#[inline]
pub(super) fn follow(mut datagram: Datagram<'_>) -> Result<Datagram<'_>, Stop> {
    for _ in 0..MAX_EXTENSIONS {
        if datagram.fragment == Fragment::Later {
            return Ok(datagram);
        }
        datagram = match datagram.protocol {
            HOP_BY_HOP | MOBILITY | HOST_IDENTITY | SHIM6 => past(datagram, 8, 8)?,
            ROUTING => past(final_destination(datagram), 8, 8)?,
            DESTINATION => past(home_address(datagram), 8, 8)?,
            FRAGMENT => past_fragment(datagram)?,
            AUTHENTICATION => past(datagram, 8, 4)?,
            _ => return Ok(datagram),
        };
    }
    Err(Reject::TooDeep.into())
}

/// Goes past the authentication header of an IPv4 datagram.
pub(super) fn follow_authentication(datagram: Datagram<'_>) -> Result<Datagram<'_>, Stop> {
    past(datagram, 8, 4)
}

/// Goes past a header that starts with the next protocol and its length: `unit` bytes for each beyond the first `least`.
fn past(mut datagram: Datagram<'_>, least: usize, unit: usize) -> Result<Datagram<'_>, Stop> {
    let (&[next, len], _) = datagram.payload.split::<2>().ok_or(Reject::TruncatedIp)?;
    datagram.payload = datagram.payload.skip(least + usize::from(len) * unit).ok_or(Reject::TruncatedIp)?;
    datagram.protocol = next;
    Ok(datagram)
}

fn past_fragment(mut datagram: Datagram<'_>) -> Result<Datagram<'_>, Stop> {
    let (&[next, _, high, low, ..], rest) = datagram.payload.split::<8>().ok_or(Reject::TruncatedIp)?;
    let offset_and_flags = be16(high, low);
    datagram.fragment = Fragment::new(offset_and_flags >> 3, offset_and_flags & 1 != 0);
    datagram.payload = rest;
    datagram.protocol = next;
    Ok(datagram)
}

/// Where a datagram with a routing header goes in the end: while segments are left, the destination of the IPv6 header is only
/// the next stop. Types 0 (RFC 5095 deprecates it), 2 (RFC 6275) and 4 (RFC 8754: the list is in reverse order).
fn final_destination(mut datagram: Datagram<'_>) -> Datagram<'_> {
    if let [_, len, kind, 1..=u8::MAX, _, _, _, _, rest @ ..] = datagram.payload.captured {
        let list = rest.get(..usize::from(*len) * 8).unwrap_or_default();
        let last = match kind {
            0 => list.last_chunk::<16>(),
            2 | 4 => list.first_chunk::<16>(),
            _ => None,
        };
        datagram.destination = last.copied().unwrap_or(datagram.destination);
    }
    datagram
}

/// The address by which a mobile sender is known to its peer: TCP's checksum is made with it.
fn home_address(mut datagram: Datagram<'_>) -> Datagram<'_> {
    let Some((&[_, len], rest)) = datagram.payload.split::<2>() else { return datagram };
    let mut options = rest.captured.get(..usize::from(len) * 8 + 6).unwrap_or_default();
    loop {
        options = match options {
            [0, rest @ ..] => rest,
            [HOME_ADDRESS, 16, rest @ ..] => {
                datagram.source = rest.first_chunk::<16>().copied().unwrap_or(datagram.source);
                return datagram;
            }
            [_, len, rest @ ..] => rest.get(usize::from(*len)..).unwrap_or_default(),
            _ => return datagram,
        };
    }
}
