//! Every count: rows against the manifest, and against each other.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampNanosecondType, UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};

use super::{Check, Problems, Verdict};
use crate::{Campaign, ReadError, State, Table};

/// The names of these checks.
pub(super) const NAMES: [&str; 6] = ["rows", "tcp_packets", "header_rows", "event_rows", "unique_uids", "instants"];

/// `uid`s held at a time: 128 MiB.
const UIDS: u64 = 16 << 20;

/// What the rows of connections add up to.
#[derive(Default)]
struct Sums {
    finals: u64,
    packets: u64,
    headers: u64,
    events: u64,
}

/// Rows that were found.
#[derive(Default)]
struct Found {
    rows: [u64; Table::COUNT],
    /// Events that happened in a connection.
    in_connections: u64,
}

/// All checks that read rows.
pub(super) fn checks(campaign: &Campaign) -> Vec<Check> {
    let (found, rows) = rows(campaign);
    let (sums, instants) = match connections(campaign) {
        Ok(found) => found,
        Err(error) => {
            let failed = |name| Check { name, verdict: Verdict::Failed(vec![error.to_string()]) };
            return NAMES.map(failed).into();
        }
    };
    let kept = campaign.manifest().carried.unwrap_or_default();
    let headers = (found.rows[Table::Headers.index()], sums.headers.saturating_add(kept.headers));
    let events = (found.in_connections, sums.events.saturating_add(kept.events));
    vec![
        rows,
        tcp_packets(campaign, &sums),
        own_rows(campaign, "header_rows", Table::Headers, headers),
        own_rows(campaign, "event_rows", Table::Events, events),
        unique_uids(campaign, sums.finals),
        instants,
    ]
}

/// Why counts of a campaign cannot be held against its manifest.
fn unfinished(campaign: &Campaign) -> Option<String> {
    (campaign.manifest().state == State::Running)
        .then(|| "the campaign is being recorded, or was interrupted and not recovered".to_owned())
}

/// Why tables cannot be held against each other.
fn deleted(campaign: &Campaign) -> Option<String> {
    let rows: u64 = Table::ALL.iter().map(|&table| campaign.deleted_rows(table)).fold(0, u64::saturating_add);
    (rows > 0).then(|| format!("{rows} rows were deleted to make room"))
}

/// Rows a table against the manifest.
fn rows(campaign: &Campaign) -> (Found, Check) {
    let mut all = Found::default();
    let mut problems = Problems::default();
    let unfinished = unfinished(campaign);
    for table in Table::ALL {
        for batch in campaign.scan(table) {
            match batch {
                Ok(batch) => {
                    all.rows[table.index()] += batch.num_rows() as u64;
                    if table == Table::Events {
                        all.in_connections += (batch.num_rows() - batch["uid"].null_count()) as u64;
                    }
                }
                Err(error) => problems.add(|| error.to_string()),
            }
        }
        let (found, deleted) = (all.rows[table.index()], campaign.deleted_rows(table));
        let said = campaign.manifest().rows(table);
        if found.saturating_add(deleted) != said && unfinished.is_none() {
            problems.add(|| format!("{table}: {found} rows, and {deleted} deleted; campaign.json says {said}"));
        }
    }
    let found = Table::ALL.map(|table| format!("{} {table}", all.rows[table.index()])).join(", ");
    (all, problems.check("rows", || found))
}

/// What connections add up to, and whether their instants are in order.
fn connections(campaign: &Campaign) -> Result<(Sums, Check), ReadError> {
    let mut sums = Sums::default();
    let mut problems = Problems::default();
    for batch in campaign.scan(Table::Connections) {
        let batch = batch?;
        let finals = batch["final"].as_boolean();
        let number = |name: &str| batch[name].as_primitive::<UInt64Type>().clone();
        let (orig, resp) = (number("orig_pkts"), number("resp_pkts"));
        let headers = batch["headers"].as_primitive::<UInt8Type>();
        let events = batch["events"].as_primitive::<UInt32Type>();
        for row in (0..batch.num_rows()).filter(|&row| finals.value(row)) {
            sums.finals += 1;
            sums.packets = sums.packets.saturating_add(orig.value(row)).saturating_add(resp.value(row));
            sums.headers += u64::from(headers.value(row));
            sums.events += u64::from(events.value(row));
        }
        check_instants(&batch, &mut problems);
    }
    let finals = sums.finals;
    Ok((sums, problems.check("instants", || format!("{finals} connections"))))
}

/// No duration is negative, and every instant lies between the first and the last packet, unless the clock stepped back.
fn check_instants(batch: &RecordBatch, problems: &mut Problems) {
    let uid = batch["uid"].as_primitive::<UInt64Type>();
    let duration = batch["duration"].as_primitive::<Float64Type>();
    let anomalies = batch["anomalies"].as_list::<i32>();
    let instants: Vec<_> = batch
        .schema_ref()
        .fields()
        .iter()
        .filter(|field| {
            field.name().ends_with("ts") && matches!(field.data_type(), arrow_schema::DataType::Timestamp(..))
        })
        .map(|field| (field.name().clone(), batch[field.name().as_str()].as_primitive::<TimestampNanosecondType>()))
        .collect();
    let (ts, last) = (
        batch["ts"].as_primitive::<TimestampNanosecondType>(),
        batch["last_ts"].as_primitive::<TimestampNanosecondType>(),
    );
    for row in 0..batch.num_rows() {
        let who = uid.value(row);
        if duration.value(row) < 0.0 {
            problems.add(|| format!("connection {who}: duration {} s", duration.value(row)));
        }
        let stepped = anomalies.value(row).as_string::<i32>().iter().any(|name| name == Some("clock_step"));
        if stepped {
            continue;
        }
        let life = ts.value(row)..=last.value(row);
        for (name, instant) in &instants {
            if instant.is_valid(row) && !life.contains(&instant.value(row)) {
                problems.add(|| {
                    format!("connection {who}: {name} {} lies outside of its life {life:?}", instant.value(row))
                });
            }
        }
    }
}

/// Packets of final connections, and those that came after their row was written, against the ledger.
fn tcp_packets(campaign: &Campaign, sums: &Sums) -> Check {
    const NAME: &str = "tcp_packets";
    let manifest = campaign.manifest();
    if !manifest.is_whole() {
        let why = match manifest.interruptions() {
            (cut @ 1.., runs) => {
                format!("{cut} of {runs} runs were interrupted, whose live connections were not written")
            }
            _ => format!("the campaign is {}: live connections were not written", manifest.state.as_str()),
        };
        return Check { name: NAME, verdict: Verdict::Skipped(why) };
    }
    if let Some(why) = deleted(campaign) {
        return Check { name: NAME, verdict: Verdict::Skipped(why) };
    }
    let lost = manifest.lost_rows(Table::Connections);
    if lost > 0 {
        let why = format!("{lost} rows of connections were lost, and their packets with them");
        return Check { name: NAME, verdict: Verdict::Skipped(why) };
    }
    let (found, late, said) = (sums.packets, manifest.straggling(), manifest.ledger().tcp);
    let kept = manifest.carried.unwrap_or_default().packets;
    let mut problems = Problems::default();
    if found.saturating_add(late).saturating_add(kept) != said {
        problems.add(|| {
            format!(
                "connections have {found} packets, {late} more came after their end, {kept} are of connections kept for the next run, the ledgers have \
                 {said} TCP frames"
            )
        });
    }
    problems.check(NAME, || match (late, kept) {
        (0, 0) => format!("{found} packets"),
        (late, 0) => format!("{found} packets in connections, {late} after their end"),
        (late, kept) => {
            format!(
                "{found} packets in connections, {late} after their end, {kept} of connections kept for the next run"
            )
        }
    })
}

/// Rows of `table` that belong to connections, as found and as the rows of connections say.
fn own_rows(campaign: &Campaign, name: &'static str, table: Table, (found, said): (u64, u64)) -> Check {
    if let Some(why) = deleted(campaign) {
        return Check { name, verdict: Verdict::Skipped(why) };
    }
    let manifest = campaign.manifest();
    if !manifest.is_whole() || manifest.lost_rows(Table::Connections) > 0 {
        let why = "not every connection was written".to_owned();
        return Check { name, verdict: Verdict::Skipped(why) };
    }
    let lost = manifest.lost_rows(table);
    let mut problems = Problems::default();
    // What was lost of events may also have been the appliance's own.
    if said.checked_sub(found).is_none_or(|missing| missing > lost) {
        problems.add(|| format!("{found} rows in {table} and {lost} lost, connections say {said}"));
    }
    problems.check(name, || format!("{found} {table}"))
}

/// No two final rows have the same `uid`.
fn unique_uids(campaign: &Campaign, finals: u64) -> Check {
    let mut problems = Problems::default();
    let passes = finals.div_ceil(UIDS).max(1);
    for pass in 0..passes {
        if let Err(error) = repeated_uids(campaign, passes, pass, &mut problems) {
            problems.add(|| error.to_string());
            break;
        }
    }
    problems.check("unique_uids", || format!("{finals} connections"))
}

/// Looks at those `uid`s that fall to this pass.
fn repeated_uids(campaign: &Campaign, passes: u64, pass: u64, problems: &mut Problems) -> Result<(), ReadError> {
    let mut uids = Vec::new();
    for batch in campaign.scan_columns(Table::Connections, &["uid", "final"])? {
        let batch = batch?;
        let finals = batch["final"].as_boolean();
        let column = batch["uid"].as_primitive::<UInt64Type>();
        uids.extend(
            (0..batch.num_rows())
                .filter(|&row| finals.value(row))
                .map(|row| column.value(row))
                .filter(|uid| uid % passes == pass),
        );
    }
    uids.sort_unstable();
    for same in uids.chunk_by(|a, b| a == b).filter(|same| same.len() > 1) {
        problems.add(|| format!("connections: uid {} stands in {} final rows", same[0], same.len()));
    }
    Ok(())
}
