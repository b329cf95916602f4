//! What recorded header bytes say: the columns that are decoded from `bytes`.

/// The fields of a recorded TCP header, as far as its bytes go: a field that the capture cut off is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpView {
    /// Sequence number.
    pub seq: Option<u32>,
    /// Acknowledgment number, also where ACK is not set.
    pub ack: Option<u32>,
    /// The control bits, AE (bit 8) to FIN (bit 0) (RFC 9293, 3.1; RFC 9768).
    pub flags: Option<u16>,
    /// The window field, not scaled.
    pub window: Option<u16>,
}

impl TcpView {
    /// Reads the TCP header behind an IPv4 header with options or an IPv6 header with extension headers.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let Some(tcp) = tcp_offset(bytes).and_then(|at| bytes.get(at..)) else { return Self::default() };
        Self {
            seq: array(tcp, 4).map(u32::from_be_bytes),
            ack: array(tcp, 8).map(u32::from_be_bytes),
            flags: array(tcp, 12).map(|word| u16::from_be_bytes(word) & 0x1ff),
            window: array(tcp, 14).map(u16::from_be_bytes),
        }
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Where the TCP header starts, by the IP header's version.
fn tcp_offset(bytes: &[u8]) -> Option<usize> {
    const TCP: u8 = 6;
    match bytes.first()? >> 4 {
        4 => (*bytes.get(9)? == TCP).then_some(usize::from(bytes[0] & 0x0f) * 4),
        6 => ipv6_tcp_offset(bytes),
        _ => None,
    }
}

/// Follows the extension headers of RFC 8200, 4, and of RFC 4302 (AH), 6275, 7401 and 5533.
fn ipv6_tcp_offset(bytes: &[u8]) -> Option<usize> {
    let mut next = *bytes.get(6)?;
    let mut at = 40;
    loop {
        let length = |at: usize| bytes.get(at + 1).copied().map(usize::from);
        let size = match next {
            6 => return Some(at),
            0 | 43 | 60 | 135 | 139 | 140 => (length(at)? + 1) * 8,
            44 => 8,
            51 => (length(at)? + 2) * 4,
            _ => return None,
        };
        next = *bytes.get(at)?;
        at += size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: [u8; 20] = [0, 80, 1, 0, 0, 0, 0, 7, 0, 0, 0, 9, 0x51, 0x12, 0x20, 0, 0, 0, 0, 0];

    fn ipv4(tcp: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x46, 0, 0, 44, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 1];
        bytes.extend(tcp);
        bytes
    }

    #[test]
    fn fields_are_read_behind_ip_options() {
        let whole = TcpView { seq: Some(7), ack: Some(9), flags: Some(0x112), window: Some(0x2000) };
        assert_eq!(TcpView::of(&ipv4(&TCP)), whole);
    }

    #[test]
    fn fields_are_read_behind_extension_headers() {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 36, 0, 64];
        bytes.extend([0; 32]);
        bytes.extend([44, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([6, 0, 0, 1, 0, 0, 0, 0]);
        bytes.extend(TCP);
        assert_eq!(TcpView::of(&bytes).window, Some(0x2000));
    }

    #[test]
    fn what_the_capture_cut_off_is_missing_and_not_zero() {
        let view = TcpView::of(&ipv4(&TCP[..13]));
        assert_eq!(view, TcpView { seq: Some(7), ack: Some(9), flags: None, window: None });
        assert_eq!(TcpView::of(&[]), TcpView::default());
    }

    #[test]
    fn no_bytes_make_it_panic() {
        for first in 0..=255u8 {
            for length in 0..64 {
                let bytes: Vec<u8> =
                    (0..length).map(|i| if i == 0 { first } else { (i as u8).wrapping_mul(first) }).collect();
                let _ = TcpView::of(&bytes);
            }
        }
    }
}
