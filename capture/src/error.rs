//! What can go wrong with a source, said for the person who has to do something about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A source could not be opened, or had to leave something out.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A file that cannot be opened.
    #[error("cannot open {path}: {error}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A directory without files, or a pattern that nothing matches.
    #[error("{path} matches no file: give a capture file, a directory of them, or a pattern such as '/data/*.pcap'")]
    NoFiles {
        /// The directory or pattern.
        path: PathBuf,
    },
    /// An entry of a directory that is no regular file.
    #[error(
        "{path} was skipped, because it is {what}: only the regular files of a directory are read; name it as a source of its own"
    )]
    Skipped {
        /// The entry.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A pattern with a mistake in it.
    #[error("{path} is not a pattern: {reason}")]
    BadPattern {
        /// The pattern.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file that is no capture.
    #[error("{path} is not a capture file that this program reads (pcap or pcapng, plain, gzip or zstd): {reason}")]
    NotACapture {
        /// The file.
        path: PathBuf,
        /// What was found in its place.
        reason: String,
    },
    /// A file that contradicts itself.
    #[error(
        "{path} is damaged after {packets} packets, at byte {offset} (uncompressed): {reason}; the packets before it were read"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Packets read before.
        packets: u64,
        /// Where, in the uncompressed file.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// A file that ends too early.
    #[error(
        "{path} ends inside a packet, after {packets} whole ones and {offset} bytes (uncompressed): the capture was cut off"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Whole packets read.
        packets: u64,
        /// Length of the uncompressed file.
        offset: u64,
    },
    /// Reading failed.
    #[error("cannot read on in {path} after {packets} packets: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Packets read before.
        packets: u64,
        /// What the system or the decompressor said.
        error: io::Error,
    },
    /// What a source writes beside the capture cannot be written.
    #[error("cannot write {path}: {error}; is there room, and the right to write there?")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Timestamps before the year 1677 or after 2262.
    #[error(
        "{packets} packets have timestamps outside of what 64 bits of nanoseconds can say (1677 to 2262), the first of them in {path}: \
         they were taken for the nearest instant within; is if_tsresol or if_tsoffset wrong?"
    )]
    BeyondTime {
        /// The first file with such a packet.
        path: PathBuf,
        /// Such packets of the whole source.
        packets: u64,
    },
    /// More files overlap in time than are held open.
    #[error(
        "more than {limit} capture files overlap in time: {path} was begun when another ended, so its first packets came late"
    )]
    TooManyAtOnce {
        /// The first file concerned.
        path: PathBuf,
        /// How many are held open.
        limit: usize,
    },
    /// An interface that does not exist.
    #[error("there is no interface {interface}; this host has: {existing}")]
    NoSuchInterface {
        /// What was asked for.
        interface: String,
        /// Those that exist.
        existing: String,
    },
    /// An interface that is down.
    #[error("interface {interface} is down: bring it up with 'ip link set {interface} up'")]
    InterfaceDown {
        /// The interface.
        interface: String,
    },
    /// An interface that went down during a capture.
    #[error("interface {interface} went down during the capture; frames are taken again as soon as it is up")]
    InterfaceWentDown {
        /// The interface.
        interface: String,
    },
    /// An interface that went away.
    #[error("interface {interface} is gone; what it captured before was kept")]
    InterfaceGone {
        /// The interface.
        interface: String,
    },
    /// The right to capture is missing.
    #[error(
        "no right to capture on {interface}: run with sudo, or once 'sudo setcap {capabilities}=ep' on the program's file"
    )]
    NotPermitted {
        /// The interface.
        interface: String,
        /// The capabilities that are needed.
        capabilities: &'static str,
    },
    /// An interface that the host itself depends on, for a source that takes its frames from the network stack.
    #[error(
        "interface {interface} has {use_of_it}: AF_XDP takes every frame of it from the network stack, and would cut this host off. \
         Capture it with afpacket:{interface}; or, if you mean it, add cut-off=on"
    )]
    InUse {
        /// The interface.
        interface: String,
        /// What the host has there.
        use_of_it: &'static str,
    },
    /// More queues than the interface has.
    #[error(
        "interface {interface} receives on {existing} queues, not {wanted}: leave out queues=, or set them with \
         'ethtool -L {interface} combined {wanted}'"
    )]
    TooFewQueues {
        /// The interface.
        interface: String,
        /// How many it has.
        existing: u16,
        /// How many were asked for.
        wanted: u16,
    },
    /// The two ports of an inline tap do not pair queue by queue.
    #[error(
        "{} receives on {} queues and {} on {}: an inline tap joins them one by one; make them equal with 'ethtool -L INTERFACE combined N'",
        interfaces[0], queues[0], interfaces[1], queues[1]
    )]
    UnequalQueues {
        /// The interfaces.
        interfaces: [String; 2],
        /// How many each has.
        queues: [u16; 2],
    },
    /// An interface without Ethernet frames.
    #[error("interface {interface} has no Ethernet frames, which AF_XDP is for: capture it with afpacket:{interface}")]
    NotEthernet {
        /// The interface.
        interface: String,
    },
    /// A kind of source that this build has no code for.
    #[error(
        "this build has no {backend} sources: build it again with 'cargo build --release --workspace --features tap/{backend}'"
    )]
    NotBuilt {
        /// The kind, which is also the name of the cargo feature.
        backend: &'static str,
    },
    /// The system refused something else.
    #[error("capturing on {interface}: {action} failed: {error}{advice}")]
    Device {
        /// The interface, or a device of another kind.
        interface: String,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        error: io::Error,
        /// What to do, or nothing.
        advice: &'static str,
    },
}
