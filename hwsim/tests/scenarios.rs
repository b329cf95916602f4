//! What named scenarios promise, on slices of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::HashSet;
use std::io;

use hwsim::frame::Frame;
use hwsim::link::Line;
use hwsim::link_truth::LinkTruth;
use hwsim::pcap::Resolution;
use hwsim::scenario::{SCENARIOS, Scenario, find};
use hwsim::truth::{COLUMNS, Truth};
use hwsim::world::{Counters, Extent, Tap, World};
use wire::Nanos;

const SNAPLEN: u32 = 60;
const SEED: u64 = 11;

/// Rows of the truth, beside the truth about the link.
struct Observer {
    link: LinkTruth,
    rows: Vec<Vec<String>>,
}

impl Tap for Observer {
    fn frame(&mut self, ts: Nanos, frame: &Frame<'_>) -> io::Result<()> {
        self.link.frame(ts, frame)
    }

    fn over(&mut self, truth: &Truth) -> io::Result<()> {
        self.link.over(truth)?;
        let mut row = Vec::new();
        truth.write(&mut row);
        self.rows.push(String::from_utf8(row).unwrap().trim_end().split(',').map(str::to_owned).collect());
        Ok(())
    }
}

/// A slice of a scenario that has passed.
struct Slice {
    rows: Vec<Vec<String>>,
    counters: Counters,
    link: serde_json::Value,
}

impl Slice {
    fn run(name: &str, connections: Option<u64>, seconds: Option<f64>) -> Self {
        let scenario = find(name).unwrap();
        let extent = Extent::of(scenario, connections, seconds, None);
        let mut world = World::new(scenario, SEED, extent, SNAPLEN, Resolution::Nanos);
        let mut observer = Observer { link: LinkTruth::new(scenario), rows: Vec::new() };
        assert!(world.run(u64::MAX, &mut observer).unwrap());
        let link = observer.link.tell(scenario, SEED, &extent, &world);
        Self { rows: observer.rows, counters: *world.counters(), link }
    }

    fn column(&self, name: &str) -> impl Iterator<Item = &str> + '_ {
        let at = COLUMNS.split(',').position(|column| column == name).unwrap();
        self.rows.iter().map(move |row| row[at].as_str())
    }

    fn numbers(&self, name: &str) -> Vec<Option<f64>> {
        self.column(name).map(|text| text.parse().ok()).collect()
    }

    fn total(&self, name: &str) -> f64 {
        self.numbers(name).into_iter().flatten().sum()
    }

    fn share(&self, column: &str, value: &str) -> f64 {
        self.column(column).filter(|text| *text == value).count() as f64 / self.rows.len() as f64
    }
}

/// Bits per second of each connection with data: in its data phase, and over all of it.
fn throughputs(slice: &Slice) -> Vec<(f64, f64)> {
    let [syn, established, orig_last, resp_last, orig_bytes, resp_bytes] = [
        "syn_ts",
        "established_ts",
        "orig_last_data_ts",
        "resp_last_data_ts",
        "orig_unique_bytes",
        "resp_unique_bytes",
    ]
    .map(|name| slice.numbers(name));
    let of = |at: usize| {
        let last = orig_last[at].into_iter().chain(resp_last[at]).reduce(f64::max)?;
        let bits = 8.0 * (orig_bytes[at]? + resp_bytes[at]?);
        let data = last - established[at]?;
        (data > 0.0).then_some((bits / data, bits / (last - syn[at]?)))
    };
    (0..slice.rows.len()).filter_map(of).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn rediris_has_the_papers_packets_a_connection_and_throughputs() {
    let slice = Slice::run("rediris-1998", Some(20_000), Some(7200.0));
    let connections = slice.rows.len() as f64;
    // Arrivals that cluster over hours are seldom as many in two hours as on average.
    assert!((15_000.0..=20_000.0).contains(&connections), "{connections}");
    let packets = (slice.total("orig_pkts") + slice.total("resp_pkts")) / connections;
    assert!((4.6..5.5).contains(&packets), "{packets} TCP packets a connection");
    let throughputs = throughputs(&slice);
    let slow = throughputs.iter().filter(|(data, _)| *data < 80_000.0).count() as f64 / throughputs.len() as f64;
    assert!((0.62..0.78).contains(&slow), "{slow} of the connections stay below 80 kb/s in their data phase");
    let setup = median(throughputs.iter().map(|(data, whole)| whole / data).collect());
    assert!((0.4..0.6).contains(&setup), "over the whole connection it is {setup} of that");
}

/// The frames of each way of a line, one behind the other.
struct OneBehindTheOther {
    line: Line,
    last: [Option<Nanos>; 2],
    queued: u64,
}

impl Tap for OneBehindTheOther {
    fn frame(&mut self, ts: Nanos, frame: &Frame<'_>) -> io::Result<()> {
        let taken = self.line.nanos(frame.ip_len);
        let last = &mut self.last[usize::from(frame.outbound)];
        let after = last.map_or(i64::MAX, |last| ts.since(last));
        if frame.ip_len > 0 {
            assert!(after >= taken, "{} bytes {after} ns after the last", frame.ip_len);
            self.queued += u64::from(after == taken);
            *last = Some(ts);
        }
        Ok(())
    }

    fn over(&mut self, _: &Truth) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_frame_of_rediris_passes_before_the_line_has_sent_it() {
    let scenario = find("rediris-1998").unwrap();
    // Ten times as many as on average.
    let extent = Extent::of(scenario, Some(9_000), Some(330.0), None);
    let mut world = World::new(scenario, SEED, extent, SNAPLEN, Resolution::Nanos);
    let mut tap = OneBehindTheOther { line: scenario.line.unwrap(), last: [None; 2], queued: 0 };
    assert!(world.run(u64::MAX, &mut tap).unwrap());
    assert!(tap.queued > 1000, "{} frames had to wait", tap.queued);
}

#[test]
fn the_line_of_rediris_is_never_half_loaded() {
    let slice = Slice::run("rediris-1998", Some(20_000), Some(7200.0));
    for way in ["outbound", "inbound"] {
        let told = |path: &str| slice.link.pointer(&format!("/line/{way}/{path}")).unwrap().as_f64().unwrap();
        let (mean, second) = (told("utilisation"), told("busiest_utilisation/1s"));
        assert!(0.0 < mean && mean < second && second < 0.5, "{way}: {mean} on average, {second} in a second");
    }
    assert_eq!(slice.link.pointer("/line/dropped").unwrap(), 0);
}

#[test]
fn a_week_of_rediris_is_expected_to_have_the_papers_connections_and_packets() {
    let scenario = find("rediris-1998").unwrap();
    let (start, _) = scenario.start.split();
    assert_eq!((start, scenario.seconds), (913_593_600, Some(604_800.0)), "from Monday 14 December 1998, a week");
    assert!((scenario.expected(604_800.0) - 1_700_000.0).abs() < 1.0);
}

#[test]
fn rediris_is_busier_at_noon_than_at_night_and_never_holds_more_than_its_live_connections() {
    let slice = Slice::run("rediris-1998", Some(8000), Some(86_400.0));
    let mut hours = [0_u32; 24];
    for ts in slice.numbers("ts").into_iter().flatten() {
        hours[((ts - 913_593_600.0) / 3600.0) as usize] += 1;
    }
    let [night, noon] = [1..5, 10..14].map(|hours_of: std::ops::Range<usize>| hours[hours_of].iter().sum::<u32>());
    assert!(noon > 5 * night, "{night} at night, {noon} about noon");
    assert!(slice.counters.peak_live < 50, "{} at a time", slice.counters.peak_live);
}

#[test]
fn connections_asked_for_arrive_in_the_time_asked_for_also_at_night() {
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.seconds.is_some()) {
        let extent = Extent::of(scenario, Some(1000), Some(60.0), None);
        assert!((scenario.expected(60.0) * extent.scale - 1000.0).abs() < 1e-6, "{}", scenario.name);
    }
}

#[test]
fn patient_connections_are_all_open_at_the_same_time() {
    let slice = Slice::run("million-live", Some(5000), None);
    assert_eq!(slice.counters.peak_live, 5000);
    let opening = 1_000_000.0 / find("million-live").unwrap().per_second();
    let shortest = slice.numbers("closed_ts").into_iter().zip(slice.numbers("ts"));
    let shortest = shortest.filter_map(|(closed, ts)| Some(closed? - ts?)).reduce(f64::min).unwrap();
    assert!(shortest > 2.0 * opening, "the shortest takes {shortest} s, all of them open within {opening} s");
}

#[test]
fn scans_go_through_addresses_and_through_ports() {
    let slice = Slice::run("scans", None, Some(30.0));
    let orig: Vec<&str> = slice.column("orig_h").collect();
    let sweeps = |distinct: &str| {
        let mut of: std::collections::HashMap<&str, HashSet<&str>> = std::collections::HashMap::new();
        for (scanner, target) in orig.iter().zip(slice.column(distinct)) {
            of.entry(scanner).or_default().insert(target);
        }
        of.values().map(HashSet::len).max().unwrap()
    };
    assert!(sweeps("resp_h") > 2000, "one host tried {} addresses", sweeps("resp_h"));
    assert!(sweeps("resp_p") >= 1000, "one host tried {} ports", sweeps("resp_p"));
}

#[test]
fn the_truth_about_the_link_adds_up_to_that_of_its_connections() {
    for name in ["uplink-small", "uplink-lossy", "scans", "bursty"] {
        let slice = Slice::run(name, None, Some(10.0));
        let told = |path: &str| slice.link.pointer(path).and_then(serde_json::Value::as_u64).unwrap();
        assert_eq!(told("/connections/all"), slice.rows.len() as u64, "{name}");
        for ending in ["fin", "rst", "attempt", "open"] {
            let share = told(&format!("/connections/by_ending/{ending}")) as f64 / slice.rows.len() as f64;
            assert!((share - slice.share("close_reason", ending)).abs() < 1e-9, "{name} {ending}");
        }
        assert_eq!(told("/tcp_segments") as f64, slice.total("orig_pkts") + slice.total("resp_pkts"), "{name}");
        assert_eq!(told("/frames"), told("/outbound/frames") + told("/inbound/frames"), "{name}");
        assert_eq!(told("/bytes"), slice.counters.bytes, "{name}");
        assert_eq!(told("/ip_packets") + told("/arp_frames"), slice.counters.frames, "{name}");
        let parts = slice.link["arrivals"].as_array().unwrap();
        let arrived: u64 = parts.iter().map(|part| part["connections"].as_u64().unwrap()).sum();
        assert!(arrived >= slice.rows.len() as u64, "{name}: who has arrived may not have been seen");
        for (part, law) in parts.iter().zip(find(name).unwrap().parts) {
            assert_eq!(part["hurst"], law.arrivals.law.hurst(), "{name}");
        }
    }
}

#[test]
fn every_scenario_says_what_it_models_and_has_a_name_of_its_own() {
    let names: HashSet<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    assert_eq!(names.len(), SCENARIOS.len());
    let explains = |scenario: &&Scenario| scenario.models.len() > 80 && scenario.models.ends_with('.');
    assert!(SCENARIOS.iter().all(|scenario| explains(&scenario)));
    for name in ["rediris-1998", "uplink-10g", "uplink-100g", "syn-flood", "million-live", "elephants", "bursty"] {
        assert!(find(name).is_some(), "{name}");
    }
}
