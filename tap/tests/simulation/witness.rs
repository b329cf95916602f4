//! What really happens in a case, by the simulator alone: the same world and the same device once more, without an appliance.

use std::collections::HashMap;
use std::io;

use hwsim::frame::{Addressing, Frame};
use hwsim::hardware::{Device, QueueCounters};
use hwsim::pcap::Resolution;
use hwsim::truth::{COLUMNS, Passage, Truth};
use hwsim::world::{Extent, Tap, World};
use wire::{Endpoint, Nanos};

use crate::case::Case;
use crate::support::Row;

/// A connection that passed the tap.
pub struct Told {
    /// The truth, by column.
    pub truth: Row,
    /// What was captured of it, in order.
    pub captured: Vec<Captured>,
}

/// The headers of a frame that the device did not lose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Its instant.
    pub ts: Nanos,
    /// IP and TCP, with their options.
    pub bytes: Vec<u8>,
}

/// All that happened.
#[derive(Default)]
pub struct Story {
    /// Every connection of which something passed.
    pub connections: Vec<Told>,
    /// What the queues of the device counted.
    pub queues: Vec<QueueCounters>,
}

/// The two ends in no particular order, and the network that they are in.
type Pair = ([Endpoint; 2], Option<u16>);

struct Witness {
    device: Device,
    /// The frame that passed last, as it was captured.
    latest: Option<Captured>,
    alive: HashMap<Pair, Vec<Captured>>,
    over: Vec<Told>,
}

/// Lets the case happen.
pub fn story(case: &Case) -> Story {
    let options = case.source();
    let hardware = options.hardware();
    let extent = Extent::of(options.scenario, options.connections, options.duration, options.packets);
    let mut world = World::new(options.scenario, options.seed, extent, hardware.snaplen, Resolution::Nanos);
    let mut witness =
        Witness { device: Device::new(hardware, options.seed), latest: None, alive: HashMap::new(), over: Vec::new() };
    assert!(world.run(u64::MAX, &mut witness).expect("nothing can fail"), "it comes to its end");
    Story { connections: witness.over, queues: witness.device.all_counters().collect() }
}

impl Tap for Witness {
    fn frame(&mut self, ts: Nanos, frame: &Frame<'_>) -> io::Result<()> {
        let captured = self.device.take(ts, frame);
        self.latest = captured.map(|captured| Captured { ts: captured.ts, bytes: headers(captured.bytes).to_vec() });
        Ok(())
    }

    fn segment(&mut self, passage: &Passage<'_>) -> io::Result<()> {
        self.alive.entry(pair(passage.addressing)).or_default().extend(self.latest.take());
        Ok(())
    }

    fn over(&mut self, truth: &Truth) -> io::Result<()> {
        let captured = self.alive.remove(&pair(truth.addressing())).unwrap_or_default();
        let mut text = COLUMNS.as_bytes().to_vec();
        text.push(b'\n');
        truth.write(&mut text);
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let truth = reader.deserialize().next().expect("a row").expect("CSV");
        self.over.push(Told { truth, captured });
        Ok(())
    }
}

fn pair(addressing: &Addressing) -> Pair {
    let mut ends = addressing.ends;
    ends.sort_unstable();
    (ends, addressing.vlan)
}

/// The IP and TCP headers of an Ethernet frame, as far as they were kept.
fn headers(frame: &[u8]) -> &[u8] {
    let ip = &frame[if frame[12..14] == [0x81, 0x00] { 18 } else { 14 }..];
    let (ip_len, protocol) = if ip[0] >> 4 == 6 { (40, ip[6]) } else { (usize::from(ip[0] & 15) * 4, ip[9]) };
    if protocol != 6 {
        return &[];
    }
    let tcp_len = usize::from(ip.get(ip_len + 12).map_or(0, |offset| offset >> 4)) * 4;
    &ip[..(ip_len + tcp_len).min(ip.len())]
}
