//! What a person wants to know of a campaign first.
//!
//! One pass over the connections and one over the base series, a few columns of each; memory does not grow with the campaign.

pub mod compare;
mod connections;
mod exact;
mod losses;
mod networks;
mod rates;
mod spread;
mod text;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use recorder::{Campaign, EndedBy, Ledger, Manifest, SourceEntry, Table};
use serde::Serialize;
use wire::Nanos;

pub use connections::{Connections, Halves, Headers, Port, Spreads, Traffic};
pub use exact::{Instant, Seconds};
pub use networks::Networks;
pub use rates::{Peak, Rates};
pub use spread::{Gather, Spread};
pub use text::{REASONS, STATES, explained, period};

use crate::ReportError;
use crate::input::{Skipped, each_batch};
use crate::recorded::Recorded;
use crate::standing::Standing;
use connections::GatherConnections;
use rates::GatherRates;

/// The summary of one campaign. Its JSON has the keys of these fields.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// What the campaign is.
    pub campaign: About,
    /// Where the frames of each source went.
    pub sources: Vec<SourceEntry>,
    /// Where all frames went.
    pub ledger: Ledger,
    /// The equation of the ledger that does not hold, if any.
    pub imbalance: Option<String>,
    /// Packets that say more than that they came.
    pub oddities: Oddities,
    /// Connections.
    pub connections: Connections,
    /// What they carried.
    pub traffic: Traffic,
    /// How quantities spread over them.
    pub spreads: Spreads,
    /// Rates over time.
    pub rates: Rates,
    /// The responders' ports with the most connections.
    pub responder_ports: Vec<Port>,
    /// The networks of originators (/24 of IPv4, /48 of IPv6) with the most IP bytes.
    pub originator_networks: Networks,
    /// Those of responders.
    pub responder_networks: Networks,
    /// Recorded headers.
    pub headers: Headers,
    /// What was lost, in sentences; empty when nothing was.
    pub losses: Vec<String>,
}

/// Packets that say more than that they came, as the manifest counts them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Oddities {
    /// Packets in no row, because that of their connection was written before they came, by what they are.
    pub stragglers: BTreeMap<String, u64>,
    /// Tuples in TIME_WAIT that were forgotten before their time, so that what came late is a row of its own.
    pub time_wait_evicted: u64,
    /// Packets that showed an anomaly, by its name; of too_many_holes the connections.
    pub anomalies: BTreeMap<String, u64>,
}

/// What a campaign is.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// Where it lies.
    pub path: String,
    /// Name of the place.
    pub site: String,
    /// Name of the link.
    pub link: String,
    /// Where the recording stands: running, sealing, complete, interrupted.
    pub state: &'static str,
    /// Up to when its figures reach; nothing where it was recorded to its end.
    pub up_to: Option<Instant>,
    /// What ended it, in words.
    pub ended_by: Option<&'static str>,
    /// First packet.
    pub start: Option<Instant>,
    /// Last packet.
    pub end: Option<Instant>,
    /// Between them.
    pub duration_s: Option<Seconds>,
    /// How much of that was recorded and is still there: less where it was recorded in several runs, or segments were deleted.
    pub recorded_s: Option<Seconds>,
    /// What the timestamps come from.
    pub clock_source: String,
    /// The machine that recorded.
    pub host: String,
    /// Version of the program that recorded.
    pub version: String,
    /// Commit it was built from.
    pub commit: String,
    /// How addresses were changed.
    pub anonymisation: String,
}

impl Summary {
    /// Reads the campaign at `path`. What cannot be read is left out, counted in `skipped` and said among the losses.
    ///
    /// # Errors
    /// [`ReportError`] for a campaign of a make that cannot be summed up.
    pub fn of(path: &Path, campaign: &Campaign, skipped: &mut Skipped) -> Result<Self, ReportError> {
        let before = skipped.parts();
        let mut gather = GatherConnections::default();
        each_batch(campaign, Table::Connections, &connections::COLUMNS, skipped, &mut |batch| {
            gather.add(batch).map(ControlFlow::Continue)
        })?;
        let mut rates = GatherRates::default();
        each_batch(campaign, Table::Intervals, &rates::COLUMNS, skipped, &mut |batch| {
            rates.add(batch).map(ControlFlow::Continue)
        })?;

        let manifest = campaign.manifest();
        let ledger = manifest.ledger();
        let standing = Standing::of(campaign)?;
        let recorded = Recorded::of(campaign)?;
        let about = About::of(path, manifest, &standing, &recorded, [gather.first, gather.last]);
        let mut losses = losses::sentences(manifest, &standing, &gather.connections, skipped.parts() - before);
        losses.extend(recorded.sentence());
        Ok(Self {
            imbalance: ledger.balance().err().map(|imbalance| imbalance.to_string()),
            rates: rates.finish(recorded.seconds()),
            responder_ports: gather.top_ports(),
            originator_networks: gather.networks[0].finish(),
            responder_networks: gather.networks[1].finish(),
            spreads: gather.spreads(),
            campaign: about,
            sources: manifest.sources.clone(),
            ledger,
            oddities: Oddities::of(manifest),
            connections: gather.connections,
            traffic: gather.traffic,
            headers: gather.headers,
            losses,
        })
    }

    /// The summary for people, at most 100 columns wide.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}

impl Oddities {
    fn of(manifest: &Manifest) -> Self {
        Self {
            stragglers: manifest.stragglers.clone(),
            time_wait_evicted: manifest.time_wait_evicted,
            anomalies: manifest.anomalies.clone(),
        }
    }
}

impl About {
    /// `first` and `last` are those of the connections: the manifest of a campaign that runs, or died, lags behind them.
    fn of(
        path: &Path,
        manifest: &Manifest,
        standing: &Standing,
        recorded: &Recorded,
        [first, last]: [Option<i64>; 2],
    ) -> Self {
        let start = [manifest.packets.start, first.map(Nanos)].into_iter().flatten().min();
        let end = manifest.packets.end.max(last.map(Nanos));
        let duration = start.zip(end).map(|(start, end)| Seconds(end.elapsed_since(start) as f64 / 1e9));
        Self {
            path: path.display().to_string(),
            site: manifest.site.clone(),
            link: manifest.link.clone(),
            state: standing.state,
            up_to: standing.up_to,
            ended_by: manifest.ended_by.map(EndedBy::as_str),
            start: start.map(|start| Instant(start.0)),
            end: end.map(|end| Instant(end.0)),
            duration_s: duration,
            recorded_s: recorded.seconds().map(Seconds),
            clock_source: manifest.clock_source.clone(),
            host: manifest.host.clone(),
            version: manifest.software.version.clone(),
            commit: manifest.software.commit.clone(),
            anonymisation: manifest.anonymisation.clone(),
        }
    }
}
