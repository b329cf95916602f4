//! The arguments of `sql`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Campaigns, OutputArgs, with_unit};

/// Arguments of `sql`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  conntrack-report sql lab \"SELECT conn_state, count(*) FROM connections WHERE final GROUP BY 1 ORDER BY 2 DESC\"
  conntrack-report sql lab \"SELECT service(resp_p), median(handshake_rtt) FROM connections WHERE final GROUP BY 1\"
  conntrack-report sql lab \"SELECT * FROM connections WHERE cidr_match(orig_h, '10.0.0.0/8')\" --format csv -o in.csv
  conntrack-report sql monday tuesday \"SELECT campaign, sum(resp_bytes) FROM connections WHERE final GROUP BY 1\"
  conntrack-report sql lab - < query.sql

Tables: connections, headers, events, intervals, with the columns that
`conntrack-report columns` lists and the column campaign, the directory as it
was named. Sealed files and journal are read alike. A row of connections with
final = false is an interim view of a connection that goes on: do not add it to
the others. Rows have no order but that of ORDER BY.

Functions besides those of DataFusion (https://datafusion.apache.org):
  cidr_match(address, network)    whether 192.0.2.0/24 holds the address
  prefix(address, 24[, 48])       the network of so many bits (IPv4's, IPv6's)
  service(port)                   the service that IANA registered for TCP
  community_id(orig_h, orig_p, resp_h, resp_p[, seed])   version 1

docs/sql.md has questions with their answers.")]
pub struct SqlArgs {
    #[command(flatten)]
    pub read: Campaigns,
    /// The query; `-` reads it from standard input
    #[arg(value_name = "QUERY")]
    pub query: String,
    /// How rows are written
    #[arg(long, value_enum, default_value = "table")]
    pub format: SqlFormat,
    /// What sorting, grouping and joining may hold in memory; what exceeds it goes to disk
    #[arg(long, value_parser = bytes, value_name = "SIZE", default_value = "1G")]
    pub memory: usize,
    /// Where it goes; without this beside the output, or into TMPDIR
    #[arg(long, value_name = "FOLDER")]
    pub spill: Option<PathBuf>,
    /// Run the query on the Ballista cluster with this scheduler; its executors must find the campaigns at the same paths
    #[arg(long, value_parser = host_and_port, value_name = "HOST:PORT", conflicts_with_all = ["memory", "spill"])]
    pub cluster: Option<String>,
    #[command(flatten)]
    pub write: OutputArgs,
}

/// Formats of `sql`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqlFormat {
    /// Aligned, for people
    Table,
    /// Comma-separated values
    Csv,
    /// JSON lines
    Json,
    /// A Parquet file
    Parquet,
}

/// The address of a scheduler.
fn host_and_port(text: &str) -> Result<String, String> {
    let well = text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if well { Ok(text.to_owned()) } else { Err("write it like scheduler.example.org:50050".to_owned()) }
}

/// A size in bytes, from a number with its prefix (powers of 1024).
fn bytes(text: &str) -> Result<usize, String> {
    const UNITS: [(&str, f64); 4] = [("", 1.0), ("K", 1024.0), ("M", 1024.0 * 1024.0), ("G", 1024.0 * 1024.0 * 1024.0)];
    let size = with_unit(text, &UNITS).ok_or_else(|| "write a size like 512M or 2G".to_owned())?;
    // A cast saturates: what exceeds all memory is no bound.
    Ok(size as usize)
}
