//! The command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use hwsim::hardware::{self, Clock, DEVICES, Hardware, Loss, Step};
use hwsim::pcap::Resolution;
use hwsim::scenario::{self, SCENARIOS, Scenario};
use hwsim::world::LONGEST;

use crate::say::say;

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
            LogFormat::Text => say(format_args!("conntrack-sim: {error:#}")),
            LogFormat::Json => say(serde_json::json!({ "level": "error", "message": format!("{error:#}") })),
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a scenario as a capture file, and its truth as CSV
    #[command(after_help = PCAP_EXAMPLES)]
    Pcap(Box<Pcap>),
    /// Write a script in packetdrill's notation as a capture file
    #[command(after_help = SCRIPT_EXAMPLES)]
    Script(Script),
    /// List the scenarios, and the devices that capture them
    #[command(after_help = "Example:\n  conntrack-sim list")]
    List,
    /// Print completions for a shell
    #[command(after_help = "Example:\n  conntrack-sim completions bash > /etc/bash_completion.d/conntrack-sim")]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the man pages into a directory
    #[command(after_help = "Example:\n  conntrack-sim man /usr/local/share/man/man1")]
    Man {
        /// The directory, which must exist
        directory: PathBuf,
    },
}

const PCAP_EXAMPLES: &str = "Examples:
  A minute of a small uplink, and the truth about it:
    conntrack-sim pcap --scenario uplink-small --seed 1 -o uplink.pcap --truth uplink.csv
  What was sent again and why, beside it:
    conntrack-sim pcap --scenario mixed -o mixed.pcap --truth mixed.csv --segments segments.csv
  Twenty million packets of a 10 Gbit/s uplink:
    conntrack-sim pcap --scenario uplink-10g --packets 20000000 -o big.pcap
  The first paper's week, with the truth about its connections and about the link:
    conntrack-sim pcap --scenario rediris-1998 -o week.pcap.zst --truth week.csv --link-truth week.json
  What a device makes of it that loses 1% of the frames and counts them, or whose clock is set back after a minute:
    conntrack-sim pcap --loss 0.01 -o lossy.pcapng
    conntrack-sim pcap --clock-step 60:-1 -o stepped.pcapng --truth stepped.csv
  Two taps, one for each direction, by two clocks:
    conntrack-sim pcap --scenario asymmetric-taps -o taps.pcapng --truth taps.csv
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
    #[arg(long, value_name = "NAME", default_value = SCENARIOS[0].name, value_parser = scenarios())]
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
    /// Resolution of the timestamps; a pcapng file always has nanoseconds
    #[arg(long, value_enum, default_value_t = Unit::Ns)]
    pub resolution: Unit,
    /// What captures it.
    #[command(flatten)]
    pub device: Device,
    /// Format of the capture file; the default goes by its name, and is pcap
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The capture file, or - for standard output; a name in .gz or .zst is compressed
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Where to write the truth, a row a connection
    #[arg(long, value_name = "FILE.csv")]
    pub truth: Option<PathBuf>,
    /// Where to write the truth about the link: counters, endings, laws of arrivals with their Hurst parameters
    #[arg(long, value_name = "FILE.json")]
    pub link_truth: Option<PathBuf>,
    /// Where to write the segments that were sent again, copied or overtaken, a row each, with the cause
    #[arg(long, value_name = "FILE.csv")]
    pub segments: Option<PathBuf>,
}

/// The device that captures, and what is different about it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Capture device (the truth is not affected by it)")]
pub struct Device {
    /// Name of the device (see `conntrack-sim list`); the default is the scenario's, mostly `exact`
    #[arg(long, value_name = "NAME", value_parser = devices())]
    pub device: Option<&'static Hardware>,
    /// Share of the frames that it loses, from 0 to 1; a pcapng file says how many
    #[arg(long, value_name = "P", value_parser = parse_share)]
    pub loss: Option<f64>,
    /// It does not know of its loss
    #[arg(long, requires = "loss")]
    pub unreported: bool,
    /// Nanoseconds between two instants that its clock can tell apart
    #[arg(long, value_name = "NS", value_parser = clap::value_parser!(i64).range(1..))]
    pub clock_tick: Option<i64>,
    /// Nanoseconds that its clock is ahead; of two ports, the second's
    #[arg(long, value_name = "NS", allow_negative_numbers = true)]
    pub clock_offset: Option<i64>,
    /// Parts per billion by which its clock runs too fast; of two ports, the second's
    #[arg(long, value_name = "PPB", allow_negative_numbers = true)]
    pub clock_drift: Option<i64>,
    /// Somebody sets its clock S seconds after the first frame, BY seconds ahead or, negative, back; of two ports, the second's
    #[arg(long, value_name = "S:BY", value_parser = parse_step, allow_hyphen_values = true)]
    pub clock_step: Option<Step>,
}

impl Device {
    /// The device as it is wanted for a scenario, keeping so many bytes of a frame.
    pub fn hardware(&self, scenario: &Scenario, snaplen: u32) -> Hardware {
        let mut hardware = *self.device.unwrap_or(scenario.device);
        hardware.snaplen = snaplen.min(hardware.snaplen);
        if let Some(share) = self.loss {
            hardware.loss = Loss { share, is_reported: !self.unreported };
        }
        let last = hardware.ports.last_clock_mut();
        *last = Clock {
            tick: self.clock_tick.unwrap_or(last.tick),
            offset: self.clock_offset.unwrap_or(last.offset),
            drift: self.clock_drift.unwrap_or(last.drift),
            step: self.clock_step.or(last.step),
        };
        hardware
    }
}

/// A format of capture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The classic one
    Pcap,
    /// The newer one, with an interface a queue of the device and with its losses
    Pcapng,
}

impl Pcap {
    /// The format of the capture file.
    pub fn format(&self) -> Format {
        let is_packed = |path: &Path| matches!(path.extension().and_then(OsStr::to_str), Some("gz" | "zst"));
        let name = if is_packed(&self.output) { self.output.with_extension("") } else { self.output.clone() };
        let by_name = if name.extension() == Some(OsStr::new("pcapng")) { Format::Pcapng } else { Format::Pcap };
        self.format.unwrap_or(by_name)
    }

    /// The resolution of the timestamps.
    pub fn resolution(&self) -> Resolution {
        match self.format() {
            Format::Pcap => self.resolution.into(),
            Format::Pcapng => Resolution::Nanos,
        }
    }
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

/// The scenarios by their names, so that help, man page and completions list them.
fn scenarios() -> impl TypedValueParser<Value = &'static Scenario> {
    let names = SCENARIOS.iter().map(|scenario| PossibleValue::new(scenario.name).help(scenario.about));
    PossibleValuesParser::new(names).try_map(|name| scenario::find(&name).ok_or("there is no such scenario"))
}

/// The devices likewise.
fn devices() -> impl TypedValueParser<Value = &'static Hardware> {
    let names = DEVICES.iter().map(|device| PossibleValue::new(device.name).help(device.about));
    PossibleValuesParser::new(names).try_map(|name| hardware::find(&name).ok_or("there is no such device"))
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("give a share of the frames from 0 to 1, such as 0.01".to_owned()),
    }
}

fn parse_step(text: &str) -> Result<Step, String> {
    let nanos =
        |text: &str| text.parse::<f64>().ok().filter(|seconds| seconds.abs() <= LONGEST).map(|seconds| seconds * 1e9);
    let parts = text.split_once(':').and_then(|(after, by)| nanos(after).zip(nanos(by)));
    match parts {
        Some((after, by)) if after >= 0.0 => Ok(Step { after: after as i64, by: by as i64 }),
        _ => Err("give two numbers of seconds, such as 60:-1 for a second back after a minute".to_owned()),
    }
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
