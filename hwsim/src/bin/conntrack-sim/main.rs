//! `conntrack-sim`: traffic whose truth is known, as a capture file.
#![forbid(unsafe_code)]

mod args;
mod output;
mod progress;
mod record;
mod script;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

/// The work failed.
const FAILED: u8 = 1;
/// It is done, but something was left out.
const INCOMPLETE: u8 = 3;

fn main() -> ExitCode {
    let args = Args::parse();
    // Whether all of it was done.
    let result = match &args.command {
        Command::Pcap(wanted) => record::pcap(wanted, &args.manner).map(|()| true),
        Command::Script(wanted) => script::script(wanted, &args.manner),
        Command::List => list(args.manner.verbose).map(|()| true).map_err(anyhow::Error::from),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(INCOMPLETE),
        // Who closes the pipe has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            args.manner.error(&error);
            ExitCode::from(FAILED)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

fn list(explain: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for scenario in hwsim::scenario::SCENARIOS {
        writeln!(out, "{:<14}{}", scenario.name, scenario.about)?;
        if explain {
            writeln!(out, "{:14}{}\n", "", scenario.models)?;
        }
    }
    out.flush()
}
