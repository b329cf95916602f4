//! `conntrack-sim pcap`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use hwsim::frame::Frame;
use hwsim::link_truth::LinkTruth;
use hwsim::pcap::{Resolution, Writer};
use hwsim::truth::{COLUMNS, Truth};
use hwsim::world::{Extent, Tap, World};
use wire::Nanos;

use crate::args::{Manner, Pcap};
use crate::output::{Output, describe};
use crate::progress::Progress;

/// Packets between two looks at the clock.
const STRIDE: u64 = 1 << 14;

/// Writes the capture and the truth.
pub fn pcap(wanted: &Pcap, manner: &Manner) -> Result<()> {
    let files = [Some(&wanted.output), wanted.truth.as_ref(), wanted.link_truth.as_ref()];
    if files.iter().enumerate().any(|(at, file)| file.is_some() && files[..at].contains(file)) {
        bail!("the capture and its truths cannot be the same file: give two names");
    }
    let extent = Extent::of(wanted.scenario, wanted.connections, wanted.duration, wanted.packets);
    let snaplen = wanted.snaplen.unwrap_or(wanted.scenario.snaplen);
    let resolution = Resolution::from(wanted.resolution);
    let mut files = Files::create(wanted, resolution, snaplen)?;
    let mut world = World::new(wanted.scenario, wanted.seed, extent, snaplen, resolution);
    let mut progress = Progress::start(manner, wanted, &extent);
    let unwritable = || format!("cannot write {}: is the disk full?", describe(&wanted.output));
    while !world.run(STRIDE, &mut files).with_context(unwritable)? {
        progress.show(world.counters(), files.last, &extent);
    }
    let link = files.link.take();
    files.finish().with_context(unwritable)?;
    if let (Some(path), Some(link)) = (&wanted.link_truth, link) {
        let told = link.tell(wanted.scenario, wanted.seed, &extent, &world);
        fs::write(path, format!("{told:#}\n")).with_context(|| format!("cannot write {}", path.display()))?;
    }
    progress.finish(world.counters());
    Ok(())
}

/// The files being written.
struct Files {
    capture: Writer<Output>,
    truth: Option<BufWriter<File>>,
    link: Option<LinkTruth>,
    /// Memory for a row.
    row: Vec<u8>,
    /// The instant of the last frame.
    last: Nanos,
}

impl Files {
    fn create(wanted: &Pcap, resolution: Resolution, snaplen: u32) -> Result<Self> {
        let name = describe(&wanted.output);
        let output = Output::create(&wanted.output).with_context(|| format!("cannot open {name} for writing"))?;
        let capture = Writer::new(output, resolution, snaplen).with_context(|| format!("cannot write {name}"))?;
        let truth = wanted.truth.as_deref().map(create_truth).transpose()?;
        let link = wanted.link_truth.is_some().then(|| LinkTruth::new(wanted.scenario.start));
        Ok(Self { capture, truth, link, row: Vec::new(), last: wanted.scenario.start })
    }

    fn finish(self) -> io::Result<()> {
        if let Some(mut truth) = self.truth {
            truth.flush()?;
        }
        self.capture.into_inner().finish()
    }
}

fn create_truth(path: &Path) -> Result<BufWriter<File>> {
    let name = path.display();
    let file = File::create(path).with_context(|| format!("cannot open {name} for writing"))?;
    let mut truth = BufWriter::new(file);
    writeln!(truth, "{COLUMNS}").with_context(|| format!("cannot write {name}"))?;
    Ok(truth)
}

impl Tap for Files {
    fn frame(&mut self, ts: Nanos, frame: &Frame<'_>) -> io::Result<()> {
        self.last = ts;
        if let Some(link) = &mut self.link {
            link.frame(ts, frame)?;
        }
        self.capture.write(ts, frame)
    }

    fn over(&mut self, truth: &Truth) -> io::Result<()> {
        if let Some(link) = &mut self.link {
            link.over(truth)?;
        }
        let Some(out) = &mut self.truth else { return Ok(()) };
        self.row.clear();
        truth.write(&mut self.row);
        out.write_all(&self.row)
    }
}
