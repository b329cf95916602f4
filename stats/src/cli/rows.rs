//! The arguments of `connections`, `headers` and `events`.

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use super::{Campaigns, OutputArgs};
use crate::format::parse_uid;

/// Arguments of `connections`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report connections lab --limit 20
  conntrack-report connections lab --columns ts,orig_h,resp_h,resp_p,duration --format csv
  conntrack-report connections lab --format ipfix -o lab.ipfix
  conntrack-report connections lab --where \"conn_state = 'SF' AND resp_bytes > 1000000\"
  conntrack-report connections lab --where \"cidr_match(orig_h, '10.0.0.0/8') AND ts >= '2026-11-22T12:00:00Z'\"
  conntrack-report connections lab --format zeek | zeek-cut id.orig_h id.resp_h conn_state

Formats:
  table      a choice of columns for people; times are dates in UTC
  csv        every column; times are decimal seconds with nine digits, a missing
             value is empty, the names in a list are parted by semicolons
  json       every column; JSON lines, one object a row; a missing value is null
  zeek       conn.log with Zeek's columns; only rows with final = true
  zeek-json  the same as Zeek writes it in JSON
  parquet    every column, compressed by zstd, with units and definitions
  ipfix      a file of IPFIX messages (RFC 5655), a record for both directions
             (RFC 5103); only rows with final = true

A row with final = false is an interim view of a connection that goes on: do
not add it to the others. --where takes any condition on the columns, in the
language and with the functions of `conntrack-report sql`. A uid is a number of up to 20 digits, which jq before
1.7 and JavaScript round when they read JSON (also the last digits of times);
Python, pandas, Polars and DuckDB read it exactly. `conntrack-report columns`
says what each column means.")]
pub struct ConnectionsArgs {
    #[command(flatten)]
    pub read: Campaigns,
    /// How rows are written
    #[arg(long, value_enum, default_value = "table")]
    pub format: ConnectionsFormat,
    #[command(flatten)]
    pub rows: RowArgs,
    /// Leave out the interim rows
    #[arg(long)]
    pub final_only: bool,
    #[command(flatten)]
    pub write: OutputArgs,
}

/// Which rows and columns of a table.
#[derive(Debug, Default, Args)]
pub struct RowArgs {
    /// Only these columns, in this order
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub columns: Vec<String>,
    /// Only the connection with this uid, as a number or as in the Zeek format
    #[arg(long, value_parser = parse_uid)]
    pub uid: Option<u64>,
    /// Only rows that fit this condition, written as after WHERE in SQL
    #[arg(long = "where", value_name = "EXPR")]
    pub fitting: Option<String>,
    /// At most so many rows
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
}

/// Arguments of `headers`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report headers lab --uid 1234567890123456789
  conntrack-report headers lab --format pcapng -o headers.pcapng
  conntrack-report headers lab --format pcapng | tshark -r - -q -z conv,tcp
  conntrack-report headers lab --where \"close_reason = 'rst' AND resp_p = 443\" --format pcapng -o reset.pcapng

--where chooses connections: it is a condition on the columns of the table
connections (their final rows, where they have ended), and every header of those
that fit is written.

Formats:
  text    a line a packet, much as tcpdump prints it: time, uid and number of
          the header, addresses, flags; in the campaign's order, by connection
  csv     every column, the bytes in hexadecimal
  json    JSON lines, the bytes in hexadecimal
  pcapng  raw IP packets, cut after the TCP header, in order of time, to the
          nanosecond and with their original lengths; what exceeds 64 MiB is
          sorted in a file beside the output, or in TMPDIR")]
pub struct HeadersArgs {
    #[command(flatten)]
    pub read: Campaigns,
    /// How packets are written
    #[arg(long, value_enum, default_value = "text")]
    pub format: HeadersFormat,
    #[command(flatten)]
    pub rows: RowArgs,
    /// With pcapng: note uid, direction and number in each packet's comment
    #[arg(long)]
    pub comments: bool,
    #[command(flatten)]
    pub write: OutputArgs,
}

/// Arguments of `events`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report events lab
  conntrack-report events lab --uid 1234567890123456789
  conntrack-report events lab --kind retransmission,loss --format csv
  conntrack-report events lab --where \"kind = 'icmp' AND detail LIKE '%unreachable%'\"
  conntrack-report events lab --format json | jq 'select(.kind == \"lost\")'

The events of one connection (--uid) are in order of time, all events in the
campaign's order: by time within a file. `conntrack-report columns events` says
what the kinds and their particulars mean.")]
pub struct EventsArgs {
    #[command(flatten)]
    pub read: Campaigns,
    /// How rows are written
    #[arg(long, value_enum, default_value = "table")]
    pub format: TableFormat,
    /// Only events of these kinds
    #[arg(long, value_delimiter = ',', value_name = "KIND,...", value_parser = PossibleValuesParser::new(recorder::columns::event_kinds()))]
    pub kind: Vec<String>,
    #[command(flatten)]
    pub rows: RowArgs,
    #[command(flatten)]
    pub write: OutputArgs,
}

/// Formats of any table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// Aligned, for people
    Table,
    /// Comma-separated values
    Csv,
    /// JSON lines
    Json,
}

/// Formats of `connections`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConnectionsFormat {
    /// Aligned, for people
    Table,
    /// Comma-separated values
    Csv,
    /// JSON lines
    Json,
    /// Zeek's conn.log
    Zeek,
    /// Zeek's conn.log, as JSON lines
    ZeekJson,
    /// A Parquet file
    Parquet,
    /// An IPFIX file
    Ipfix,
}

/// Formats of `headers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HeadersFormat {
    /// A line a packet
    Text,
    /// Comma-separated values
    Csv,
    /// JSON lines
    Json,
    /// A capture file
    Pcapng,
}
