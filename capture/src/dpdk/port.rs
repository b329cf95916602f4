//! A device that receives.

use rustix::io::Errno;

use super::Options;
use super::shim::{Ability, Counts, Device, Setup};
use crate::SourceError;

/// What a buffer takes: 2048 bytes for a frame, 128 before it, 128 for DPDK's structure and some for its place in the pool.
const BUFFER: u32 = 2432;

/// Most descriptors asked for: cards have 512 to 8192. 4096 are 275 µs of the shortest frames at 10 Gbit/s.
const MOST_DESCRIPTORS: u32 = 4096;

/// A started port.
#[derive(Debug)]
pub(super) struct Port {
    pub device: Device,
    pub ability: Ability,
    pub setup: Setup,
}

impl Port {
    /// Attaches and starts the device of a source.
    pub(super) fn open(options: &Options) -> Result<Self, SourceError> {
        let failed = |action| move |error| explain(options, action, error);
        let queues = options.queues.get();
        let device = Device::attach(&options.device, queues).map_err(failed("attaching the device"))?;
        let ability = device.describe().map_err(failed("asking for what the device can do"))?;
        if queues > ability.queues {
            return Err(explain(options, "starting the port with so many rx-queues", Errno::INVAL));
        }
        let buffers = options.ring / BUFFER;
        let setup = Setup {
            buffers,
            queues,
            // Half of the buffers wait in the device, the others are on their way.
            descriptors: (buffers / 2).min(MOST_DESCRIPTORS) as u16,
            promiscuous: options.promiscuous.into(),
            mtu: 0,
        };
        let setup = device.start(setup).map_err(failed("starting the port"))?;
        Ok(Self { device, ability, setup })
    }

    /// What it has counted; of a driver that does not tell, nothing.
    pub(super) fn counts(&self, queue: u16) -> Option<Counts> {
        self.device.counts(queue).ok()
    }

    /// Frames that it gave to a queue, where the driver tells.
    pub(super) const fn received(&self, counts: &Counts) -> Option<u64> {
        match (self.setup.queues, self.ability.counts_queues) {
            (1, _) => Some(counts.received),
            (_, true) => Some(counts.queue_received),
            (_, false) => None,
        }
    }

    /// How it captures, in words.
    pub(super) fn detail(&self) -> String {
        let Setup { buffers, queues, descriptors, mtu, .. } = self.setup;
        let hash = match (queues, self.ability.hashes) {
            (1, _) => "",
            (_, true) => ", flows divided by a symmetric hash",
            (_, false) => ", flows divided by the device",
        };
        format!("DPDK driver {}, {descriptors} descriptors, {buffers} buffers, MTU {mtu}{hash}", self.ability.driver)
    }
}

/// What the user has to know and do.
fn explain(options: &Options, action: &'static str, error: Errno) -> SourceError {
    let advice = match error {
        Errno::NODEV | Errno::NOENT | Errno::NOTSUP => {
            "; is its driver installed (librte-net-*), its name right, and a PCI device bound to vfio-pci ('dpdk-devbind.py --status')?"
        }
        Errno::PERM | Errno::ACCESS => "; run with sudo",
        Errno::NOMEM => "; more huge pages ('sysctl vm.nr_hugepages=512'), or a smaller ring, such as ring=16M",
        Errno::EXIST => "; another dpdk: source has the device's name",
        _ => "; what DPDK says of it stands above",
    };
    SourceError::Device { interface: options.device.clone(), action, error: error.into(), advice }
}
