//! `conntrack-report html`: campaigns for a person who would rather look. One file that needs nothing else: plots are inline SVG, there is no script, and a
//! policy in the page holds the browser to that.
//!
//! The figures rest on the other reports (`summary`, `burstiness`, `throughput`, `timeouts`) and on three passes more: the base series over time, the
//! connections, and the headers of a few of them. Memory does not grow with a campaign: series become columns, quantities histograms, names a bounded list.
//!
//! `gather` reads, `figures` has a file each for what is shown, `svg` draws, `page` writes HTML; only the last two know of tags.

mod figures;
mod gather;
mod page;
mod svg;
mod words;

use std::collections::BTreeMap;
use std::path::Path;

use recorder::Campaign;

use crate::ReportError;
use crate::burstiness::{Burstiness, Options, SHORTEST};
use crate::input::{Named, Skipped};
use crate::summary::{About, Seconds, Summary, period};
use crate::throughput::{By, Throughput};
use crate::timeouts::Timeouts;
use gather::{Connections, Segment, Series};
use page::Page;

pub use gather::Wanted;

/// Time scales of peaks and dispersion, s. Those shorter than the campaign's bin become one.
const SCALES: [f64; 12] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// Timeouts that are compared, s: among them those of OC3MON and Zeek.
const TIMEOUTS: [f64; 7] = [2.0, 8.0, 15.0, 64.0, 300.0, 900.0, 3600.0];

/// How many addresses are named.
const HOSTS: usize = 10;

/// All that is shown of one campaign.
struct Data {
    /// What it is called here.
    name: String,
    summary: Summary,
    burstiness: Burstiness,
    throughput: Throughput,
    timeouts: Timeouts,
    series: Series,
    connections: Connections,
    segments: BTreeMap<u64, Vec<Segment>>,
}

impl Data {
    fn of(
        name: String,
        path: &Path,
        campaign: &Campaign,
        wanted: &Wanted,
        skipped: &mut Skipped,
    ) -> Result<Self, ReportError> {
        let options = Options { scales: SCALES.to_vec(), capacity: None, over: 1.0 };
        // Each pass would count the same damage again: the first to read a table tells of it.
        let mut again = Skipped::quiet();
        let summary = Summary::of(path, campaign, skipped)?;
        let seconds = summary.campaign.duration_s.map_or(0.0, |Seconds(seconds)| seconds);
        let connections = Connections::of(campaign, wanted, HOSTS, &mut again)?;
        for uid in wanted.uids.iter().filter(|&&uid| connections.chosen.iter().all(|chosen| chosen.uid != uid)) {
            tracing::warn!("no connection has the uid {uid} in {}", path.display());
        }
        let with_headers = connections.chosen.iter().filter(|chosen| chosen.headers > 0).map(|chosen| chosen.uid);
        let burstiness = Burstiness::of(path, campaign, &options, &mut again)?;
        Ok(Self {
            name,
            throughput: Throughput::of(path, campaign, By::All, SHORTEST, &mut again)?,
            timeouts: Timeouts::of(path, campaign, &TIMEOUTS, &mut again)?,
            series: Series::of(campaign, &burstiness.gaps, seconds, &mut again)?,
            burstiness,
            segments: gather::segments(campaign, &with_headers.collect::<Vec<_>>(), skipped)?,
            summary,
            connections,
        })
    }
}

/// The page about these campaigns, and whether all their ledgers balance.
///
/// # Errors
/// [`ReportError`] for a campaign of a make that cannot be taken apart.
pub fn render(
    campaigns: &[Named],
    title: Option<&str>,
    wanted: &Wanted,
    skipped: &mut Skipped,
) -> Result<(String, bool), ReportError> {
    let names = names(campaigns);
    let data = campaigns
        .iter()
        .zip(names)
        .map(|(named, name)| Data::of(name, &named.path, &named.campaign, wanted, skipped))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((write(&data, title), data.iter().all(|data| data.summary.imbalance.is_none())))
}

/// The directories' names, or whole paths where two directories have the same.
fn names(campaigns: &[Named]) -> Vec<String> {
    let short = |named: &Named| {
        named
            .path
            .file_name()
            .map_or_else(|| named.path.display().to_string(), |name| name.to_string_lossy().into_owned())
    };
    let names: Vec<String> = campaigns.iter().map(short).collect();
    let is_once = |name: &String| names.iter().filter(|other| *other == name).count() == 1;
    let long =
        |(named, name): (&Named, &String)| if is_once(name) { name.clone() } else { named.path.display().to_string() };
    campaigns.iter().zip(&names).map(long).collect()
}

/// Sections: name, title, and a sentence.
const SECTIONS: [[&str; 3]; 6] = [
    ["time", "Over time", ""],
    ["connections", "Connections", ""],
    [
        "burstiness",
        "Burstiness",
        "How unevenly the traffic of the link ran, from the base series of the whole campaign, hour by hour. Where \
            a figure would mislead, the reason stands in its place.",
    ],
    ["timeouts", "What closing on FIN and RST buys", ""],
    ["who", "Who and what", ""],
    ["closer", "Connections looked at closely", ""],
];

fn write(campaigns: &[Data], title: Option<&str>) -> String {
    let names: Vec<&str> = campaigns.iter().map(|data| data.name.as_str()).collect();
    let title = title.map_or_else(|| names.join(" and "), str::to_owned);
    let mut page = Page::new(&title);
    let above = if campaigns.len() == 1 {
        "TCP connections of a campaign"
    } else {
        "TCP connections of campaigns, side by side"
    };
    page.header(above, &title, &facts(campaigns));
    for data in campaigns {
        let (sentences, lost) = figures::losses(data);
        let what = if lost { "What was lost" } else { "Nothing was lost" };
        page.verdict(&of(campaigns, data, what), &sentences, lost);
    }
    page.contents(&SECTIONS.map(|[id, title, _]| (id, title)));
    for data in campaigns {
        let title = if campaigns.len() > 1 { data.name.as_str() } else { "" };
        page.tiles(title, &figures::headline(data));
    }
    for [id, title, words] in SECTIONS {
        page.section(id, title, words);
        section(id, campaigns).iter().for_each(|figure| page.figure(figure));
    }
    page.finish(&footer(campaigns))
}

fn section(id: &str, campaigns: &[Data]) -> Vec<page::Figure> {
    let of =
        |figures: &[fn(&[Data]) -> page::Figure]| figures.iter().map(|figure| figure(campaigns)).collect::<Vec<_>>();
    match id {
        "time" => of(&[
            figures::throughput,
            figures::busiest,
            figures::packets,
            figures::openings,
            figures::live,
            figures::week,
        ]),
        "connections" => of(&[
            figures::states,
            figures::reasons,
            figures::sizes,
            figures::durations,
            figures::rates,
            figures::round_trips,
            figures::tails,
        ]),
        "burstiness" => of(&[
            figures::peaks,
            figures::dispersion,
            figures::logscale,
            figures::hurst,
            figures::arrivals,
            figures::excesses,
        ]),
        "timeouts" => of(&[figures::timeouts]),
        "who" => of(&[figures::services, figures::hosts]),
        _ => std::iter::once(figures::chosen(campaigns)).chain(figures::sequences(campaigns)).collect(),
    }
}

/// A title with the campaign's name before it, where there are several.
fn of(campaigns: &[Data], data: &Data, title: &str) -> String {
    if campaigns.len() > 1 { format!("{}: {title}", data.name) } else { title.to_owned() }
}

fn facts(campaigns: &[Data]) -> Vec<(String, String)> {
    let [data] = campaigns else {
        let fact = |data: &Data| (data.name.clone(), place(&data.summary.campaign) + &period(&data.summary.campaign));
        return campaigns.iter().map(fact).collect();
    };
    let about = &data.summary.campaign;
    let sources = data.summary.sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>().join(", ");
    let end = about.ended_by.map_or(String::new(), |why| format!(": {why}"));
    let host = if about.host.is_empty() { String::new() } else { format!(" on {}", about.host) };
    let facts = [
        ("Where", place(about).trim_end_matches("; ").to_owned()),
        ("When", period(about)),
        ("Sources", sources),
        ("Recorded", format!("by version {}{host}; {}{end}", about.version, about.state)),
        ("Clock", about.clock_source.clone()),
        (
            "Addresses",
            if about.anonymisation == "none" {
                "as captured, not anonymised".to_owned()
            } else {
                about.anonymisation.clone()
            },
        ),
    ];
    let known = facts.into_iter().filter(|(_, words)| !words.is_empty());
    known.map(|(name, words)| (name.to_owned(), words)).collect()
}

/// Site and link, if they have names.
fn place(about: &About) -> String {
    let named = [("site", &about.site), ("link", &about.link)];
    let places = named.iter().filter(|(_, name)| !name.is_empty()).map(|(what, name)| format!("{what} {name}"));
    let place = places.collect::<Vec<_>>().join(", ");
    if place.is_empty() { place } else { place + "; " }
}

fn footer(campaigns: &[Data]) -> Vec<String> {
    let paths = campaigns.iter().map(|data| data.summary.campaign.path.as_str()).collect::<Vec<_>>().join(", ");
    vec![
        format!(
            "Made by conntrack-report {} from {paths}. The file holds all that it shows: no script, nothing \
            from a network.",
            env!("VERSION_AND_COMMIT")
        ),
        "Every figure is of whole lives, computed while the packets passed, but for those whose basis says \
            first100: they rest on the recorded headers alone. \
         docs/measures.md defines each, docs/accuracy.md shows how well the estimators do where the truth is known. \
         Colours after Okabe and Ito; each series has \
         its own dashes and marker, too."
            .to_owned(),
    ]
}
