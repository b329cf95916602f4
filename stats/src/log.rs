//! Messages on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::LevelFilter;

use crate::cli::{Cli, LogFormat};

/// Starts to write messages as the command line asks.
pub fn start(cli: &Cli) {
    let level = match (cli.quiet, cli.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .log_internal_errors(false)
        .with_target(false);
    // A subscriber is there already only where a test runs the program twice in one process.
    let _ = match cli.log_format {
        LogFormat::Text => log.without_time().with_ansi(io::stderr().is_terminal() && colours()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}

/// Whether colours are welcome (<https://no-color.org>).
pub fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// What went wrong in one line: the error and its causes, but for those that it names itself.
pub fn line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.contains(&cause) {
            let joint = if line.is_empty() { "" } else { ": " };
            line = line + joint + &cause;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::Context;

    use crate::ReportError;

    #[test]
    fn no_cause_is_told_twice() {
        let full = || ReportError::Write(io::Error::other("the disk is full"));
        let told = "cannot write the output: the disk is full; make room or choose another place with -o";
        assert_eq!(super::line(&full().into()), told);
        let error = Err::<(), _>(full()).context("no page was made").unwrap_err();
        assert_eq!(super::line(&error), format!("no page was made: {told}"));
    }
}
