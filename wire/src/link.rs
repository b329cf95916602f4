//! Link types of capture files and devices.

/// The outermost header of a frame, by its LINKTYPE number in capture files
/// (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// Ethernet, 1.
    Ethernet,
    /// A number that the parser does not know: every frame is rejected by name.
    Unknown(u16),
}
