//! `conntrack-tap`: arguments in, exit code out.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use tap::cli::{Cli, Command, ConfigArguments, LogArguments, LogFormat, RunArguments};
use tap::config::{self, Config};
use tap::{doctor, logging, run};

/// Done, but something was lost or skipped.
const LOSSY: u8 = 3;

/// Wrong usage that only shows when arguments are seen together.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let logs = cli.logs;
    logging::start(logs);
    match carry_out(cli) {
        Ok(code) => code,
        // Whoever read our output has left, as `head` does: nothing failed.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            match logs.log_format {
                LogFormat::Text => eprintln!("conntrack-tap: {error:#}"),
                LogFormat::Json => tracing::error!("{error:#}"),
            }
            ExitCode::FAILURE
        }
    }
}

fn carry_out(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Run(arguments) => record(arguments, cli.logs),
        Command::Doctor(arguments) => {
            let usable = doctor::examine(&arguments.sources, &arguments.out, &mut io::stdout().lock())?;
            Ok(if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Config(arguments) => configuration(&arguments),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "conntrack-tap", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man { directory } => man(&directory),
    }
}

fn record(arguments: RunArguments, logs: LogArguments) -> Result<ExitCode> {
    if let Err(mixed) = run::common_pace(&arguments.sources) {
        Cli::command().error(ErrorKind::ArgumentConflict, mixed).print()?;
        return Ok(ExitCode::from(USAGE));
    }
    let summary = run::run(arguments, logs)?;
    match logs.log_format {
        LogFormat::Json => eprintln!("{}", serde_json::to_string(&summary)?),
        LogFormat::Text if logs.quiet && summary.is_clean() => {}
        LogFormat::Text => eprintln!("{summary}"),
    }
    Ok(if summary.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(LOSSY) })
}

fn configuration(arguments: &ConfigArguments) -> Result<ExitCode> {
    match &arguments.check {
        Some(path) => {
            Config::load(Some(path), toml::Table::new())?;
            writeln!(io::stdout(), "{} can be used", path.display())?;
        }
        None => io::stdout().write_all(config::DEFAULT.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn man(directory: &Path) -> Result<ExitCode> {
    clap_mangen::generate_to(Cli::command(), directory)
        .with_context(|| format!("cannot write the man pages to {}", directory.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
