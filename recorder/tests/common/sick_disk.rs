//! A disk of which one directory is sick on command: it fails, is full, or hangs, and may get well again.
#![allow(dead_code, reason = "each test uses its own part")]

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use recorder::{Disk, DiskFile, LocalDisk, Room};

/// How the directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Well,
    /// Every operation fails.
    Fails,
    /// Half of what is written finds room.
    Full,
    /// Every operation waits until it is well again.
    Hangs,
}

#[derive(Debug)]
struct State {
    health: Health,
    /// After so many operations it falls ill, and how.
    falls_ill: Option<(u64, Health)>,
    operations: u64,
}

#[derive(Clone)]
pub struct SickDisk {
    directory: PathBuf,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl SickDisk {
    /// Everything is well, but `directory` may fall ill after so many operations.
    pub fn new(directory: &Path, falls_ill: Option<(u64, Health)>) -> Self {
        let state = State { health: Health::Well, falls_ill, operations: 0 };
        Self { directory: directory.to_owned(), state: Arc::new((Mutex::new(state), Condvar::new())) }
    }

    pub fn set(&self, health: Health) {
        let mut state = self.state.0.lock().expect("no test panics here");
        (state.health, state.falls_ill) = (health, None);
        self.state.1.notify_all();
    }

    pub fn health(&self) -> Health {
        self.state.0.lock().expect("no test panics here").health
    }

    /// Operations in the directory so far.
    pub fn operations(&self) -> u64 {
        self.state.0.lock().expect("no test panics here").operations
    }

    /// How the directory takes an operation.
    fn go(&self, path: &Path) -> io::Result<Health> {
        if !path.starts_with(&self.directory) {
            return Ok(Health::Well);
        }
        let mut state = self.state.0.lock().expect("no test panics here");
        state.operations += 1;
        if let Some((after, health)) = state.falls_ill
            && state.operations > after
        {
            (state.health, state.falls_ill) = (health, None);
        }
        while state.health == Health::Hangs {
            state = self.state.1.wait(state).expect("no test panics here");
        }
        match state.health {
            Health::Fails => Err(io::Error::other("input/output error")),
            health => Ok(health),
        }
    }

    fn go_and(&self, path: &Path) -> io::Result<LocalDisk> {
        self.go(path).map(|_| LocalDisk)
    }
}

impl Disk for SickDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.go_and(path)?.create_dir(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inner = self.go_and(path)?.create(path)?;
        Ok(Box::new(SickFile { inner, path: path.to_owned(), disk: self.clone() }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inner = self.go_and(path)?.append(path)?;
        Ok(Box::new(SickFile { inner, path: path.to_owned(), disk: self.clone() }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.go_and(path)?.read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.go_and(from)?.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.go_and(path)?.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.go_and(dir)?.list(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // Syncing for real would take minutes.
        self.go(dir).map(drop)
    }

    fn room(&self, dir: &Path) -> io::Result<Room> {
        self.go_and(dir)?.room(dir)
    }

    fn lock(&self, dir: &Path) -> io::Result<Option<Box<dyn Send>>> {
        LocalDisk.lock(dir)
    }
}

struct SickFile {
    inner: Box<dyn DiskFile>,
    path: PathBuf,
    disk: SickDisk,
}

impl DiskFile for SickFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.disk.go(&self.path)? == Health::Full {
            self.inner.write_all(&bytes[..bytes.len() / 2])?;
            return Err(ErrorKind::StorageFull.into());
        }
        self.inner.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.go(&self.path).map(drop)
    }
}
