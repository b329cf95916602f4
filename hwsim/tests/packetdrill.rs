//! Scripts in packetdrill's notation: what the reader makes of each form, and how it refuses what is none.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use hwsim::frame::Builder;
use hwsim::packetdrill::{Body, START, Script, Settings, Side, Skip};
use proptest::prelude::*;
use wire::{Family, LinkType, NotTcp, OptionSet, Parsed, SeqNum, TcpFlags, Timestamps};

fn read(text: &str) -> Script {
    Script::read(text, Settings::default()).unwrap_or_else(|error| panic!("{error} in\n{text}"))
}

/// What a bystander reads from the script's frames: instants in ns since its start, and segments.
fn segments(script: &Script) -> Vec<(i64, wire::Segment)> {
    let mut segments = Vec::new();
    let show = |_: &_, ts: wire::Nanos, frame: &hwsim::frame::Frame<'_>| {
        match wire::parse(LinkType::Ethernet, frame.bytes, frame.wire_len) {
            Parsed::Tcp(found) => segments.push((ts.since(START), found.segment)),
            Parsed::NotTcp(NotTcp::Ip(1 | 58)) | Parsed::Icmp(_) => {}
            other => panic!("{other:?}"),
        }
        Ok(())
    };
    script.play(&mut Builder::new(262_144), show).unwrap();
    segments
}

/// The one segment of a line.
fn segment(line: &str) -> wire::Segment {
    let segments = segments(&read(line));
    assert_eq!(segments.len(), 1);
    segments[0].1
}

/// The instants of a script's packets, ms.
fn instants(text: &str) -> Vec<i64> {
    read(text).packets.iter().map(|packet| packet.at / 1_000_000).collect()
}

#[test]
fn a_handshake_has_the_times_roles_and_numbers_that_are_written() {
    let script = read(
        "
        0.000 < S 7000:7000(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>
        +.010 > S. 9000:9000(0) ack 7001 win 28960 <mss 1440,nop,wscale 8>
        +.020 < P. 1:101(100) ack 1 win 512
    ",
    );
    let segments = segments(&script);
    let times: Vec<i64> = segments.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 10_000_000, 30_000_000]);
    let (syn, synack, data) = (segments[0].1, segments[1].1, segments[2].1);
    assert_eq!(syn.key.endpoint(syn.sender).port, 49_152);
    assert_eq!(synack.key.endpoint(synack.sender).port, 8080);
    assert_eq!(syn.key, synack.key);
    assert_eq!((syn.seq, syn.mss(), syn.window_scale()), (SeqNum(7000), Some(1460), Some(7)));
    assert_eq!(syn.timestamps(), Some(Timestamps { value: 1, echo: 0 }));
    assert_eq!((synack.seq, synack.ack, synack.window), (SeqNum(9000), SeqNum(7001), 28_960));
    assert_eq!((data.seq, data.ack, data.payload_len), (SeqNum(7001), SeqNum(9001), 100));
    assert_eq!((data.flags, data.window), (TcpFlags::PSH.with(TcpFlags::ACK), 512));
}

#[test]
fn the_local_side_is_the_client_where_it_sends_the_syn_or_is_sent_the_syn_ack() {
    for (text, client) in [
        ("0 > S 0:0(0)", Side::Local),
        ("0 < S. 0:0(0) ack 1 win 1", Side::Local),
        ("0 < S 0:0(0) win 1", Side::Remote),
        ("0 > S. 0:0(0) ack 1", Side::Remote),
        ("0 > . 1:1(0) ack 1", Side::Local),
    ] {
        let [local, remote] = read(text).packets[0].ports;
        assert_eq!((local == 49_152, remote == 49_152), (client == Side::Local, client == Side::Remote), "{text}");
    }
}

#[test]
fn written_ports_make_connections_of_their_own() {
    let script = read(
        "
        0 < 1000 > 80 S 500:500(0) win 1
        0 > 80 > 1000 S. 900:900(0) ack 501
        0 < 1001 > 80 . 1:1(0) ack 1 win 1
    ",
    );
    let ports: Vec<_> = script.packets.iter().map(|packet| packet.ports).collect();
    assert_eq!(ports, [[80, 1000], [80, 1000], [80, 1001]]);
    assert_eq!(segments(&script)[2].1.seq, SeqNum(1), "the first connection's numbers are not the second's");
}

#[test]
fn a_socket_opens_another_connection_by_its_syn() {
    let script = read(
        "
        0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        0 > S 100:100(0)
        0 < S. 200:200(0) ack 101 win 1
        0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4
        0 > F. 1:1(0) ack 1
        0 > S 300:300(0)
        0 > S 300:300(0)
        0 < S. 400:400(0) ack 301 win 1
        0 > . 1:1(0) ack 1
    ",
    );
    let ports: Vec<_> = script.packets.iter().map(|packet| packet.ports[0]).collect();
    assert_eq!(ports, [49_152, 49_152, 49_152, 49_153, 49_153, 49_153, 49_153]);
    let last = segments(&script)[6].1;
    assert_eq!((last.seq, last.ack), (SeqNum(301), SeqNum(401)));
}

#[test]
fn times_are_absolute_or_relative_or_left_to_the_stack() {
    assert_eq!(instants("1 > . 1:1(0)\n+.25 > . 1:1(0)\n+1~+2 > . 1:1(0)\n* > . 1:1(0)"), [1000, 1250, 2250, 2250]);
    assert_eq!(instants("2.5~3 > . 1:1(0)\n0.5 > . 1:1(0)"), [2500, 500], "a clock that steps back");
    assert_eq!(instants("1 accept(3, ..., ...) = 4\n+1...1.5 read(4, ..., 10) = 10\n+.1 > . 1:1(0)"), [2100]);
    assert_eq!(read("0.1234567891 > . 1:1(0)").packets[0].at, 123_456_789);
}

#[test]
fn every_flag_has_its_letter_and_the_ace_field_its_number() {
    assert_eq!(segment("0 > FSRP.UEWA 1:1(0)").flags, TcpFlags(0x1ff));
    assert_eq!(segment("0 > - 1:1(0)").flags, TcpFlags(0));
    assert_eq!(
        segment("0 > P.5 1:1(0)").flags,
        TcpFlags::PSH.with(TcpFlags::ACK).with(TcpFlags::AE).with(TcpFlags::ECE)
    );
    assert_eq!(segment("0 > .2 1:1(0)").flags, TcpFlags::ACK.with(TcpFlags::CWR));
    assert_eq!(segment("0 > U. 1:1(0) ack 1 win 3 urg 17").urgent, 17);
}

#[test]
fn ip_fields_reach_the_ip_header() {
    let fields = |line: &str| {
        let segment = segment(line);
        (segment.traffic_class, segment.ttl, segment.ip_id)
    };
    assert_eq!(fields("0 > [ect0] . 1:1(0)"), (2, 64, 1));
    assert_eq!(fields("0 > (ce) . 1:1(0)"), (3, 64, 1));
    assert_eq!(fields("0 > [tos 0x2c, ttl 3, id 77] . 1:1(0)"), (0x2c, 3, 77));
    assert_eq!(fields("--ip_version=ipv6\n0 > [tos 0xab, flowlabel 0x12345] . 1:1(0)"), (0xab, 64, 0));
}

#[test]
fn identifications_count_a_side_s_packets_and_windows_last() {
    let segments = segments(&read(
        "
        0 > . 1:1(0) win 10
        0 > [id 500] . 1:1(0)
        0 < . 1:1(0)
        0 > . 1:1(0)
    ",
    ));
    let seen: Vec<_> = segments.iter().map(|(_, segment)| (segment.ip_id, segment.window)).collect();
    assert_eq!(seen, [(1, 10), (500, 10), (1, 65_535), (2, 10)]);
}

#[test]
fn every_option_is_written_as_its_specification_has_it() {
    let bytes = |options: &str| {
        let script = read(&format!("0 > S 0:0(0) <{options}>"));
        let Body::Tcp(segment) = script.packets[0].body else { panic!("a segment") };
        segment.options.as_slice().to_vec()
    };
    assert_eq!(bytes("mss 1460"), [2, 4, 5, 180]);
    assert_eq!(bytes("nop,wscale 7"), [1, 3, 3, 7]);
    assert_eq!(bytes("sackOK,eol,eol"), [4, 2, 0, 0]);
    assert_eq!(bytes("nop, nop, TS val 1 ecr 2"), [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    assert_eq!(bytes("FO,nop,nop"), [34, 2, 1, 1]);
    assert_eq!(bytes("FO a1b2,nop,nop,nop,nop"), [34, 4, 0xa1, 0xb2, 1, 1, 1, 1]);
    assert_eq!(bytes("FOEXP 12345678"), [254, 8, 0xf9, 0x89, 0x12, 0x34, 0x56, 0x78]);
    assert_eq!(bytes("ECN e1b 1 ceb 2,nop,nop,nop,nop"), [174, 8, 0, 0, 1, 0, 0, 2, 1, 1, 1, 1]);
    assert_eq!(bytes("ECN e0b 1 ceb 2 e1b 3,nop"), [172, 11, 0, 0, 1, 0, 0, 2, 0, 0, 3, 1]);
    assert_eq!(bytes("mptcp 0081,nop,nop,nop,nop"), [30, 4, 0, 0x81, 1, 1, 1, 1]);
    assert_eq!(bytes("md5 00112233445566778899aabbccddeeff,nop,nop")[..4], [19, 18, 0, 0x11]);
    assert_eq!(bytes("..."), [] as [u8; 0]);
}

#[test]
fn selective_acknowledgments_count_from_the_receiver_s_first_number() {
    let script = read(
        "
        0 < S 4294967000:4294967000(0) win 1
        0 > S. 5:5(0) ack 4294967001
        0 > . 1:1(0) ack 1 <nop,nop,sack 301:401 101:201>
    ",
    );
    let segment = segments(&script)[2].1;
    assert!(segment.options.has(OptionSet::SACK));
    let edges: Vec<u32> = segment.sack_blocks().iter().flat_map(|block| [block.left.0, block.right.0]).collect();
    assert_eq!(edges, [5, 105, u32::MAX - 194, u32::MAX - 94]);
}

#[test]
fn an_icmp_error_quotes_the_segment_that_it_is_about() {
    for (family, line, expected) in [
        ("ipv4", "< icmp unreachable frag_needed mtu 1400 [1:1001(1000)]", [3, 4, 0x05, 0x78]),
        ("ipv4", "< icmp time_exceeded", [11, 0, 0, 0]),
        ("ipv4", "< icmp type_200 code_9 [1:1(0)]", [200, 9, 0, 0]),
        ("ipv6", "< icmp packet_too_big mtu 1280 [1:1001(1000)]", [2, 0, 0x05, 0x00]),
        ("ipv6", "< icmp unreachable admin_prohibited [1:1001(1000)]", [1, 1, 0, 0]),
    ] {
        let script = read(&format!("--ip_version={family}\n0 > S 500:500(0)\n+.1 {line}\n+.1 > S 500:500(0)"));
        let mut frames = Vec::new();
        script
            .play(&mut Builder::new(262_144), |_, _, frame| {
                frames.push(frame.bytes.to_vec());
                Ok(())
            })
            .unwrap();
        let ip = if family == "ipv4" { 20 } else { 40 };
        let message = &frames[1][14 + ip..];
        assert_eq!([message[0], message[1], message[6], message[7]], expected, "{line}");
        let ports = &message[8 + ip..][..4];
        assert_eq!(ports, [0xc0, 0, 0x1f, 0x90], "{line}: from the client to the server");
        let seq = if line.contains("1:1") { 501_u32 } else { 500 };
        assert_eq!(message[8 + ip + 4..][..4], seq.to_be_bytes(), "{line}");
    }
}

#[test]
fn addresses_and_ports_are_what_the_options_say() {
    let segment =
        segment("--local_ip=10.1.2.3\n--remote_ip=10.9.8.7/24\n--bind_port=443\n--verbose\n0 > S. 0:0(0) ack 1");
    let sender = segment.key.endpoint(segment.sender);
    assert_eq!((sender.ip(Family::V4).to_string(), sender.port), ("10.1.2.3".to_owned(), 443));
    let peer = segment.key.endpoint(segment.sender.other());
    assert_eq!(peer.ip(Family::V4).to_string(), "10.9.8.7");
    let six = read("--local_ip=fd00::1\n0 > . 1:1(0)");
    assert_eq!(segments(&six)[0].1.key.family(), Family::V6, "the address tells the family");
}

#[test]
fn what_is_no_packet_is_skipped_by_name() {
    let script = read(
        r#"// A remark
        --tolerance_usecs=10000 --define=N=5
        `sysctl -q net.ipv4.tcp_ecn=1; echo \` "quoted" `
        /* another
           remark */
        0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0 setsockopt(3, SOL_TCP, TCP_CONGESTION, "re)no", 4) = -1 EINVAL (Invalid (argument))
        +0 epoll_wait(5, {events=EPOLLIN|EPOLLOUT, fd=4}, 1, 0) = POLLIN|0x4
        +0 sendmsg(3, {msg_name(...)=...,
                       msg_iov(1)=[{..., N}]}, 0) = ...
        +0 %{ assert tcpi_snd_cwnd == 10 }%
        +0 > udp (100)
        +0 < icmp echo_request id 7 [raw (8)]
        +0 > . 1:6(N) ack 1 // the only one
    "#,
    );
    let names: Vec<_> =
        script.skipped.iter().map(|skipped| (skipped.line, skipped.kind, skipped.name.as_str())).collect();
    assert_eq!(
        names,
        [
            (2, Skip::Option, "tolerance_usecs"),
            (3, Skip::Command, ""),
            (6, Skip::Call, "socket"),
            (7, Skip::Call, "setsockopt"),
            (8, Skip::Call, "epoll_wait"),
            (9, Skip::Call, "sendmsg"),
            (11, Skip::Code, ""),
            (12, Skip::Packet, "udp"),
            (13, Skip::Packet, "icmp"),
        ]
    );
    let lines: Vec<_> = script.packets.iter().map(|packet| packet.line).collect();
    assert_eq!(lines, [14]);
}

#[test]
fn an_error_says_the_line_and_what_belongs_there() {
    for (text, message) in [
        ("\n0 < S 0:0 win 5", "line 2: expected (, found \"win\""),
        ("0 < S 0:0(0)\n+0 < X. 1:1(0)", "line 2: expected flags out of FSRPU.EWA, or 0 to 7"),
        ("0 > . 1:11(20)", "line 1: 1:11(20): the end must be the start and the length together"),
        ("0 > . 1:1(0) ack\n+0 > . 1:1(0)", "line 1: expected the acknowledgment number, found the end of the line"),
        ("0 > . 1:1(0) ack 4294967296", "line 1: the acknowledgment number must lie between 0 and 4294967295"),
        ("0 > . 1:1(0) win 65536", "line 1: the window must lie between 0 and 65535"),
        (
            "0 > . 1:65536(65535)",
            "line 1: the segment does not fit into an IP datagram: shorten its payload to 65495 bytes",
        ),
        ("0 > S 0:0(0) <mss 1460,wscale 7>", "line 1: the options take 7 bytes: fill them up with nop or eol"),
        ("0 > S 0:0(0) <sack 1:2 3:4 5:6 7:8 9:10>", "line 1: the options take 42 bytes: at most 40 fit"),
        ("0 > S 0:0(0) <mss 1460 wscale 7>", "line 1: expected ,, found \"wscale\""),
        ("0 > S 0:0(0) <magic 7>", "line 1: expected an option (mss,"),
        ("0 > S 0:0(0) <FO abc>", "line 1: expected pairs of hexadecimal digits, found \"abc>\""),
        ("0 > [ttl 256] . 1:1(0)", "line 1: the time to live must lie between 0 and 255"),
        ("0 > [colour 3] . 1:1(0)", "line 1: expected an IP field"),
        ("* < . 1:1(0) win 1", "line 1: a packet that is sent to the stack (<) needs a definite time"),
        ("+0~+1 < . 1:1(0) win 1", "line 1: a packet that is sent to the stack (<) needs a definite time"),
        ("2~1 > . 1:1(0)", "line 1: the range of times ends before it begins"),
        ("soon > . 1:1(0)", "line 1: expected a time in seconds, found \"soon\""),
        ("99999999999 > . 1:1(0)", "line 1: a time in seconds must lie between 0 and 2000000000"),
        ("2000000000 > . 1:1(0)\n+1 > . 1:1(0)", "line 2: the time since the script began must lie"),
        ("0 ?", "line 1: expected a packet (< or >), a system call"),
        ("0 close(3) = 0\n+0 close(4", "line 2: the bracket is not closed"),
        ("0 close(3)\n", "line 1: expected =, found the end of the script"),
        ("`sleep 1", "line 1: the command is not closed: add `"),
        ("0 %{ code", "line 1: the code is not closed: add }%"),
        ("\n/* remark", "line 2: the comment is not closed: add */"),
        ("0 < icmp packet_too_big", "line 1: expected a type of ICMP message of the script's IP version"),
        ("--ip_version=ipx", "line 1: expected ipv4, ipv6 or ipv4-mapped-ipv6, found \"ipx\""),
        ("--local_ip=here", "line 1: expected an IPv4 or IPv6 address, found \"here\""),
        ("--bind_port=70000", "line 1: expected a port from 0 to 65535, found \"70000\""),
        ("--local_ip=::1\n--remote_ip=10.0.0.1", "the addresses must both be of the family"),
    ] {
        let error = Script::read(text, Settings::default()).expect_err(text).to_string();
        assert!(error.contains(message), "{text:?}\n  says {error:?}\n  not  {message:?}");
    }
}

/// Pieces that scripts are made of, right and wrong.
fn piece() -> impl Strategy<Value = String> {
    const PIECES: [&str; 48] = [
        "0",
        "+",
        "+.1",
        "*",
        "~",
        "1",
        "<",
        ">",
        ".",
        "P.",
        "S",
        "S.",
        "-",
        "SEWA",
        ".7",
        "1:1(0)",
        "0:0(0)",
        "1:1001(1000)",
        "4294967295:0(1)",
        "ack",
        "1",
        "win",
        "65535",
        "urg",
        "<mss 1460>",
        "<",
        ">",
        ",",
        "nop",
        "sack",
        "1:2",
        "TS val 1 ecr",
        "FO ab",
        "ECN e0b 1",
        "icmp",
        "unreachable",
        "mtu",
        "[",
        "]",
        "(",
        ")",
        "`",
        "\"",
        "%{",
        "}%",
        "/*",
        "\n",
        "socket(3) = 4\n",
    ];
    prop_oneof![9 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned), 1 => "\\PC{0,4}"]
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*", pieces in prop::collection::vec(piece(), 0..40)) {
        let _ = Script::read(&text, Settings::default());
        let _ = Script::read(&pieces.join(" "), Settings::default());
        let _ = Script::read(&pieces.concat(), Settings::default());
    }

    #[test]
    fn every_segment_that_can_be_written_is_read_and_parsed_back(
        (seq, len, ack, window, urgent) in (any::<u32>(), 0_u16..65_000, any::<u32>(), any::<u16>(), any::<u16>()),
        (flags, tos, ttl, id) in (0_u16..512, any::<u8>(), any::<u8>(), any::<u16>()),
        six in any::<bool>(),
    ) {
        let letters: String =
            "FSRP.UEWA".chars().enumerate().filter(|(bit, _)| flags & 1 << bit != 0).map(|(_, letter)| letter).collect();
        let letters = if letters.is_empty() { "-" } else { &letters };
        let end = seq.wrapping_add(u32::from(len));
        let line = format!(
            "0 > [tos {tos:#x}, ttl {ttl}, id {id}] {letters} {seq}:{end}({len}) ack {ack} win {window} urg {urgent} <nop,nop,TS val {ack} ecr {seq}>"
        );
        let family = if six { Family::V6 } else { Family::V4 };
        let script = Script::read(&line, Settings::new(Some(family), [])).unwrap();
        let found = segments(&script)[0].1;
        prop_assert_eq!((found.seq, found.ack, found.payload_len), (SeqNum(seq), SeqNum(ack), u32::from(len)));
        prop_assert_eq!((found.flags, found.window, found.urgent), (TcpFlags(flags), window, urgent));
        prop_assert_eq!((found.traffic_class, found.ttl, found.ip_id), (tos, ttl, if six { 0 } else { id }));
        prop_assert_eq!(found.timestamps(), Some(Timestamps { value: ack, echo: seq }));
    }
}
