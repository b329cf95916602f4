//! What can be wrong with a script.

use thiserror::Error;

/// A script that cannot be read: the line, and what belongs there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {fault}")]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong in a line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// Something else belongs here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What belongs here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// A number that its field cannot hold.
    #[error("{what} must lie between 0 and {most}")]
    OutOfRange {
        /// The field.
        what: &'static str,
        /// Its largest value.
        most: u64,
    },
    /// A comment, a quotation or a bracket that is never closed.
    #[error("{0} is not closed: add {1}")]
    Unclosed(&'static str, &'static str),
    /// The end of a segment's sequence space does not follow from its start and its length.
    #[error("{start}:{end}({len}): the end must be the start and the length together")]
    Sequence {
        /// First sequence number.
        start: u32,
        /// The number after the last.
        end: u32,
        /// Bytes of payload.
        len: u16,
    },
    /// The options do not fill whole words.
    #[error("the options take {0} bytes: fill them up with nop or eol to a multiple of 4")]
    OptionsUnpadded(usize),
    /// The options do not fit into the header.
    #[error("the options take {0} bytes: at most 40 fit into a header")]
    OptionsTooLong(usize),
    /// The segment does not fit into an IP datagram.
    #[error("the segment does not fit into an IP datagram: shorten its payload to {0} bytes")]
    TooLong(usize),
    /// The second of two times lies before the first.
    #[error("the range of times ends before it begins")]
    BackwardRange,
    /// Addresses of different families, or of another than `--ip_version` says.
    #[error("the addresses must both be of the family that --ip_version names")]
    MixedFamilies,
    /// An inbound packet at a time that only the stack under test could choose.
    #[error("a packet that is sent to the stack (<) needs a definite time: * and ranges are for those it sends (>)")]
    IndefiniteTime,
}
