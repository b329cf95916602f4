//! Numbers from records: what `conntrack-report` prints of recorded campaigns.
//!
//! Everything works on record batches as [`recorder`] reads them, and by the names and types of their columns, so that a
//! new column appears in every format by itself. Memory does not grow with a campaign.
#![forbid(unsafe_code)]

mod burstiness;
mod cell;
mod cli;
mod command;
mod error;
pub mod estimate;
mod format;
mod html;
mod input;
mod leftovers;
mod log;
mod output;
mod packet_line;
mod page;
mod pcapng;
mod progress;
mod recorded;
mod rows;
mod services;
#[cfg(feature = "sql")]
mod sql;
mod standing;
mod summary;
mod text;
mod throughput;
mod time_sort;
mod timeouts;
mod top;
#[cfg(not(feature = "sql"))]
mod without_sql;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use error::{ReportError, Usage};

use cli::{Cli, Command};
use command::Done;

/// Runs `conntrack-report` with the arguments of its command line, the program's name first.
///
/// The exit codes are decided here: 0 done; 1 failed, or `verify` found something; 2 wrong usage; 3 done, but something was
/// left out or a ledger does not balance. A reader that goes away (`| head`) is no failure.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to do when not even this can be printed.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    log::start(&cli);
    leftovers::remove_at_signals();
    match dispatch(cli.command) {
        Ok(Done::Whole) => ExitCode::SUCCESS,
        Ok(Done::Unclean) => ExitCode::from(1),
        Ok(Done::InPart) => ExitCode::from(3),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let line = log::line(&error);
            tracing::error!("{line}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<Done> {
    match command {
        Command::Summary(arguments) => command::summary(&arguments),
        Command::Connections(arguments) => command::connections(&arguments),
        Command::Headers(arguments) => command::headers(&arguments),
        Command::Events(arguments) => command::events(&arguments),
        Command::Columns(arguments) => command::columns(&arguments),
        Command::Burstiness(arguments) => command::burstiness(&arguments),
        Command::Html(arguments) => command::html(&arguments),
        Command::Throughput(arguments) => command::throughput(&arguments),
        Command::Timeouts(arguments) => command::timeouts(&arguments),
        Command::Schema(arguments) => command::schema(&arguments),
        #[cfg(feature = "sql")]
        Command::Sql(arguments) => command::sql(&arguments),
        #[cfg(not(feature = "sql"))]
        Command::Sql(_) => Err(without_sql::refusal("sql").into()),
        Command::Verify(arguments) => command::verify(&arguments),
        Command::Completions(arguments) => command::completions(arguments.shell, Cli::command()),
        Command::Man(arguments) => command::man(&arguments.folder, Cli::command()),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<ReportError>().is_some_and(ReportError::is_broken_pipe)
}
