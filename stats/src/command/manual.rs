//! Completions and man pages, made from the command line's own definition.

use std::io::Write;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;

use super::Done;
use crate::ReportError;
use crate::output::Output;

/// Prints a completion script.
pub fn completions(shell: Shell, mut command: Command) -> anyhow::Result<Done> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "conntrack-report", &mut script);
    let mut out = Output::open(None)?;
    out.write_all(&script).map_err(ReportError::from)?;
    out.commit()?;
    Ok(Done::Whole)
}

/// Writes a man page for the program and one for each subcommand.
pub fn man(folder: &Path, command: Command) -> anyhow::Result<Done> {
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .map_err(|source| ReportError::Output { path: folder.to_owned(), source })?;
    Ok(Done::Whole)
}
