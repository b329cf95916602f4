//! A script as frames.

use std::io;

use wire::{Direction, Endpoint, Nanos};

use super::{Body, Packet, START, Script, Segment, Side};
use crate::frame::{Addressing, Builder, Frame, Options, TcpHeader};

/// Hops left where the script does not say: the value with which most stacks begin.
const TTL: u8 = 64;
/// The window of a side that has not named one.
const WINDOW: u16 = u16::MAX;

/// What the next packet of a side takes over from the ones before.
#[derive(Clone, Copy, Debug)]
struct Habits {
    window: u16,
    ip_id: u16,
}

impl Script {
    /// Shows every packet as a frame, in the order of the text, at its instant after [`START`]. `builder` decides how much of each frame
    /// there is.
    ///
    /// # Errors
    /// Those of `show`, which end it.
    pub fn play(
        &self,
        builder: &mut Builder,
        mut show: impl FnMut(&Packet, Nanos, &Frame<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut habits = [Habits { window: WINDOW, ip_id: 1 }; 2];
        for packet in &self.packets {
            let from = direction(packet.by);
            let addressing = self.addressing(packet);
            let frame = match &packet.body {
                Body::Tcp(segment) => {
                    let header = header(packet, segment, &mut habits[from.index()]);
                    builder.tcp(&addressing, from, &header)
                }
                Body::Icmp(error) => builder.icmp_error(&addressing, from, error),
            };
            show(packet, START.plus(packet.at), &frame)?;
        }
        Ok(())
    }

    fn addressing(&self, packet: &Packet) -> Addressing {
        let ends = [0, 1].map(|side| Endpoint { addr: self.addresses[side], port: packet.ports[side] });
        Addressing { family: self.family, ends, ttl: [packet.ip.ttl.unwrap_or(TTL); 2], vlan: None, orig_inside: true }
    }
}

/// The frame builder's name for a side: the local host stands where it has the originator, whoever opened the connection.
const fn direction(side: Side) -> Direction {
    match side {
        Side::Local => Direction::Orig,
        Side::Remote => Direction::Resp,
    }
}

fn header<'a>(packet: &Packet, segment: &'a Segment, habits: &mut Habits) -> TcpHeader<'a> {
    habits.window = segment.window.unwrap_or(habits.window);
    let ip_id = packet.ip.id.unwrap_or(habits.ip_id);
    if packet.ip.id.is_none() {
        habits.ip_id = habits.ip_id.wrapping_add(1);
    }
    TcpHeader {
        seq: segment.seq,
        ack: segment.ack,
        flags: segment.flags,
        window: habits.window,
        urgent: segment.urgent,
        traffic_class: packet.ip.traffic_class,
        ip_id,
        payload_len: segment.payload_len,
        options: Options { raw: segment.options.as_slice(), ..Options::default() },
    }
}
