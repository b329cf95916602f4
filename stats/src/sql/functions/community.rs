//! Community ID, version 1: a hash of the flow that other tools compute, too (<https://github.com/corelight/community-id-spec>).
//!
//! ```text
//! "1:" base64(SHA-1(seed u16 | address | address | protocol 6 | 0 | port | port)), big-endian, the smaller end first
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, StringArray};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datafusion::error::{DataFusionError, Result};
use sha1::{Digest, Sha1};

const TCP: u8 = 6;

/// `community_id(orig_h, orig_p, resp_h, resp_p)`, or with a seed. Missing where an address is none.
pub fn community_id(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let address = |at: usize, row: usize| arguments[at].as_string::<i32>().value(row).parse::<IpAddr>().ok();
    let number = |at: usize, row: usize| {
        let value = arguments[at].as_primitive::<Int64Type>().value(row);
        u16::try_from(value).map_err(|_| {
            DataFusionError::Execution(format!("community_id takes ports and seeds up to 65535, not {value}"))
        })
    };
    let rows = (0..arguments[0].len()).map(|row| {
        if arguments.iter().any(|argument| argument.is_null(row)) {
            return Ok(None);
        }
        let (Some(orig), Some(resp)) = (address(0, row), address(2, row)) else { return Ok(None) };
        let seed = if arguments.len() > 4 { number(4, row)? } else { 0 };
        Ok(Some(identify((orig, number(1, row)?), (resp, number(3, row)?), seed)))
    });
    Ok(Arc::new(rows.collect::<Result<StringArray>>()?))
}

fn identify(orig: (IpAddr, u16), resp: (IpAddr, u16), seed: u16) -> String {
    let (first, second) = if orig <= resp { (orig, resp) } else { (resp, orig) };
    let mut hash = Sha1::new();
    hash.update(seed.to_be_bytes());
    for (address, _) in [first, second] {
        match address {
            IpAddr::V4(address) => hash.update(address.octets()),
            IpAddr::V6(address) => hash.update(address.octets()),
        }
    }
    hash.update([TCP, 0]);
    for (_, port) in [first, second] {
        hash.update(port.to_be_bytes());
    }
    format!("1:{}", STANDARD.encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_have_the_identifier_that_the_specification_gives() {
        let end = |address: &str, port| (address.parse::<IpAddr>().unwrap(), port);
        let (client, server) = (end("128.232.110.120", 34855), end("66.35.250.204", 80));
        for (orig, resp) in [(client, server), (server, client)] {
            assert_eq!(identify(orig, resp, 0), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
            assert_eq!(identify(orig, resp, 1), "1:3V71V58M3Ksw/yuFALMcW0LAHvc=");
        }
    }
}
