//! What is simulated, and what goes wrong: everything follows from one seed.

use hwsim::hardware;
use hwsim::rng::Rng;
use hwsim::scenario;
use hwsim::source::Options;

use crate::faulty_disk::{Fault, Survives};

/// What the appliance is put through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// Of the traffic, the device's losses, and whose turn it is.
    pub seed: u64,
    /// What happens on the link.
    pub scenario: &'static str,
    /// How many connections arrive.
    pub connections: u64,
    /// What captures it.
    pub device: &'static str,
    /// Queues of each port.
    pub queues: u16,
    /// Share of frames that the device loses, and reports.
    pub loss: f64,
    /// How many shards.
    pub shards: u32,
    /// Observations a batch.
    pub batch: usize,
    /// The device is live and the rings are short: what finds no room is lost.
    pub hurried: bool,
    /// Headers recorded of each connection.
    pub headers: u8,
    /// Bytes of a segment of the journal.
    pub segment_bytes: u64,
    /// What becomes of the disk.
    pub disk: Option<DiskFault>,
}

/// A disk that does not stay whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiskFault {
    /// What happens to it.
    pub fault: Fault,
    /// After how many operations.
    pub after: u64,
    /// What a crash leaves of what was not synced.
    pub survives: Survives,
}

/// Scenarios whose truth leaves no room for opinions, by how often they are drawn.
const SCENARIOS: &[(u32, &str)] = &[
    (3, "uplink-small"),
    (3, "uplink-lossy"),
    (3, "mixed-lossless"),
    (2, "smoltcp"),
    (1, "scans"),
    (3, "mixed"),
    (2, "smoltcp-lossy"),
];

const DEVICES: &[(u32, &str)] = &[(2, "exact"), (2, "nic"), (1, "nic-usual-key")];

const LOSSES: &[(u32, f64)] = &[(4, 0.0), (1, 0.001), (1, 0.01), (1, 0.05)];

const FAULTS: &[(u32, Option<Fault>)] =
    &[(3, None), (3, Some(Fault::Crash)), (1, Some(Fault::Full)), (1, Some(Fault::Hiccup))];

/// Frames after which a simulation ends: what the rings of one that is not hurried have to hold.
pub const MOST_PACKETS: u64 = 20_000;

impl Case {
    /// The case that follows from a seed.
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let among = |rng: &mut Rng, least: u64, most: u64| least + rng.below(most - least + 1);
        let disk = pick(&mut rng, FAULTS).map(|fault| DiskFault {
            fault,
            after: among(&mut rng, 0, 150),
            survives: Survives::ALL[rng.below(Survives::ALL.len() as u64) as usize],
        });
        Self {
            seed,
            scenario: pick(&mut rng, SCENARIOS),
            connections: among(&mut rng, 1, 40),
            device: pick(&mut rng, DEVICES),
            queues: among(&mut rng, 1, 4) as u16,
            loss: pick(&mut rng, LOSSES),
            shards: among(&mut rng, 1, 4) as u32,
            batch: among(&mut rng, 1, 64) as usize,
            hurried: rng.chance(0.2),
            headers: pick(&mut rng, &[(3, 100), (1, 5), (1, 0)]),
            segment_bytes: among(&mut rng, 4, 256) << 10,
            disk,
        }
    }

    /// The simulated source.
    pub fn source(&self) -> Options {
        let mut options = Options::new(scenario::find(self.scenario).expect("a scenario"));
        options.seed = self.seed;
        options.connections = Some(self.connections);
        options.packets = Some(MOST_PACKETS);
        options.device = hardware::find(self.device).expect("a device");
        options.queues = Some(self.queues);
        options.loss = Some(hardware::Loss { share: self.loss, is_reported: true });
        options
    }

    /// Whether packets may get lost on their way to a shard.
    pub fn loses_packets(&self) -> bool {
        self.loss > 0.0 || self.hurried
    }
}

fn pick<T: Copy>(rng: &mut Rng, choices: &[(u32, T)]) -> T {
    *rng.pick(choices).expect("a choice")
}
