//! `conntrack-report burstiness`: how unevenly the traffic ran, hour by hour, from the base series of the whole campaign; and what its
//! connections say of bursts, sizes and lengths.
//!
//! One pass over the base series to see what was recorded, one over the connections, then one over the base series, and a last one for the connections behind what stands out. Of the connections only counts, largest values and, of each hour, some
//! thousand instants are kept; of the base series three hours at a time.

mod alpha;
mod connections;
mod instants;
mod link;
mod series;
mod text;

use std::ops::ControlFlow;
use std::path::Path;

use recorder::{Campaign, Table};
use serde::Serialize;

pub use connections::{Connections, SHORTEST};
pub use link::{HourReport, Options, ScaleReport, SeriesReport};
pub use series::HOUR;

use crate::ReportError;
use crate::input::{Skipped, each_batch};
use crate::recorded::{Gap, Recorded, runs};
use crate::standing::Standing;
use crate::summary::Seconds;
use alpha::{AlphaBin, GatherAlpha};
use connections::GatherConnections;
use instants::GatherInstants;
use series::{GatherHours, Hour};

/// The burstiness of a campaign.
#[derive(Debug, Serialize)]
pub struct Burstiness {
    /// The campaign's directory.
    pub campaign: String,
    /// Where its recording stands.
    pub standing: Standing,
    /// What the figures of the hours rest on.
    pub basis: &'static str,
    /// Width of the bins of the base series; nothing of an empty campaign.
    pub bin_s: Option<Seconds>,
    /// Width of the bins of alpha traffic: half a second in whole bins of the base series.
    pub alpha_bin_s: Option<Seconds>,
    /// What was not recorded, or deleted since, between its first packet and its last: no part of any figure.
    pub gaps: Vec<Gap>,
    /// Hour by hour, in UTC, as far as each was recorded.
    pub hours: Vec<HourReport>,
    /// Frames that the capture lost: the hours that they fell into say so.
    pub lost: u64,
    /// Rows of the base series that came hours after their time, and are left out.
    pub late_rows: u64,
    /// The bins of alpha traffic that stand out most, with the connection that can have filled each.
    pub alpha_bins: Vec<AlphaBin>,
    /// What the connections say.
    pub connections: Connections,
}

impl Burstiness {
    /// Of the campaign at `path`.
    ///
    /// # Errors
    /// [`ReportError`] for a campaign of a make that cannot be taken apart.
    pub fn of(path: &Path, campaign: &Campaign, options: &Options, skipped: &mut Skipped) -> Result<Self, ReportError> {
        let before = skipped.parts();
        let recorded = Recorded::of(campaign)?;
        let (mut openings, mut closings) = (GatherInstants::new(&recorded), GatherInstants::new(&recorded));
        let mut connections = GatherConnections::new(runs(campaign.manifest()));
        each_batch(campaign, Table::Connections, &connections::COLUMNS, skipped, &mut |batch| {
            let seen = &mut |opened: Option<i64>, closed: Option<i64>| {
                opened.into_iter().for_each(|ts| openings.add(ts));
                closed.into_iter().for_each(|ts| closings.add(ts));
            };
            connections.add(batch, seen).map(ControlFlow::Continue)
        })?;
        let (mut hours, mut lost, mut bin) = (Vec::new(), 0_u64, None);
        let mut alpha = GatherAlpha::default();
        let mut gather = GatherHours::new(&recorded, |hour: Hour| {
            bin = Some(Seconds(hour.width as f64 / 1e9));
            lost = lost.saturating_add(hour.lost);
            hours.push(HourReport::of(&hour, [&mut openings, &mut closings], &mut alpha, options));
            tracing::info!("{} hours of the base series are done", hours.len());
        });
        each_batch(campaign, Table::Intervals, &series::COLUMNS, skipped, &mut |batch| {
            gather.add(batch).map(ControlFlow::Continue)
        })?;
        let late_rows = gather.finish();
        Ok(Self {
            campaign: path.display().to_string(),
            standing: Standing::of(campaign)?.lacking(skipped.parts() - before),
            basis: "intervals",
            bin_s: bin,
            gaps: recorded.gaps(),
            alpha_bin_s: bin.map(|Seconds(bin)| link::alpha_bin(bin)),
            hours,
            lost,
            late_rows,
            alpha_bins: alpha.finish(campaign)?,
            connections: connections.finish(),
        })
    }

    /// For people, at most 100 columns wide.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}
