//! A packet that waits for its meaning.

use serde::{Deserialize, Serialize};
use wire::{Observation, Packet};

/// A packet kept aside with its header bytes, because only a later one tells where it belongs or who sent it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) observation: Observation,
    headers: Box<[u8]>,
}

impl Held {
    pub(crate) fn new(packet: &Packet<'_>) -> Self {
        Self { observation: *packet.observation, headers: packet.headers.into() }
    }

    pub(crate) fn packet(&self) -> Packet<'_> {
        Packet { observation: &self.observation, headers: &self.headers }
    }
}
