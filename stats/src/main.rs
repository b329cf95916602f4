//! `conntrack-report` reads recorded campaigns.

use std::process::ExitCode;

fn main() -> ExitCode {
    stats::run(std::env::args_os())
}
