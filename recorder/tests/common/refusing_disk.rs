//! A disk on which no day's directory can be made while it refuses: nothing can be sealed, and the journal goes on.
#![allow(dead_code, reason = "each test uses its own part")]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use recorder::{Disk, DiskFile, LocalDisk, Room};

#[derive(Clone, Default)]
pub struct RefusingDisk(Arc<AtomicBool>);

impl RefusingDisk {
    /// Whether it refuses from now on.
    pub fn refuse(&self, refuses: bool) {
        self.0.store(refuses, Ordering::SeqCst);
    }
}

impl Disk for RefusingDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let is_day = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("date="));
        if is_day && self.0.load(Ordering::SeqCst) {
            return Err(io::Error::other("input/output error"));
        }
        LocalDisk.create_dir(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        LocalDisk.create(path)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        LocalDisk.append(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        LocalDisk.read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        LocalDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        LocalDisk.list(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        LocalDisk.sync_dir(dir)
    }

    fn room(&self, dir: &Path) -> io::Result<Room> {
        LocalDisk.room(dir)
    }

    fn lock(&self, dir: &Path) -> io::Result<Option<Box<dyn Send>>> {
        LocalDisk.lock(dir)
    }
}
