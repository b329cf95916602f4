//! What a driver can do with XDP, by generic netlink (Linux' `Documentation/netlink/specs/netdev.yaml`, since Linux 6.3).

use super::netlink::{Message, Netlink, attributes, u16_at, u64_at};
use super::{Failed, Interface};

/// Messages to the register of families (`GENL_ID_CTRL`).
const REGISTER: u16 = 16;
/// `CTRL_CMD_GETFAMILY`, and the attributes of question and answer.
const GET_FAMILY: u8 = 3;
const FAMILY_NAME: u16 = 2;
const FAMILY_ID: u16 = 1;

/// `NETDEV_CMD_DEV_GET`, and the attributes of question and answer.
const GET_DEVICE: u8 = 1;
const DEVICE_INDEX: u16 = 1;
const DEVICE_XDP: u16 = 3;

// Bits of enum netdev_xdp_act.
const BASIC: u64 = 1;
const REDIRECT_TARGET: u64 = 1 << 2;
const ZERO_COPY: u64 = 1 << 3;
const LONG_REDIRECT_TARGET: u64 = 1 << 6;

/// What a driver can do with XDP. It may change with what is attached to the interface, or to the other end of a veth pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpFeatures(u64);

impl XdpFeatures {
    /// Of an interface; `None` where the kernel does not tell.
    #[must_use]
    pub fn of(interface: &Interface) -> Option<Self> {
        let netlink = Netlink::open_generic().ok()?;
        netlink.xdp_features(interface.index).ok().flatten()
    }

    /// Programs run in the driver.
    #[must_use]
    pub const fn has_native(self) -> bool {
        self.0 & BASIC != 0
    }

    /// The driver writes frames into a socket's memory itself.
    #[must_use]
    pub const fn has_zero_copy(self) -> bool {
        self.0 & ZERO_COPY != 0
    }

    /// The interface sends frames that a program in the driver of another one redirects to it, also `long` ones of several pages.
    #[must_use]
    pub const fn takes_redirected(self, long: bool) -> bool {
        let needed = if long { REDIRECT_TARGET | LONG_REDIRECT_TARGET } else { REDIRECT_TARGET };
        self.0 & needed == needed
    }
}

impl Netlink {
    fn xdp_features(&self, index: u32) -> Result<Option<XdpFeatures>, Failed> {
        let failed = |error| ("asking for the driver's XDP features", error);
        let mut request = Message::generic(REGISTER, GET_FAMILY);
        request.attribute(FAMILY_NAME, b"netdev\0");
        let answer = self.ask(request).map_err(failed)?;
        let family = attributes(Message::generic_body(&answer)).find(|&(kind, _)| kind == FAMILY_ID);
        let Some((_, family)) = family else { return Ok(None) };
        let mut request = Message::generic(u16_at(family, 0), GET_DEVICE);
        request.attribute(DEVICE_INDEX, &index.to_ne_bytes());
        let answer = self.ask(request).map_err(failed)?;
        let features = attributes(Message::generic_body(&answer)).find(|&(kind, _)| kind == DEVICE_XDP);
        Ok(features.map(|(_, value)| XdpFeatures(u64_at(value, 0))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_no_driver_that_could() {
        let features = XdpFeatures::of(&Interface::named("lo").unwrap());
        // Before Linux 6.3 nobody tells.
        assert!(features.is_none_or(|features| !features.has_native() && !features.has_zero_copy()));
    }

    #[test]
    fn long_frames_need_a_bit_of_their_own() {
        let short = XdpFeatures(BASIC | REDIRECT_TARGET);
        assert!(short.takes_redirected(false) && !short.takes_redirected(true));
        assert!(XdpFeatures(REDIRECT_TARGET | LONG_REDIRECT_TARGET).takes_redirected(true));
    }
}
