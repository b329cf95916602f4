//! Network interfaces, through `TPACKET_V3` rings of an `AF_PACKET` socket.

mod options;

pub use options::Options;

use crate::{Source, SourceError};

/// Opens an interface: one source a queue.
///
/// # Errors
/// No such interface, or no right to capture from it.
pub fn open(options: &Options) -> Result<Vec<Box<dyn Source>>, SourceError> {
    Err(SourceError::Device {
        interface: options.interface.clone(),
        action: "opening a ring",
        error: std::io::ErrorKind::Unsupported.into(),
        advice: "",
    })
}
