//! Log lines, to standard error.

use std::io::{self, IsTerminal};

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
    let lines = tracing_subscriber::fmt().with_writer(io::stderr).with_max_level(level);
    match arguments.log_format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => lines.with_ansi(colours()).with_target(false).init(),
    }
}

/// Whether standard error takes colours: a terminal, and nobody said no (<https://no-color.org>).
fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
