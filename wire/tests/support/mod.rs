//! The data set, as frames. It is no part of the repository: tests that need it say so loudly when it is absent.
#![allow(dead_code, reason = "each test crate uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when the data set is broken")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};
use wire::LinkType;

/// Where the data set is, or `None` with a word on standard error.
pub fn data() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = env::var_os("CONNTRACK_DATA").map_or(beside, PathBuf::from);
    if folder.join("dev/pcap").is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no data set at {} (set CONNTRACK_DATA to its folder)", folder.display());
    None
}

/// The files of a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Shows every frame of a capture file (link type, bytes, length on the wire) up to the first fault of the file.
pub fn frames(path: &Path, mut visit: impl FnMut(LinkType, &[u8], u32)) {
    const BUFFER: usize = 1 << 20;
    let file = fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let Ok(mut reader) = create_reader(BUFFER, file) else { return };
    let mut links = Vec::new();
    loop {
        match reader.next() {
            Ok((taken, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => links.push(link(header.network.0)),
                    PcapBlockOwned::Legacy(packet) => visit(links[0], packet.data, packet.origlen),
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => links.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                        links.push(link(interface.linktype.0))
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        let bytes = packet.data.get(..packet.caplen as usize).unwrap_or(packet.data);
                        if let Some(&link) = links.get(packet.if_id as usize) {
                            visit(link, bytes, packet.origlen);
                        }
                    }
                    PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                        let bytes = packet.data.get(..packet.origlen as usize).unwrap_or(packet.data);
                        if let Some(&link) = links.first() {
                            visit(link, bytes, packet.origlen);
                        }
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                reader.consume(taken);
            }
            Err(PcapError::Incomplete(_)) => {
                if reader.refill().is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}

/// The link type of a file's header; its upper bits say other things.
fn link(number: i32) -> LinkType {
    LinkType::from_number(number as u32 & 0xffff)
}
