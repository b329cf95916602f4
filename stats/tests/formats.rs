//! What each format prints of a recorded campaign.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::HashMap;

use conntrack::Record;
use support::{Campaign, printed, record};

fn campaign() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign::default().write(&dir);
    let dir = dir.to_str().unwrap().to_owned();
    (folder, dir)
}

/// Rows of a CSV as maps from column to text.
fn rows(csv: &str) -> Vec<HashMap<String, String>> {
    csv::Reader::from_reader(csv.as_bytes()).deserialize().map(Result::unwrap).collect()
}

fn decimal(nanos: i64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

#[test]
fn csv_has_every_column_and_every_digit() {
    let (_folder, dir) = campaign();
    let printed = printed(&["connections", &dir, "--format", "csv", "--final-only"]);
    let rows = rows(&printed);
    assert_eq!(rows.len(), 100);
    let columns = recorder::columns::of(recorder::Table::Connections).map(|about| about.name).collect::<Vec<_>>();
    assert_eq!(printed.lines().next().unwrap().split(',').collect::<Vec<_>>(), columns);
    for row in &rows {
        let n = (0..100).find(|&n| record(n).uid.to_string() == row["uid"]).unwrap();
        let Record { ts, at, endpoints, family, halves, .. } = record(n);
        assert_eq!(row["ts"], decimal(ts.0));
        assert_eq!(row["last_ts"], decimal(at.last.0));
        assert_eq!(row["duration"], decimal(at.last.0 - ts.0));
        assert_eq!(row["orig_h"], endpoints[0].ip(family).to_string());
        assert_eq!(row["orig_bytes"], halves[0].bytes.map_or(String::new(), |bytes| bytes.to_string()));
        assert_eq!(row["established_ts"], at.established.map_or(String::new(), |at| decimal(at.0)));
        assert_eq!((row["final"].as_str(), row["partial"] == "true"), ("true", n % 10 == 9));
        assert_eq!(row["anomalies"], if n % 50 == 3 { "out_of_window;bad_options" } else { "" });
    }
}

#[test]
fn json_lines_say_what_csv_says() {
    let (_folder, dir) = campaign();
    let csv = rows(&printed(&["connections", &dir, "--format", "csv"]));
    let json = printed(&["connections", &dir, "--format", "json"]);
    assert_eq!(json.lines().count(), csv.len());
    for (line, row) in json.lines().zip(&csv) {
        let object: HashMap<String, Box<serde_json::value::RawValue>> = serde_json::from_str(line).unwrap();
        assert_eq!(object.len(), row.len());
        for (column, text) in row {
            let value = object[column].get();
            match column.as_str() {
                "anomalies" | "mptcp_subtypes" => {
                    let names: Vec<String> = serde_json::from_str(value).unwrap();
                    assert_eq!(names.join(";"), *text);
                }
                _ if value.starts_with('"') => assert_eq!(value.trim_matches('"'), text),
                _ => assert_eq!(if value == "null" { "" } else { value }, text, "{column}"),
            }
        }
    }
}

#[test]
fn a_choice_of_columns_rows_and_a_limit_is_kept_in_the_order_asked() {
    let (_folder, dir) = campaign();
    let uid = record(7).uid.to_string();
    let one = printed(&["connections", &dir, "--format", "csv", "--columns", "conn_state,orig_p", "--uid", &uid]);
    assert_eq!(one, "conn_state,orig_p\nREJ,40007\n");
    let three =
        printed(&["connections", &dir, "--format", "json", "--columns", "orig_p", "--limit", "3", "--final-only"]);
    assert_eq!(three, "{\"orig_p\":40000}\n{\"orig_p\":40001}\n{\"orig_p\":40002}\n");
    let none = printed(&["connections", &dir, "--format", "csv", "--columns", "uid", "--limit", "0"]);
    assert_eq!(none, "uid\n");
}

#[test]
fn several_campaigns_come_one_after_another() {
    let (_folder, dir) = campaign();
    let twice = printed(&["connections", &dir, &dir, "--format", "csv", "--columns", "uid"]);
    assert_eq!(twice.lines().count(), 1 + 2 * 101);
    let limited = printed(&["connections", &dir, &dir, "--format", "csv", "--columns", "uid", "--limit", "150"]);
    assert_eq!(limited.lines().count(), 151);
}

#[test]
fn a_conn_log_has_zeeks_names_and_counts_each_connection_once() {
    let (_folder, dir) = campaign();
    let log = printed(&["connections", &dir, "--format", "zeek"]);
    let mut lines = log.lines();
    assert_eq!(lines.next(), Some("#separator \\x09"));
    let header = |name: &str| {
        let line = log.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split('\t').skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let (fields, types) = (header("#fields"), header("#types"));
    assert_eq!(fields.len(), types.len());
    assert_eq!(header("#open"), ["2026-11-22-00-00-00"]);
    let rows = log.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.map(|line| fields.iter().zip(line.split('\t')).collect::<HashMap<_, _>>()).collect::<Vec<_>>();
    assert_eq!(rows.len(), 100);
    for row in &rows {
        assert_eq!(row.len(), fields.len());
        let field = |name: &str| row[&name.to_owned()];
        let port: u64 = field("id.orig_p").parse().unwrap();
        let record = record(port - 40_000);
        assert_eq!(field("ts"), decimal(record.ts.0));
        assert_eq!(field("history"), record.history.as_str());
        assert_eq!(field("resp_bytes"), record.halves[1].bytes.map_or("-".to_owned(), |bytes| bytes.to_string()));
        assert_eq!((field("proto"), field("service")), ("tcp", "-"));
        let same = printed(&[
            "connections",
            &dir,
            "--format",
            "csv",
            "--columns",
            "uid",
            "--uid",
            field("uid"),
            "--limit",
            "1",
        ]);
        assert_eq!(same.lines().nth(1), Some(record.uid.to_string().as_str()));
        if port >= 40_005 {
            break;
        }
    }
}

#[test]
fn the_table_for_people_is_aligned_and_dated() {
    let (_folder, dir) = campaign();
    let table = printed(&[
        "connections",
        &dir,
        "--limit",
        "3",
        "--final-only",
        "--columns",
        "ts,orig_h,resp_p,duration,history",
    ]);
    let expected = "                        ts  orig_h        resp_p  duration  history\n\
                    2026-11-22 00:00:00.000000  10.0.205.175      25  0.052995  ShADadFf\n\
                    2026-11-22 00:00:00.001000  10.0.92.193      443  0.823530  ShADadFf\n\
                    2026-11-22 00:00:00.002000  10.0.86.206       53  0.413279  ShADadFf\n";
    assert_eq!(table, expected);
}

#[test]
fn events_are_quoted_where_csv_demands() {
    let (_folder, dir) = campaign();
    let events = printed(&["events", &dir, "--format", "csv"]);
    let expected = format!(
        "uid,ts,dir,kind,detail\n,{0},,lost,\"2 sources, \"\"lab\"\"\"\n{1},{2},,clock_step,back by 3 ms\n{1},{3},,rst_suspect,\n",
        decimal(support::EPOCH),
        record(3).uid,
        decimal(record(3).ts.0),
        decimal(record(3).ts.0 + 2_000_000),
    );
    assert_eq!(events, expected);
}

#[test]
fn events_of_one_connection_are_in_order_of_time_whichever_campaign_they_come_from() {
    let (_folder, dir) = campaign();
    let uid = record(3).uid.to_string();
    let kinds = |options: &[&str]| {
        let text = printed(&[&["events", &dir, &dir, "--format", "csv", "--columns", "kind"], options].concat());
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&["--uid", &uid]), ["clock_step", "clock_step", "rst_suspect", "rst_suspect"]);
    assert_eq!(kinds(&["--uid", &uid, "--limit", "3"]), ["clock_step", "clock_step", "rst_suspect"]);
    assert_eq!(kinds(&["--uid", &uid, "--kind", "rst_suspect,lost"]), ["rst_suspect", "rst_suspect"]);
    assert_eq!(kinds(&["--kind", "lost"]), ["lost", "lost"]);
}

#[test]
fn headers_read_like_tcpdump() {
    let (_folder, dir) = campaign();
    let uid = record(0).uid;
    let text = printed(&["headers", &dir, "--uid", &uid.to_string()]);
    let isn = uid as u32;
    let lines = text.lines().collect::<Vec<_>>();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[0],
        format!(
            "2026-11-22 00:00:00.000000535 {uid}:0   10.0.205.175.40000 > 192.0.2.1.25: Flags [S], seq {isn}, win 64240, \
             options [mss 1460,sackOK,wscale 7], length 0"
        )
    );
    assert!(lines[2].ends_with("length 1000"), "{}", lines[2]);
    assert!(lines[1].contains(" 192.0.2.1.25 > 10.0.205.175.40000: Flags [S.], "), "{}", lines[1]);
    let csv = rows(&printed(&["headers", &dir, "--uid", &uid.to_string(), "--format", "csv"]));
    assert_eq!(csv[1]["bytes"], hex(&support::header_bytes(&record(0), 1)));
    assert_eq!((csv[1]["dir"].as_str(), csv[1]["flags"].as_str()), ("resp", "18"));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_column_is_explained() {
    let list = rows(&printed(&["columns", "--format", "csv"]));
    for table in recorder::Table::ALL {
        assert_eq!(
            list.iter().filter(|row| row["table"] == table.as_str()).count(),
            recorder::columns::of(table).count()
        );
    }
    assert!(list.iter().all(|row| row["definition"].len() > 5));
    let few = rows(&printed(&["columns", "events", "--format", "csv"]));
    assert!(few.iter().all(|row| row["table"] == "events"));
}
