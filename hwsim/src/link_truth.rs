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
use crate::link::Line;
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
    line: Option<Line>,
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
    /// By IP bytes.
    busiest: [Busiest; INTERVALS.len()],
    /// Time that the line took for them, ns.
    taken: u64,
    /// By that time.
    fullest: [Busiest; INTERVALS.len()],
}

/// The busiest of the intervals that follow each other without a gap.
#[derive(Clone, Copy, Debug, Default)]
struct Busiest {
    number: i64,
    amount: u64,
    most: u64,
}

impl Busiest {
    fn add(&mut self, number: i64, amount: u64) {
        if number != self.number {
            *self = Self { number, amount: 0, most: self.most };
        }
        self.amount += amount;
        self.most = self.most.max(self.amount);
    }

    /// The most of each interval in a second of it, as JSON.
    fn tell(all: &[Self; INTERVALS.len()], unit: f64) -> Value {
        let each = INTERVALS.iter().zip(all);
        let most: serde_json::Map<String, Value> = each
            .map(|(seconds, busiest)| (format!("{seconds}s"), json!(busiest.most as f64 * unit / *seconds as f64)))
            .collect();
        Value::Object(most)
    }
}

impl LinkTruth {
    /// Of a scenario from its beginning.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            start: scenario.start,
            last: None,
            line: scenario.line,
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
            "line": self.line.map(|line| self.tell_line(&line, world)),
            "arrivals": parts,
        })
    }

    /// The tapped line: how much of the time each way was busy.
    fn tell_line(&self, line: &Line, world: &World) -> Value {
        let seconds = self.last.map_or(0.0, |last| last.elapsed_since(self.start) as f64 / 1e9);
        let way = |way: &Way| {
            json!({
                "utilisation": if seconds > 0.0 { way.taken as f64 / 1e9 / seconds } else { 0.0 },
                "busiest_utilisation": Busiest::tell(&way.fullest, 1e-9),
            })
        };
        json!({
            "bits_per_second": line.bits_per_second,
            "framing": line.framing.name(),
            "longest_wait_seconds": line.longest_wait as f64 / 1e9,
            "dropped": world.dropped_at_line(),
            "outbound": way(&self.ways[0]),
            "inbound": way(&self.ways[1]),
        })
    }
}

impl Way {
    fn tell(&self) -> Value {
        json!({
            "frames": self.frames,
            "bytes": self.bytes,
            "ip_bytes": self.ip_bytes,
            "busiest_ip_bits_per_second": Busiest::tell(&self.busiest, 8.0),
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
        if let Some(line) = self.line.filter(|_| ip_bytes > 0) {
            let taken = line.nanos(frame.ip_len).unsigned_abs();
            way.taken += taken;
            for (fullest, seconds) in way.fullest.iter_mut().zip(INTERVALS) {
                fullest.add(second / seconds, taken);
            }
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
