//! `conntrack-sim pcap`.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use hwsim::frame::Frame;
use hwsim::hardware::{Device, Hardware};
use hwsim::link_truth::LinkTruth;
use hwsim::pcap::{self, Resolution};
use hwsim::pcapng;
use hwsim::truth::{Passage, Truth};
use hwsim::truth_file::TruthFile;
use hwsim::world::{Extent, Tap, World};
use wire::Nanos;

use crate::args::{Format, Manner, Pcap};
use crate::output::{Output, describe};
use crate::progress::Progress;

/// Packets between two looks at the clock.
const STRIDE: u64 = 1 << 14;

/// Writes the capture and the truth.
pub fn record(wanted: &Pcap, manner: &Manner) -> Result<()> {
    let files = [Some(&wanted.output), wanted.truth.as_ref(), wanted.link_truth.as_ref(), wanted.segments.as_ref()];
    if files.iter().enumerate().any(|(at, file)| file.is_some() && files[..at].contains(file)) {
        bail!("the capture and its truths cannot be the same file: give two names");
    }
    let extent = Extent::of(wanted.scenario, wanted.connections, wanted.duration, wanted.packets);
    let hardware = wanted.device.hardware(wanted.scenario, wanted.snaplen.unwrap_or(wanted.scenario.snaplen));
    let mut files = Files::create(wanted, hardware)?;
    let mut world = World::new(wanted.scenario, wanted.seed, extent, hardware.snaplen, wanted.resolution());
    let mut progress = Progress::start(manner, wanted, &extent);
    let unwritable = || format!("cannot write {}: is the disk full?", describe(&wanted.output));
    while !world.run(STRIDE, &mut files).with_context(unwritable)? {
        progress.show(world.counters(), files.last, &extent);
    }
    let (captured, link) = (files.captured, files.link.take());
    files.finish().with_context(unwritable)?;
    if let (Some(path), Some(link)) = (&wanted.link_truth, link) {
        let told = link.tell(wanted.scenario, wanted.seed, &extent, &world);
        fs::write(path, format!("{told:#}\n")).with_context(|| format!("cannot write {}", path.display()))?;
    }
    progress.finish(world.counters(), captured);
    Ok(())
}

/// The files being written, and the device before them.
struct Files {
    device: Device,
    capture: Capture,
    resolution: Resolution,
    truth: Option<TruthFile>,
    segments: Option<TruthFile>,
    link: Option<LinkTruth>,
    /// The instant of the last frame at the tap.
    last: Nanos,
    /// Frames that the device has not lost.
    captured: u64,
}

/// A capture file in one of the formats.
enum Capture {
    Pcap(pcap::Writer<Output>),
    Pcapng(pcapng::Writer<Output>),
}

impl Files {
    fn create(wanted: &Pcap, hardware: Hardware) -> Result<Self> {
        let name = describe(&wanted.output);
        let output = Output::create(&wanted.output).with_context(|| format!("cannot open {name} for writing"))?;
        let resolution = wanted.resolution();
        let capture = match wanted.format() {
            Format::Pcap => pcap::Writer::new(output, resolution, hardware.snaplen).map(Capture::Pcap),
            Format::Pcapng => {
                let queue = |queue| hardware.queue_name(wanted.scenario.name, queue);
                let interfaces: Vec<String> = (0..hardware.queues()).map(queue).collect();
                pcapng::Writer::new(output, &interfaces, hardware.snaplen).map(Capture::Pcapng)
            }
        };
        let told = |path: &Path| format!("cannot open {} for writing", path.display());
        let connections = |path| TruthFile::create(path).with_context(|| told(path));
        let segments = |path| TruthFile::of_segments(path).with_context(|| told(path));
        Ok(Self {
            device: Device::new(hardware, wanted.seed),
            capture: capture.with_context(|| format!("cannot write {name}"))?,
            resolution,
            truth: wanted.truth.as_deref().map(connections).transpose()?,
            segments: wanted.segments.as_deref().map(segments).transpose()?,
            link: wanted.link_truth.is_some().then(|| LinkTruth::new(wanted.scenario)),
            last: wanted.scenario.start,
            captured: 0,
        })
    }

    fn finish(self) -> io::Result<()> {
        for file in [self.truth, self.segments].into_iter().flatten() {
            file.finish()?;
        }
        match self.capture {
            Capture::Pcap(writer) => writer.into_inner().finish(),
            Capture::Pcapng(writer) => writer.into_inner(self.device.all_counters())?.finish(),
        }
    }
}

impl Tap for Files {
    fn frame(&mut self, ts: Nanos, frame: &Frame<'_>) -> io::Result<()> {
        self.last = ts;
        if let Some(link) = &mut self.link {
            link.frame(ts, frame)?;
        }
        let Some(captured) = self.device.take(ts, frame) else { return Ok(()) };
        self.captured += 1;
        match &mut self.capture {
            Capture::Pcap(writer) => {
                let ts = self.resolution.round(captured.ts);
                writer.write(ts, captured.bytes, captured.wire_len)
            }
            Capture::Pcapng(writer) => writer.write(&captured, self.device.counters(captured.queue).dropped()),
        }
    }

    fn segment(&mut self, passage: &Passage<'_>) -> io::Result<()> {
        self.segments.as_mut().map_or(Ok(()), |file| file.write_segment(passage))
    }

    fn over(&mut self, truth: &Truth) -> io::Result<()> {
        if let Some(link) = &mut self.link {
            link.over(truth)?;
        }
        self.truth.as_mut().map_or(Ok(()), |file| file.write(truth))
    }
}
