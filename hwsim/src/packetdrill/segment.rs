//! The part of a line that is a TCP segment.

use wire::{SeqNum, TcpFlags};

use super::error::{Fault, ScriptError};
use super::scanner::{Defines, Scanner};
use super::{OptionBytes, Segment, options};

const HEADER_LEN: usize = 20;
/// The largest IP datagram: its length field has 16 bits, in IPv6 for the payload alone.
const LARGEST: usize = 0xffff;

/// Reads `source > destination` if it stands there.
pub(super) fn ports(scanner: &mut Scanner<'_>, defines: &Defines) -> Result<Option<[u16; 2]>, ScriptError> {
    const PORT: u64 = 0xffff;
    scanner.skip_blank()?;
    if !scanner.rest().starts_with(|char: char| char.is_ascii_digit()) {
        return Ok(None);
    }
    let source = scanner.number("a source port", PORT, defines)?;
    scanner.expect(">")?;
    let destination = scanner.number("a destination port", PORT, defines)?;
    Ok(Some([source as u16, destination as u16]))
}

/// Reads a segment, from after its flags on. `bases` are what its sequence number and its acknowledgment count from, `ip_header` is how
/// much of the datagram the IP header takes.
pub(super) fn read(
    scanner: &mut Scanner<'_>,
    flags: TcpFlags,
    bases: [SeqNum; 2],
    ip_header: usize,
    defines: &Defines,
) -> Result<Segment, ScriptError> {
    let (seq, payload_len) = sequence(scanner, defines)?;
    let ack = if scanner.eat_word("ack")? {
        bases[1].plus(number32(scanner, "the acknowledgment number", defines)?)
    } else {
        SeqNum(0)
    };
    let window = if scanner.eat_word("win")? { Some(number16(scanner, "the window", defines)?) } else { None };
    let urgent = if scanner.eat_word("urg")? { number16(scanner, "the urgent pointer", defines)? } else { 0 };
    let options = if scanner.eat("<")? { options::read(scanner, bases[1], defines)? } else { OptionBytes::NONE };
    let room = LARGEST - ip_header - HEADER_LEN - options.as_slice().len();
    if usize::from(payload_len) > room {
        return Err(scanner.fault(Fault::TooLong(room)));
    }
    Ok(Segment { flags, seq: bases[0].plus(seq.0), payload_len, ack, window, urgent, options })
}

/// Reads a set of flags.
pub(super) fn flags(scanner: &mut Scanner<'_>) -> Result<TcpFlags, ScriptError> {
    const EXPECTED: &str = "flags out of FSRPU.EWA, or 0 to 7 for the ACE field instead of E, W and A, or - for none";
    scanner.skip_blank()?;
    let letters = scanner.rest().split(char::is_whitespace).next().unwrap_or_default();
    let mut flags = TcpFlags::default();
    for letter in letters.bytes() {
        let flag = match letter {
            b'F' => TcpFlags::FIN,
            b'S' => TcpFlags::SYN,
            b'R' => TcpFlags::RST,
            b'P' => TcpFlags::PSH,
            b'.' => TcpFlags::ACK,
            b'U' => TcpFlags::URG,
            b'E' => TcpFlags::ECE,
            b'W' => TcpFlags::CWR,
            b'A' => TcpFlags::AE,
            // AE, CWR and ECE are next to each other, ECE the lowest.
            b'0'..=b'7' => TcpFlags(TcpFlags::ECE.0 * u16::from(letter - b'0')),
            b'-' if letters == "-" => TcpFlags::default(),
            _ => return Err(scanner.expected(EXPECTED)),
        };
        flags = flags.with(flag);
    }
    if letters.is_empty() {
        return Err(scanner.expected(EXPECTED));
    }
    scanner.run()?;
    Ok(flags)
}

/// Reads `first:end(length)`.
pub(super) fn sequence(scanner: &mut Scanner<'_>, defines: &Defines) -> Result<(SeqNum, u16), ScriptError> {
    let start = number32(scanner, "the first sequence number", defines)?;
    scanner.expect(":")?;
    let end = number32(scanner, "the sequence number after the last", defines)?;
    scanner.expect("(")?;
    let len = number16(scanner, "the length of the payload", defines)?;
    scanner.expect(")")?;
    if start.wrapping_add(u32::from(len)) != end {
        return Err(scanner.fault(Fault::Sequence { start, end, len }));
    }
    Ok((SeqNum(start), len))
}

fn number32(scanner: &mut Scanner<'_>, what: &'static str, defines: &Defines) -> Result<u32, ScriptError> {
    scanner.number(what, u64::from(u32::MAX), defines).map(|number| number as u32)
}

fn number16(scanner: &mut Scanner<'_>, what: &'static str, defines: &Defines) -> Result<u16, ScriptError> {
    scanner.number(what, u64::from(u16::MAX), defines).map(|number| number as u16)
}
