//! Addresses and networks.

use std::net::IpAddr;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, StringArray};
use datafusion::error::{DataFusionError, Result};

/// A network: those addresses whose first bits are these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    first: IpAddr,
    bits: u8,
}

/// Bits of an address of this family.
const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl Network {
    /// The network of `bits` bits, at most all of them, that holds `address`.
    fn around(address: IpAddr, bits: u8) -> Self {
        let bits = bits.min(width(address));
        let first = match address {
            IpAddr::V4(address) => {
                let kept = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                IpAddr::V4((u32::from(address) & kept).into())
            }
            IpAddr::V6(address) => {
                let kept = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                IpAddr::V6((u128::from(address) & kept).into())
            }
        };
        Self { first, bits }
    }

    /// From `192.0.2.0/24`; an address without a length is a network of its own.
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let bits = bits.map_or(Some(width(address)), |bits| bits.parse().ok())?;
        (bits <= width(address)).then(|| Self::around(address, bits))
    }

    fn holds(self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4() && Self::around(address, self.bits) == self
    }
}

/// `cidr_match(address, network)`: whether the network holds the address. Missing where the address is none.
pub fn cidr_match(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [addresses, networks] = [0, 1].map(|i| arguments[i].as_string::<i32>());
    let mut known: Option<(&str, Network)> = None;
    let rows = addresses.iter().zip(networks).map(|(address, text)| {
        let (Some(address), Some(text)) = (address, text) else { return Ok(None) };
        // The network is the same in every row, as a rule.
        let network = match known {
            Some((last, network)) if last == text => network,
            _ => Network::parse(text).ok_or_else(|| {
                DataFusionError::Execution(format!("{text} is no network; write 192.0.2.0/24 or 2001:db8::/32"))
            })?,
        };
        known = Some((text, network));
        Ok(address.parse().ok().map(|address| network.holds(address)))
    });
    Ok(Arc::new(rows.collect::<Result<BooleanArray>>()?))
}

/// `prefix(address, bits)` or `prefix(address, IPv4's bits, IPv6's bits)`: the network of so many bits that holds the address, as
/// text. Missing where the address is none.
pub fn prefix(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let addresses = arguments[0].as_string::<i32>();
    let lengths = arguments[1..].iter().map(|lengths| lengths.as_primitive::<Int64Type>()).collect::<Vec<_>>();
    let rows = (0..addresses.len()).map(|row| {
        if arguments.iter().any(|argument| argument.is_null(row)) {
            return Ok(None);
        }
        let Ok(address) = addresses.value(row).parse::<IpAddr>() else { return Ok(None) };
        let lengths = if address.is_ipv4() { lengths.first() } else { lengths.last() };
        let bits = lengths.map_or(0, |lengths| lengths.value(row));
        let network = u8::try_from(bits).map(|bits| Network::around(address, bits)).map_err(|_| {
            DataFusionError::Execution(format!("a prefix has no {bits} bits; write 24 for IPv4, 48 for IPv6"))
        })?;
        Ok(Some(format!("{}/{}", network.first, network.bits)))
    });
    Ok(Arc::new(rows.collect::<Result<StringArray>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_begins_with_its_bits_and_nothing_of_the_other_family() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.1.2.3/8", "10.9.9.9", "9.255.255.255"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "255.255.255.255", "::"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "ffff::", "0.0.0.0"),
            ("::1/128", "::1", "::2"),
        ] {
            let parsed = Network::parse(network).unwrap();
            assert!(parsed.holds(inside.parse().unwrap()), "{network} {inside}");
            assert!(!parsed.holds(outside.parse().unwrap()), "{network} {outside}");
        }
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "lab"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
