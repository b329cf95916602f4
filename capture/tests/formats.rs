//! Every format of capture files, byte by byte.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic, in its helpers too")]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use capture::{Frame, Polled, SourceError, SourceSpec};
use common::{Kept, Order, Pcap, PcapNg, pcap_at, read};
use flate2::Compression;
use flate2::write::GzEncoder;

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn read_bytes(bytes: &[u8]) -> Result<(Vec<Kept>, Vec<SourceError>), SourceError> {
    let folder = tempfile::tempdir().unwrap();
    read(&write(folder.path(), "file", bytes))
}

/// Reads a file that must be whole.
fn read_whole(bytes: &[u8]) -> Vec<Kept> {
    let (frames, problems) = read_bytes(bytes).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    frames
}

fn kept(ts: i64, link: u32, bytes: &[u8], wire_len: u32) -> Kept {
    Kept { ts, link, bytes: bytes.to_vec(), wire_len, vlan: None }
}

#[test]
fn pcap_in_both_byte_orders_and_every_resolution() {
    for order in Order::BOTH {
        for (magic, unit) in [(0xa1b2_c3d4, 1000), (0xa1b2_3c4d, 1)] {
            let mut file = Pcap::new(order, magic, 1);
            file.record([1_700_000_000, 123_456, 3, 60], b"abc");
            file.record([u32::MAX, 999_999, 0, 0], b"");
            let frames = read_whole(&file.bytes);
            assert_eq!(frames[0], kept(1_700_000_000_000_000_000 + 123_456 * unit, 1, b"abc", 60), "{order:?}");
            assert_eq!(frames[1], kept(4_294_967_295_000_000_000 + 999_999 * unit, 1, b"", 0), "{order:?}");
        }
    }
}

#[test]
fn the_modified_pcap_format_has_longer_record_headers() {
    for order in Order::BOTH {
        let mut file = Pcap::new(order, 0xa1b2_cd34, 1);
        file.record([1, 2, 3, 3], b"--------abc");
        file.record([2, 0, 1, 1], b"--------d");
        assert_eq!(read_whole(&file.bytes), [kept(1_000_002_000, 1, b"abc", 3), kept(2_000_000_000, 1, b"d", 1)]);
    }
}

#[test]
fn old_pcap_versions_swap_the_lengths() {
    for (version, fields) in
        [((2, 2), [1, 0, 60, 3]), ((2, 3), [1, 0, 60, 3]), ((2, 3), [1, 0, 3, 60]), ((2, 4), [1, 0, 3, 60])]
    {
        let mut file = Pcap::of_version(Order::Big, 0xa1b2_c3d4, 1, version, 68);
        file.record(fields, b"abc");
        assert_eq!(read_whole(&file.bytes), [kept(1_000_000_000, 1, b"abc", 60)], "{version:?}");
    }
}

#[test]
fn the_length_of_check_sequences_is_no_part_of_the_link_type() {
    let mut file = Pcap::new(Order::Little, 0xa1b2_c3d4, 0x2400_0000 | 101);
    file.record([0, 0, 1, 1], b"a");
    assert_eq!(read_whole(&file.bytes)[0].link, 101);
}

/// Two sections in different byte orders, with interfaces of different links and clocks.
fn rich_pcapng(first: Order, second: Order) -> (Vec<u8>, Vec<Kept>) {
    let mut file = PcapNg::new(first);
    file.interface(1, 0, &[]);
    file.interface(
        101,
        96,
        &[(9, vec![9]), (2, b"eth1".to_vec()), (14, first.u64(-10_i64 as u64).to_vec()), (0, vec![])],
    );
    file.interface(113, 65_535, &[(9, vec![0x80 | 20])]);
    file.packet(0, 1_500_000, 60, b"micro");
    file.block(5, &[0; 36]); // Interface statistics.
    file.packet(1, 20_000_000_001, 3, b"ns!");
    file.packet(2, 3 << 19, 4, b"2^20");
    file.obsolete_packet(0, 7, 9, b"old");
    file.simple_packet(5, b"plain");
    file.section(second);
    file.interface(276, 4, &[(9, vec![3])]);
    file.block(0x0bad, &vec![1; 3 << 20]); // Longer than any buffer, and not a packet.
    file.packet(0, 12_345, 2, b"xy");
    file.simple_packet(9, b"cut by it");
    let frames = vec![
        kept(1_500_000_000, 1, b"micro", 60),
        kept(10_000_000_001, 101, b"ns!", 3),
        kept(1_500_000_000, 113, b"2^20", 4),
        kept(7_000, 1, b"old", 9),
        kept(7_000, 1, b"plain", 5),
        kept(12_345_000_000, 276, b"xy", 2),
        kept(12_345_000_000, 276, b"cut ", 9),
    ];
    (file.bytes, frames)
}

#[test]
fn pcapng_with_several_sections_interfaces_clocks_and_byte_orders() {
    for first in Order::BOTH {
        for second in Order::BOTH {
            let (bytes, expected) = rich_pcapng(first, second);
            assert_eq!(read_whole(&bytes), expected, "{first:?} {second:?}");
        }
    }
}

#[test]
fn drops_that_a_pcapng_file_tells_of_are_told_before_the_packet_after_them() {
    for order in Order::BOTH {
        let drops = |count: u64| (4, order.u64(count).to_vec());
        let mut file = PcapNg::new(order);
        file.interface(1, 0, &[]);
        file.packet(0, 1, 1, b"a");
        file.packet_with(0, 2, 1, b"b", &[(1, b"a comment".to_vec()), drops(3)]);
        file.packet(0, 3, 1, b"c");
        file.statistics(0, &[(4, 99), (5, 5), (7, 1)]);
        file.statistics(9, &[(5, 1000)]);
        file.section(order);
        file.interface(1, 0, &[]);
        file.packet_with(0, 4, 1, b"d", &[drops(2)]);
        file.statistics(0, &[(5, 1)]);
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), "file", &file.bytes);
        let spec: SourceSpec = format!("pcap:{}", path.display()).parse().unwrap();
        let mut source = spec.open().unwrap().remove(0);
        let mut told = Vec::new();
        loop {
            let dropped = source.device().dropped();
            let visit = &mut |frame: Frame<'_>| told.push((dropped, frame.bytes.to_vec()));
            if source.poll(visit).unwrap() == Polled::End {
                break;
            }
        }
        // Six by the statistics of the first section, three of which its packets had told of.
        assert_eq!(told, [(0, b"a".into()), (3, b"b".into()), (3, b"c".into()), (8, b"d".into())]);
        assert_eq!((source.device().offered, source.device().dropped_device), (12, 8));
    }
}

#[test]
fn timestamps_beyond_the_range_are_clamped_and_reported_once() {
    let mut file = PcapNg::new(Order::Little);
    file.interface(1, 0, &[(9, vec![0])]);
    file.interface(1, 0, &[(14, i64::MIN.to_le_bytes().to_vec())]);
    file.packet(0, u64::MAX, 1, b"a");
    file.packet(1, 0, 1, b"b");
    let (frames, problems) = read_bytes(&file.bytes).unwrap();
    let instants: Vec<_> = frames.iter().map(|frame| frame.ts).collect();
    assert_eq!(instants, [i64::MAX - 1, i64::MIN + 1], "the ends themselves are no packet's");
    assert!(matches!(problems[..], [SourceError::BeyondTime { packets: 2, .. }]), "{problems:?}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn compressed_files_may_have_several_members_or_frames() {
    let instants: Vec<i64> = (0..5000).map(|n| n * 1000).collect();
    let plain = pcap_at(&instants, 100);
    let expected = read_whole(&plain);
    assert_eq!(expected.len(), 5000);
    let (head, tail) = plain.split_at(plain.len() / 3);
    for compress in [gzip, zstd] {
        let whole = compress(&plain);
        let pieces = [compress(head), compress(b""), compress(tail)].concat();
        assert_eq!(read_whole(&whole), expected);
        assert_eq!(read_whole(&pieces), expected);
        let (frames, problems) = read_bytes(&whole[..whole.len() * 3 / 4]).unwrap();
        assert!(matches!(problems[..], [SourceError::Truncated { .. }]), "{problems:?}");
        assert_eq!(frames[..], expected[..frames.len()]);
    }
}

/// Cuts a file at every byte: the whole packets before the cut come out, and the cut is reported unless it lies between
/// records. `records` are the offsets where a file may end.
fn cut_everywhere(bytes: &[u8], clean_ends: &[usize]) {
    let expected = read_whole(bytes);
    for cut in 0..bytes.len() {
        match read_bytes(&bytes[..cut]) {
            Ok((frames, problems)) => {
                assert_eq!(frames[..], expected[..frames.len()], "cut at {cut}");
                let is_clean = clean_ends.contains(&cut);
                assert_eq!(problems.is_empty(), is_clean, "cut at {cut}: {problems:?}");
                let is_cut = matches!(problems[..], [] | [SourceError::Truncated { .. }]);
                assert!(is_cut, "cut at {cut}: {problems:?}");
            }
            Err(SourceError::NotACapture { .. }) => assert!(cut < 24, "cut at {cut}"),
            Err(other) => panic!("cut at {cut}: {other}"),
        }
    }
}

#[test]
fn a_pcap_file_cut_anywhere_gives_its_whole_packets() {
    let bytes = pcap_at(&[1, 2, 3], 10);
    cut_everywhere(&bytes, &[24, 50, 76]);
    let (frames, _) = read_bytes(&bytes[..75]).unwrap();
    assert_eq!(frames.len(), 1);
}

#[test]
fn a_pcapng_file_cut_anywhere_gives_its_whole_packets() {
    for order in Order::BOTH {
        let mut file = PcapNg::new(order);
        let mut ends = vec![file.bytes.len()];
        file.interface(1, 0, &[(9, vec![9])]);
        ends.push(file.bytes.len());
        for ticks in 1..4 {
            file.packet(0, ticks, 10, b"0123456789");
            ends.push(file.bytes.len());
            file.simple_packet(3, b"abc");
            ends.push(file.bytes.len());
        }
        cut_everywhere(&file.bytes, &ends);
    }
}

#[test]
fn damage_is_reported_after_the_packets_before_it() {
    let mut pcap = Pcap::new(Order::Little, 0xa1b2_c3d4, 1);
    pcap.record([1, 0, 1, 1], b"a");
    pcap.record([1, 0, 0x4000_0000, 1], b"b");
    let mut ng = PcapNg::new(Order::Little);
    ng.interface(1, 0, &[]);
    ng.packet(0, 1, 1, b"a");
    let mut damaged = Vec::new();
    for damage in 0..5 {
        let mut file = PcapNg { order: ng.order, bytes: ng.bytes.clone() };
        match damage {
            0 => file.packet(9, 1, 1, b"b"),
            1 => file.block(6, &[0; 8]),
            2 => file.bytes.extend([6, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0]),
            3 => file.bytes.extend([6, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0]),
            _ => file.bytes.extend([7, 0, 0, 0, 12, 0, 0, 0, 16, 0, 0, 0]),
        }
        damaged.push(file.bytes);
    }
    damaged.push(pcap.bytes);
    for bytes in damaged {
        let (frames, problems) = read_bytes(&bytes).unwrap();
        assert_eq!(frames.len(), 1);
        assert!(matches!(problems[..], [SourceError::Corrupt { packets: 1, .. }]), "{problems:?}");
    }
}

#[test]
fn any_byte_changed_anywhere_is_survived() {
    let (bytes, _) = rich_pcapng(Order::Little, Order::Big);
    let folder = tempfile::tempdir().unwrap();
    let short: Vec<u8> = bytes[..600].iter().chain(&bytes[bytes.len() - 120..]).copied().collect();
    for at in 0..short.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = short.clone();
            changed[at] ^= change;
            if let Ok((frames, _)) = read(&write(folder.path(), "file", &changed)) {
                assert!(frames.len() <= 8);
            }
        }
    }
}

#[test]
fn what_is_no_capture_is_refused_with_what_was_found() {
    let refusal = |bytes: &[u8]| read_bytes(bytes).unwrap_err().to_string();
    assert!(refusal(b"").contains("it has only 0 bytes"));
    assert!(refusal(b"ts,uid\n").contains("it begins with the bytes 74 73 2c 75"));
    let odd = Pcap::of_version(Order::Little, 0xa1b2_c3d4, 1, (2, 5), 0);
    assert!(refusal(&odd.bytes).contains("version 2.5"));
    assert!(read(Path::new("/no/such/file.pcap")).unwrap_err().to_string().contains("cannot open /no/such/file.pcap"));
    assert!(read(Path::new("/no/such/*.pcap")).unwrap_err().to_string().contains("matches no file"));
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read(folder.path()), Err(SourceError::NoFiles { .. })));
}

#[test]
fn a_directory_is_read_in_time_order_whatever_the_names() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a", &pcap_at(&[50, 60, 70], 4));
    write(folder.path(), "b.gz", &gzip(&pcap_at(&[10, 20, 55, 65, 75], 4)));
    write(folder.path(), "c", &pcap_at(&[30, 40, 60], 5));
    write(folder.path(), "d-empty", &pcap_at(&[], 4));
    write(folder.path(), ".hidden", b"not a capture");
    let (frames, problems) = read(folder.path()).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    let order: Vec<_> = frames.iter().map(|frame| (frame.ts, frame.bytes.len())).collect();
    // The two packets at 60: the file that was opened first comes first.
    assert_eq!(
        order,
        [(10, 4), (20, 4), (30, 5), (40, 5), (50, 4), (55, 4), (60, 5), (60, 4), (65, 4), (70, 4), (75, 4)]
    );
    let (frames, _) = read(&folder.path().join("[ac]")).unwrap();
    assert_eq!(frames.len(), 6);
}

#[test]
fn bad_files_among_good_ones_are_named_and_the_others_read() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1-good", &pcap_at(&[10, 40], 4));
    write(folder.path(), "2-foreign", b"hello, world");
    write(folder.path(), "3-cut", &pcap_at(&[20, 30], 4)[..60]);
    std::fs::create_dir(folder.path().join("4-folder")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("5-dangling")).unwrap();
    let (frames, problems) = read(folder.path()).unwrap();
    assert_eq!(frames.iter().map(|frame| frame.ts).collect::<Vec<_>>(), [10, 20, 40]);
    let mut texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
    texts.sort();
    let [foreign, cut, folder, dangling] = &texts[..] else { panic!("{texts:?}") };
    assert!(foreign.contains("2-foreign is not a capture"), "{texts:?}");
    assert!(cut.contains("3-cut ends inside a packet, after 1 whole ones"), "{texts:?}");
    assert!(folder.contains("4-folder was skipped, because it is a directory"), "{texts:?}");
    assert!(dangling.contains("5-dangling: No such file"), "{texts:?}");
}

#[test]
fn a_clock_that_steps_back_keeps_the_order_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a", &pcap_at(&[10, 100, 50, 120], 4));
    write(folder.path(), "b", &pcap_at(&[60, 110], 4));
    let (frames, _) = read(folder.path()).unwrap();
    assert_eq!(frames.iter().map(|frame| frame.ts).collect::<Vec<_>>(), [10, 60, 100, 50, 110, 120]);
}

#[test]
fn thousands_of_rotated_files_are_opened_when_their_time_comes() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..3000_i64 {
        write(folder.path(), &format!("{:05}", (n * 7919) % 3000), &pcap_at(&[n * 100, n * 100 + 150], 4));
    }
    let (frames, problems) = read(folder.path()).unwrap();
    assert!(problems.is_empty());
    assert_eq!(frames.len(), 6000);
    assert!(frames.is_sorted_by_key(|frame| frame.ts));
}

#[test]
fn more_overlapping_files_than_are_held_open_are_read_all_the_same_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..300 {
        write(folder.path(), &n.to_string(), &pcap_at(&[n, 1000 + n], 4));
    }
    let (frames, problems) = read(folder.path()).unwrap();
    assert_eq!(frames.len(), 600);
    assert!(matches!(problems[..], [SourceError::TooManyAtOnce { limit: 256, .. }]), "{problems:?}");
}

#[test]
fn progress_ends_at_the_size_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.gz", &gzip(&pcap_at(&[1, 2, 3], 1000)));
    write(folder.path(), "b", &pcap_at(&[2], 10));
    for path in [path, folder.path().to_owned()] {
        let spec: capture::SourceSpec = format!("pcap:{}", path.display()).parse().unwrap();
        let mut source = spec.open().unwrap().remove(0);
        let total = source.progress().total.unwrap();
        common::drain(source.as_mut());
        assert_eq!(source.progress().done, total);
    }
}

#[test]
fn a_pipe_is_read_as_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    for compress in [|bytes: &[u8]| bytes.to_vec(), gzip, zstd] {
        let bytes = compress(&pcap_at(&[1, 2, 3], 100));
        let expected = read_whole(&bytes);
        let to = path.clone();
        let writer = std::thread::spawn(move || {
            let mut pipe = fs::File::create(to).unwrap();
            for piece in bytes.chunks(30) {
                pipe.write_all(piece).unwrap();
                std::thread::park_timeout(std::time::Duration::from_millis(3));
            }
        });
        let (frames, problems) = read(&path).unwrap();
        writer.join().unwrap();
        assert_eq!((frames, problems.len()), (expected, 0));
    }
}
