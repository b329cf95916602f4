//! Chosen connections, packet by packet: the time-sequence diagram as tcptrace draws it, from the recorded headers.

use super::super::Data;
use super::super::gather::{Chosen, Segment};
use super::super::page::{Content, Figure, Table};
use super::super::svg::{Axis, Plot, Scale, Style, Unit, legend};
use super::super::words::counted;
use super::{largest, of_campaign};
use crate::services;
use crate::text::{bit_rate, bytes, count, duration, instant};

/// Bytes in sight, sent again, acknowledged, and the end of the window.
const LOOKS: [(Style, &str); 4] = [
    (Style(0), "data"),
    (Style(1), "sent again, or overtaken"),
    (Style(2), "acknowledged so far"),
    (Style(3), "end of the window"),
];

/// The window is shown as far as this many times the data reaches: further up it would press all else to the ground.
const HEADROOM: f64 = 1.6;

/// The list of those that were chosen.
pub fn chosen(campaigns: &[Data]) -> Figure {
    let mut table = Table::new(&[
        "uid",
        "begin (UTC)",
        "originator",
        "responder",
        "duration",
        "originator sent",
        "responder sent",
        "originator's rate",
        "responder's rate",
        "sent again",
        "state",
        "ended by",
    ]);
    for data in campaigns {
        for chosen in &data.connections.chosen {
            let rate = |side: usize| chosen.sides[side].rate.map_or("-".to_owned(), bit_rate);
            table.row([
                of_campaign(campaigns, data, &chosen.uid.to_string()),
                instant(chosen.ts, 3),
                end(&chosen.ends[0]),
                end(&chosen.ends[1]),
                duration(chosen.seconds),
                bytes(chosen.sides[0].bytes),
                bytes(chosen.sides[1].bytes),
                rate(0),
                rate(1),
                count(chosen.sides[0].retransmissions + chosen.sides[1].retransmissions),
                chosen.conn_state.clone(),
                chosen.close_reason.clone(),
            ]);
        }
    }
    let content = if table.rows.is_empty() {
        Content::Refused("No connection carried data, or none has the number asked for.".to_owned())
    } else {
        Content::Table(table)
    };
    Figure {
        id: "fig-chosen".to_owned(),
        title: "The connections looked at".to_owned(),
        wide: true,
        content: vec![content],
        reading: "Those asked for by number, or those with the most distinct payload. The uid finds each again: \
            conntrack-report connections, headers and events take it as --uid."
            .to_owned(),
        basis: "table connections, whole lives.".to_owned(),
        data: None,
    }
}

/// A figure for each connection with recorded headers, a diagram for each direction that sent data in them.
pub fn sequences(campaigns: &[Data]) -> Vec<Figure> {
    let of = |data: &Data| {
        data.connections.chosen.iter().filter_map(|chosen| sequence(campaigns, data, chosen)).collect::<Vec<_>>()
    };
    campaigns.iter().flat_map(of).collect()
}

fn sequence(campaigns: &[Data], data: &Data, chosen: &Chosen) -> Option<Figure> {
    let segments = data.segments.get(&chosen.uid).filter(|segments| !segments.is_empty())?;
    let plots: Vec<(String, String)> = [false, true]
        .into_iter()
        .filter(|&by_responder| {
            segments.iter().any(|segment| segment.by_responder == by_responder && segment.payload > 0)
        })
        .map(|by_responder| diagram(chosen, segments, by_responder))
        .collect();
    let content = if plots.is_empty() {
        Content::Refused("No data lies within the recorded headers.".to_owned())
    } else {
        Content::Plots { legend: legend(&LOOKS), plots }
    };
    let title = format!("Connection {}: {} to {}", chosen.uid, end(&chosen.ends[0]), end(&chosen.ends[1]));
    Some(Figure {
        id: format!("fig-sequence-{}", chosen.uid),
        title: of_campaign(campaigns, data, &title),
        wide: true,
        content: vec![content],
        reading: "Each upright stroke is a segment with its bytes; the stairs below are what the other side has \
            acknowledged, those above how far its window lets the sender go. The distance from data to \
            acknowledgment is what is under way; \
                  a stroke of the second kind lies below the highest byte seen: sent again, or overtaken on its \
                  way. S, F and R are SYN, FIN and RST. A window far above the data is not drawn."
            .to_owned(),
        basis: format!(
            "first100: table headers, the first {} of {}; sequence numbers relative to the SYN, or to the first \
                segment.",
            counted(segments.len() as u64, "header"),
            counted(chosen.sides[0].packets + chosen.sides[1].packets, "packet")
        ),
        data: Some(table(segments)),
    })
}

/// An address and a port with its service.
fn end((address, port): &(String, u64)) -> String {
    let port = u16::try_from(*port).map_or(port.to_string(), services::port);
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

/// What a diagram shows of one direction; times in s since the connection's first packet, numbers since its first sequence number.
#[derive(Debug, Default, PartialEq)]
struct Traces {
    /// Segments with bytes that are new: `(when, from, to)`.
    new: Vec<(f64, f64, f64)>,
    /// Segments that begin below the highest byte seen.
    again: Vec<(f64, f64, f64)>,
    /// What the other side acknowledged.
    acknowledged: Vec<(f64, f64)>,
    /// And how far its window reached.
    window: Vec<(f64, f64)>,
    /// SYN, FIN and RST of the sender.
    letters: Vec<(f64, f64, &'static str)>,
}

/// Follows one direction through the segments.
struct Tracer {
    begin: i64,
    first: Option<u32>,
    highest: i64,
    shift: u32,
    traces: Traces,
}

impl Tracer {
    /// A sequence number as a distance from the first; numbers wrap, and headers are too few for more than half of their circle.
    fn relative(&self, number: u32) -> i64 {
        i64::from(number.wrapping_sub(self.first.unwrap_or(number)) as i32)
    }

    fn sent(&mut self, segment: &Segment) {
        self.first.get_or_insert(segment.seq);
        let at = segment.ts.saturating_sub(self.begin) as f64 / 1e9;
        let from = self.relative(segment.seq);
        let to = from + i64::from(segment.payload);
        for (is_set, letter) in [(segment.syn(), "S"), (segment.fin(), "F"), (segment.rst(), "R")] {
            if is_set {
                self.traces.letters.push((at, to as f64, letter));
            }
        }
        if segment.payload > 0 {
            let trace = if from < self.highest { &mut self.traces.again } else { &mut self.traces.new };
            trace.push((at, from as f64, to as f64));
        }
        self.highest = self.highest.max(to);
    }

    fn answered(&mut self, segment: &Segment) {
        if !segment.has_ack() || self.first.is_none() || segment.rst() {
            return;
        }
        let at = segment.ts.saturating_sub(self.begin) as f64 / 1e9;
        let acknowledged = self.relative(segment.ack) as f64;
        // The window of a SYN is never scaled (RFC 7323, 2.2).
        let shift = if segment.syn() { 0 } else { self.shift };
        self.traces.acknowledged.push((at, acknowledged));
        self.traces.window.push((at, acknowledged + f64::from(u32::from(segment.window) << shift)));
    }
}

fn traces(chosen: &Chosen, segments: &[Segment], by_responder: bool) -> Traces {
    // Windows are scaled only where both sides say so (RFC 7323, 2.2).
    let shift = match [chosen.sides[0].wscale, chosen.sides[1].wscale] {
        [Some(orig), Some(resp)] => if by_responder { orig } else { resp }.min(14) as u32,
        _ => 0,
    };
    let mut tracer = Tracer { begin: chosen.ts, first: None, highest: i64::MIN, shift, traces: Traces::default() };
    for segment in segments {
        if segment.by_responder == by_responder { tracer.sent(segment) } else { tracer.answered(segment) }
    }
    tracer.traces
}

fn diagram(chosen: &Chosen, segments: &[Segment], by_responder: bool) -> (String, String) {
    let traces = traces(chosen, segments, by_responder);
    let strokes = || traces.new.iter().chain(&traces.again);
    let top = largest(strokes().map(|stroke| stroke.2));
    let bottom = strokes().map(|stroke| stroke.1).fold(0.0, f64::min);
    let lowest_window =
        traces.window.iter().map(|point| point.1).filter(|end| *end > 0.0).fold(f64::INFINITY, f64::min);
    let top = if lowest_window < top * HEADROOM { top * HEADROOM } else { top * 1.08 };
    let last = segments.last().map_or(0.0, |segment| segment.ts.saturating_sub(chosen.ts) as f64 / 1e9);
    let axes = [
        Axis::new("since the first packet", Scale::linear(Unit::Seconds, 0.0, last * 1.02)),
        Axis::new("sequence number", Scale::linear(Unit::Bytes, bottom, top)),
    ];
    let who = if by_responder { "responder" } else { "originator" };
    let id = format!("sequence-{}-{who}", chosen.uid);
    let mut plot = Plot::new(
        id,
        format!("Sequence numbers of the {who} over time"),
        "Strokes for segments, stairs for acknowledgments and window.",
        axes,
    );
    plot.steps(LOOKS[3].0, traces.window.iter().copied().filter(|point| point.1 <= top));
    plot.steps(LOOKS[2].0, traces.acknowledged.iter().copied());
    plot.strokes(LOOKS[0].0, traces.new.iter().copied());
    plot.strokes(LOOKS[1].0, traces.again.iter().copied());
    plot.dots(LOOKS[1].0, traces.again.iter().map(|stroke| (stroke.0, stroke.2)));
    for (at, number, letter) in &traces.letters {
        plot.letter((*at, *number), letter);
    }
    let sent = bytes(strokes().map(|stroke| (stroke.2 - stroke.1) as u64).sum());
    (format!("what the {who} sent: {sent} in the recorded headers"), plot.finish())
}

fn table(segments: &[Segment]) -> Table {
    let mut table = Table::new(&["n", "time (UTC)", "from", "seq", "ack", "flags", "window", "payload"]);
    for segment in segments {
        let flags = [(segment.syn(), "S"), (segment.fin(), "F"), (segment.rst(), "R"), (segment.has_ack(), "A")];
        table.row([
            segment.n.to_string(),
            instant(segment.ts, 9),
            if segment.by_responder { "resp" } else { "orig" }.to_owned(),
            segment.seq.to_string(),
            segment.ack.to_string(),
            flags.iter().filter(|(is_set, _)| *is_set).map(|(_, letter)| *letter).collect(),
            segment.window.to_string(),
            segment.payload.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::super::gather::ChosenSide;
    use super::*;

    const SYN: u16 = 2;
    const ACK: u16 = 16;

    fn chosen() -> Chosen {
        let side = ChosenSide { wscale: Some(2), ..ChosenSide::default() };
        Chosen {
            uid: 1,
            ts: 0,
            seconds: 1.0,
            ends: [("a".to_owned(), 1), ("b".to_owned(), 2)],
            conn_state: String::new(),
            close_reason: String::new(),
            headers: 0,
            sides: [side, side],
        }
    }

    fn segment(n: u64, by_responder: bool, seq: u32, ack: u32, flags: u16, payload: u32) -> Segment {
        Segment { n, ts: n as i64 * 1_000_000_000, by_responder, seq, ack, flags, window: 1000, payload }
    }

    #[test]
    fn numbers_are_relative_to_the_syn_wrap_and_show_what_was_sent_again() {
        let first = u32::MAX - 9;
        let exchange = [
            segment(0, false, first, 0, SYN, 0),
            segment(1, true, 7, first.wrapping_add(1), SYN | ACK, 0),
            segment(2, false, first.wrapping_add(1), 8, ACK, 100),
            segment(3, false, first.wrapping_add(101), 8, ACK, 100),
            segment(4, false, first.wrapping_add(1), 8, ACK, 100),
            segment(5, true, 8, first.wrapping_add(201), ACK, 0),
        ];
        let found = traces(&chosen(), &exchange, false);
        assert_eq!(found.new, [(2.0, 1.0, 101.0), (3.0, 101.0, 201.0)]);
        assert_eq!(found.again, [(4.0, 1.0, 101.0)]);
        assert_eq!(found.acknowledged, [(1.0, 1.0), (5.0, 201.0)]);
        assert_eq!(found.window, [(1.0, 1001.0), (5.0, 4201.0)], "scaled but on the SYN");
        assert_eq!(found.letters, [(0.0, 0.0, "S")]);
        assert!(traces(&chosen(), &exchange, true).new.is_empty());
        assert_eq!(end(&("::1".to_owned(), 443)), "[::1]:443 https");
    }
}
