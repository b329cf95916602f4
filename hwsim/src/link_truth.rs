//! The truth about the link: what passed it, how its connections ended, and by which laws they came.
//!
//! Counters are counted where frames pass the tap, before any capture hardware. The laws are those that the scenario was run with:
//! a Hurst parameter here is a theorem about the process ([`crate::arrivals`]), no estimate from what passed.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};
use wire::Nanos;

use crate::arrivals::Law;
use crate::frame::Frame;
use crate::scenario::{Part, Scenario};
use crate::truth::{Ending, Truth};
use crate::world::{Extent, Tap, World};

/// The intervals whose busiest is kept, s.
const INTERVALS: [i64; 3] = [1, 60, 300];

/// What has passed a link, as long as the simulation runs.
#[derive(Debug)]
pub struct LinkTruth {
    start: Nanos,
    last: Option<Nanos>,
    /// Outbound, then inbound.
    ways: [Way; 2],
    ip_frames: u64,
    endings: [u64; Ending::ALL.len()],
    states: BTreeMap<&'static str, u64>,
}

/// One way of the link.
#[derive(Debug, Default)]
struct Way {
    frames: u64,
    bytes: u64,
    ip_bytes: u64,
    busiest: [Busiest; INTERVALS.len()],
}

/// The busiest of the intervals that follow each other without a gap.
#[derive(Clone, Copy, Debug, Default)]
struct Busiest {
    number: i64,
    ip_bytes: u64,
    most: u64,
}

impl Busiest {
    fn add(&mut self, number: i64, ip_bytes: u64) {
        if number != self.number {
            *self = Self { number, ip_bytes: 0, most: self.most };
        }
        self.ip_bytes += ip_bytes;
        self.most = self.most.max(self.ip_bytes);
    }
}

impl LinkTruth {
    /// Of a capture that begins at `start`.
    #[must_use]
    pub fn new(start: Nanos) -> Self {
        Self {
            start,
            last: None,
            ways: Default::default(),
            ip_frames: 0,
            endings: [0; Ending::ALL.len()],
            states: BTreeMap::new(),
        }
    }

    /// All of it, once the world has ended.
    #[must_use]
    pub fn tell(&self, scenario: &Scenario, seed: u64, extent: &Extent, world: &World) -> Value {
        let counters = world.counters();
        let endings: serde_json::Map<String, Value> = Ending::ALL
            .iter()
            .zip(self.endings)
            .map(|(ending, count)| (ending.as_str().to_owned(), json!(count)))
            .collect();
        let parts: Vec<Value> = scenario
            .parts
            .iter()
            .zip(world.arrived())
            .map(|(part, arrived)| tell_part(part, extent.scale, arrived))
            .collect();
        json!({
            "scenario": scenario.name,
            "seed": seed,
            "start": nanos(self.start),
            "last_frame": self.last.map(nanos),
            "frames": counters.frames,
            "bytes": counters.bytes,
            "ip_packets": self.ip_frames,
            "ip_bytes": self.ways.iter().map(|way| way.ip_bytes).sum::<u64>(),
            "tcp_segments": counters.tcp,
            "udp_datagrams": counters.udp,
            "icmp_messages": counters.icmp,
            "arp_frames": counters.arp,
            "outbound": self.ways[0].tell(),
            "inbound": self.ways[1].tell(),
            "connections": {
                "all": counters.connections,
                "peak_live": counters.peak_live,
                "by_ending": endings,
                "by_conn_state": self.states,
            },
            "arrivals": parts,
        })
    }
}

impl Way {
    fn tell(&self) -> Value {
        let busiest: serde_json::Map<String, Value> = INTERVALS
            .iter()
            .zip(self.busiest)
            .map(|(seconds, busiest)| (format!("{seconds}s"), json!(busiest.most as f64 * 8.0 / *seconds as f64)))
            .collect();
        json!({
            "frames": self.frames,
            "bytes": self.bytes,
            "ip_bytes": self.ip_bytes,
            "busiest_ip_bits_per_second": busiest,
        })
    }
}

impl Tap for LinkTruth {
    fn frame(&mut self, ts: Nanos, frame: &Frame<'_>) -> io::Result<()> {
        self.last = Some(ts);
        let way = &mut self.ways[usize::from(!frame.outbound)];
        let ip_bytes = u64::from(frame.ip_len);
        way.frames += 1;
        way.bytes += u64::from(frame.wire_len);
        way.ip_bytes += ip_bytes;
        self.ip_frames += u64::from(ip_bytes > 0);
        let second = ts.elapsed_since(self.start) / Nanos::PER_SECOND;
        for (busiest, seconds) in way.busiest.iter_mut().zip(INTERVALS) {
            busiest.add(second / seconds, ip_bytes);
        }
        Ok(())
    }

    fn over(&mut self, truth: &Truth) -> io::Result<()> {
        self.endings[truth.ending() as usize] += 1;
        *self.states.entry(truth.conn_state()).or_default() += 1;
        Ok(())
    }
}

/// An instant as CONTRACT's files have it: nanoseconds since 1970.
fn nanos(ts: Nanos) -> i64 {
    ts.0
}

fn tell_part(part: &Part, scale: f64, arrived: u64) -> Value {
    let (law, parameters) = match part.arrivals.law {
        Law::Poisson => ("poisson", json!({})),
        Law::SelfSimilar { sigma, step, octaves, .. } => (
            "self-similar",
            json!({ "sigma_of_log_rate": sigma, "step_seconds": step, "dependence_seconds": step * f64::from(octaves).exp2() }),
        ),
        Law::Sessions { alpha, shortest, pace } => {
            ("sessions", json!({ "alpha": alpha, "shortest_seconds": shortest, "per_second_of_a_session": pace }))
        }
    };
    let weights: u32 = part.services.iter().map(|(weight, _)| weight).sum();
    let services: Vec<Value> = part
        .services
        .iter()
        .map(|(weight, service)| {
            json!({
                "port": service.port,
                "share": f64::from(*weight) / f64::from(weights),
                "request_tail_alpha": service.request.tail(),
                "response_tail_alpha": service.response.tail(),
            })
        })
        .collect();
    json!({
        "part": part.name,
        "law": law,
        "hurst": part.arrivals.law.hurst(),
        "parameters": parameters,
        "per_second": part.arrivals.per_second * scale,
        "has_rhythm": !part.arrivals.rhythm.is_even(),
        "connections": arrived,
        "services": services,
    })
}
