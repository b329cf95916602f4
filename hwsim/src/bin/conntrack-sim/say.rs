//! Standard error, which may be full or gone: then nobody can be told, and the work goes on.

use std::fmt::Display;
use std::io::{self, Write as _};

/// Says a line.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Draws over the line that a terminal shows.
pub fn draw(line: impl Display) {
    let mut out = io::stderr();
    let _ = write!(out, "\r{line}\x1b[K").and_then(|()| out.flush());
}
