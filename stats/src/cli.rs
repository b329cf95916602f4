//! The command line of `conntrack-report`, as typed.

mod rows;
mod sql;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use recorder::Table;

pub use rows::{ConnectionsArgs, ConnectionsFormat, EventsArgs, HeadersArgs, HeadersFormat, RowArgs, TableFormat};
pub use sql::SqlArgs;
#[cfg(feature = "sql")]
pub use sql::SqlFormat;

use crate::format::parse_uid;
use crate::throughput::By;

/// Reads recorded campaigns: summaries, tables and exports.
#[derive(Debug, Parser)]
#[command(name = "conntrack-report", version = env!("VERSION_AND_COMMIT"), propagate_version = true)]
#[command(after_help = "Exit codes:
  0  done
  1  failed, and a line on standard error says what to do; or verify found something
  2  wrong usage
  3  done, but something could not be read, or a ledger does not balance

Examples:
  conntrack-report summary lab
  conntrack-report connections lab --format csv -o connections.csv
  conntrack-report headers lab --format pcapng -o headers.pcapng")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Say more on standard error (twice: everything)
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Messages")]
    pub verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Messages")]
    pub quiet: bool,
    /// How messages on standard error look; NO_COLOR turns colours off
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORMAT", help_heading = "Messages")]
    pub log_format: LogFormat,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What a campaign holds: packets, connections, traffic, quantiles, rates, losses; or several side by side
    Summary(SummaryArgs),
    /// The table of connections, one row each
    Connections(ConnectionsArgs),
    /// The first headers of each connection, byte for byte
    Headers(HeadersArgs),
    /// What happened: in connections, and to the appliance
    Events(EventsArgs),
    /// Every column of the tables: type, unit, definition
    Columns(ColumnsArgs),
    /// How unevenly the traffic ran: peaks, dispersion, memory, hour by hour
    Burstiness(BurstinessArgs),
    /// Everything to look at: one self-contained page with plots
    Html(HtmlArgs),
    /// How fast connections ran: whole, in their data phase, after slow start, at their peaks
    Throughput(ThroughputArgs),
    /// What a tool that ends flows by a timeout would have made of the same connections
    Timeouts(TimeoutsArgs),
    /// What the JSON of a report looks like, as a JSON Schema
    Schema(SchemaArgs),
    /// Answers questions in SQL over the tables connections, headers, events and intervals
    Sql(SqlArgs),
    /// Checks every checksum, and every count against the ledger
    Verify(VerifyArgs),
    /// Prints a completion script for a shell
    Completions(CompletionsArgs),
    /// Writes the man pages into a folder
    Man(ManArgs),
}

/// The campaigns to read.
#[derive(Debug, Args)]
pub struct Campaigns {
    /// Directories of campaigns, read one after another
    #[arg(required = true, value_name = "CAMPAIGN")]
    pub campaigns: Vec<PathBuf>,
}

/// Where the output goes.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Write to a file, which appears whole at the end and replaces an older one; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `summary`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report summary lab
  conntrack-report summary monday tuesday
  conntrack-report summary monday tuesday --format json | jq .connections.by_conn_state

Two or three campaigns stand side by side, more of them one after another. In JSON each campaign is one object on one line, times are decimal seconds.")]
pub struct SummaryArgs {
    #[command(flatten)]
    pub read: Campaigns,
    /// For people, or one JSON object a campaign
    #[arg(long, value_enum, default_value = "text")]
    pub format: SummaryFormat,
    #[command(flatten)]
    pub write: OutputArgs,
}

/// Arguments of `burstiness`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report burstiness lab
  conntrack-report burstiness lab --scale 10ms,1s,1m
  conntrack-report burstiness lab --capacity 1G --over 0.9
  conntrack-report burstiness lab --format json | jq '.hours[].bytes.hurst'

Each hour is a stretch of its own. Every figure stands with what it rests on; where it would mislead, the reason stands in its
place. JSON has all of them: intervals of confidence, the logscale diagrams with their fits, the other estimators beside them.
docs/measures.md has the definitions, docs/accuracy.md how well the estimators do where the truth is known.")]
pub struct BurstinessArgs {
    #[command(flatten)]
    pub read: Campaigns,
    /// The time scales of peaks and dispersion, each rounded to whole bins of the campaign, one at least
    #[arg(long, value_delimiter = ',', value_parser = scale, value_name = "TIME,...", default_value = "10ms,100ms,1s,10s,1m")]
    pub scale: Vec<f64>,
    /// What the link can carry in IP bit/s, both directions together: then micro-bursts are counted
    #[arg(long, value_parser = bits, value_name = "RATE")]
    pub capacity: Option<f64>,
    /// A bin over this share of the capacity belongs to a micro-burst
    #[arg(long, value_parser = part, value_name = "SHARE", default_value = "0.8", requires = "capacity")]
    pub over: f64,
    /// For people, or one JSON object a campaign
    #[arg(long, value_enum, default_value = "text")]
    pub format: SummaryFormat,
    #[command(flatten)]
    pub write: OutputArgs,
}

/// Arguments of `html`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report html lab -o lab.html
  conntrack-report html monday tuesday -o days.html
  conntrack-report html lab --uid 1234567890123456789 -o lab.html

The page needs nothing but a browser: no script, no network; it is light or dark as
the reader's system is, and prints. Several campaigns stand side by side. A connection
is looked at closely as far as its recorded headers reach.")]
pub struct HtmlArgs {
    #[command(flatten)]
    pub read: Campaigns,
    /// The page's title [default: the campaigns' names]
    #[arg(long)]
    pub title: Option<String>,
    /// Look at the connection with this uid closely; may be repeated
    #[arg(long, value_parser = parse_uid)]
    pub uid: Vec<u64>,
    /// Without --uid: look at so many connections closely, those with the most payload
    #[arg(long, value_name = "N", default_value = "3", conflicts_with = "uid", value_parser = clap::value_parser!(u16).range(..=100))]
    pub largest: u16,
    /// Write to this file, which appears whole at the end and replaces an older one; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// Arguments of `throughput`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report throughput lab
  conntrack-report throughput lab --by port
  conntrack-report throughput lab --by hour --format json | jq '.groups[] | [.name, .resp.throughput_established.p50]'

Rates are those of the connections table; docs/measures.md has their definitions. Quantiles are exact to three digits.")]
pub struct ThroughputArgs {
    #[command(flatten)]
    pub read: Campaigns,
    /// What connections are parted by
    #[arg(long, value_enum, default_value = "all")]
    pub by: By,
    /// Data phases shorter than this are left out
    #[arg(long, value_parser = scale, value_name = "TIME", default_value = "100ms")]
    pub shortest: f64,
    /// For people, or one JSON object a campaign
    #[arg(long, value_enum, default_value = "text")]
    pub format: SummaryFormat,
    #[command(flatten)]
    pub write: OutputArgs,
}

/// Arguments of `timeouts`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report timeouts lab
  conntrack-report timeouts lab --timeout 15s,64s,30m --format json

64 s is the timeout of OC3MON, 5 min that of Zeek for inactive TCP connections.")]
pub struct TimeoutsArgs {
    #[command(flatten)]
    pub read: Campaigns,
    /// The timeouts to try
    #[arg(long, value_delimiter = ',', value_parser = scale, value_name = "TIME,...", default_value = "64s,5m")]
    pub timeout: Vec<f64>,
    /// For people, or one JSON object a campaign
    #[arg(long, value_enum, default_value = "text")]
    pub format: SummaryFormat,
    #[command(flatten)]
    pub write: OutputArgs,
}

/// A time scale in seconds, from a number with its unit.
fn scale(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, f64); 6] =
        [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];
    with_unit(text, &UNITS).ok_or_else(|| "write a length of time like 500us, 10ms, 1s, 5m, 12h or 7d".to_owned())
}

/// A rate in bit/s, from a number with its prefix.
fn bits(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, f64); 5] = [("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12)];
    with_unit(text, &UNITS).ok_or_else(|| "write a rate in bit/s like 4M, 100M or 2.5G".to_owned())
}

/// A share of something, more than nothing.
fn part(text: &str) -> Result<f64, String> {
    with_unit(text, &[("", 1.0)]).filter(|&share| share <= 1.0).ok_or_else(|| "write a share like 0.8".to_owned())
}

/// A positive number with a unit, as a multiple of 1.
fn with_unit(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let factor = units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| factor)?;
    number.parse::<f64>().ok().map(|number| number * factor).filter(|&value| value > 0.0 && value.is_finite())
}

/// Arguments of `columns`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report columns
  conntrack-report columns connections --format csv
  conntrack-report columns --format markdown -o docs/definitions.md")]
pub struct ColumnsArgs {
    /// Only this table
    #[arg(value_parser = table())]
    pub table: Option<Table>,
    /// How the list is written
    #[arg(long, value_enum, default_value = "table")]
    pub format: ColumnsFormat,
    #[command(flatten)]
    pub write: OutputArgs,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report schema summary
  conntrack-report schema burstiness -o burstiness.schema.json

A later version may have more keys (JSON Schema, draft 2020-12).")]
pub struct SchemaArgs {
    /// The report
    #[arg(value_enum)]
    pub report: ReportName,
    #[command(flatten)]
    pub write: OutputArgs,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report verify lab && echo clean

Exits with 1 when a check fails.")]
pub struct VerifyArgs {
    #[command(flatten)]
    pub read: Campaigns,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report completions bash > /etc/bash_completion.d/conntrack-report")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report man /usr/local/share/man/man1")]
pub struct ManArgs {
    /// The folder; it is made if it is not there
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// How messages look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people
    Text,
    /// A JSON object a line
    Json,
}

/// The reports that can be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportName {
    /// Of `summary`
    Summary,
    /// Of `throughput`
    Throughput,
    /// Of `burstiness`
    Burstiness,
    /// Of `timeouts`
    Timeouts,
}

/// Formats of `summary`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SummaryFormat {
    /// For people
    Text,
    /// One object a campaign, one campaign a line
    Json,
}

/// Formats of `columns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColumnsFormat {
    /// Aligned, for people
    Table,
    /// Comma-separated values
    Csv,
    /// JSON lines
    Json,
    /// A document: docs/definitions.md is this
    Markdown,
}

fn table() -> impl TypedValueParser<Value = Table> {
    let named = |name: String| Table::ALL.into_iter().find(|table| table.as_str() == name).ok_or("no such table");
    PossibleValuesParser::new(Table::ALL.map(Table::as_str)).try_map(named)
}
