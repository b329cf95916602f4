//! The parser against etherparse, frame by frame over the whole data set: whatever etherparse can read must be read alike.

mod support;

use std::collections::BTreeMap;
use std::net::IpAddr;

use etherparse::{LaxNetSlice, LaxSlicedPacket, TcpOptionElement, TcpSlice, TransportSlice};
use wire::{LinkType, NotTcp, OptionSet, Parsed, Reject, Segment, parse};

/// What both parsers say of a segment.
#[derive(Debug, PartialEq)]
struct Facts {
    source: (IpAddr, u16),
    destination: (IpAddr, u16),
    ttl: u8,
    traffic_class: u8,
    numbers: [u32; 2],
    flags: u16,
    window: u16,
    urgent: u16,
    payload_len: u32,
    vlan: Option<u16>,
    options: Options,
}

/// The options that etherparse knows.
#[derive(Debug, Default, PartialEq)]
struct Options {
    mss: Option<u16>,
    wscale: Option<u8>,
    sack_permitted: bool,
    timestamps: Option<(u32, u32)>,
    sack: Vec<(u32, u32)>,
}

/// How a frame came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Both read the same segment.
    SameSegment,
    /// Neither sees TCP outside tunnels.
    SameOther,
    /// Etherparse cannot read as far as the transport layer.
    BeyondEtherparse,
    /// A length in the IP header is beyond the frame and its checksum does not hold: a damaged packet, to us.
    DamagedHeader,
    /// The sender's home address stands in an extension header; etherparse reports the care-of address.
    HomeAddress,
    /// A fault that nobody has explained.
    Unexplained,
}

fn of_etherparse(packet: &LaxSlicedPacket<'_>, tcp: &TcpSlice<'_>, frame: &[u8], wire_len: u32) -> Option<Facts> {
    let ip = ip_start(packet)?;
    let headers = tcp.header_slice().as_ptr() as usize - ip + tcp.header_slice().len();
    let by_frame = wire_len - (ip - frame.as_ptr() as usize) as u32;
    let (source, destination, ttl, traffic_class, len): (IpAddr, IpAddr, _, _, _) = match packet.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let class = header.dcp().value() << 2 | header.ecn().value();
            let len = u32::from(header.total_len());
            (header.source_addr().into(), header.destination_addr().into(), header.ttl(), class, len)
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            let len = header.payload_length();
            let len = if len == 0 { 0 } else { u32::from(len) + 40 };
            (
                header.source_addr().into(),
                header.destination_addr().into(),
                header.hop_limit(),
                header.traffic_class(),
                len,
            )
        }
        LaxNetSlice::Arp(_) => return None,
    };
    let len = if len == 0 { by_frame } else { len };
    let bits = [tcp.fin(), tcp.syn(), tcp.rst(), tcp.psh(), tcp.ack(), tcp.urg(), tcp.ece(), tcp.cwr(), tcp.ns()];
    Some(Facts {
        source: (source, tcp.source_port()),
        destination: (destination, tcp.destination_port()),
        ttl,
        traffic_class,
        numbers: [tcp.sequence_number(), tcp.acknowledgment_number()],
        flags: bits.iter().enumerate().map(|(bit, set)| u16::from(*set) << bit).sum(),
        window: tcp.window_size(),
        urgent: tcp.urgent_pointer(),
        payload_len: len.saturating_sub(headers as u32),
        vlan: packet.vlan_ids().first().map(|id| id.value()),
        options: options_of_etherparse(tcp),
    })
}

/// Where the IP header starts.
fn ip_start(packet: &LaxSlicedPacket<'_>) -> Option<usize> {
    match packet.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => Some(ip.header().slice().as_ptr() as usize),
        LaxNetSlice::Ipv6(ip) => Some(ip.header().slice().as_ptr() as usize),
        LaxNetSlice::Arp(_) => None,
    }
}

fn options_of_etherparse(tcp: &TcpSlice<'_>) -> Options {
    let mut options = Options::default();
    for option in tcp.options_iterator() {
        match option {
            Ok(TcpOptionElement::MaximumSegmentSize(mss)) => options.mss = Some(mss),
            Ok(TcpOptionElement::WindowScale(shift)) => options.wscale = Some(shift),
            Ok(TcpOptionElement::SelectiveAcknowledgementPermitted) => options.sack_permitted = true,
            Ok(TcpOptionElement::Timestamp(value, echo)) => options.timestamps = Some((value, echo)),
            Ok(TcpOptionElement::SelectiveAcknowledgement(first, more)) => {
                options.sack = std::iter::once(first).chain(more.into_iter().flatten()).take(2).collect();
            }
            Ok(TcpOptionElement::Noop) => {}
            Err(_) => break,
        }
    }
    options
}

/// Our facts. Where etherparse stopped at an option that it does not know, only what it had read by then is compared.
fn ours(segment: &Segment, theirs: &Facts) -> Facts {
    let endpoint = |end| {
        let endpoint = segment.key.endpoint(end);
        (endpoint.ip(segment.key.family()), endpoint.port)
    };
    let mut options = Options {
        mss: segment.mss(),
        wscale: segment.options.has(OptionSet::WINDOW_SCALE).then_some(segment.wscale),
        sack_permitted: segment.options.has(OptionSet::SACK_PERMITTED),
        timestamps: segment.timestamps().map(|stamps| (stamps.value, stamps.echo)),
        sack: segment.sack_blocks().iter().map(|block| (block.left.0, block.right.0)).collect(),
    };
    let beyond =
        (OptionSet::OTHER.0..=u16::MAX).contains(&segment.options.0) || has_kinds_unknown_to_etherparse(segment);
    if beyond {
        options.mss = options.mss.filter(|_| theirs.options.mss.is_some());
        options.wscale = options.wscale.filter(|_| theirs.options.wscale.is_some());
        options.sack_permitted &= theirs.options.sack_permitted;
        options.timestamps = options.timestamps.filter(|_| theirs.options.timestamps.is_some());
        options.sack.truncate(theirs.options.sack.len());
    }
    Facts {
        source: endpoint(segment.sender),
        destination: endpoint(segment.sender.other()),
        ttl: segment.ttl,
        traffic_class: segment.traffic_class,
        numbers: [segment.seq.0, segment.ack.0],
        flags: segment.flags.0,
        window: segment.window,
        urgent: segment.urgent,
        payload_len: segment.payload_len,
        vlan: segment.vlan(),
        options,
    }
}

fn has_kinds_unknown_to_etherparse(segment: &Segment) -> bool {
    [
        OptionSet::AUTHENTICATION,
        OptionSet::MPTCP,
        OptionSet::FAST_OPEN,
        OptionSet::ACCURATE_ECN,
        OptionSet::USER_TIMEOUT,
    ]
    .into_iter()
    .any(|kind| segment.options.has(kind))
}

fn compare(link: LinkType, bytes: &[u8], wire_len: u32) -> Option<Outcome> {
    let packet = match link {
        LinkType::Ethernet => LaxSlicedPacket::from_ethernet(bytes).ok(),
        LinkType::Raw | LinkType::Ipv4 | LinkType::Ipv6 => LaxSlicedPacket::from_ip(bytes).ok(),
        _ => return None,
    };
    let parsed = parse(link, bytes, wire_len);
    let Some(packet) = packet else { return Some(Outcome::BeyondEtherparse) };
    let tcp = match &packet.transport {
        Some(TransportSlice::Tcp(tcp)) => tcp,
        Some(_) => {
            let same = match parsed {
                Parsed::Tcp(frame) => frame.outer.is_some(),
                Parsed::NotTcp(NotTcp::Link) => false,
                Parsed::NotTcp(_) | Parsed::Icmp(_) | Parsed::Rejected(_) => true,
            };
            return Some(if same { Outcome::SameOther } else { Outcome::Unexplained });
        }
        None => return Some(Outcome::BeyondEtherparse),
    };
    let theirs = of_etherparse(&packet, tcp, bytes, wire_len.max(bytes.len() as u32))?;
    Some(match parsed {
        Parsed::Tcp(frame) if frame.outer.is_none() => {
            let ours = ours(&frame.segment, &theirs);
            if ours == theirs {
                Outcome::SameSegment
            } else if ours.source != theirs.source && (Facts { source: theirs.source, ..ours }) == theirs {
                Outcome::HomeAddress
            } else {
                eprintln!("ours\n{:?}\ntheirs\n{theirs:?}", self::ours(&frame.segment, &theirs));
                Outcome::Unexplained
            }
        }
        Parsed::Rejected(Reject::BadIp) => Outcome::DamagedHeader,
        _ => Outcome::Unexplained,
    })
}

#[test]
fn every_frame_that_etherparse_can_read_is_read_alike() {
    let Some(data) = support::data() else { return };
    let mut counts = BTreeMap::new();
    for folder in ["dev/pcap", "dev/large", "dev/hostile"] {
        for capture in support::files(&data.join(folder)) {
            let mut number = 0;
            support::frames(&capture, |link, bytes, wire_len| {
                number += 1;
                let Some(outcome) = compare(link, bytes, wire_len) else { return };
                if outcome == Outcome::Unexplained {
                    eprintln!("{} frame {number}: {:?}", capture.display(), parse(link, bytes, wire_len));
                }
                *counts.entry(outcome).or_insert(0_u64) += 1;
            });
        }
    }
    eprintln!("{counts:?}");
    let count = |outcome| counts.get(&outcome).copied().unwrap_or(0);
    assert_eq!(count(Outcome::Unexplained), 0);
    assert!(count(Outcome::SameSegment) > 200_000, "{counts:?}");
}
