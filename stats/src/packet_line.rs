//! A recorded header as a line of text, much as tcpdump prints it.

use std::io::{self, Write};

use wire::{Endpoint, Family, LinkType, Parsed, Segment};

use crate::text;
use crate::time_sort::StoredHeader;

/// Writes `TIME UID:N SOURCE > DESTINATION: Flags [..], seq .., ack .., win .., options [..], length ..`; numbers as sent.
///
/// # Errors
/// Those of the output.
pub fn write(out: &mut dyn Write, header: &StoredHeader<'_>) -> io::Result<()> {
    write!(out, "{} {}:{:<3}", text::instant(header.ts.0, 9), header.uid, header.n)?;
    match wire::parse(LinkType::Raw, header.bytes, header.wire_len) {
        Parsed::Tcp(frame) => write_segment(out, &frame.segment),
        Parsed::NotTcp(_) | Parsed::Icmp(_) | Parsed::Rejected(_) => {
            let mut hex = Vec::new();
            text::push_hex(&mut hex, header.bytes);
            writeln!(out, " from {}, cut by the capture: {}", header.dir, String::from_utf8_lossy(&hex))
        }
    }
}

fn write_segment(out: &mut dyn Write, segment: &Segment) -> io::Result<()> {
    let family = segment.key.family();
    let (source, destination) = (segment.key.endpoint(segment.sender), segment.key.endpoint(segment.sender.other()));
    write!(out, " {} > {}: Flags [{}]", place(family, &source), place(family, &destination), segment.flags)?;
    write!(out, ", seq {}", segment.seq.0)?;
    if segment.flags.ack() {
        write!(out, ", ack {}", segment.ack.0)?;
    }
    write!(out, ", win {}", segment.window)?;
    let options = options(segment);
    if !options.is_empty() {
        write!(out, ", options [{}]", options.join(","))?;
    }
    writeln!(out, ", length {}", segment.payload_len)
}

fn place(family: Family, endpoint: &Endpoint) -> String {
    format!("{}.{}", endpoint.ip(family), endpoint.port)
}

/// The options in a fixed order, not in that of the header.
fn options(segment: &Segment) -> Vec<String> {
    use wire::OptionSet;
    let mut texts = Vec::new();
    texts.extend(segment.mss().map(|mss| format!("mss {mss}")));
    if segment.options.has(OptionSet::SACK_PERMITTED) {
        texts.push("sackOK".to_owned());
    }
    texts.extend(segment.timestamps().map(|stamps| format!("TS val {} ecr {}", stamps.value, stamps.echo)));
    if segment.options.has(OptionSet::WINDOW_SCALE) {
        texts.push(format!("wscale {}", segment.wscale));
    }
    let blocks = segment.sack_blocks();
    if !blocks.is_empty() {
        let blocks = blocks.iter().map(|block| format!("{{{}:{}}}", block.left.0, block.right.0)).collect::<String>();
        let more = if segment.sack_count > 2 { "..." } else { "" };
        texts.push(format!("sack {} {blocks}{more}", segment.sack_count));
    }
    for (option, name) in [
        (OptionSet::FAST_OPEN, "tfo"),
        (OptionSet::MPTCP, "mptcp"),
        (OptionSet::AUTHENTICATION, "md5 or ao"),
        (OptionSet::ACCURATE_ECN, "accecn"),
        (OptionSet::USER_TIMEOUT, "uto"),
        (OptionSet::OTHER, "others"),
        (OptionSet::MALFORMED, "malformed"),
        (OptionSet::TRUNCATED, "cut by the capture"),
    ] {
        if segment.options.has(option) {
            texts.push(name.to_owned());
        }
    }
    texts
}
