//! How a run begins: in a new campaign, or in one that goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wire::Nanos;

use super::{Accounts, Config, Due, Pending, Recorder, Resumed, Sealers, whole};
use crate::campaign::{Campaign, read_manifest};
use crate::disk::{Disk, LocalDisk, OnPath};
use crate::journal::{self, Packer};
use crate::recover::{absolute, directories, lock_all, recover_locked};
use crate::store::Store;
use crate::{Aggregator, Manifest, ReadError, RecorderError, State};

/// What a run needs of its campaign.
struct Begin {
    disk: Arc<dyn Disk>,
    roots: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    locks: Vec<Box<dyn Send>>,
    before: Option<Manifest>,
    /// Number of the newest segment so far, and of the next frame.
    so_far: (u64, u64),
}

impl Recorder {
    /// Starts a campaign in the directory `root`, which must be empty or not exist, on the file systems of this machine.
    ///
    /// # Errors
    /// When the directory is not empty, or the disk refuses.
    pub fn create(root: impl AsRef<Path>, config: Config, manifest: Manifest) -> Result<Self, RecorderError> {
        Self::create_on(Arc::new(LocalDisk), root, config, manifest)
    }

    /// The same on another disk.
    ///
    /// # Errors
    /// When the directory is not empty, or the disk refuses.
    pub fn create_on(
        disk: Arc<dyn Disk>,
        root: impl AsRef<Path>,
        config: Config,
        mut manifest: Manifest,
    ) -> Result<Self, RecorderError> {
        let roots = roots(root.as_ref(), &config)?;
        for root in &roots {
            if !disk.list(root).on("list", root)?.is_empty() {
                return Err(RecorderError::NotEmpty { path: root.clone() });
            }
            prepare(&*disk, root)?;
        }
        let locks = lock_all(&*disk, &roots)?;
        manifest.state = State::Running;
        for root in &roots {
            whole(None, &manifest).write(&*disk, root, &roots)?;
        }
        let directories = roots.clone();
        Self::begin(Begin { disk, roots, directories, locks, before: None, so_far: (0, 0) }, config, manifest)
    }

    /// Goes on with the campaign in the directory `root`, whose journal it recovers first. `manifest` is that of the run that begins, and
    /// the event that tells of a crash says that it went on then.
    ///
    /// # Errors
    /// When it is being recorded, cannot be read, or the disk refuses.
    pub fn resume(
        root: impl AsRef<Path>,
        config: Config,
        manifest: Manifest,
    ) -> Result<(Self, Resumed), RecorderError> {
        Self::resume_on(Arc::new(LocalDisk), root, config, manifest)
    }

    /// The same on another disk.
    ///
    /// # Errors
    /// When it is being recorded, cannot be read, or the disk refuses.
    pub fn resume_on(
        disk: Arc<dyn Disk>,
        root: impl AsRef<Path>,
        config: Config,
        mut manifest: Manifest,
    ) -> Result<(Self, Resumed), RecorderError> {
        let roots = roots(root.as_ref(), &config)?;
        let there = read_manifest(&roots[0])?;
        let mut directories = directories(&roots[0], &there);
        for spare in &roots[1..] {
            if !directories.contains(spare) {
                if !disk.list(spare).on("list", spare)?.is_empty() {
                    return Err(RecorderError::NotSpare { path: spare.clone() });
                }
                directories.push(spare.clone());
            }
            prepare(&*disk, spare)?;
        }
        let locks = lock_all(&*disk, &directories)?;
        let now = manifest.wall_clock.start.unwrap_or(Nanos::MIN);
        let recovered = recover_locked(&disk, &roots[0], now)?;
        let campaign = Campaign::open(&roots[0])?;
        if let Some(missing) = campaign.unreadable().first() {
            return Err(ReadError::Elsewhere { reason: missing.to_string() }.into());
        }
        let so_far = (campaign.newest_segment(), campaign.end().1);
        let before = Some(recovered.manifest.clone());
        manifest.state = State::Running;
        let begin = Begin { disk, roots, directories, locks, before, so_far };
        Ok((Self::begin(begin, config, manifest)?, Resumed { recovered, state: there.state }))
    }

    /// Begins a run in a campaign whose journal is empty.
    fn begin(begin: Begin, config: Config, mut manifest: Manifest) -> Result<Self, RecorderError> {
        let Begin { disk, roots, directories, locks, before, so_far } = begin;
        let mut store = Store::start(&disk, &roots, so_far, config.patience(), config.background)?;
        store.open()?;
        manifest.newest_segment = store.newest();
        // Before the first row: a crash from here on is one of this run.
        for root in &roots {
            whole(before.as_ref(), &manifest).write(&*disk, root, &directories)?;
        }
        Ok(Self {
            packer: Packer::new(config.journal_level, so_far.1)?,
            store,
            sealers: Sealers::start(&disk, &roots, &config)?,
            aggregator: Aggregator::new(config.producers),
            rooms: vec![None; roots.len()],
            roots,
            disk,
            directories,
            config,
            time_of_day: manifest.wall_clock.start.unwrap_or(Nanos::MIN),
            now: None,
            manifest,
            before,
            pending: Pending::default(),
            accounts: Accounts::default(),
            due: Due::default(),
            failures: 0,
            words: Vec::new(),
            defect: None,
            _locks: locks,
        })
    }
}

/// The directory of the campaign, and the one to go on in.
fn roots(root: &Path, config: &Config) -> Result<Vec<PathBuf>, RecorderError> {
    let mut roots = vec![absolute(root)?];
    if let Some(spare) = &config.spare {
        roots.push(absolute(spare)?);
    }
    Ok(roots)
}

/// Makes a directory and the journal in it, durably.
fn prepare(disk: &dyn Disk, root: &Path) -> Result<(), RecorderError> {
    let dir = root.join(journal::DIRECTORY);
    disk.create_dir(&dir).on("create", &dir)?;
    if let Some(parent) = root.parent() {
        disk.sync_dir(parent).on("sync", parent)?;
    }
    Ok(())
}

/// Whether a process records or recovers the campaign at `root` at this moment.
///
/// # Errors
/// When its directory cannot be looked at.
pub fn is_being_recorded(root: impl AsRef<Path>) -> Result<bool, RecorderError> {
    match lock(&LocalDisk, root.as_ref()) {
        Ok(_) => Ok(false),
        Err(RecorderError::InUse { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Holds the campaign against other writers until it is dropped.
pub(crate) fn lock(disk: &dyn Disk, root: &Path) -> Result<Box<dyn Send>, RecorderError> {
    let dir = root.join(journal::DIRECTORY);
    match disk.lock(&dir).on("lock", &dir)? {
        Some(lock) => Ok(lock),
        None => Err(RecorderError::InUse { path: root.to_owned() }),
    }
}
