//! ICMP errors: `icmp unreachable frag_needed mtu 1400 [1:1001(1000)]`.

use wire::{Family, SeqNum};

use super::error::ScriptError;
use super::scanner::{Defines, Scanner};
use super::segment;
use crate::frame::IcmpError;

/// A number and its name.
type Names = &'static [(&'static str, u8)];

/// Types of errors of ICMP (RFC 792).
const TYPES_V4: Names =
    &[("unreachable", 3), ("source_quench", 4), ("redirect", 5), ("time_exceeded", 11), ("parameter_problem", 12)];
/// Codes of "destination unreachable" (RFC 792, RFC 1122, 3.2.2.1, RFC 1812, 5.2.7.1).
const UNREACHABLE_V4: Names = &[
    ("net_unreachable", 0),
    ("host_unreachable", 1),
    ("protocol_unreachable", 2),
    ("port_unreachable", 3),
    ("frag_needed", 4),
    ("source_route_failed", 5),
    ("net_unknown", 6),
    ("host_unknown", 7),
    ("source_host_isolated", 8),
    ("net_prohibited", 9),
    ("host_prohibited", 10),
    ("net_unreachable_for_tos", 11),
    ("host_unreachable_for_tos", 12),
    ("packet_filtered", 13),
    ("precedence_violation", 14),
    ("precedence_cutoff", 15),
];
/// Types of errors of ICMPv6 (RFC 4443).
const TYPES_V6: Names = &[("unreachable", 1), ("packet_too_big", 2), ("time_exceeded", 3), ("parameter_problem", 4)];
/// Codes of "destination unreachable" (RFC 4443, 3.1); the first is packetdrill's name for both families.
const UNREACHABLE_V6: Names = &[
    ("net_unreachable", 0),
    ("no_route", 0),
    ("admin_prohibited", 1),
    ("not_neighbour", 2),
    ("address_unreachable", 3),
    ("port_unreachable", 4),
];
/// Codes of "time exceeded" (RFC 4443, 3.3).
const TIME_EXCEEDED_V6: Names = &[("exceeded_hop_limit", 0), ("exceeded_frag_time", 1)];
/// Codes of "parameter problem" (RFC 4443, 3.4).
const PARAMETER_PROBLEM_V6: Names = &[("header_field", 0), ("unknown_next_header", 1), ("unknown_option", 2)];

/// Messages that are no errors.
const ECHO: [&str; 2] = ["echo_request", "echo_reply"];

/// Reads a message from its `icmp` on; `None` where it is no error about a TCP segment.
pub(super) fn message(
    scanner: &mut Scanner<'_>,
    family: Family,
    defines: &Defines,
) -> Result<Option<IcmpError>, ScriptError> {
    scanner.expect("icmp")?;
    let is_error = !ECHO.contains(&scanner.peek_word()?);
    let kind = if is_error { kind(scanner, family, defines)? } else { 0 };
    if !is_error {
        scanner.word("a type of message")?;
    }
    let code = code(scanner, family, kind, defines)?;
    let rest = if scanner.eat_word("mtu")? { scanner.number("the MTU", mtu_most(family), defines)? as u32 } else { 0 };
    if scanner.eat_word("id")? {
        scanner.number("the identifier", 0xffff, defines)?;
    }
    let quoted = quoted(scanner, defines)?;
    Ok(quoted.filter(|_| is_error).map(|(seq, segment_len)| IcmpError { kind, code, rest, seq, segment_len }))
}

/// The next hop's MTU has 16 bits in ICMP (RFC 1191), 32 in ICMPv6.
const fn mtu_most(family: Family) -> u64 {
    match family {
        Family::V4 => 0xffff,
        Family::V6 => 0xffff_ffff,
    }
}

fn kind(scanner: &mut Scanner<'_>, family: Family, defines: &Defines) -> Result<u8, ScriptError> {
    const EXPECTED: &str = "a type of ICMP message of the script's IP version, by name or as type_N";
    let names = match family {
        Family::V4 => TYPES_V4,
        Family::V6 => TYPES_V6,
    };
    let word = scanner.word(EXPECTED)?;
    number(word, "type_", names, defines).ok_or_else(|| scanner.expected_value(EXPECTED, word))
}

/// Reads the code of a message of type `kind`; without one it is 0.
fn code(scanner: &mut Scanner<'_>, family: Family, kind: u8, defines: &Defines) -> Result<u8, ScriptError> {
    const EXPECTED: &str = "a code of that type of message, by name or as code_N, or mtu, id or [";
    let names = match (family, kind) {
        (Family::V4, 3) => UNREACHABLE_V4,
        (Family::V6, 1) => UNREACHABLE_V6,
        (Family::V6, 3) => TIME_EXCEEDED_V6,
        (Family::V6, 4) => PARAMETER_PROBLEM_V6,
        _ => &[],
    };
    let word = scanner.peek_word()?;
    let starts_event = word.starts_with(|char: char| char.is_ascii_digit());
    if matches!(word, "" | "mtu" | "id") || starts_event {
        return Ok(0);
    }
    let code = number(word, "code_", names, defines).ok_or_else(|| scanner.expected(EXPECTED))?;
    scanner.word(EXPECTED)?;
    Ok(code)
}

/// The number of a name, defined or listed or written as `prefix` and the number itself.
fn number(word: &str, prefix: &str, names: Names, defines: &Defines) -> Option<u8> {
    let word = defines.get(word).map_or(word, String::as_str);
    let listed = names.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    listed.or_else(|| word.strip_prefix(prefix)?.parse().ok())
}

/// Reads what the message quotes: sequence number and length of a TCP segment, header included; `None` where it is none. Without
/// a quotation it is a segment at 0.
fn quoted(scanner: &mut Scanner<'_>, defines: &Defines) -> Result<Option<(SeqNum, u16)>, ScriptError> {
    const TCP_HEADER: u16 = 20;
    if !scanner.eat("[")? {
        return Ok(Some((SeqNum(0), TCP_HEADER)));
    }
    let of_other = scanner.eat_word("udp")? || scanner.eat_word("raw")?;
    let segment = if of_other {
        scanner.expect("(")?;
        scanner.number("a length", 0xffff, defines)?;
        scanner.expect(")")?;
        None
    } else {
        let (seq, len) = segment::sequence(scanner, defines)?;
        Some((seq, len.saturating_add(TCP_HEADER)))
    };
    scanner.expect("]")?;
    Ok(segment)
}
