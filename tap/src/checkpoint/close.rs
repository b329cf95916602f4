//! Ending what a run has kept, where no run is to follow.

use std::num::NonZeroU32;
use std::path::Path;

use anyhow::Result;
use conntrack::Detail;
use recorder::{CheckpointReader, Config, Manifest, Recorder, Software};

use super::{TakeOver, Taken};
use crate::clock;

/// No tracker is laid out so: every connection leaves the row that was kept of it.
const NOBODY: &str = "";

/// Writes the rows of the connections that the last run of the campaign at `root` has kept, as a run of its own that sees no packet; nothing where
/// none are kept.
///
/// # Errors
/// When the campaign is being recorded, or the disk refuses.
pub fn close(root: &Path, before: &Manifest, software: Software) -> Result<Option<Taken>> {
    if CheckpointReader::of(root)?.is_none() {
        return Ok(None);
    }
    let mut manifest = Manifest::new(software, clock::time_of_day());
    manifest.site.clone_from(&before.site);
    manifest.link.clone_from(&before.link);
    manifest.host.clone_from(&before.host);
    manifest.clock_source.clone_from(&before.clock_source);
    manifest.anonymisation.clone_from(&before.anonymisation);
    manifest.configuration.clone_from(&before.configuration);
    let (mut recorder, _) = Recorder::resume(root, Config::default(), manifest)?;
    recorder.tell(clock::time_of_day(), Detail::Started("again, to end what was kept".to_owned()));
    let expected = before.carried.map(|kept| kept.connections);
    let tracker = conntrack::Config::default();
    let nobody = TakeOver { layout: NOBODY, tracker: &tracker, shards: NonZeroU32::MIN, seed: 0, mask: None, expected };
    let taken = nobody.from(&mut recorder)?;
    recorder.tell(clock::time_of_day(), Detail::Stopped("everything is written".to_owned()));
    recorder.manifest_mut().wall_clock.end = Some(clock::time_of_day());
    let finished = recorder.finish();
    match finished.failure {
        Some(failure) => Err(failure.into()),
        None => Ok(Some(taken)),
    }
}
