use std::collections::BTreeMap;

use capture::{DeviceCounters, Frame, Pace, Polled};
use wire::Nanos;

use super::*;

/// A frame as a test keeps it: its instant and its bytes.
type Kept = (Nanos, Vec<u8>);

fn sources(text: &str) -> Vec<Box<dyn Source>> {
    open(&text.parse().unwrap()).unwrap()
}

/// Reads a source to its end as a poller does, and checks the ledger's rules on the way.
fn read(source: &mut dyn Source) -> (Vec<Kept>, DeviceCounters) {
    let mut frames = Vec::new();
    loop {
        let device = source.device();
        let polled = source.poll(&mut |frame: Frame<'_>| frames.push((frame.ts, frame.bytes.to_vec()))).unwrap();
        if polled == Polled::End {
            let device = source.device();
            assert_eq!(device.offered, frames.len() as u64 + device.dropped(), "{}", source.name());
            return (frames, device);
        }
        assert!(device.dropped() <= source.device().dropped());
    }
}

/// Reads every queue in a thread of its own, as pollers do; all frames in order, and the queues' counters.
fn read_all(text: &str) -> (Vec<Kept>, Vec<DeviceCounters>) {
    let threads: Vec<_> =
        sources(text).into_iter().map(|mut source| std::thread::spawn(move || read(source.as_mut()))).collect();
    let (frames, counters): (Vec<_>, Vec<_>) = threads.into_iter().map(|thread| thread.join().unwrap()).unzip();
    let mut frames = frames.concat();
    frames.sort();
    (frames, counters)
}

#[test]
fn a_source_gives_the_same_frames_each_time_and_waits_as_a_file_does() {
    let text = "uplink-small,connections=50,seed=3";
    let [first, second] = [(); 2].map(|()| read_all(text));
    assert_eq!(first, second);
    assert!(first.0.len() > 500);
    let source = &mut sources(text)[0];
    assert_eq!((source.name(), source.pace()), ("sim:uplink-small", Pace::Patient));
}

#[test]
fn queues_part_the_frames_of_a_single_one_among_themselves() {
    let single = read_all("uplink-small,connections=100");
    for device in ["nic", "nic-usual-key"] {
        let parted = read_all(&format!("uplink-small,connections=100,device={device}"));
        assert_eq!(parted.1.len(), 4);
        assert_eq!(parted.0, single.0, "{device}");
        assert!(parted.1.iter().all(|counters| counters.offered > 0 && counters.dropped() == 0));
    }
}

#[test]
fn reported_loss_is_told_before_the_first_frame_after_it() {
    let whole = read_all("uplink-small,connections=100").0;
    let mut source = sources("uplink-small,connections=100,loss=0.05").remove(0);
    let mut at = 0;
    loop {
        let dropped = source.device().dropped();
        let mut kept = Vec::new();
        let polled = source.poll(&mut |frame: Frame<'_>| kept.push((frame.ts, frame.bytes.to_vec()))).unwrap();
        for (index, frame) in kept.iter().enumerate() {
            let found = whole[at..].iter().position(|other| other == frame).unwrap();
            assert!(index == 0 || found == 0, "a loss of {found} frames was not told");
            at += found + 1;
        }
        assert!(kept.is_empty() || at as u64 - dropped > 0);
        if polled == Polled::End {
            break;
        }
    }
    let counters = source.device();
    assert_eq!(counters.offered, whole.len() as u64);
    assert!((counters.dropped() as f64 / whole.len() as f64 - 0.05).abs() < 0.01, "{counters:?}");
}

#[test]
fn loss_that_is_not_reported_is_in_no_counter() {
    let whole = read_all("uplink-small,connections=100").0.len() as u64;
    let (frames, counters) = read_all("uplink-small,connections=100,unreported=0.05");
    assert_eq!((counters[0].offered, counters[0].dropped()), (frames.len() as u64, 0));
    assert!(counters[0].offered < whole);
}

#[test]
fn a_quiet_queue_neither_hoards_frames_for_a_busy_one_nor_keeps_it_waiting() {
    let mut queues = sources("elephants,packets=400000,queues=64");
    let mut idle = BTreeMap::new();
    // Nobody reads the others: their backlogs fill until this one is told to wait, and then it goes on all the same.
    let quiet = &mut queues[0];
    loop {
        quiet.device();
        match quiet.poll(&mut |_| {}).unwrap() {
            Polled::Frames => {}
            Polled::Idle { past } => *idle.entry(past.is_some()).or_insert(0) += 1,
            Polled::End => break,
        }
    }
    assert!(idle.get(&true).is_some_and(|promises| *promises > 10), "{idle:?}");
}

#[test]
fn a_stopped_source_gives_what_was_captured_and_ends_and_the_truth_is_whole() {
    let room = tempfile::tempdir().unwrap();
    let truth = room.path().join("truth.csv");
    let mut source = sources(&format!("uplink-10g,duration=1000,truth={}", truth.display())).remove(0);
    let mut frames = 0_u64;
    while frames < 5000 {
        source.device();
        source.poll(&mut |_| frames += 1).unwrap();
    }
    source.stop();
    let (rest, _) = {
        let mut rest = 0_u64;
        loop {
            source.device();
            if source.poll(&mut |_| rest += 1).unwrap() == Polled::End {
                break (rest, source.device());
            }
        }
    };
    assert_eq!(source.device().offered, frames + rest);
    let text = std::fs::read_to_string(truth).unwrap();
    let rows = text.lines().count() - 1;
    assert!(text.ends_with('\n') && rows > 100, "{rows} rows");
}

#[test]
fn a_truth_that_cannot_be_written_is_said_at_once_or_once_and_the_capture_goes_on() {
    let nowhere = "uplink-small,truth=/nonexistent/truth.csv".parse().unwrap();
    assert!(open(&nowhere).err().unwrap().to_string().contains("/nonexistent/truth.csv"));
    if !std::path::Path::new("/dev/full").exists() {
        eprintln!("SKIPPED: there is no /dev/full here");
        return;
    }
    let mut source = sources("uplink-small,connections=200,truth=/dev/full").remove(0);
    let (mut frames, mut problems) = (0, 0);
    loop {
        source.device();
        match source.poll(&mut |_| frames += 1) {
            Ok(Polled::End) => break,
            Ok(_) => {}
            Err(problem) => {
                assert!(problem.to_string().contains("/dev/full"));
                problems += 1;
            }
        }
    }
    assert_eq!(problems, 1);
    assert_eq!(frames, read_all("uplink-small,connections=200").0.len());
}
