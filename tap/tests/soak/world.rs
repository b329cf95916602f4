//! What befalls the tap: its link, and its disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support;

/// By how much the clock is set back in the last quarter of a round, s.
const STEP: u32 = 20;

/// The size of the disk: a few segments.
const SIZE: &str = "size=48m";

fn seconds(record: &[u8]) -> u32 {
    u32::from_le_bytes(record[..4].try_into().expect("four bytes"))
}

/// A round of the link: a site's uplink, a flood of SYNs in its middle, and a clock that is set back before its end.
pub fn capture(room: &Path) -> PathBuf {
    let (header, mut link) = support::packets(&support::uplink(room, "uplink-small", 1000));
    let (_, mut flood) = support::packets(&support::uplink(room, "syn-flood", 20_000));
    let middle = seconds(&link[link.len() / 2]);
    let first = seconds(&flood[0]);
    for record in &mut flood {
        let at = middle + seconds(record) - first;
        record[..4].copy_from_slice(&at.to_le_bytes());
    }
    let late = link.len() * 3 / 4;
    for record in &mut link[late..] {
        let at = seconds(record) - STEP;
        record[..4].copy_from_slice(&at.to_le_bytes());
    }
    let half = link.len() / 2;
    link.splice(half..half, flood);
    let path = room.join("round.pcap");
    fs::write(&path, [header, link.concat()].concat()).expect("a file");
    path
}

/// A file system of its own, which can be full.
pub struct Disk(PathBuf);

impl Disk {
    pub fn mount(place: &Path) -> Self {
        fs::create_dir(place).expect("a directory");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "none"]).arg(place).status();
        assert!(mounted.expect("mount runs").success());
        Self(place.to_owned())
    }

    /// Leaves no room on it.
    pub fn fill(&self) {
        let ballast = fs::File::create(self.0.join("ballast"))
            .and_then(|mut file| std::io::copy(&mut std::io::repeat(0), &mut file));
        assert!(ballast.is_err(), "it has an end");
    }

    /// Gives the room back.
    pub fn empty(&self) {
        fs::remove_file(self.0.join("ballast")).expect("the ballast is there");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
