//! Tunnels: the same packet inside each of them.

use wire::{Endpoint, Family, LinkType, Reject, TunnelKind};

use crate::build::*;

fn gre(header: &[u8], payload: &[u8]) -> Vec<u8> {
    ipv4(47, &join(&[header, payload]))
}

fn over_udp(port: u16, header: &[u8], payload: &[u8]) -> Vec<u8> {
    ipv4(UDP, &udp(50000, port, &join(&[header, payload])))
}

fn gtp(header: &[u8], payload: &[u8]) -> Vec<u8> {
    over_udp(2152, header, payload)
}

/// Every tunnel around the same packet, with its kind and identifier.
fn tunnels() -> Vec<(&'static str, TunnelKind, u32, Vec<u8>)> {
    use TunnelKind::*;
    let (v4, v6) = (packet(), packet_6());
    let frame = ethernet(IPV4, &v4);
    let len = (v4.len() as u8, v6.len() as u8);
    vec![
        ("ip_in_ip", IpInIp, 0, ipv4(4, &v4)),
        ("ipv6_in_ipv4", IpInIp, 0, ipv4(41, &v6)),
        ("ipv4_in_ipv6", IpInIp, 0, ipv6(4, &v4)),
        ("ipv6_in_ipv6", IpInIp, 0, ipv6(41, &v6)),
        ("gre", Gre, 0, gre(&[0, 0, 8, 0], &v4)),
        ("gre_ipv6", Gre, 0, gre(&[0, 0, 0x86, 0xdd], &v6)),
        ("gre_all_fields", Gre, 77, gre(&[0xb0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 77, 0, 0, 0, 1], &v4)),
        ("gre_ethernet", Gre, 0, gre(&[0, 0, 0x65, 0x58], &frame)),
        ("gre_mpls", Gre, 0, gre(&[0, 0, 0x88, 0x47, 0, 1, 1, 64], &v4)),
        (
            "gre_pptp",
            Gre,
            0x0031_0009,
            gre(&[0x30, 0x81, 0x88, 0x0b, 0, 49, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21], &v4),
        ),
        ("gre_wccp_1", Gre, 0, gre(&[0, 0, 0x88, 0x3e], &v4)),
        ("gre_wccp_2", Gre, 0, gre(&[0, 0, 0x88, 0x3e, 1, 89, 0, 72], &v4)),
        ("erspan_1", Erspan, 0, gre(&[0, 0, 0x88, 0xbe], &frame)),
        ("erspan_2", Erspan, 300, gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 1, 0x2c, 0, 0, 0, 1], &frame)),
        (
            "erspan_3",
            Erspan,
            300,
            gre(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 1, 0x2c, 0, 0, 0, 1, 0, 0, 0, 0], &frame),
        ),
        (
            "erspan_3_subheader",
            Erspan,
            300,
            gre(
                &[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 1, 0x2c, 0, 0, 0, 1, 0, 0, 0, 1][..], &[0; 8]].concat(),
                &frame,
            ),
        ),
        ("gre_in_udp", Gre, 0, over_udp(4754, &[0, 0, 8, 0], &v4)),
        ("vxlan", Vxlan, 9, over_udp(4789, &[8, 0, 0, 0, 0, 0, 9, 0], &frame)),
        ("vxlan_linux_port", Vxlan, 9, over_udp(8472, &[8, 0, 0, 0, 0, 0, 9, 0], &frame)),
        ("vxlan_group_policy", Vxlan, 9, over_udp(4789, &[0x88, 0, 0, 5, 0, 0, 9, 0], &frame)),
        ("geneve", Geneve, 9, over_udp(6081, &[0, 0, 0x65, 0x58, 0, 0, 9, 0], &frame)),
        ("geneve_options", Geneve, 9, over_udp(6081, &[1, 0, 8, 0, 0, 0, 9, 0, 1, 2, 3, 0], &v4)),
        ("gtp", GtpU, 5, gtp(&[0x30, 255, 0, len.0, 0, 0, 0, 5], &v4)),
        ("gtp_sequence", GtpU, 5, gtp(&[0x32, 255, 0, len.0 + 4, 0, 0, 0, 5, 0, 1, 0, 0], &v4)),
        ("gtp_extension", GtpU, 5, gtp(&[0x34, 255, 0, len.1 + 8, 0, 0, 0, 5, 0, 0, 0, 0x85, 1, 0, 9, 0], &v6)),
        ("teredo", Teredo, 0, over_udp(3544, &[], &v6)),
        ("teredo_origin", Teredo, 0, over_udp(3544, &[0, 0, 1, 2, 3, 4, 5, 6], &v6)),
        ("teredo_authentication", Teredo, 0, over_udp(3544, &[0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0], &v6)),
        ("l2tp", L2tp, 0x0001_0002, over_udp(1701, &[0, 2, 0, 1, 0, 2, 0xff, 3, 0, 0x21], &v4)),
        (
            "l2tp_all_fields",
            L2tp,
            0x0001_0002,
            over_udp(1701, &[0x4b, 2, 0, 66, 0, 1, 0, 2, 0, 1, 0, 2, 0, 1, 0, 0, 0x57], &v6),
        ),
    ]
}

pub fn frames() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    tunnels().into_iter().map(|(name, _, _, packet)| (name, LinkType::Raw, packet)).collect()
}

#[test]
fn the_packet_inside_every_tunnel_is_the_same_and_the_tunnel_is_described() {
    let (v4, v6) = (segment_of(LinkType::Raw, &packet()), segment_of(LinkType::Raw, &packet_6()));
    for (name, kind, id, frame) in tunnels() {
        let mut tcp = tcp_of(LinkType::Raw, &frame);
        let outer = tcp.outer.expect(name);
        assert_eq!((outer.kind, outer.id, outer.depth), (kind, id, 1), "{name}");
        assert_eq!(tcp.segment.tunnel, kind, "{name}");
        tcp.segment.tunnel = TunnelKind::None;
        assert!(tcp.segment == v4 || tcp.segment == v6, "{name}: {:?}", tcp.segment);
        assert!([packet(), packet_6()].iter().any(|packet| packet.starts_with(tcp.headers)), "{name}");
    }
}

#[test]
fn a_teredo_prefix_makes_a_tunnel_on_any_port_and_nothing_else_does() {
    let addressed = |prefix: [u8; 4]| {
        let mut packet = packet_6();
        packet[24..28].copy_from_slice(&prefix);
        over_udp(32_900, &[], &packet)
    };
    assert_eq!(outer_of(LinkType::Raw, &addressed([0x20, 0x01, 0, 0])).kind, TunnelKind::Teredo);
    assert_eq!(otherwise(LinkType::Raw, &addressed([0x20, 0x01, 0, 1])), "Ip(17)");
}

#[test]
fn the_ends_of_the_tunnel_are_those_of_its_carrier() {
    let outer = outer_of(LinkType::Raw, &over_udp(4789, &[8, 0, 0, 0, 0, 0, 9, 0], &ethernet(IPV6, &packet_6())));
    assert_eq!(outer.family, Family::V4);
    assert_eq!(outer.source, Endpoint::v4(CLIENT, 50000));
    assert_eq!(outer.destination, Endpoint::v4(SERVER, 4789));
    let plain = outer_of(LinkType::Raw, &ipv6(4, &packet()));
    assert_eq!((plain.family, plain.source), (Family::V6, Endpoint::v6(CLIENT_6, 0)));
}

#[test]
fn tunnels_in_tunnels_are_followed_to_a_limit() {
    let nested = |depth| (0..depth).fold(packet(), |inner, _| ipv4(4, &inner));
    assert_eq!(outer_of(LinkType::Raw, &nested(8)).depth, 8);
    assert_eq!(rejected(LinkType::Raw, &nested(9)), Reject::TooDeep);
    let mirrored =
        over_udp(4789, &[8, 0, 0, 0, 0, 0, 9, 0], &ethernet(IPV4, &gtp(&[0x30, 255, 0, 45, 0, 0, 0, 5], &packet())));
    let outer = outer_of(LinkType::Raw, &mirrored);
    assert_eq!((outer.kind, outer.id, outer.depth), (TunnelKind::GtpU, 5, 2), "the tunnel just around the segment");
}

#[test]
fn ordinary_udp_on_a_tunnels_port_is_udp() {
    let noise: Vec<u8> = (0..64).map(|byte: u8| byte.wrapping_mul(37) ^ 0xa5).collect();
    for port in [1701, 2152, 3544, 4754, 4789, 8472, 6081] {
        assert_eq!(otherwise(LinkType::Raw, &over_udp(port, &[], &noise)), "Ip(17)", "port {port}");
        assert_eq!(otherwise(LinkType::Raw, &over_udp(port, &[], &[])), "Ip(17)", "port {port}, empty");
        assert_eq!(
            otherwise(LinkType::Raw, &over_udp(port, &[], b"Hello, world, this is text")),
            "Ip(17)",
            "port {port}"
        );
    }
    let echo_request = [0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0];
    assert_eq!(otherwise(LinkType::Raw, &gtp(&echo_request, &[])), "Ip(17)");
    assert_eq!(otherwise(LinkType::Raw, &over_udp(1701, &[0xc8, 2, 0, 12, 0, 1, 0, 0, 0, 0, 0, 1], &[])), "Ip(17)");
}

#[test]
fn what_a_tunnel_carries_besides_tcp_is_named_by_its_innermost_header() {
    assert_eq!(otherwise(LinkType::Raw, &ipv4(4, &ipv4(1, &[8, 0, 0, 0]))), "Ip(1)");
    assert_eq!(
        otherwise(LinkType::Raw, &over_udp(4789, &[8, 0, 0, 0, 0, 0, 9, 0], &ethernet(0x0806, &[0; 28]))),
        "Ether(2054)"
    );
    assert_eq!(otherwise(LinkType::Raw, &gre(&[0, 0, 0, 0], &[])), "Ip(47)", "a keep-alive");
    assert_eq!(otherwise(LinkType::Raw, &gre(&[0x40, 0, 8, 0], &packet())), "Ip(47)", "source routes");
    assert_eq!(rejected(LinkType::Raw, &ipv4(47, &[0x20, 0, 8])), Reject::TruncatedTunnel);
}

#[test]
fn a_carrier_cut_into_fragments_shows_the_segment_in_its_first_one() {
    let whole = ipv4(TCP, &tcp(&[], &[0; 1400]));
    let carrier = udp(2152, 2152, &join(&[&[0x30, 255, 5, 0xa0, 0, 0, 0, 5], &whole]));
    let segment = segment_of(LinkType::Raw, &ipv4_fragment(UDP, 0x2000, &carrier[..800]));
    assert_eq!((segment.payload_len, segment.tunnel), (1400, TunnelKind::GtpU));
}
