//! Gives the layout of what a shard saves a name: a digest of the sources that define it, since nobody would remember to count it up by hand.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// FNV-1a: the same for the same bytes, wherever it is built.
fn digest(mut hash: u64, bytes: &[u8]) -> u64 {
    for &byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

/// Every source file below a directory, in order.
fn sources(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn main() -> io::Result<()> {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for directory in ["src", "../wire/src"] {
        println!("cargo::rerun-if-changed={directory}");
        for path in sources(Path::new(directory))? {
            hash = digest(hash, &fs::read(path)?);
        }
    }
    println!("cargo::rustc-env=CONNTRACK_LAYOUT={hash:016x}");
    Ok(())
}
