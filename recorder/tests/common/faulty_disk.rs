//! A disk that fails on command, and remembers what a crash would leave.
#![allow(dead_code, reason = "each test uses its own part")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use recorder::{Disk, DiskFile, LocalDisk, Room};

/// What happens when the countdown reaches zero. Every operation that changes the disk counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The machine stops in the middle of the operation: nothing works any more.
    Crash,
    /// From then on writes fail half-way: no room.
    Full,
    /// This one operation fails, the next ones work.
    Hiccup,
}

/// What a crash leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survives {
    /// Everything: the process was killed, the machine went on.
    Everything,
    /// Nothing that was not synced: neither bytes nor names.
    OnlySynced,
    /// Every name, and half of the bytes that were not synced.
    NamesAndHalfOfTheBytes,
    /// Every byte, but only synced names.
    BytesButNoNames,
}

impl Survives {
    pub const ALL: [Self; 4] =
        [Self::Everything, Self::OnlySynced, Self::NamesAndHalfOfTheBytes, Self::BytesButNoNames];
}

#[derive(Clone, Debug, Default)]
struct Contents {
    written: Vec<u8>,
    synced: usize,
}

/// What is on the disk and what would survive.
#[derive(Debug, Default)]
struct State {
    files: Vec<Contents>,
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    dirs: BTreeSet<PathBuf>,
    synced_dirs: BTreeSet<PathBuf>,
    left: Option<u64>,
    fault: Option<Fault>,
    operations: u64,
    dead: bool,
    full: bool,
}

/// Passes everything on to the real file system below `root`, and keeps account.
#[derive(Clone)]
pub struct FaultyDisk {
    root: PathBuf,
    state: Arc<Mutex<State>>,
}

/// Whether an operation is carried out.
enum Go {
    Whole,
    /// Half of it, then the error.
    Half(io::Error),
}

impl FaultyDisk {
    /// A disk whose `root` exists durably; the operation after `left` others meets the fault.
    pub fn new(root: &Path, fault: Fault, left: u64) -> Self {
        let mut state = State { left: Some(left), fault: Some(fault), ..State::default() };
        state.adopt(root);
        Self { root: root.to_owned(), state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics here")
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Whether the fault happened.
    pub fn failed(&self) -> bool {
        self.state().left.is_none()
    }

    /// Lays down in `to` what a crash now would leave.
    pub fn after_crash(&self, survives: Survives, to: &Path) {
        let state = self.state();
        let all_names = matches!(survives, Survives::Everything | Survives::NamesAndHalfOfTheBytes);
        let (names, dirs) =
            if all_names { (&state.names, &state.dirs) } else { (&state.synced_names, &state.synced_dirs) };
        let inside = |path: &Path| path.strip_prefix(&self.root).expect("inside the root").to_owned();
        for dir in dirs {
            let whole = dir.ancestors().take_while(|above| *above != self.root).all(|above| dirs.contains(above));
            if whole {
                fs::create_dir_all(to.join(inside(dir))).expect("a directory");
            }
        }
        for (path, &file) in names {
            let Contents { written, synced } = &state.files[file];
            let length = match survives {
                Survives::Everything | Survives::BytesButNoNames => written.len(),
                Survives::OnlySynced => *synced,
                Survives::NamesAndHalfOfTheBytes => synced + (written.len() - synced) / 2,
            };
            let path = to.join(inside(path));
            if path.parent().is_some_and(Path::exists) {
                fs::write(path, &written[..length]).expect("a file");
            }
        }
    }
}

impl State {
    /// Takes over what lies in `dir` already, as durable.
    fn adopt(&mut self, dir: &Path) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.dirs.insert(path.clone());
                self.synced_dirs.insert(path.clone());
                self.adopt(&path);
            } else {
                let written = fs::read(&path).expect("a readable file");
                self.files.push(Contents { synced: written.len(), written });
                self.names.insert(path.clone(), self.files.len() - 1);
                self.synced_names.insert(path, self.files.len() - 1);
            }
        }
    }

    /// Counts an operation and says what becomes of it.
    fn go(&mut self, writes: bool) -> io::Result<Go> {
        let crashed = || io::Error::other("the machine stopped");
        if self.dead {
            return Err(crashed());
        }
        if self.full && writes {
            return Ok(Go::Half(ErrorKind::StorageFull.into()));
        }
        self.operations += 1;
        match self.left {
            Some(0) => self.left = None,
            Some(left) => {
                self.left = Some(left - 1);
                return Ok(Go::Whole);
            }
            None => return Ok(Go::Whole),
        }
        match self.fault {
            Some(Fault::Crash) => {
                self.dead = true;
                Ok(Go::Half(crashed()))
            }
            Some(Fault::Full) => {
                self.full = true;
                if writes { Ok(Go::Half(ErrorKind::StorageFull.into())) } else { Ok(Go::Whole) }
            }
            Some(Fault::Hiccup) => Ok(Go::Half(io::Error::other("input/output error"))),
            None => Ok(Go::Whole),
        }
    }

    /// For operations that happen or not: a failed one did not.
    fn go_or_fail(&mut self) -> io::Result<()> {
        match self.go(false)? {
            Go::Whole => Ok(()),
            Go::Half(error) => Err(error),
        }
    }
}

impl Disk for FaultyDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if path.is_dir() {
            return Ok(());
        }
        state.go_or_fail()?;
        state.dirs.extend(path.ancestors().take_while(|above| *above != self.root).map(Path::to_owned));
        LocalDisk.create_dir(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.go_or_fail()?;
        state.files.push(Contents::default());
        let id = state.files.len() - 1;
        state.names.insert(path.to_owned(), id);
        Ok(Box::new(FaultyFile { inner: LocalDisk.create(path)?, state: Arc::clone(&self.state), id }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.go_or_fail()?;
        let id = match state.names.get(path) {
            Some(&id) => id,
            None => {
                state.files.push(Contents::default());
                let id = state.files.len() - 1;
                state.names.insert(path.to_owned(), id);
                id
            }
        };
        Ok(Box::new(FaultyFile { inner: LocalDisk.append(path)?, state: Arc::clone(&self.state), id }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if self.state().dead {
            return Err(io::Error::other("the machine stopped"));
        }
        LocalDisk.read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.go_or_fail()?;
        if let Some(id) = state.names.remove(from) {
            state.names.insert(to.to_owned(), id);
        }
        LocalDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.go_or_fail()?;
        state.names.remove(path);
        LocalDisk.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        if self.state().dead {
            return Err(io::Error::other("the machine stopped"));
        }
        LocalDisk.list(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.go_or_fail()?;
        let inside = |path: &Path| path.parent() == Some(dir);
        state.synced_names.retain(|path, _| !inside(path));
        let names: Vec<_> =
            state.names.iter().filter(|(path, _)| inside(path)).map(|(path, &id)| (path.clone(), id)).collect();
        state.synced_names.extend(names);
        let dirs: Vec<_> = state.dirs.iter().filter(|path| inside(path)).cloned().collect();
        state.synced_dirs.extend(dirs);
        Ok(())
    }

    fn room(&self, dir: &Path) -> io::Result<Room> {
        LocalDisk.room(dir)
    }

    fn lock(&self, dir: &Path) -> io::Result<Option<Box<dyn Send>>> {
        LocalDisk.lock(dir)
    }
}

struct FaultyFile {
    inner: Box<dyn DiskFile>,
    state: Arc<Mutex<State>>,
    id: usize,
}

impl DiskFile for FaultyFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock().expect("no test panics here");
        let (bytes, result) = match state.go(true)? {
            Go::Whole => (bytes, Ok(())),
            Go::Half(error) => (&bytes[..bytes.len() / 2], Err(error)),
        };
        state.files[self.id].written.extend_from_slice(bytes);
        self.inner.write_all(bytes)?;
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.state.lock().expect("no test panics here");
        state.go_or_fail()?;
        let file = &mut state.files[self.id];
        file.synced = file.written.len();
        Ok(())
    }
}
