//! What this host can do for a tap, and what stands in the way.
//!
//! Each part looks at one thing and returns findings; this file asks the parts and prints.

mod disk;
mod dpdk;
mod host;
mod interface;
mod xdp;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use crate::sources::SourceSpec;

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it stands.
    pub level: Level,
    /// What was looked at, and what was seen.
    pub text: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Usable, with a loss.
    Warning,
    /// A source or campaign cannot work like this.
    Problem,
}

impl Finding {
    fn ok(text: impl Into<String>) -> Self {
        Self { level: Level::Ok, text: text.into(), advice: None }
    }

    fn warning(text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Warning, text: text.into(), advice: Some(advice.into()) }
    }

    fn problem(text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Problem, text: text.into(), advice: Some(advice.into()) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Problem => "problem",
        };
        write!(f, "{level:<8} {}", self.text)?;
        match &self.advice {
            Some(advice) => write!(f, "\n         -> {advice}"),
            None => Ok(()),
        }
    }
}

/// Looks at the host, at the disk under `out`, and at each source; prints what it finds as it finds it.
///
/// Returns whether nothing is a problem.
///
/// # Errors
/// When the report cannot be written.
pub fn examine(sources: &[SourceSpec], out: &Path, report: &mut impl Write) -> io::Result<bool> {
    let mut usable = true;
    let mut say = |findings: Vec<Finding>| -> io::Result<()> {
        for finding in findings {
            usable &= finding.level < Level::Problem;
            writeln!(report, "{finding}")?;
        }
        Ok(())
    };
    say(host::findings())?;
    say(disk::findings(out))?;
    if sources.is_empty() {
        say(interface::every())?;
    }
    for source in sources {
        say(examine_source(source))?;
    }
    Ok(usable)
}

/// Looks at what a source stands on, then opens it as a campaign would, where that leaves nothing behind.
fn examine_source(source: &SourceSpec) -> Vec<Finding> {
    let mut findings = match source {
        SourceSpec::Captured(capture::SourceSpec::AfPacket(options)) => interface::named(&options.interface),
        SourceSpec::Captured(capture::SourceSpec::AfXdp(options)) => xdp::port(options),
        // Opening it would join its ports.
        SourceSpec::Captured(capture::SourceSpec::AfXdpInline(options)) => return xdp::inline(options),
        SourceSpec::Captured(capture::SourceSpec::Dpdk(options)) => dpdk::findings(options),
        SourceSpec::Captured(capture::SourceSpec::Pcap(_)) => Vec::new(),
        // Opening it would begin its truth anew.
        SourceSpec::Simulated(options) => return vec![simulated(source, options)],
    };
    findings.push(match source.open() {
        Ok(queues) => Finding::ok(opens(source, &queues)),
        Err(error) => Finding::problem(format!("source {source}: does not open"), error.to_string()),
    });
    findings
}

/// How a source opens, in words.
fn opens(source: &SourceSpec, queues: &[Box<dyn capture::Source>]) -> String {
    let count = if queues.len() == 1 { String::new() } else { format!(", {} queues", queues.len()) };
    let detail = queues.first().map(|queue| queue.detail()).filter(|detail| !detail.is_empty());
    format!("source {source}: opens{count}{}", detail.map_or_else(String::new, |detail| format!(", {detail}")))
}

/// A simulation stands on nothing of this host; what it is says enough.
fn simulated(source: &SourceSpec, options: &hwsim::source::Options) -> Finding {
    let hardware = options.hardware();
    Finding::ok(format!("source {source}: simulated, {} queues: {}", hardware.queues(), hardware.about))
}
