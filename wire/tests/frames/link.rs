//! Link headers: the same packet behind each of them.

use wire::LinkType;

use crate::build::*;

const SNAP_IPV4: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];

fn tagged(tpid: u16, vlan: u16, kind: u16, payload: &[u8]) -> Vec<u8> {
    ethernet(tpid, &join(&[&vlan.to_be_bytes(), &kind.to_be_bytes(), payload]))
}

fn pppoe(protocol: u16, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16 + 2).to_be_bytes();
    join(&[&[0x11, 0, 0, 9], &len, &protocol.to_be_bytes(), payload])
}

/// An 802.11 data frame with `control` and `flags`, its header `len` bytes long, before LLC.
fn wifi(control: u8, flags: u8, more: &[u8]) -> Vec<u8> {
    join(&[&[control, flags], &[0; 22], more, &SNAP_IPV4, &packet()])
}

fn sll(device: u16, protocol: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&[0, 0], &device.to_be_bytes(), &[0, 6, 2, 0, 0, 0, 0, 1, 0, 0], &protocol.to_be_bytes(), payload])
}

fn sll2(protocol: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&protocol.to_be_bytes(), &[0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], payload])
}

/// Every link header before the same packet.
pub fn frames() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    use LinkType::*;
    let (packet, packet_6) = (packet(), packet_6());
    let behind = |header: &[u8]| join(&[header, &packet]);
    let inner_tag = [0x81, 0, 0, 7, 8, 0];
    vec![
        ("ethernet", Ethernet, ethernet(IPV4, &packet)),
        ("ethernet_ipv6", Ethernet, ethernet(IPV6, &packet_6)),
        ("ethernet_snap", Ethernet, ethernet(53, &behind(&SNAP_IPV4))),
        ("ethernet_llc_ip", Ethernet, ethernet(48, &behind(&[6, 6, 3]))),
        ("vlan", Ethernet, tagged(0x8100, 0x2005, IPV4, &packet)),
        ("vlan_snap", Ethernet, tagged(0x8100, 5, 53, &behind(&SNAP_IPV4))),
        ("qinq", Ethernet, ethernet(0x88a8, &join(&[&[0x20, 5], &inner_tag, &packet]))),
        ("qinq_old", Ethernet, ethernet(0x9100, &join(&[&[0x20, 5], &inner_tag, &packet]))),
        ("mpls", Ethernet, ethernet(0x8847, &behind(&[0, 1, 0, 64, 0, 1, 1, 64]))),
        ("mpls_pseudowire", Ethernet, ethernet(0x8847, &join(&[&[0, 1, 1, 64, 0, 0, 0, 0], &ethernet(IPV4, &packet)]))),
        ("pppoe", Ethernet, ethernet(0x8864, &pppoe(0x0021, &packet))),
        ("pppoe_ipv6", Ethernet, ethernet(0x8864, &pppoe(0x0057, &packet_6))),
        ("backbone", Ethernet, ethernet(0x88e7, &join(&[&[0, 0, 0, 1], &ethernet(IPV4, &packet)]))),
        ("fabric_path", Ethernet, ethernet(0x8903, &join(&[&[0, 1], &ethernet(IPV4, &packet)]))),
        ("e_tag", Ethernet, ethernet(0x893f, &behind(&[0, 0, 0, 1, 0, 0, 8, 0]))),
        ("vn_tag", Ethernet, ethernet(0x8926, &behind(&[0, 0, 0, 1, 8, 0]))),
        ("raw", Raw, packet.clone()),
        ("raw_ipv6", Raw, packet_6.clone()),
        ("null_little_endian", Null, behind(&[2, 0, 0, 0])),
        ("null_big_endian", Null, behind(&[0, 0, 0, 2])),
        ("null_darwin_ipv6", Null, join(&[&[30, 0, 0, 0], &packet_6])),
        ("loop", Loop, behind(&[0, 0, 0, 2])),
        ("cooked", LinuxSll, sll(1, IPV4, &packet)),
        ("cooked_vlan", LinuxSll, sll(1, 0x8100, &behind(&[0, 5, 8, 0]))),
        ("cooked_llc", LinuxSll, sll(1, 4, &behind(&SNAP_IPV4))),
        ("cooked_2", LinuxSll2, sll2(IPV6, &packet_6)),
        ("ppp", Ppp, behind(&[0xff, 3, 0, 0x21])),
        ("ppp_compressed", Ppp, behind(&[0x21])),
        ("ppp_mpls", Ppp, behind(&[0xff, 3, 2, 0x81, 0, 1, 1, 64])),
        ("ppp_cisco_hdlc", PppHdlc, behind(&[0x0f, 0, 8, 0])),
        ("ppp_ether", PppEther, pppoe(0x0021, &packet)),
        ("cisco_hdlc", CiscoHdlc, behind(&[0x8f, 0, 8, 0])),
        ("fddi", Fddi, join(&[&[0x50], &[0; 12], &SNAP_IPV4, &packet])),
        ("arcnet", Arcnet, behind(&[1, 2, 212, 0, 0, 1])),
        ("arcnet_exception", Arcnet, behind(&[1, 2, 212, 0xff, 0, 0, 0xff, 0, 0, 1])),
        ("arcnet_rfc1051", Arcnet, behind(&[1, 2, 240])),
        ("arcnet_linux", ArcnetLinux, behind(&[1, 2, 0, 0, 212, 0, 0, 1])),
        ("wifi", Ieee80211, wifi(0x08, 0x01, &[])),
        ("wifi_four_addresses", Ieee80211, wifi(0x08, 0x03, &[0; 6])),
        ("wifi_qos", Ieee80211, wifi(0x88, 0x01, &[0, 0])),
        ("wifi_qos_ht", Ieee80211, wifi(0x88, 0x81, &[0; 6])),
        ("wifi_aggregate", Ieee80211, wifi(0x88, 0x01, &[&[0x80, 0][..], &[0; 14]].concat())),
        ("radiotap", Radiotap, join(&[&[0, 0, 10, 0, 0, 0, 0, 0, 0, 0], &wifi(0x08, 0x01, &[])])),
        ("ppi", Ppi, join(&[&[0, 0, 8, 0, 105, 0, 0, 0], &wifi(0x08, 0x01, &[])])),
        ("ppi_ethernet", Ppi, join(&[&[0, 0, 8, 0, 1, 0, 0, 0], &ethernet(IPV4, &packet)])),
        ("nflog", Nflog, join(&[&[2, 0, 0, 1, 5, 0, 10, 0, 0, 0, 0, 0, 49, 0, 9, 0], &packet])),
        ("nflog_big_endian", Nflog, join(&[&[2, 0, 0, 1, 0, 5, 0, 10, 0, 0, 0, 0, 0, 49, 0, 9], &packet])),
        ("juniper", JuniperEther, join(&[b"MGC\x80\0\x02\x01\x02", &ethernet(IPV4, &packet)])),
        ("juniper_plain", JuniperEther, join(&[b"MGC\0", &ethernet(IPV4, &packet)])),
        ("infiniband", Ipoib, join(&[&[0; 40], &[8, 0, 0, 0], &packet])),
    ]
}

#[test]
fn the_packet_behind_every_link_header_is_the_same() {
    let (v4, v6) = (segment_of(LinkType::Raw, &packet()), segment_of(LinkType::Raw, &packet_6()));
    for (name, link, frame) in frames() {
        let mut segment = segment_of(link, &frame);
        segment.vlan = v4.vlan;
        assert!(segment == v4 || segment == v6, "{name}: {segment:?}");
    }
}

#[test]
fn the_outermost_vlan_identifier_is_kept_without_priority() {
    for (name, link, frame) in frames() {
        let tagged = ["vlan", "vlan_snap", "qinq", "qinq_old", "cooked_vlan"].contains(&name);
        assert_eq!(segment_of(link, &frame).vlan(), tagged.then_some(5), "{name}");
    }
}

#[test]
fn frames_that_are_not_ip_say_what_they_are() {
    assert_eq!(otherwise(LinkType::Ethernet, &ethernet(0x0806, &[0; 28])), "Ether(2054)");
    assert_eq!(otherwise(LinkType::Ethernet, &tagged(0x8100, 5, 0x0806, &[0; 28])), "Ether(2054)");
    assert_eq!(otherwise(LinkType::Ethernet, &ethernet(38, &[0x42, 0x42, 3, 0, 0, 0, 0, 0])), "Link");
    assert_eq!(otherwise(LinkType::Ethernet, &ethernet(0x8864, &pppoe(0xc021, &[1; 8]))), "Ether(49185)");
    assert_eq!(otherwise(LinkType::Ethernet, &ethernet(0x8863, &[0x11, 9, 0, 0, 0, 0])), "Ether(34915)");
    assert_eq!(otherwise(LinkType::LinuxSll, &sll(824, IPV4, &packet())), "Link");
    assert_eq!(otherwise(LinkType::Null, &[7, 0, 0, 0, 1, 2]), "Link");
    assert_eq!(otherwise(LinkType::Ieee80211, &wifi(0x80, 0, &[])), "Link", "a beacon");
    assert_eq!(otherwise(LinkType::Ieee80211, &wifi(0x48, 0, &[])), "Link", "a null frame");
    assert_eq!(otherwise(LinkType::Ieee80211, &wifi(0x08, 0x41, &[])), "Link", "an encrypted frame");
}

#[test]
fn an_unknown_link_and_an_endless_stack_of_tags_are_rejected_by_name() {
    assert_eq!(otherwise(LinkType::Unknown(147), &packet()), "UnknownLink");
    assert_eq!(otherwise(LinkType::Ethernet, &ethernet(0x8100, &[0x81, 0x00].repeat(60))), "TooDeep");
    assert_eq!(otherwise(LinkType::Ethernet, &[0; 13]), "TruncatedLink");
}
