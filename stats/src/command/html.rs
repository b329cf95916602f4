//! `html`: a page to look at.

use std::io::Write;

use super::Done;
use crate::ReportError;
use crate::cli::HtmlArgs;
use crate::html::{Wanted, render};
use crate::input::{self, Skipped};
use crate::output::Output;

/// Writes the page.
pub fn html(arguments: &HtmlArgs) -> anyhow::Result<Done> {
    let campaigns = input::open(&arguments.read.campaigns)?;
    let mut out = Output::open(Some(&arguments.output))?;
    let mut skipped = Skipped::default();
    let wanted = Wanted { uids: arguments.uid.clone(), largest: usize::from(arguments.largest) };
    let (page, balanced) = render(&campaigns, arguments.title.as_deref(), &wanted, &mut skipped)?;
    out.write_all(page.as_bytes()).map_err(ReportError::from)?;
    out.commit()?;
    Ok(if balanced { Done::without(&skipped) } else { Done::InPart })
}
