//! Capture files built byte by byte, and sources read to their end.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};

use capture::{DeviceCounters, Frame, Pace, Polled, Progress, Source, SourceError, SourceSpec};
use wire::{LinkType, Nanos};

/// The data set, if it is there.
pub fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("CONNTRACK_DATA").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"));
    let found = folder.join("dev/INDEX.csv").is_file();
    if !found {
        eprintln!("SKIPPED: no data set at {}", folder.display());
    }
    found.then_some(folder)
}

/// A frame that outlives its visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub ts: i64,
    pub link: u32,
    pub bytes: Vec<u8>,
    pub wire_len: u32,
    pub vlan: Option<u16>,
}

impl From<Frame<'_>> for Kept {
    fn from(frame: Frame<'_>) -> Self {
        let link = frame.link.number();
        Self { ts: frame.ts.0, link, bytes: frame.bytes.to_vec(), wire_len: frame.wire_len, vlan: frame.vlan }
    }
}

/// Everything that a source gives.
pub fn drain(source: &mut dyn Source) -> (Vec<Kept>, Vec<SourceError>) {
    let (mut frames, mut problems) = (Vec::new(), Vec::new());
    loop {
        match source.poll(&mut |frame| frames.push(frame.into())) {
            Ok(Polled::End) => return (frames, problems),
            Ok(Polled::Frames | Polled::Idle { .. }) => {}
            Err(problem) => problems.push(problem),
        }
        assert!(problems.len() < 100_000, "a source that never ends");
    }
}

/// Opens `pcap:PATH` and reads all of it.
pub fn read(path: &Path) -> Result<(Vec<Kept>, Vec<SourceError>), SourceError> {
    let spec: SourceSpec = format!("pcap:{}", path.display()).parse().unwrap();
    let mut sources = spec.open()?;
    assert_eq!(sources.len(), 1);
    let source = sources[0].as_mut();
    let all = drain(source);
    let device = source.device();
    assert_eq!(device.offered, all.0.len() as u64 + device.dropped());
    Ok(all)
}

/// Writes integers in one byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Little,
    Big,
}

impl Order {
    pub const BOTH: [Self; 2] = [Self::Little, Self::Big];

    pub fn u16(self, value: u16) -> [u8; 2] {
        if self == Self::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    pub fn u32(self, value: u32) -> [u8; 4] {
        if self == Self::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    pub fn u64(self, value: u64) -> [u8; 8] {
        if self == Self::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }
}

/// A pcap file.
pub struct Pcap {
    pub order: Order,
    pub bytes: Vec<u8>,
}

impl Pcap {
    pub fn new(order: Order, magic: u32, link: u32) -> Self {
        Self::of_version(order, magic, link, (2, 4), 65_535)
    }

    pub fn of_version(order: Order, magic: u32, link: u32, version: (u16, u16), snaplen: u32) -> Self {
        let mut bytes = order.u32(magic).to_vec();
        bytes.extend(order.u16(version.0));
        bytes.extend(order.u16(version.1));
        for field in [0, 0, snaplen, link] {
            bytes.extend(order.u32(field));
        }
        Self { order, bytes }
    }

    pub fn record(&mut self, fields: [u32; 4], packet: &[u8]) {
        for field in fields {
            self.bytes.extend(self.order.u32(field));
        }
        self.bytes.extend(packet);
    }
}

/// An Ethernet nanosecond pcap file with packets of `len` bytes at these instants.
pub fn pcap_at(instants: &[i64], len: usize) -> Vec<u8> {
    let mut file = Pcap::new(Order::Little, 0xa1b2_3c4d, 1);
    for &ts in instants {
        let (seconds, nanos) = Nanos(ts).split();
        file.record([seconds as u32, nanos, len as u32, len as u32], &vec![ts as u8; len]);
    }
    file.bytes
}

/// A pcapng file.
pub struct PcapNg {
    pub order: Order,
    pub bytes: Vec<u8>,
}

impl PcapNg {
    pub fn new(order: Order) -> Self {
        let mut file = Self { order, bytes: Vec::new() };
        file.section(order);
        file
    }

    pub fn section(&mut self, order: Order) {
        self.order = order;
        let mut body = order.u32(0x1a2b_3c4d).to_vec();
        body.extend(order.u16(1));
        body.extend(order.u16(0));
        body.extend(order.u64(u64::MAX));
        self.block(0x0a0d_0d0a, &body);
    }

    pub fn block(&mut self, kind: u32, body: &[u8]) {
        let padded = body.len().next_multiple_of(4);
        let size = self.order.u32(padded as u32 + 12);
        self.bytes.extend(self.order.u32(kind));
        self.bytes.extend(size);
        self.bytes.extend(body);
        self.bytes.extend(std::iter::repeat_n(0, padded - body.len()));
        self.bytes.extend(size);
    }

    pub fn interface(&mut self, link: u16, snaplen: u32, options: &[(u16, Vec<u8>)]) {
        let mut body = self.order.u16(link).to_vec();
        body.extend([0, 0]);
        body.extend(self.order.u32(snaplen));
        self.options(&mut body, options);
        self.block(1, &body);
    }

    fn options(&self, body: &mut Vec<u8>, options: &[(u16, Vec<u8>)]) {
        for (code, value) in options {
            body.resize(body.len().next_multiple_of(4), 0);
            body.extend(self.order.u16(*code));
            body.extend(self.order.u16(value.len() as u16));
            body.extend(value);
        }
    }

    pub fn statistics(&mut self, interface: u32, counts: &[(u16, u64)]) {
        let mut body = self.order.u32(interface).to_vec();
        body.extend([0; 8]);
        let options: Vec<_> = counts.iter().map(|(code, count)| (*code, self.order.u64(*count).to_vec())).collect();
        self.options(&mut body, &options);
        self.block(5, &body);
    }

    pub fn packet(&mut self, interface: u32, ticks: u64, original: u32, packet: &[u8]) {
        self.packet_with(interface, ticks, original, packet, &[]);
    }

    pub fn packet_with(
        &mut self,
        interface: u32,
        ticks: u64,
        original: u32,
        packet: &[u8],
        options: &[(u16, Vec<u8>)],
    ) {
        let mut body = self.order.u32(interface).to_vec();
        for field in [(ticks >> 32) as u32, ticks as u32, packet.len() as u32, original] {
            body.extend(self.order.u32(field));
        }
        body.extend(packet);
        self.options(&mut body, options);
        self.block(6, &body);
    }

    pub fn obsolete_packet(&mut self, interface: u16, ticks: u64, original: u32, packet: &[u8]) {
        let mut body = self.order.u16(interface).to_vec();
        body.extend(self.order.u16(7));
        for field in [(ticks >> 32) as u32, ticks as u32, packet.len() as u32, original] {
            body.extend(self.order.u32(field));
        }
        body.extend(packet);
        self.block(2, &body);
    }

    pub fn simple_packet(&mut self, original: u32, packet: &[u8]) {
        let mut body = self.order.u32(original).to_vec();
        body.extend(packet);
        self.block(3, &body);
    }
}

/// An Ethernet frame with TCP over IPv4 from 10.0.0.1:`ports.0` to 10.0.0.2:`ports.1`; `seq` tells frames apart.
pub fn tcp_frame(ports: (u16, u16), seq: u32) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00];
    frame.extend([0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend(ports.0.to_be_bytes());
    frame.extend(ports.1.to_be_bytes());
    frame.extend(seq.to_be_bytes());
    frame.extend([0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
    frame
}

/// A UDP datagram in the same manner.
pub fn udp_frame(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45, 0];
    frame.extend((28 + payload.len() as u16).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend(ports.0.to_be_bytes());
    frame.extend(ports.1.to_be_bytes());
    frame.extend((8 + payload.len() as u16).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// A source of made-up Ethernet frames.
pub struct Script {
    pub name: String,
    pub frames: std::vec::IntoIter<(i64, Vec<u8>)>,
    pub pace: Pace,
    pub a_poll: usize,
    pub visited: u64,
    /// Drops that the device reports, each before the frame of this number.
    pub drops: Vec<(u64, u64)>,
}

impl Script {
    pub fn new(frames: Vec<(i64, Vec<u8>)>, pace: Pace) -> Self {
        Self { name: "script".into(), frames: frames.into_iter(), pace, a_poll: 97, visited: 0, drops: Vec::new() }
    }

    pub fn boxed(frames: Vec<(i64, Vec<u8>)>, pace: Pace) -> Box<dyn Source> {
        Box::new(Self::new(frames, pace))
    }
}

impl Source for Script {
    fn poll(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> Result<Polled, SourceError> {
        let before = self.visited;
        for (ts, bytes) in self.frames.by_ref().take(self.a_poll) {
            self.visited += 1;
            let wire_len = bytes.len() as u32;
            visit(Frame { ts: Nanos(ts), link: LinkType::Ethernet, bytes: &bytes, wire_len, vlan: None });
        }
        Ok(if self.visited > before { Polled::Frames } else { Polled::End })
    }

    fn device(&mut self) -> DeviceCounters {
        let dropped_kernel = self.drops.iter().filter(|drop| drop.0 <= self.visited).map(|drop| drop.1).sum();
        DeviceCounters { offered: self.visited + dropped_kernel, dropped_device: 0, dropped_kernel }
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }

    fn stop(&mut self) {
        self.frames = Vec::new().into_iter();
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn name(&self) -> &str {
        &self.name
    }
}
