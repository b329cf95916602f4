//! `conntrack-report sql`: what it answers, what it refuses, and what it says.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use support::{Campaign, printed, record, report};

/// The answer as CSV, without the names of the columns.
fn answer(dir: &str, query: &str) -> String {
    let text = printed(&["sql", dir, query, "--format", "csv"]);
    text.split_once('\n').unwrap().1.to_owned()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn campaign() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab [1] 100%? *");
    Campaign::default().write(&dir);
    let dir = dir.to_str().unwrap().to_owned();
    (folder, dir)
}

#[test]
fn every_cell_of_every_table_is_that_of_the_other_commands() {
    let (_folder, dir) = campaign();
    for (table, order) in [("connections", "ts, final"), ("headers", "uid, n"), ("events", "ts, kind")] {
        let all = printed(&[
            "sql",
            &dir,
            &format!("SELECT * EXCLUDE (campaign) FROM {table} ORDER BY {order}"),
            "--format",
            "csv",
        ]);
        assert_eq!(all, printed(&[table, &dir, "--format", "csv"]), "{table}");
        let json = printed(&[
            "sql",
            &dir,
            &format!("SELECT * EXCLUDE (campaign) FROM {table} ORDER BY {order}"),
            "--format",
            "json",
        ]);
        assert_eq!(json, printed(&[table, &dir, "--format", "json"]), "{table}");
    }
    assert_eq!(answer(&dir, "SELECT sum(opened), sum(closed), min(width) FROM intervals"), "100,100,0.01\n");
}

#[test]
fn an_aggregate_is_that_of_the_rows_that_were_recorded() {
    let (_folder, dir) = campaign();
    let mut expected: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for record in (0..100).map(record) {
        let (count, bytes) = expected.entry(record.conn_state.as_str()).or_default();
        *count += 1;
        *bytes += record.halves.iter().filter_map(|half| half.bytes).sum::<u64>();
    }
    let expected = expected.iter().map(|(state, (count, bytes))| format!("{state},{count},{bytes}\n"));
    let query = "SELECT conn_state, count(*), sum(coalesce(orig_bytes, 0) + coalesce(resp_bytes, 0)) FROM connections \
                 WHERE final GROUP BY conn_state ORDER BY conn_state";
    assert_eq!(answer(&dir, query), expected.collect::<String>());
    let joined = "SELECT count(*), sum(h.payload_len) FROM headers h JOIN connections c ON h.uid = c.uid \
                  WHERE c.final AND c.conn_state = 'REJ'";
    assert_eq!(answer(&dir, joined), format!("30,{}\n", 10 * support::payload_len(2)));
}

#[test]
fn what_a_running_campaign_has_not_sealed_is_read_too() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    support::write_running(&dir, 100);
    assert!(dir.join("connections").is_dir() && fs::read_dir(dir.join("journal")).unwrap().count() > 0);
    let dir = dir.to_str().unwrap();
    assert_eq!(answer(dir, "SELECT count(*), count(DISTINCT uid) FROM connections"), "100,100\n");
    let said = complaint(&report(&["sql", dir, "SELECT 1"]));
    assert!(said.contains("those acknowledged so far") && said.contains(dir), "{said}");
    let sorted = printed(&["sql", dir, "SELECT * EXCLUDE (campaign) FROM connections ORDER BY ts", "--format", "csv"]);
    assert_eq!(sorted, printed(&["connections", dir, "--format", "csv"]));
    let plan = printed(&["sql", dir, "EXPLAIN SELECT uid FROM connections WHERE orig_p = 40001", "--format", "json"]);
    assert!(plan.contains("DataSourceExec") && plan.contains("StreamingTableExec"), "{plan}");
}

#[test]
fn a_condition_goes_down_to_the_files_and_columns_that_are_not_asked_for_are_not_read() {
    let (_folder, dir) = campaign();
    let plan = printed(&["sql", &dir, "EXPLAIN SELECT orig_h FROM connections WHERE uid = 17", "--format", "json"]);
    assert!(plan.contains("predicate=uid@") && plan.contains("pruning_predicate="), "{plan}");
    assert!(plan.contains("projection=[") && !plan.contains("resp_bytes"), "{plan}");
    let plan = printed(&["sql", &dir, "EXPLAIN SELECT orig_h FROM connections WHERE resp_p = 443", "--format", "json"]);
    assert!(plan.contains("predicate=resp_p@") && plan.contains("pruning_predicate=resp_p_"), "{plan}");
}

#[test]
fn differences_of_counts_may_be_below_zero() {
    let (_folder, dir) = campaign();
    let records = (0..100).map(record).filter(|record| record.is_final).collect::<Vec<_>>();
    let difference = |record: &conntrack::Record| {
        let [orig, resp] = record.halves.map(|half| i64::try_from(half.pkts).unwrap());
        orig - resp
    };
    let least = records.iter().map(difference).min().unwrap();
    assert!(least < 0, "the test needs a negative one");
    let query = "SELECT min(orig_pkts - resp_pkts) FROM connections WHERE final";
    assert_eq!(answer(&dir, query), format!("{least}\n"));
    let fitting =
        printed(&["connections", &dir, "--final-only", "--where", "orig_pkts - resp_pkts < 0", "--format", "csv"]);
    let below = records.iter().filter(|record| difference(record) < 0).count();
    assert_eq!(fitting.lines().count(), below + 1);
}

#[test]
fn a_chain_as_long_as_may_be_is_answered_and_a_longer_one_refused() {
    let (_folder, dir) = campaign();
    let chain = |terms: usize| vec!["orig_p = 40001"; terms].join(" OR ");
    let all = answer(&dir, "SELECT count(*) FROM connections WHERE orig_p = 40001");
    assert_eq!(answer(&dir, &format!("SELECT count(*) FROM connections WHERE {}", chain(500))), all);
    let sum = vec!["orig_p"; 1000].join(" + ");
    assert_eq!(answer(&dir, &format!("SELECT max({sum}) FROM connections WHERE orig_p = 40001")), "40001000\n");
    for arguments in [
        vec!["sql".to_owned(), dir.clone(), format!("SELECT * FROM connections WHERE {}", chain(5000))],
        vec!["connections".to_owned(), dir.clone(), "--where".to_owned(), chain(5000)],
    ] {
        let output = report(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let said = complaint(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(" operators in one query"), "{said}");
    }
    let list = (0..20_000).map(|port| port.to_string()).collect::<Vec<_>>().join(", ");
    assert_eq!(answer(&dir, &format!("SELECT count(*) FROM connections WHERE orig_p IN ({list})")), "0\n");
}

#[test]
fn several_campaigns_are_told_apart_by_a_column() {
    let (folder, one) = campaign();
    let two = folder.path().join("two");
    Campaign { connections: 7, interim: false, ..Campaign::default() }.write(&two);
    let two = two.to_str().unwrap();
    let query = "SELECT campaign, count(*) FROM connections WHERE final GROUP BY campaign ORDER BY 2";
    let text = printed(&["sql", &one, two, query, "--format", "csv"]);
    assert_eq!(text, format!("campaign,count(*)\n{two},7\n{one},100\n"));
}

#[test]
fn functions_of_the_field_know_addresses_ports_and_flows() {
    let (_folder, dir) = campaign();
    for (expression, expected) in [
        ("cidr_match('10.1.2.3', '10.0.0.0/8')", "true"),
        ("cidr_match('2001:db8::1', '10.0.0.0/8')", "false"),
        ("cidr_match(NULL, '10.0.0.0/8')", ""),
        ("cidr_match('lab', '10.0.0.0/8')", ""),
        ("prefix('192.0.2.77', 24)", "192.0.2.0/24"),
        ("prefix('2001:db8:1:2::1', 24, 48)", "2001:db8:1::/48"),
        ("prefix('192.0.2.77', 128)", "192.0.2.77/32"),
        ("service(443)", "https"),
        ("service(49999)", ""),
        ("community_id('128.232.110.120', 34855, '66.35.250.204', 80)", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        ("community_id('66.35.250.204', 80, '128.232.110.120', 34855, 1)", "1:3V71V58M3Ksw/yuFALMcW0LAHvc="),
    ] {
        assert_eq!(answer(&dir, &format!("SELECT {expression}")), format!("{expected}\n"), "{expression}");
    }
    let inside = (0..100).map(record).filter(|record| !record.endpoints[0].ip(record.family).is_ipv6()).count();
    let query = "SELECT count(*), count(DISTINCT community_id(orig_h, orig_p, resp_h, resp_p)), min(service(resp_p)) \
                 FROM connections WHERE final AND cidr_match(orig_h, '10.0.0.0/16')";
    assert_eq!(answer(&dir, query), format!("{inside},{inside},domain\n"));
    for wrong in ["cidr_match(orig_h, '10.0.0.0/40')", "prefix(orig_h, -1)", "community_id(orig_h, 70000, resp_h, 1)"] {
        let output = report(&["sql", &dir, &format!("SELECT {wrong} FROM connections")]);
        assert_eq!((output.status.code(), complaint(&output).lines().count()), (Some(1), 1), "{}", complaint(&output));
    }
}

#[test]
fn answers_have_the_types_that_queries_make() {
    let (_folder, dir) = campaign();
    for (expression, expected) in [
        ("-5", "-5"),
        ("1.5", "1.5"),
        ("NULL", ""),
        ("TIMESTAMP '2026-11-22 00:00:01'", "1795305601.000000000"),
        ("arrow_cast(1500, 'Duration(Millisecond)')", "1.500000000"),
        ("DATE '2026-11-22'", "2026-11-22"),
        ("arrow_cast('12.50', 'Decimal128(6, 2)')", "12.50"),
        ("make_array(1, 2)", "1;2"),
        ("arrow_cast('text', 'Utf8View')", "text"),
        ("1.0 / 0.0", ""),
        ("struct(1 AS a)", "{a: 1}"),
    ] {
        assert_eq!(answer(&dir, &format!("SELECT {expression} AS x")), format!("{expected}\n"), "{expression}");
    }
    let rtt =
        "SELECT established_ts - syn_ts AS d FROM connections WHERE established_ts IS NOT NULL ORDER BY ts LIMIT 1";
    let expected = record(0).at.established.unwrap().0 - record(0).at.syn.unwrap().0;
    assert_eq!(answer(&dir, rtt), format!("0.{expected:09}\n"));
}

#[test]
fn nothing_is_changed_and_nothing_else_is_read() {
    let (folder, dir) = campaign();
    let target = folder.path().join("out.csv");
    for query in [
        "CREATE TABLE mine AS SELECT 1",
        "CREATE VIEW mine AS SELECT * FROM connections",
        "DROP TABLE connections",
        "INSERT INTO events SELECT * FROM events",
        "DELETE FROM events",
        "UPDATE events SET kind = 'x'",
        &format!("COPY connections TO '{}'", target.display()),
        &format!("COPY (SELECT 1) TO '{}' STORED AS CSV", target.display()),
        &format!("CREATE EXTERNAL TABLE mine STORED AS PARQUET LOCATION '{dir}'"),
        "SET datafusion.execution.batch_size = 1",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT 1; SELECT 2",
    ] {
        let output = report(&["sql", &dir, query]);
        assert_eq!(
            (output.status.code(), complaint(&output).lines().count()),
            (Some(2), 1),
            "{query}: {}",
            complaint(&output)
        );
        assert!(output.stdout.is_empty(), "{query}");
    }
    assert!(!target.exists());
    let refused = complaint(&report(&["sql", &dir, "DROP TABLE connections"]));
    assert!(refused.contains("campaigns are only read"), "{refused}");
    for harmless in ["SHOW TABLES", "DESCRIBE events", "EXPLAIN SELECT 1", "WITH a AS (SELECT 1) SELECT * FROM a"] {
        printed(&["sql", &dir, harmless]);
    }
}

#[test]
fn a_query_that_makes_no_sense_is_wrong_usage_and_one_line_says_what_there_is() {
    let (_folder, dir) = campaign();
    for (query, hint) in [
        ("SELECT", "docs/sql.md"),
        ("SELEC 1", "docs/sql.md"),
        ("", "No SQL"),
        ("SELECT * FROM flows", "the tables are connections, headers, events and intervals"),
        ("SELECT orig_byte FROM connections", "orig_bytes"),
        ("SELECT nonsense FROM connections", "conntrack-report columns"),
        ("SELECT nonsense(1)", "nonsense"),
        ("SELECT cidr_match(1)", "cidr_match"),
        ("SELECT interval '1 day' AS step", "column step is an interval"),
    ] {
        let output = report(&["sql", &dir, query, "--format", "parquet", "-o", "/dev/null"]);
        let said = complaint(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{query}: {said}");
        assert!(said.contains(hint) && said.len() < 500, "{query}: {said}");
    }
}

/// A sealed file of the table, damaged.
fn damage(campaign: &Path, table: &str) {
    let day = fs::read_dir(campaign.join(table)).unwrap().next().unwrap().unwrap().path();
    let file = fs::read_dir(day).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&file).unwrap();
    bytes[100] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn what_cannot_be_read_is_left_out_said_once_and_exits_with_3() {
    let (_folder, dir) = campaign();
    damage(Path::new(&dir), "connections");
    let output = report(&["sql", &dir, "SELECT count(*) FROM connections a, connections b", "--format", "csv"]);
    assert_eq!(output.status.code(), Some(3), "{}", complaint(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "count(*)\n0\n");
    let said = complaint(&output);
    assert!(said.lines().count() == 1 && said.contains("connections") && said.contains("checksum"), "{said}");
    assert_eq!(answer(&dir, "SELECT count(*) FROM headers"), "300\n", "other tables are whole");

    let (_folder, dir) = campaign();
    fs::write(Path::new(&dir).join("sealed.jsonl"), "").unwrap();
    let output = report(&["sql", &dir, "SELECT count(*) FROM events"]);
    assert_eq!(output.status.code(), Some(3), "{}", complaint(&output));
    assert!(complaint(&output).contains("sealed.jsonl"), "{}", complaint(&output));
}

#[test]
fn sorting_goes_to_disk_beyond_its_memory_and_a_query_that_cannot_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign { connections: 20_000, headers: false, ..Campaign::default() }.write(&dir);
    let (dir, spill) = (dir.to_str().unwrap(), folder.path().join("spill"));
    fs::create_dir(&spill).unwrap();
    let sorted = |memory: &str| {
        let query = "SELECT uid, history, orig_h, ts FROM connections ORDER BY uid, final";
        printed(&["sql", dir, query, "--memory", memory, "--spill", spill.to_str().unwrap(), "--format", "csv"])
    };
    assert_eq!(sorted("12M"), sorted("1G"));
    assert_eq!(fs::read_dir(&spill).unwrap().count(), 0, "nothing is left behind");
    let output = report(&["sql", dir, "SELECT array_agg(uid) FROM connections GROUP BY uid", "--memory", "100K"]);
    assert_eq!((output.status.code(), complaint(&output).lines().count()), (Some(1), 1));
    assert!(complaint(&output).contains("--memory"), "{}", complaint(&output));
}

#[test]
fn a_query_comes_from_standard_input_and_an_answer_goes_into_parquet() {
    let (folder, dir) = campaign();
    let file = folder.path().join("answer.parquet");
    let query = folder.path().join("query.sql");
    fs::write(&query, "SELECT uid, ts, duration, anomalies FROM connections -- all\n").unwrap();
    let output = support::program()
        .args(["sql", &dir, "-", "--format", "parquet", "-o", file.to_str().unwrap()])
        .stdin(fs::File::open(&query).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", complaint(&output));
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&file).unwrap());
    let reader = reader.unwrap();
    let columns = recorder::columns::schema(recorder::Table::Connections);
    for field in reader.schema().fields() {
        assert_eq!(field.as_ref(), columns.field_with_name(field.name()).unwrap(), "unit and definition are kept");
    }
    assert_eq!(reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 101);
}

#[test]
fn a_signal_leaves_nothing_behind() {
    let (folder, dir) = campaign();
    let (output, spill) = (folder.path().join("output"), folder.path().join("spill"));
    for place in [&output, &spill] {
        fs::create_dir(place).unwrap();
    }
    let entries = |place: &Path| fs::read_dir(place).unwrap().count();
    let endless = "SELECT count(*) FROM connections a, connections b, connections c, connections d, connections e \
                   WHERE a.ts + (b.ts - c.ts) < d.ts + (e.ts - a.ts)";
    let mut child = support::program()
        .args(["sql", &dir, endless, "-o"])
        .arg(output.join("answer.csv"))
        .arg("--spill")
        .arg(&spill)
        .spawn()
        .unwrap();
    while entries(&spill) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        thread::yield_now();
    }
    assert_eq!(entries(&output), 1);
    let killed = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert_eq!((entries(&output), entries(&spill)), (0, 0));
}
