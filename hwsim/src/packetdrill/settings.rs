//! What the options of a script, or of the command line, say of all its packets.

use std::net::IpAddr;

use wire::Family;

use super::Side;
use super::error::{Fault, ScriptError};
use super::scanner::{Defines, Scanner};

/// Where a server listens unless the script says otherwise, as in packetdrill.
const SERVER_PORT: u16 = 8080;
/// The first of the ports that RFC 6335 leaves to clients.
const CLIENT_PORT: u16 = 49_152;

/// What is known before the first packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// IPv4 or IPv6; without it, the family of the addresses, else IPv4.
    family: Option<Family>,
    /// Words that stand for numbers or names in the script.
    pub(super) defines: Defines,
    /// The local host's and the remote host's address.
    addresses: [Option<IpAddr>; 2],
    /// Where the local host listens.
    bind_port: Option<u16>,
    /// Where the remote host listens.
    connect_port: Option<u16>,
}

impl Settings {
    /// Settings that hold until the script says otherwise: the family of its packets, and words that stand for numbers or names.
    #[must_use]
    pub fn new(family: Option<Family>, defines: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { family, defines: defines.into_iter().collect(), ..Self::default() }
    }

    /// Takes in an option, after its `--`. Returns whether it means anything here.
    pub(super) fn option(&mut self, name: &str, value: &str, scanner: &Scanner<'_>) -> Result<bool, ScriptError> {
        let port = || value.parse().map_err(|_| scanner.expected_value("a port from 0 to 65535", value));
        match name {
            "ip_version" => {
                self.family = Some(match value {
                    "ipv4" | "ipv4-mapped-ipv6" => Family::V4,
                    "ipv6" => Family::V6,
                    _ => return Err(scanner.expected_value("ipv4, ipv6 or ipv4-mapped-ipv6", value)),
                });
            }
            "local_ip" => self.addresses[0] = Some(address(value, scanner)?),
            "remote_ip" => self.addresses[1] = Some(address(value, scanner)?),
            "bind_port" => self.bind_port = Some(port()?),
            "connect_port" => self.connect_port = Some(port()?),
            "define" => {
                let (word, meaning) =
                    value.split_once('=').ok_or_else(|| scanner.expected_value("NAME=VALUE", value))?;
                self.defines.insert(word.to_owned(), meaning.trim_matches('"').to_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The family of all packets.
    pub(super) fn family(&self) -> Family {
        let of_address = |address: &IpAddr| if address.is_ipv4() { Family::V4 } else { Family::V6 };
        self.family.or_else(|| self.addresses.iter().flatten().next().map(of_address)).unwrap_or(Family::V4)
    }

    /// The local port and the remote one of the connection that `client` opens, after `others` of its kind.
    pub(super) fn ports(&self, client: Side, others: u16) -> [u16; 2] {
        let own = CLIENT_PORT.saturating_add(others);
        match client {
            Side::Local => [own, self.connect_port.unwrap_or(SERVER_PORT)],
            Side::Remote => [self.bind_port.unwrap_or(SERVER_PORT), own],
        }
    }

    /// The addresses: local, remote.
    pub(super) fn addresses(&self, scanner: &Scanner<'_>) -> Result<[[u8; 16]; 2], ScriptError> {
        let defaults: [IpAddr; 2] = match self.family() {
            Family::V4 => [[192, 168, 0, 1].into(), [192, 0, 2, 1].into()],
            Family::V6 => [[0xfd3d, 0xfa7b, 0xd17d, 0, 0, 0, 0, 1].into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()],
        };
        let addresses = [0, 1].map(|side| self.addresses[side].unwrap_or(defaults[side]));
        if addresses.iter().any(|address| address.is_ipv4() != defaults[0].is_ipv4()) {
            return Err(scanner.fault(Fault::MixedFamilies));
        }
        Ok(addresses.map(|address| match address {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        }))
    }
}

/// An address, perhaps with the length of its prefix.
fn address(value: &str, scanner: &Scanner<'_>) -> Result<IpAddr, ScriptError> {
    let address = value.split_once('/').map_or(value, |(address, _)| address);
    address.parse().map_err(|_| scanner.expected_value("an IPv4 or IPv6 address", value))
}
