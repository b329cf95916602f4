//! Log lines, to standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use tracing::level_filters::LevelFilter;

use crate::cli::{LogArguments, LogFormat};

/// Sends log lines to standard error from here on, in the format and down to the level that were asked for.
pub fn start(arguments: LogArguments) {
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let lines = tracing_subscriber::fmt().with_writer(io::stderr).log_internal_errors(false).with_max_level(level);
    match arguments.log_format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => lines.with_ansi(colours()).with_target(false).init(),
    }
}

/// A text on one line, whatever is in the names that it tells: file names may hold line feeds and the sequences that terminals obey.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// Says a line on standard error. Where that is full or gone, nobody can be told, and the work goes on.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Whether standard error takes colours: a terminal, and nobody said no (<https://no-color.org>).
fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_name_can_neither_begin_a_line_nor_command_a_terminal() {
        assert_eq!(printable("a\nLOST\u{1b}[31m é"), "a\\nLOST\\u{1b}[31m é");
    }
}
