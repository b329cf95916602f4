//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use hwsim::pcap::Resolution;
use hwsim::scenario::{self, SCENARIOS, Scenario};
use hwsim::world::LONGEST;

/// Makes network traffic whose truth is known: a capture file, and a row for each connection of what really happened.
#[derive(Debug, Parser)]
#[command(
    name = "conntrack-sim",
    version = concat!(env!("CARGO_PKG_VERSION"), " (", env!("COMMIT"), ")"),
    after_help = "Examples:\n  conntrack-sim list\n  conntrack-sim pcap -o uplink.pcap --truth uplink.csv",
    arg_required_else_help = true
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub manner: Manner,
}

/// How the program speaks.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Manner {
    /// Say more: the parameters of the run
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Form of what is said on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// A form of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// An object a line
    Json,
}

impl Manner {
    /// Says what went wrong, on one line.
    pub fn error(&self, error: &anyhow::Error) {
        match self.log_format {
            LogFormat::Text => eprintln!("conntrack-sim: {error:#}"),
            LogFormat::Json => {
                eprintln!("{}", serde_json::json!({ "level": "error", "message": format!("{error:#}") }))
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a scenario as a capture file, and its truth as CSV
    #[command(after_help = PCAP_EXAMPLES)]
    Pcap(Pcap),
    /// Write a script in packetdrill's notation as a capture file
    #[command(after_help = SCRIPT_EXAMPLES)]
    Script(Script),
    /// List the scenarios
    #[command(after_help = "Example:\n  conntrack-sim list")]
    List,
}

const PCAP_EXAMPLES: &str = "Examples:
  A minute of a small uplink, and the truth about it:
    conntrack-sim pcap --scenario uplink-small --seed 1 -o uplink.pcap --truth uplink.csv
  Twenty million packets of a 10 Gbit/s uplink:
    conntrack-sim pcap --scenario uplink-10g --packets 20000000 -o big.pcap
  The first paper's week, with the truth about its connections and about the link:
    conntrack-sim pcap --scenario rediris-1998 -o week.pcap.zst --truth week.csv --link-truth week.json
  Straight into another program:
    conntrack-sim pcap --scenario syn-flood --connections 100000 -o - | tcpdump -nr - -c 5

The same version, scenario, seed and options give the same bytes on every machine.
With --connections and --duration together, so many connections arrive in that time; with --connections alone,
the capture goes on until the last of them is over.
`conntrack-sim list --verbose` says what each scenario models.";

const SCRIPT_EXAMPLES: &str = "Examples:
  One connection as its author wrote it down:
    conntrack-sim script handshake.pkt -o handshake.pcap
  A script with words to be defined, over IPv6, straight into another program:
    conntrack-sim script -6 --define MSS=1440 client.pkt -o - | tshark -r -

The packets of both directions are written, at the instants that the script names, from 2026-01-01 00:00:00 UTC on.
System calls, commands and code are skipped. Where a packet is skipped, because it is neither a TCP segment nor
an ICMP error about one, the program exits with 3.";

/// What to make of a script.
#[derive(Debug, clap::Args)]
pub struct Script {
    /// The script, or - for standard input
    #[arg(value_name = "FILE.pkt")]
    pub script: PathBuf,
    /// The capture file, or - for standard output; a name in .gz or .zst is compressed
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// IPv6, unless the script says otherwise
    #[arg(short = '6', long)]
    pub ipv6: bool,
    /// A word of the script and what it stands for
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = parse_define)]
    pub defines: Vec<(String, String)>,
}

/// What to write.
#[derive(Debug, clap::Args)]
pub struct Pcap {
    /// Name of the scenario (see `conntrack-sim list`)
    #[arg(long, value_name = "NAME", default_value = SCENARIOS[0].name, value_parser = parse_scenario)]
    pub scenario: &'static Scenario,
    /// The number that everything follows from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many connections arrive
    #[arg(long, value_name = "N")]
    pub connections: Option<u64>,
    /// Length of the capture in seconds of simulated time
    #[arg(long, value_name = "S", value_parser = parse_seconds)]
    pub duration: Option<f64>,
    /// End the capture after so many packets
    #[arg(long, value_name = "N")]
    pub packets: Option<u64>,
    /// Bytes of a frame that are kept; the default is the scenario's
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=262_144))]
    pub snaplen: Option<u32>,
    /// Resolution of the timestamps
    #[arg(long, value_enum, default_value_t = Unit::Ns)]
    pub resolution: Unit,
    /// The capture file, or - for standard output; a name in .gz or .zst is compressed
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Where to write the truth, a row a connection
    #[arg(long, value_name = "FILE.csv")]
    pub truth: Option<PathBuf>,
    /// Where to write the truth about the link: counters, endings, laws of arrivals with their Hurst parameters
    #[arg(long, value_name = "FILE.json")]
    pub link_truth: Option<PathBuf>,
}

/// A resolution's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unit {
    /// Microseconds
    Us,
    /// Nanoseconds
    Ns,
}

impl From<Unit> for Resolution {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Us => Self::Micros,
            Unit::Ns => Self::Nanos,
        }
    }
}

fn parse_scenario(name: &str) -> Result<&'static Scenario, String> {
    scenario::find(name).ok_or_else(|| {
        let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        format!("there is no such scenario; there are: {}", names.join(", "))
    })
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= LONGEST => Ok(seconds),
        _ => Err(format!("give a number of seconds above 0 and up to {LONGEST}")),
    }
}

fn parse_define(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("give NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
