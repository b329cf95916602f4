//! Checking a campaign: every byte, every count.

mod bytes;
mod rows;

use std::fmt;

use crate::{Campaign, State};

/// What came of verifying a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Every check, in order.
    pub checks: Vec<Check>,
}

/// A named check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, fixed: for scripts.
    pub name: &'static str,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds; what was looked at.
    Passed(String),
    /// It does not hold; what, where, with numbers.
    Failed(Vec<String>),
    /// It cannot be said; why.
    Skipped(String),
}

impl VerifyReport {
    /// Whether no check failed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.checks.iter().any(|check| matches!(check.verdict, Verdict::Failed(_)))
    }
}

impl fmt::Display for VerifyReport {
    /// A line a check, and one a problem.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            match &check.verdict {
                Verdict::Passed(what) => writeln!(f, "passed   {}: {what}", check.name)?,
                Verdict::Skipped(why) => writeln!(f, "skipped  {}: {why}", check.name)?,
                Verdict::Failed(problems) => {
                    writeln!(f, "FAILED   {}", check.name)?;
                    for problem in problems {
                        writeln!(f, "         {problem}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Problems of one check; the first few in words, the rest as a number.
#[derive(Default)]
struct Problems {
    listed: Vec<String>,
    more: u64,
}

impl Problems {
    const LISTED: usize = 20;

    fn add(&mut self, problem: impl FnOnce() -> String) {
        if self.listed.len() < Self::LISTED {
            self.listed.push(problem());
        } else {
            self.more += 1;
        }
    }

    fn check(mut self, name: &'static str, passed: impl FnOnce() -> String) -> Check {
        if self.more > 0 {
            self.listed.push(format!("and {} more", self.more));
        }
        let verdict = if self.listed.is_empty() { Verdict::Passed(passed()) } else { Verdict::Failed(self.listed) };
        Check { name, verdict }
    }
}

/// Checks every checksum, every row count, the ledgers, and that rows, headers and packets add up to each other. Bounded memory: a
/// batch, a journal segment, and 128 MiB for the uniqueness of `uid`.
#[must_use]
pub fn verify(campaign: &Campaign) -> VerifyReport {
    let mut checks = vec![
        bytes::segments(campaign),
        bytes::journal(campaign),
        bytes::sealed_files(campaign),
        bytes::strays(campaign),
        bytes::checkpoint(campaign),
        ledgers(campaign),
    ];
    let readable = checks[..5].iter().all(|check| !matches!(check.verdict, Verdict::Failed(_)));
    if readable {
        checks.extend(rows::checks(campaign));
    } else {
        let why = "files are damaged".to_owned();
        checks.extend(rows::NAMES.map(|name| Check { name, verdict: Verdict::Skipped(why.clone()) }));
    }
    VerifyReport { checks }
}

/// Each source's ledger balances.
fn ledgers(campaign: &Campaign) -> Check {
    const NAME: &str = "ledger";
    let manifest = campaign.manifest();
    if manifest.state == State::Running {
        let why = "the campaign did not end; its ledger is that of the last write".to_owned();
        return Check { name: NAME, verdict: Verdict::Skipped(why) };
    }
    let mut problems = Problems::default();
    for source in &manifest.sources {
        if let Err(imbalance) = source.ledger.balance() {
            problems.add(|| format!("campaign.json: source {}: {imbalance}", source.name));
        }
    }
    problems.check(NAME, || format!("{} sources, {} frames", manifest.sources.len(), manifest.ledger().offered))
}
