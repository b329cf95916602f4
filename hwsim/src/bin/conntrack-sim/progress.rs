//! What a person sees while it runs, and everyone afterwards.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use hwsim::world::{Counters, Extent};
use wire::Nanos;

use crate::args::{LogFormat, Manner, Pcap};
use crate::say::{draw, say};

/// Between two lines of progress.
const PERIOD: Duration = Duration::from_millis(200);

/// Progress on a terminal, and the summary.
pub struct Progress {
    started: Instant,
    shown: Instant,
    on_terminal: bool,
    manner: Manner,
}

#[expect(clippy::disallowed_methods, reason = "a person waits in real time, whatever the simulated one is")]
fn wall_clock() -> Instant {
    Instant::now()
}

impl Progress {
    pub fn start(manner: &Manner, wanted: &Pcap, extent: &Extent) -> Self {
        let now = wall_clock();
        let on_terminal = io::stderr().is_terminal() && !manner.quiet && manner.log_format == LogFormat::Text;
        if manner.verbose {
            say(format_args!("scenario {} from seed {}, {extent:?}", wanted.scenario.name, wanted.seed));
        }
        Self { started: now, shown: now, on_terminal, manner: *manner }
    }

    /// Shows how far it is, at most a few times a second.
    pub fn show(&mut self, counters: &Counters, at: Nanos, extent: &Extent) {
        if !self.on_terminal || self.shown.elapsed() < PERIOD {
            return;
        }
        self.shown = wall_clock();
        let rate = counters.frames as f64 / self.started.elapsed().as_secs_f64();
        let done = share_done(counters, at, extent).map_or(String::new(), |share| {
            let left = self.started.elapsed().as_secs_f64() * (1.0 / share - 1.0);
            format!(", {:.0}%, {left:.0} s left", 100.0 * share)
        });
        let Counters { frames, connections, .. } = counters;
        draw(format_args!("{frames} packets, {connections} connections over, {rate:.0} packets/s{done}"));
    }

    /// Says what passed the tap, of which so many frames were captured.
    pub fn finish(self, counters: &Counters, captured: u64) {
        if self.on_terminal {
            draw("");
        }
        if self.manner.quiet {
            return;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let Counters { frames, tcp, udp, icmp, arp, bytes, connections, peak_live } = *counters;
        let lost = frames.saturating_sub(captured);
        let missed = if lost > 0 { format!("; the capture misses {lost}") } else { String::new() };
        match self.manner.log_format {
            LogFormat::Text => say(format_args!(
                "{frames} packets: {tcp} TCP in {connections} connections (at most {peak_live} at a time), {udp} UDP, {icmp} ICMP, \
                 {arp} ARP; {bytes} bytes on the wire{missed}; {seconds:.1} s, {:.0} packets/s",
                frames as f64 / seconds
            )),
            LogFormat::Json => say(serde_json::json!({
                "level": "info", "message": "done", "packets": frames, "captured": captured, "tcp": tcp, "udp": udp, "icmp": icmp, "arp": arp,
                "bytes": bytes, "connections": connections, "peak_live": peak_live, "seconds": seconds,
            })),
        }
    }
}

/// How much of the work is done, where that is known.
fn share_done(counters: &Counters, at: Nanos, extent: &Extent) -> Option<f64> {
    let by_time =
        extent.end.map(|end| at.elapsed_since(extent.start) as f64 / end.elapsed_since(extent.start).max(1) as f64);
    let by_packets = extent.packets.map(|most| counters.frames as f64 / most.max(1) as f64);
    let by_connections = extent.connections.map(|most| counters.connections as f64 / most.max(1) as f64);
    let share = by_time.into_iter().chain(by_packets).chain(by_connections).fold(0.0, f64::max);
    (share > 0.0).then(|| share.min(1.0))
}
