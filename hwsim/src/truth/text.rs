//! Values as the text of a CSV, as CONTRACT.md wants them.

use std::net::IpAddr;

use wire::Nanos;

/// Appends an address as text.
pub(super) fn address(row: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            for (at, octet) in ip.octets().into_iter().enumerate() {
                if at > 0 {
                    row.push(b'.');
                }
                number(row, u64::from(octet));
            }
        }
        IpAddr::V6(ip) => row.extend_from_slice(ip.to_string().as_bytes()),
    }
}

/// Appends an instant as decimal seconds with nine digits; nothing where there is none.
pub(super) fn seconds(row: &mut Vec<u8>, instant: Option<Nanos>) {
    let Some(ts) = instant else { return };
    let (seconds, nanos) = ts.split();
    number(row, seconds.unsigned_abs());
    row.push(b'.');
    row.extend_from_slice(&digits(u64::from(nanos))[LONGEST - 9..]);
}

/// Appends a length of time (ns) as decimal seconds with nine digits.
pub(super) fn duration(row: &mut Vec<u8>, nanos: i64) {
    seconds(row, Some(Nanos(nanos.max(0))));
}

/// Appends a number in decimal. The formatting machinery would take longer than the simulation of a short connection.
pub(super) fn number(row: &mut Vec<u8>, value: u64) {
    let digits = digits(value);
    let zeros = digits.iter().take(LONGEST - 1).take_while(|digit| **digit == b'0').count();
    row.extend_from_slice(&digits[zeros..]);
}

/// Digits of the largest number.
const LONGEST: usize = 20;

fn digits(mut value: u64) -> [u8; LONGEST] {
    let mut digits = [b'0'; LONGEST];
    for digit in digits.iter_mut().rev() {
        if value == 0 {
            break;
        }
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for value in [0, 7, 10, 1_000_000_007, u64::MAX] {
            let mut row = Vec::new();
            number(&mut row, value);
            assert_eq!(row, value.to_string().as_bytes());
        }
        let mut row = Vec::new();
        seconds(&mut row, Some(Nanos(1_767_225_600_000_000_042)));
        assert_eq!(row, b"1767225600.000000042");
    }
}
