//! `conntrack-sim`: traffic whose truth is known, as a capture file.
#![forbid(unsafe_code)]

mod args;
mod output;
mod progress;
mod record;
mod say;
mod script;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _};
use clap_complete::Shell;

use args::{Args, Command};

/// The work failed.
const FAILED: u8 = 1;
/// It is done, but something was left out.
const INCOMPLETE: u8 = 3;

fn main() -> ExitCode {
    let args = Args::parse();
    // Whether all of it was done.
    let result = match &args.command {
        Command::Pcap(wanted) => record::record(wanted, &args.manner).map(|()| true),
        Command::Script(wanted) => script::script(wanted, &args.manner),
        Command::List => list(args.manner.verbose).map(|()| true).map_err(anyhow::Error::from),
        Command::Completions { shell } => completions(*shell).map(|()| true).map_err(anyhow::Error::from),
        Command::Man { directory } => man(directory).map(|()| true),
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

fn man(directory: &Path) -> anyhow::Result<()> {
    clap_mangen::generate_to(Args::command(), directory)
        .with_context(|| format!("cannot write the man pages to {}", directory.display()))
}

fn completions(shell: Shell) -> io::Result<()> {
    // clap_complete panics where its writer fails, so it writes into memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "conntrack-sim", &mut script);
    let mut out = io::stdout().lock();
    out.write_all(&script)?;
    out.flush()
}

fn list(explain: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for scenario in hwsim::scenario::SCENARIOS {
        writeln!(out, "{:<18}{}", scenario.name, scenario.about)?;
        if explain {
            writeln!(out, "{:18}{}\n", "", scenario.models)?;
        }
    }
    writeln!(out, "\nDevices (--device NAME, or sim:SCENARIO,device=NAME):")?;
    for device in hwsim::hardware::DEVICES {
        writeln!(out, "{:<16}{}", device.name, device.about)?;
    }
    out.flush()
}
