//! The command line, as typed. What it amounts to is [`crate::config::Config`].

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use toml::{Table, Value};

use crate::config::{Limit, Span};
use crate::sources::SourceSpec;

/// Version and commit.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("CONNTRACK_COMMIT"), ")");

/// Watches TCP connections from beside the link, and records them as a campaign on disk.
#[derive(Debug, Parser)]
#[command(name = "conntrack-tap", version = VERSION, max_term_width = 110, after_help = "\
Examples:
  conntrack-tap run --source pcap:uplink.pcap --out campaign
  conntrack-tap run --source afpacket:eth0 --out /data/week-12 --site lab --link uplink --duration 7d
  conntrack-report summary campaign

Exit codes: 0 done; 1 failed, a line on standard error says why; 2 wrong usage; 3 done, but something was lost or skipped.")]
pub struct Cli {
    /// How much is said on standard error.
    #[command(flatten)]
    pub logs: LogArguments,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How much is said on standard error, and how.
#[derive(Clone, Copy, Debug, Args)]
pub struct LogArguments {
    /// Say more; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say only what failed
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// How log lines are written
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// How a status is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Captures, tracks and records a campaign
    Run(Box<RunArguments>),
    /// Says what this host can do, and what stands in the way
    Doctor(DoctorArguments),
    /// Takes off what forwards between the ports of an inline tap that is gone
    ///
    /// An inline tap that ends, in whatever way, leaves an XDP program on each port, which forwards in the kernel until the next one comes.
    /// This takes it off, and ends the ports' promiscuous mode: frames no longer pass.
    #[command(after_help = "\
Examples:
  conntrack-tap detach
  conntrack-tap detach eth1 eth2")]
    Detach {
        /// The ports; without one, every interface
        interfaces: Vec<String>,
    },
    /// Prints the default configuration, or checks one
    Config(ConfigArguments),
    /// Says how the tap is that records a campaign
    ///
    /// Rates, open connections, losses, disks, memory, and whether it is well: then the exit code is 0, otherwise 1.
    #[command(after_help = "\
Examples:
  conntrack-tap status /data/week-12
  conntrack-tap status /data/week-12 --format json | jq .tracker.live")]
    Status {
        /// The campaign's directory
        campaign: PathBuf,
        /// For people or for programs
        #[arg(long, value_enum, default_value_t = StatusFormat::Text, value_name = "FORMAT")]
        format: StatusFormat,
    },
    /// Keeps days of a campaign from being deleted to make room
    #[command(after_help = "\
Examples:
  conntrack-tap keep /data/week-12 2026-11-22 2026-11-23
  conntrack-tap keep /data/week-12                          # which days are kept
  conntrack-tap keep /data/week-12 --release 2026-11-22")]
    Keep {
        /// The campaign's directory
        campaign: PathBuf,
        /// The days, UTC; without one, those that are kept are listed
        #[arg(value_name = "YYYY-MM-DD")]
        days: Vec<String>,
        /// Keep them no longer
        #[arg(long, requires = "days")]
        release: bool,
    },
    /// Seals what a crash left in a campaign's journal
    ///
    /// Reports read an interrupted campaign as it is; this turns its journal into Parquet files, for other programs.
    #[command(after_help = "Example:\n  conntrack-tap recover campaign")]
    Recover {
        /// The campaign's directory
        campaign: PathBuf,
    },
    /// Prints completions for a shell
    #[command(after_help = "Example:\n  conntrack-tap completions bash > /etc/bash_completion.d/conntrack-tap")]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Writes the man pages into a directory
    #[command(after_help = "Example:\n  conntrack-tap man /usr/local/share/man/man1")]
    Man {
        /// The directory, which must exist
        directory: PathBuf,
    },
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Sources (options follow after commas):
  pcap:PATH         a capture file (pcap or pcapng, also gzip or zstd), a directory or glob of them, or - for standard input
  afpacket:IFACE    an interface, through AF_PACKET; needs CAP_NET_RAW; afpacket:IFACE,queues=4 uses four rings
  afxdp:IFACE       a mirror or splitter port, through AF_XDP, a poller a queue: its frames end here, the host does not see them
  afxdp-inline:A,B  between two ports: every frame of A goes out of B and back, also when the tap is gone, until conntrack-tap detach
  sim:SCENARIO      a simulated link, captured by a simulated device; conntrack-sim list names the scenarios and devices

Options of sim: seed=N, connections=N, duration=S, packets=N (how much); device=NAME, queues=N, snaplen=N, loss=P (the device counts the
share P of frames as lost), unreported=P (it does not); truth=FILE.csv (what really happened, a row a connection).

Options of afxdp: queues=N (default: all), mode=auto|zerocopy|drv|skb, ring=SIZE (memory for frames, each queue), promisc=on|off,
busy-poll=MICROSECONDS (the poller asks the driver instead of sleeping), cut-off=on (also an interface with the default route). Of
afxdp-inline: mode, ring, cut-off.

Several sources feed one tracker: the two directions of an optical tap may arrive on two ports, or in two files.

Examples:
  conntrack-tap run --source pcap:uplink.pcap.gz --out campaign
  conntrack-tap run --source pcap:east.pcap --source pcap:west.pcap --out campaign
  conntrack-tap run --source afpacket:eth1 --source afpacket:eth2 --out campaign --duration 12h --headers 20
  conntrack-tap run --source afxdp:eth1 --out /data/week-12 --user conntrack
  conntrack-tap run --source afpacket:eth1 --out /data/week-12 --spare /mnt/other/week-12 --metrics 127.0.0.1:9464
  conntrack-tap run --source afpacket:eth1 --out /data/week-12 --checkpoint
  conntrack-tap run --source sim:uplink-small,seed=7,loss=0.01,truth=truth.csv --out campaign

A campaign of live sources, or of standard input, goes on when it is recorded into again, whether it was interrupted or ended; with
--checkpoint its open connections do, too.")]
pub struct RunArguments {
    /// Where packets come from; may be given several times
    #[arg(long = "source", required = true, value_name = "SOURCE")]
    pub sources: Vec<SourceSpec>,
    /// The directory of the campaign, which is made, or continued
    #[arg(long, value_name = "CAMPAIGN")]
    pub out: PathBuf,
    /// A configuration file, laid over the default one
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    /// What goes over the configuration.
    #[command(flatten)]
    pub overrides: Overrides,
}

/// Options that are also keys of the configuration.
#[derive(Debug, Default, Args)]
pub struct Overrides {
    /// Threads that track connections [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub shards: Option<u32>,
    /// Headers recorded of each connection, 0 to 100 [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub headers: Option<u32>,
    /// Where the tap is
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
    /// What it listens to
    #[arg(long, value_name = "NAME")]
    pub link: Option<String>,
    /// Replace addresses, prefix by prefix, under the key in this file; make one with: openssl rand -hex 32
    #[arg(long, value_name = "KEY")]
    pub anonymise: Option<String>,
    /// Once the sources are open, go on as this user: a name, or UID:GID
    #[arg(long, value_name = "USER", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub user: Option<String>,
    /// End after this long by the clock: 7d, 12h, 30s; a file usually ends sooner [default: none]
    #[arg(long, value_name = "TIME")]
    pub duration: Option<Limit>,
    /// Told to stop, keep open connections in the campaign, for the next run to go on with
    #[arg(long)]
    pub checkpoint: bool,
    /// A directory on another disk, to go on in when that of --out fails, fills or hangs
    #[arg(long, value_name = "DIRECTORY")]
    pub spare: Option<String>,
    /// Serve /metrics and /healthz on this address of this machine, such as 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
    /// Width of the bins of the intervals table [default: 10ms]
    #[arg(long, value_name = "TIME")]
    pub interval_width: Option<Span>,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  conntrack-tap doctor
  conntrack-tap doctor --source afpacket:eth0 --out /data")]
pub struct DoctorArguments {
    /// A source to look at closely; may be given several times
    #[arg(long = "source", value_name = "SOURCE")]
    pub sources: Vec<SourceSpec>,
    /// A directory on the disk that campaigns will be written to
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    pub out: PathBuf,
}

/// Arguments of `config`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[command(after_help = "\
Examples:
  conntrack-tap config --default > tap.toml
  conntrack-tap config --check tap.toml")]
pub struct ConfigArguments {
    /// Print the commented default configuration, which the program itself starts from
    #[arg(long)]
    pub default: bool,
    /// Say whether a configuration can be used
    #[arg(long, value_name = "FILE.toml")]
    pub check: Option<PathBuf>,
}

impl Overrides {
    /// The options that were given, as a configuration to lay over the others.
    #[must_use]
    pub fn into_table(self) -> Table {
        let number = |value: u32| Value::Integer(value.into());
        let given = [
            ("campaign", "site", self.site.map(Value::String)),
            ("campaign", "link", self.link.map(Value::String)),
            ("campaign", "anonymise_key", self.anonymise.map(Value::String)),
            ("campaign", "user", self.user.map(Value::String)),
            ("campaign", "duration", self.duration.map(|limit| Value::String(limit.into()))),
            ("tracker", "shards", self.shards.map(number)),
            ("tracker", "headers", self.headers.map(number)),
            ("campaign", "checkpoint", self.checkpoint.then_some(Value::Boolean(true))),
            ("recorder", "spare", self.spare.map(Value::String)),
            ("operation", "metrics", self.metrics.map(|address| Value::String(address.to_string()))),
            ("recorder", "interval_width", self.interval_width.map(|span| Value::String(span.into()))),
        ];
        let mut table = Table::new();
        for (section, key, value) in given {
            let (Some(value), Value::Table(section)) =
                (value, table.entry(section).or_insert_with(|| Value::Table(Table::new())))
            else {
                continue;
            };
            section.insert(key.to_owned(), value);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_subcommand_has_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("conntrack-tap"), "{} has no example", command.get_name());
        }
    }
}
