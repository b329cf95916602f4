//! The subcommands, one file each where they need more than a page.

mod columns;
mod headers;
mod html;
mod manual;
mod schema;
#[cfg(feature = "sql")]
mod sql;
mod tables;

use std::io::Write;

use anyhow::Context;
use recorder::Verdict;
use serde::Serialize;

use crate::ReportError;
use crate::burstiness::{Burstiness, Options};
use crate::cli::{
    BurstinessArgs, Campaigns, OutputArgs, SummaryArgs, SummaryFormat, ThroughputArgs, TimeoutsArgs, VerifyArgs,
};
use crate::input::{self, Named, Skipped};
use crate::output::Output;
use crate::summary::{Summary, compare};
use crate::throughput::Throughput;
use crate::timeouts::Timeouts;

pub use columns::columns;
pub use headers::headers;
pub use html::html;
pub use manual::{completions, man};
pub use schema::schema;
#[cfg(feature = "sql")]
pub use sql::sql;
pub use tables::{connections, events};

/// How a subcommand ended when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Everything was read and printed.
    Whole,
    /// Something was left out, or a ledger does not balance, and the output says so.
    InPart,
    /// A check failed.
    Unclean,
}

impl Done {
    fn without(skipped: &Skipped) -> Self {
        if skipped.parts() == 0 { Self::Whole } else { Self::InPart }
    }
}

/// Prints what each campaign holds.
pub fn summary(arguments: &SummaryArgs) -> anyhow::Result<Done> {
    let campaigns = input::open(&arguments.read.campaigns)?;
    let mut out = Output::open(arguments.write.output.as_deref())?;
    let mut skipped = Skipped::default();
    let summaries = campaigns
        .iter()
        .map(|named| Summary::of(&named.path, &named.campaign, &mut skipped))
        .collect::<Result<Vec<_>, _>>()?;
    let text = match arguments.format {
        SummaryFormat::Text if (2..=compare::MOST).contains(&summaries.len()) => compare::render(&summaries),
        SummaryFormat::Text => summaries.iter().map(Summary::to_text).collect::<Vec<_>>().join("\n"),
        SummaryFormat::Json => summaries
            .iter()
            .map(|summary| serde_json::to_string(summary).map(|line| line + "\n"))
            .collect::<Result<String, _>>()
            .context("cannot write the summary as JSON")?,
    };
    out.write_all(text.as_bytes()).map_err(ReportError::from)?;
    let balanced = summaries.iter().all(|summary| summary.imbalance.is_none());
    out.commit()?;
    Ok(if balanced { Done::without(&skipped) } else { Done::InPart })
}

/// Prints how unevenly each campaign's traffic ran.
pub fn burstiness(arguments: &BurstinessArgs) -> anyhow::Result<Done> {
    let options = Options { scales: arguments.scale.clone(), capacity: arguments.capacity, over: arguments.over };
    let make = |named: &Named, skipped: &mut Skipped| Burstiness::of(&named.path, &named.campaign, &options, skipped);
    reports(&arguments.read, arguments.format, &arguments.write, make, Burstiness::to_text)
}

/// Prints how fast each campaign's connections ran.
pub fn throughput(arguments: &ThroughputArgs) -> anyhow::Result<Done> {
    let make = |named: &Named, skipped: &mut Skipped| {
        Throughput::of(&named.path, &named.campaign, arguments.by, arguments.shortest, skipped)
    };
    reports(&arguments.read, arguments.format, &arguments.write, make, Throughput::to_text)
}

/// Prints what timeouts would have made of each campaign's connections.
pub fn timeouts(arguments: &TimeoutsArgs) -> anyhow::Result<Done> {
    let make =
        |named: &Named, skipped: &mut Skipped| Timeouts::of(&named.path, &named.campaign, &arguments.timeout, skipped);
    reports(&arguments.read, arguments.format, &arguments.write, make, Timeouts::to_text)
}

/// Prints a report of each campaign.
fn reports<T: Serialize>(
    read: &Campaigns,
    format: SummaryFormat,
    write: &OutputArgs,
    make: impl Fn(&Named, &mut Skipped) -> Result<T, ReportError>,
    to_text: fn(&T) -> String,
) -> anyhow::Result<Done> {
    let campaigns = input::open(&read.campaigns)?;
    let mut out = Output::open(write.output.as_deref())?;
    let mut skipped = Skipped::default();
    for (i, named) in campaigns.iter().enumerate() {
        let report = make(named, &mut skipped)?;
        let gap = if i > 0 && format == SummaryFormat::Text { "\n" } else { "" };
        let text = match format {
            SummaryFormat::Text => to_text(&report),
            SummaryFormat::Json => serde_json::to_string(&report).context("cannot write the report as JSON")? + "\n",
        };
        write!(out, "{gap}{text}").map_err(ReportError::from)?;
    }
    out.commit()?;
    Ok(Done::without(&skipped))
}

/// Prints what came of each check of each campaign.
pub fn verify(arguments: &VerifyArgs) -> anyhow::Result<Done> {
    let campaigns = input::open(&arguments.read.campaigns)?;
    let mut out = Output::open(None)?;
    let mut broken = Vec::new();
    for named in &campaigns {
        let report = recorder::verify(&named.campaign);
        writeln!(out, "Campaign {}", named.path.display()).map_err(ReportError::from)?;
        for check in &report.checks {
            let lines = match &check.verdict {
                Verdict::Passed(what) => vec![format!("ok       {:<28} {what}", check.name)],
                Verdict::Skipped(why) => vec![format!("skipped  {:<28} {why}", check.name)],
                Verdict::Failed(problems) => {
                    problems.iter().map(|problem| format!("FAILED   {:<28} {problem}", check.name)).collect()
                }
            };
            for line in lines {
                writeln!(out, "  {line}").map_err(ReportError::from)?;
            }
        }
        if !report.is_clean() {
            broken.push(named.path.display().to_string());
        }
    }
    out.commit()?;
    if broken.is_empty() {
        return Ok(Done::Whole);
    }
    tracing::error!(
        "{} not clean: the lines marked FAILED say what and where; restore damaged files from a backup and check the disk, \
         and where no file is damaged please report it",
        if broken.len() == 1 { format!("{} is", broken[0]) } else { format!("{} are", broken.join(", ")) },
    );
    Ok(Done::Unclean)
}
