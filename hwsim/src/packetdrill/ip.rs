//! What a line says of the IP header: `(ttl 3)`, `[ect0]`, `[tos 0x02, id 7]`.

use wire::Family;

use super::IpFields;
use super::error::ScriptError;
use super::scanner::{Defines, Scanner};

/// The codepoints of the ECN field by packetdrill's names (RFC 3168, section 5). `ect01` leaves it to the stack which of two it is.
const ECN: [(&str, u8); 5] = [("noecn", 0), ("ect1", 1), ("ect0", 2), ("ect01", 2), ("ce", 3)];

/// Length of an IP header without options or extensions.
pub(super) const fn header_len(family: Family) -> usize {
    match family {
        Family::V4 => 20,
        Family::V6 => 40,
    }
}

/// Reads the fields, if there are any. A flow label means nothing to TCP and is left out.
pub(super) fn fields(scanner: &mut Scanner<'_>, defines: &Defines) -> Result<IpFields, ScriptError> {
    let close = if scanner.eat("(")? {
        ")"
    } else if scanner.eat("[")? {
        "]"
    } else {
        return Ok(IpFields::default());
    };
    let mut fields = IpFields::default();
    loop {
        field(scanner, defines, &mut fields)?;
        if scanner.eat(close)? {
            return Ok(fields);
        }
        scanner.expect(",")?;
    }
}

fn field(scanner: &mut Scanner<'_>, defines: &Defines, fields: &mut IpFields) -> Result<(), ScriptError> {
    let name = scanner.peek_word()?;
    if let Some((_, codepoint)) = ECN.iter().find(|(ecn, _)| *ecn == name) {
        scanner.word("an ECN codepoint")?;
        fields.traffic_class = *codepoint;
    } else if scanner.eat_word("tos")? {
        fields.traffic_class = scanner.number("the type of service", 0xff, defines)? as u8;
    } else if scanner.eat_word("ttl")? {
        fields.ttl = Some(scanner.number("the time to live", 0xff, defines)? as u8);
    } else if scanner.eat_word("id")? {
        fields.id = Some(scanner.number("the IPv4 identification", 0xffff, defines)? as u16);
    } else if scanner.eat_word("flowlabel")? {
        scanner.number("the flow label", 0xf_ffff, defines)?;
    } else {
        return Err(scanner.expected("an IP field (noecn, ect0, ect1, ce, tos, ttl, id or flowlabel)"));
    }
    Ok(())
}
