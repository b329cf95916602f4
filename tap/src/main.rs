//! `conntrack-tap`: arguments in, exit code out.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use tap::cli::{Cli, Command, ConfigArguments, LogArguments, LogFormat, RunArguments, StatusFormat};
use tap::config::{self, Config};
use tap::operation::socket;
use tap::{checkpoint, doctor, keep, logging, run};

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
            let code = if run::is_usage(&error) { ExitCode::from(USAGE) } else { ExitCode::FAILURE };
            match logs.log_format {
                LogFormat::Text => logging::say(format_args!("conntrack-tap: {}", logging::printable(&line(&error)))),
                LogFormat::Json => tracing::error!("{}", line(&error)),
            }
            code
        }
    }
}

fn carry_out(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Run(arguments) => record(*arguments, cli.logs),
        Command::Doctor(arguments) => {
            let usable = doctor::examine(&arguments.sources, &arguments.out, &mut io::stdout().lock())?;
            Ok(if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Detach { interfaces } => detach(interfaces),
        Command::Config(arguments) => configuration(&arguments),
        Command::Recover { campaign } => recover(&campaign),
        Command::Status { campaign, format } => status(&campaign, format),
        Command::Keep { campaign, days, release } => {
            let change = if release { keep::Change::Release } else { keep::Change::Keep };
            for day in keep::keep(&campaign, &days, change)? {
                writeln!(io::stdout(), "{day}")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            // clap_complete panics where its writer fails, so it writes into memory.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "conntrack-tap", &mut script);
            io::stdout().write_all(&script)?;
            io::stdout().flush()?;
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
    if let Some(twice) = run::named_twice(&arguments.sources) {
        let message = format!("{twice} is named twice: every packet of it would count twice; name each source once");
        Cli::command().error(ErrorKind::ArgumentConflict, message).print()?;
        return Ok(ExitCode::from(USAGE));
    }
    let summary = run::run(arguments, logs)?;
    match logs.log_format {
        LogFormat::Json => logging::say(serde_json::to_string(&summary)?),
        LogFormat::Text if logs.quiet && summary.is_clean() => {}
        LogFormat::Text => logging::say(&summary),
    }
    Ok(if summary.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(LOSSY) })
}

fn detach(interfaces: Vec<String>) -> Result<ExitCode> {
    let interfaces = if interfaces.is_empty() { capture::interface::names() } else { interfaces };
    let mut out = io::stdout().lock();
    let mut detached = false;
    for interface in &interfaces {
        if capture::af_xdp::detach(interface)? {
            writeln!(out, "{interface}: detached")?;
            detached = true;
        }
    }
    if !detached {
        writeln!(out, "no interface has the program of an inline tap")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn recover(campaign: &Path) -> Result<ExitCode> {
    let recovered = recorder::recover(campaign, tap::clock::time_of_day())?;
    let bytes = recovered.torn_bytes + recovered.damaged_bytes;
    let mut out = io::stdout().lock();
    writeln!(out, "sealed {} segments of the journal; {bytes} bytes of it were no whole row", recovered.segments)?;
    if recovered.missing > 0 {
        writeln!(out, "{} segments of the journal were not there", recovered.missing)?;
    }
    if let Some(closed) = checkpoint::close(campaign, &recovered.manifest, run::software())? {
        writeln!(out, "ended {} connections that were kept for another run", closed.closed)?;
    }
    for lost in recovered.lost.sentences() {
        writeln!(out, "LOST {lost}")?;
    }
    Ok(if recovered.lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(LOSSY) })
}

fn status(campaign: &Path, format: StatusFormat) -> Result<ExitCode> {
    let status = socket::ask(campaign)?;
    let text = match format {
        StatusFormat::Text => status.to_string(),
        StatusFormat::Json => serde_json::to_string(&status)?,
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(if status.ailment().is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

/// The error and its causes in one line. Some errors already speak of their cause, which is not said twice.
fn line(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_cause_is_said_once() {
        let cause = std::io::Error::from_raw_os_error(2);
        let spoken = anyhow::Error::new(cause).context("cannot read it: No such file or directory (os error 2)");
        assert_eq!(line(&spoken), "cannot read it: No such file or directory (os error 2)");
        let silent = anyhow::anyhow!("the disk is gone").context("cannot read it");
        assert_eq!(line(&silent), "cannot read it: the disk is gone");
    }
}
