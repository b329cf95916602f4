//! Capture files: pcap and pcapng, plain or compressed, one, many, or through a pipe.
//!
//! [`open`] takes a file, `-` for standard input, a directory or a pattern. From the outside in: [`Captures`](captures)
//! merges files by time, opening each when its time comes; a [`Reader`](reader) walks through the records of one file;
//! its format is [`classic`] (pcap) or [`ng`] (pcapng); both look at the bytes through a [`Window`](window), one reused
//! buffer; and [`Input`](input) undoes gzip and zstd.
//!
//! Everything streams: memory is bounded by [`record::MOST_BYTES`] a packet, whatever a file claims, and a packet is lent
//! from the buffer where it was read.
//!
//! The reader is our own, because a budget of some 25 ns a packet leaves no room for another layer, and because exactness
//! asks for more than the crates at hand give: nanoseconds for every resolution, link types by interface, several sections
//! in either byte order, and after any damage the packets before it together with the reason.

mod captures;
mod classic;
mod files;
mod input;
mod ng;
mod reader;
mod record;
mod window;

pub use files::open;
