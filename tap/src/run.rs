//! `conntrack-tap run`, from its arguments to its campaign.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use capture::{Pace, Source};
use conntrack::Detail;
use recorder::{EndedBy, Manifest, Recorder, Resumed, Software, SourceEntry, Span, State, Table};
use wire::Nanos;

use crate::anonymise::key;
use crate::anonymise::prefix::PrefixCipher;
use crate::checkpoint::{self, TakeOver, Taken};
use crate::cli::{LogArguments, LogFormat, RunArguments};
use crate::config::Config;
use crate::memory::Bounds;
use crate::operation::Operation;
use crate::operation::http::HttpError;
use crate::pipeline::{self, Ended, Parts, Running};
use crate::place::{self, Maker, Place};
use crate::privileges::{self, User, UserError};
use crate::progress::Progress;
use crate::signals::{Asked, Watch};
use crate::sources::SourceSpec;
use crate::summary::Summary;
use crate::vigil::{ConfigFile, Vigil};
use crate::{clock, ledger, logging};

/// More shards than this only pay on links that a single machine does not take.
const MOST_SHARDS_BY_DEFAULT: usize = 8;

/// Sources of both kinds in one campaign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{file} is a file and {live} is live: a file waits until it is read, and meanwhile a live source would lose packets. \
     Record two campaigns; conntrack-report reads them together"
)]
pub struct MixedSources {
    file: String,
    live: String,
}

/// What was asked for cannot be had, though each argument by itself is well-formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Whether the sources can be kept waiting: all of them, or none.
///
/// # Errors
/// When there are sources of both kinds.
pub fn common_pace(sources: &[SourceSpec]) -> Result<Pace, MixedSources> {
    let first = |pace: Pace| sources.iter().find(|spec| spec.pace() == pace);
    match (first(Pace::Patient), first(Pace::Live)) {
        (Some(file), Some(live)) => Err(MixedSources { file: file.to_string(), live: live.to_string() }),
        (_, Some(_)) => Ok(Pace::Live),
        _ => Ok(Pace::Patient),
    }
}

/// A source that stands more than once among the sources.
#[must_use]
pub fn named_twice(sources: &[SourceSpec]) -> Option<&SourceSpec> {
    sources.iter().enumerate().find(|(at, spec)| sources[..*at].contains(spec)).map(|(_, spec)| spec)
}

/// Records a campaign.
///
/// # Errors
/// When there is no campaign, or not a whole one: a source that cannot be opened, a configuration that cannot be used, a disk that
/// fails.
pub fn run(arguments: RunArguments, logs: LogArguments) -> Result<Summary> {
    let overrides = arguments.overrides.into_table();
    let config = Config::load(arguments.config.as_deref(), overrides.clone())?;
    let pace = common_pace(&arguments.sources)?;
    refuse_checkpoint_of_files(&config, &arguments.sources)?;
    refuse_places(&config, &arguments.out)?;
    let mask = match config.campaign.anonymise_key.as_str() {
        "" => None,
        path => Some(key::read(Path::new(path))?),
    };
    let user: Option<User> = match config.campaign.user.as_str() {
        "" => None,
        name => Some(name.parse()?),
    };
    let manifest = manifest(&config, &arguments.sources, mask.as_ref());
    // Who is to write there makes it.
    let maker = if user.is_some() { Maker::Later } else { Maker::Now };
    let place = Place::find(&arguments.out, &arguments.sources, &manifest, maker)?;
    let (operation, sources) =
        open(&config, &arguments.sources, &arguments.out, pace).inspect_err(|_| place.abandon())?;
    say_how(&sources, logs);
    privileges::give_up(user.as_ref())?;
    let begun = clock::now();
    let asked = Asked::default();
    let reloads = arguments.config.is_some();
    let _watch = Watch::start(asked.clone(), reloads).context("cannot listen for signals")?;
    let shards = shards(config.tracker.shards);
    let producers = pipeline::producers(sources.len(), shards);
    let bounds = Bounds::of(&config, sources.len(), shards);
    if pace == Pace::Live {
        bounds.say(logs);
    }
    let (recorder, resumed) = place.open(config.recording(producers), manifest)?;
    let equipment = Equipment { pace, shards, mask, recorder, resumed, sources };
    let (parts, start) = equip(&config, equipment, &asked, logs)?;
    let running = Running::start(parts, Arc::clone(&asked.stop)).context("cannot start a thread")?;
    let file = arguments.config.map(|path| ConfigFile { path, overrides, config: config.clone() });
    let vigil = Vigil {
        begun,
        duration: config.campaign.duration,
        producers,
        file,
        asked: asked.clone(),
        operation,
        memory_bound: bounds.total(),
    };
    let is_over = vigil.keep(&running, Progress::new(logs));
    let ended_by = match asked.stop.load(Ordering::Relaxed) {
        _ if is_over => EndedBy::Duration,
        true => EndedBy::Stop,
        false => EndedBy::Sources,
    };
    conclude(running.join()?, ended_by, &start, begun, &arguments.out)
}

/// Connections of files cannot be kept: who reads these again begins anew.
fn refuse_checkpoint_of_files(config: &Config, sources: &[SourceSpec]) -> Result<(), Usage> {
    match sources.iter().find(|source| config.campaign.checkpoint && place::begins_anew(source)) {
        Some(source) => Err(Usage(format!(
            "--checkpoint keeps connections for the next run of the campaign, and {source} cannot be continued; leave it out"
        ))),
        None => Ok(()),
    }
}

/// A campaign lies in a directory, and what it goes on in on another disk in none of the same tree.
fn refuse_places(config: &Config, out: &Path) -> Result<()> {
    if out.exists() && !out.is_dir() {
        return Err(Usage(format!("--out {}: it is a file; a campaign is a directory", out.display())).into());
    }
    if config.recorder.spare.is_empty() {
        return Ok(());
    }
    let absolute = |path: &Path| std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()));
    let (out, spare) = (absolute(out)?, absolute(Path::new(&config.recorder.spare))?);
    if out.starts_with(&spare) || spare.starts_with(&out) {
        let (out, spare) = (out.display(), spare.display());
        return Err(Usage(format!(
            "--spare {spare} and --out {out} lie in one another, and so on one disk; give a directory on another one"
        ))
        .into());
    }
    Ok(())
}

/// Whether an error is one of usage, whoever found it.
#[must_use]
pub fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<Usage>()
        || matches!(error.downcast_ref(), Some(HttpError::NotLoopback(_)))
        || matches!(error.downcast_ref(), Some(UserError::Unknown(_)))
}

/// What a run has in hand before its pipeline is put together.
struct Equipment {
    pace: Pace,
    shards: NonZeroU32,
    mask: Option<PrefixCipher>,
    recorder: Recorder,
    resumed: Option<Resumed>,
    sources: Vec<Box<dyn Source>>,
}

/// Takes over what an earlier run has kept, and puts the pipeline together.
fn equip(config: &Config, equipment: Equipment, asked: &Asked, logs: LogArguments) -> Result<(Parts, Start)> {
    let Equipment { pace, shards, mask, mut recorder, resumed, sources } = equipment;
    let seed = getrandom::u64().context("no randomness from the system")?;
    let mut tracker = config.tracker(shards);
    if let Some(cipher) = &mask {
        tracker.salt ^= u64::from_le_bytes(cipher.derive(b"conntrack-uids--"));
    }
    let layout = config.layout();
    let expected = resumed.as_ref().and_then(|resumed| resumed.recovered.manifest.carried).map(|kept| kept.connections);
    let take_over = TakeOver { layout: &layout, tracker: &tracker, shards, seed, mask: mask.as_ref(), expected };
    let taken = take_over.from(&mut recorder)?;
    let lost = resumed.as_ref().map(|resumed| resumed.recovered.lost.sentences()).unwrap_or_default();
    let start = Start { pace, again: resumed.map(|resumed| again(&resumed, &taken, logs)), lost };
    start.tell_if_live(&mut recorder);
    let keep = config.campaign.checkpoint;
    let keeping = keep.then(|| checkpoint::keep(recorder.checkpoint(), layout, Arc::clone(&asked.keep), mask.clone()));
    let parts = Parts {
        pace,
        resumes: taken.continued > 0,
        shards: taken.shards,
        keeping,
        capture: config.capture(seed),
        mask,
        recorder,
        sources,
    };
    Ok((parts, start))
}

/// Opens what may be refused: where metrics are served, and the sources.
fn open(config: &Config, specs: &[SourceSpec], out: &Path, pace: Pace) -> Result<(Operation, Vec<Box<dyn Source>>)> {
    let operation = Operation::prepare(config, out, pace)?;
    let mut sources = Vec::new();
    for spec in specs {
        sources.extend(spec.open()?);
    }
    Ok((operation, sources))
}

/// How a run began.
#[derive(Clone, Debug)]
pub struct Start {
    /// Whether its sources can be kept waiting.
    pub pace: Pace,
    /// What is to be said of the runs before it in the same campaign, if there were any.
    pub again: Option<String>,
    /// What was found to be lost as it began, of the run before.
    pub lost: Vec<String>,
}

impl Start {
    /// Writes the event of the beginning, now; of files it is written at the end, when the time of their first packet is known.
    fn tell_if_live(&self, recorder: &mut Recorder) {
        if self.pace == Pace::Live {
            recorder.tell(clock::time_of_day(), self.detail());
        }
    }

    fn detail(&self) -> Detail {
        Detail::Started(self.again.clone().unwrap_or_default())
    }
}

/// Says that a campaign goes on, and how it stood.
fn again(resumed: &Resumed, taken: &Taken, logs: LogArguments) -> String {
    let Resumed { recovered, state } = resumed;
    let runs = recovered.manifest.runs.len();
    let sentence = match state {
        State::Complete => format!("again, after {runs} runs that ended in order"),
        _ => format!(
            "again, after {runs} runs, of which the last was interrupted: {} segments were recovered",
            recovered.segments
        ),
    };
    let sentence = format!("{sentence}{taken}");
    match logs.log_format {
        LogFormat::Json => tracing::info!("the campaign goes on: {sentence}"),
        LogFormat::Text if logs.quiet => {}
        LogFormat::Text => logging::say(format_args!("continued    {sentence}")),
    }
    sentence
}

/// Says how each source captures, where there is something to say.
fn say_how(sources: &[Box<dyn Source>], logs: LogArguments) {
    for source in sources {
        let (name, detail) = (source.name(), source.detail());
        match logs.log_format {
            _ if detail.is_empty() => {}
            LogFormat::Json => tracing::info!("{name}: {detail}"),
            LogFormat::Text if logs.quiet => {}
            LogFormat::Text => {
                logging::say(format_args!("source       {}", logging::printable(&format!("{name}: {detail}"))))
            }
        }
    }
}

fn shards(configured: usize) -> NonZeroU32 {
    let processors = thread::available_parallelism().map_or(1, usize::from).min(MOST_SHARDS_BY_DEFAULT);
    let wanted = if configured == 0 { processors } else { configured };
    u32::try_from(wanted).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
}

/// This program.
#[must_use]
pub fn software() -> Software {
    Software { version: env!("CARGO_PKG_VERSION").to_owned(), commit: env!("CONNTRACK_COMMIT").to_owned() }
}

fn manifest(config: &Config, sources: &[SourceSpec], mask: Option<&PrefixCipher>) -> Manifest {
    let mut manifest = Manifest::new(software(), clock::time_of_day());
    manifest.site.clone_from(&config.campaign.site);
    manifest.link.clone_from(&config.campaign.link);
    manifest.host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let clocks: BTreeSet<&str> = sources.iter().map(SourceSpec::clock_source).collect();
    manifest.clock_source = clocks.into_iter().collect::<Vec<_>>().join(", ");
    manifest.configuration = serde_json::to_value(config).unwrap_or_default();
    if let Some(cipher) = mask {
        manifest.anonymisation =
            format!("prefix-preserving (Crypto-PAn), under the key with fingerprint {}", key::fingerprint(cipher));
    }
    manifest
}

/// Writes the end of the campaign in `out`, which began at `begun`: final ledgers, the appliance's events, everything sealed.
///
/// # Errors
/// When the disk failed, now or before.
pub fn conclude(ended: Ended, ended_by: EndedBy, start: &Start, begun: Instant, out: &Path) -> Result<Summary> {
    let pace = start.pace;
    let Ended { reports, tracked, mut recorder, carried } = ended;
    let packets = Span {
        start: reports.iter().filter_map(|report| report.counters.first).min(),
        end: reports.iter().filter_map(|report| report.counters.last).max(),
    };
    let sources: Vec<SourceEntry> = reports
        .iter()
        .map(|report| SourceEntry {
            name: report.name.clone(),
            ledger: ledger::of(&report.counters, &report.device),
            device: report.statistics.iter().map(|&(name, count)| (name.to_owned(), count)).collect(),
        })
        .collect();
    let now = clock::time_of_day();
    let started = recorder.manifest_mut().wall_clock.start.unwrap_or(now);
    // A file's campaign lives in its packets' time, so that recording it again gives the same rows.
    let (first, last) = match (pace, packets.start, packets.end) {
        (Pace::Patient, Some(first), Some(last)) => (first, last),
        _ => (started, now),
    };
    if pace == Pace::Patient {
        recorder.tell(first, start.detail());
    }
    for report in &reports {
        if pace == Pace::Patient {
            write_device_loss(&mut recorder, report, last);
        }
        write_source_events(&mut recorder, report, last);
    }
    if tracked.unrecorded > 0 {
        recorder.count_lost(Table::Connections, tracked.unrecorded);
        let detail = format!(
            "{} unanswered attempts went without a row: more a second gave way than tracker.evicted_attempts_per_second",
            tracked.unrecorded
        );
        recorder.tell(last, Detail::Lost(detail));
    }
    recorder.tell(last, Detail::Stopped(ended_by.as_str().to_owned()));
    let manifest = recorder.manifest_mut();
    manifest.carried = carried.unwrap_or_else(|error| {
        tracing::warn!("no connection is kept for the next run; each has its row instead: {error}");
        None
    });
    manifest.sources.clone_from(&sources);
    manifest.packets = packets;
    manifest.ended_by = Some(ended_by);
    manifest.icmp_errors = ledger::of_icmp(tracked.icmp_errors, &reports);
    manifest.stragglers = ledger::of_stragglers(&tracked);
    manifest.time_wait_evicted = tracked.time_wait_evicted;
    manifest.anomalies = ledger::of_anomalies(&tracked);
    manifest.wall_clock.end = Some(now);
    let finished = recorder.finish();
    if let Some(failure) = finished.failure {
        return Err(failure.into());
    }
    let mut summary = Summary::new(&finished.manifest, &reports, tracked, begun.elapsed(), out);
    summary.lost.splice(..0, start.lost.iter().cloned());
    Ok(summary)
}

/// What the device of a source that can wait has lost: a simulated one. Of a live source the scribe writes it while it happens.
fn write_device_loss(recorder: &mut Recorder, report: &capture::PollerReport, at: Nanos) {
    let lost = report.device.dropped();
    if let (Some(first), Some(last)) = (report.counters.first.filter(|_| lost > 0), report.counters.last) {
        let of = report.device.offered;
        let (first, last) = (first.split().0, last.split().0);
        let detail = format!("{}: {lost} of {of} frames between second {first} and second {last}", report.name);
        recorder.tell(at, Detail::Lost(detail));
    }
}

/// What a source had to leave out, and how often its clock stepped back.
fn write_source_events(recorder: &mut Recorder, report: &capture::PollerReport, at: Nanos) {
    for problem in &report.problems {
        let detail = format!("{}: {problem}", report.name);
        recorder.manifest_mut().losses.reasons.push(detail.clone());
        recorder.tell(at, Detail::Lost(detail));
    }
    if report.more_problems > 0 {
        let detail = format!("{}: {} more of the kind", report.name, report.more_problems);
        recorder.tell(at, Detail::Lost(detail));
    }
    if report.counters.clock_steps > 0 {
        let steps = report.counters.clock_steps;
        let detail = format!("{}: {steps} packets were older than the one before them", report.name);
        recorder.tell(at, Detail::ClockStep(detail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs(texts: &[&str]) -> Vec<SourceSpec> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn files_and_interfaces_do_not_mix_and_the_refusal_says_why() {
        assert_eq!(common_pace(&specs(&["pcap:a", "pcap:b"])), Ok(Pace::Patient));
        assert_eq!(common_pace(&specs(&["afpacket:a", "afpacket:b"])), Ok(Pace::Live));
        let message = common_pace(&specs(&["afpacket:eth0", "pcap:b"])).unwrap_err().to_string();
        assert!(message.starts_with("pcap:b is a file and afpacket:eth0"), "{message}");
    }

    #[test]
    fn a_source_named_twice_is_found() {
        assert_eq!(named_twice(&specs(&["pcap:a", "pcap:b"])), None);
        assert_eq!(named_twice(&specs(&["pcap:-", "pcap:b", "pcap:-"])).unwrap().to_string(), "pcap:-");
    }

    #[test]
    fn there_is_always_a_shard() {
        assert!(shards(0).get() >= 1);
        assert_eq!(shards(3).get(), 3);
    }
}
