//! `sql --cluster`: a scheduler and two executors of Ballista answer as the engine inside does.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::health::ExecutorHealth;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::{SchedulerConfig, TaskDistributionPolicy};
use ballista_scheduler::scheduler_process::start_server;
use conntrack::Record;
use serde_json::Value;
use support::{Campaign, printed, record, report};
use tokio::runtime::Runtime;
use tokio::time::{Duration, sleep, timeout};

/// How long the cluster may take to begin, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A scheduler and two executors, which end with it. They speak over TCP alone.
struct Cluster {
    scheduler: String,
    /// Where each executor keeps what it computed.
    works: [PathBuf; 2],
    _runtime: Runtime,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Cluster {
    fn start(folder: &Path) -> Self {
        let runtime = Runtime::new().unwrap();
        let port = free_port();
        let works = ["first", "second"].map(|name| folder.join(name));
        let config = Arc::new(SchedulerConfig {
            bind_port: port,
            task_distribution: TaskDistributionPolicy::RoundRobin,
            ..SchedulerConfig::default()
        });
        let begun = async {
            let cluster = BallistaCluster::new_from_config(&config).await.unwrap();
            tokio::spawn(start_server(cluster, ([127, 0, 0, 1], port).into(), config));
            for work in &works {
                let health = executor(port, work);
                while !health.is_ready() {
                    sleep(Duration::from_millis(20)).await;
                }
            }
        };
        runtime.block_on(async { timeout(PATIENCE, begun).await }).expect("the cluster begins");
        Self { scheduler: format!("127.0.0.1:{port}"), works, _runtime: runtime }
    }
}

/// Starts an executor.
fn executor(scheduler_port: u16, work: &Path) -> ExecutorHealth {
    fs::create_dir(work).unwrap();
    let health = ExecutorHealth::new();
    let config = ExecutorProcessConfig {
        port: free_port(),
        grpc_port: free_port(),
        external_host: Some("127.0.0.1".to_owned()),
        scheduler_host: "127.0.0.1".to_owned(),
        scheduler_port,
        scheduler_connect_timeout_seconds: PATIENCE.as_secs() as u16,
        vcores: 1,
        work_dir: Some(work.to_str().unwrap().to_owned()),
        health: health.clone(),
        ..ExecutorProcessConfig::default()
    };
    tokio::spawn(start_executor_process(Arc::new(config)));
    health
}

/// Connections of four days, so that there are four files.
fn records() -> impl Iterator<Item = Record> {
    (0..4000).map(|n| {
        let record = record(n);
        Record { ts: record.ts.plus((n as i64 % 4) * 86_400_000_000_000), ..record }
    })
}

/// The figures of a summary, by state; whole numbers, whose sums do not depend on their order.
const SUMMARY: &str = "
    SELECT conn_state, close_reason, count(*) AS connections, sum(orig_pkts) AS orig_pkts, sum(resp_pkts) AS resp_pkts,
           sum(orig_ip_bytes) AS orig_ip_bytes, sum(resp_ip_bytes) AS resp_ip_bytes,
           sum(orig_unique_bytes) AS orig_bytes, sum(resp_unique_bytes) AS resp_bytes, sum(missed_bytes) AS missed,
           count(DISTINCT resp_h) AS servers, min(ts) AS first, max(last_ts) AS last, max(handshake_rtt) AS rtt
    FROM connections WHERE final GROUP BY conn_state, close_reason ORDER BY conn_state, close_reason";

#[test]
fn two_executors_give_the_summary_that_the_engine_inside_gives() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    support::write(&dir, [], records());
    let dir = dir.to_str().unwrap();
    let cluster = Cluster::start(folder.path());
    let on = |query: &str, more: &[&str]| printed(&[&["sql", dir, query, "--format", "csv"], more].concat());
    let distributed = on(SUMMARY, &["--cluster", &cluster.scheduler]);
    assert_eq!(distributed, on(SUMMARY, &[]));
    assert_eq!(distributed.lines().count(), 1 + 4);
    for work in &cluster.works {
        assert!(fs::read_dir(work).unwrap().count() > 0, "{} has had work to do", work.display());
    }

    let summary: Value = serde_json::from_str(&printed(&["summary", dir, "--format", "json"])).unwrap();
    for row in csv::Reader::from_reader(distributed.as_bytes()).records() {
        let row = row.unwrap();
        let count = &summary["connections"]["by_conn_state"][&row[0]];
        assert_eq!(count.to_string(), row[2], "{}", summary["connections"]);
    }

    for (query, hint) in [
        ("SELECT service(resp_p) FROM connections", "service is a function of this program"),
        (
            "SELECT 1 FROM connections WHERE uid IN (SELECT uid FROM headers WHERE cidr_match('::1', '::/0'))",
            "cidr_match",
        ),
        ("DROP TABLE connections", "campaigns are only read"),
    ] {
        let output = report(&["sql", dir, query, "--cluster", &cluster.scheduler]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(hint), "{said}");
    }

    let running = folder.path().join("running");
    support::write_running(&running, 100);
    let count = "SELECT count(*) FROM connections";
    let output = report(&["sql", running.to_str().unwrap(), count, "--cluster", &cluster.scheduler, "--format", "csv"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), &b"count(*)\n50\n"[..]), "{said}");
    assert!(said.lines().count() == 1 && said.contains("not sealed yet"), "{said}");
}

#[test]
fn a_cluster_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign { connections: 10, ..Campaign::default() }.write(&dir);
    let nobody = format!("127.0.0.1:{}", free_port());
    let output = report(&["sql", dir.to_str().unwrap(), "SELECT count(*) FROM events", "--cluster", &nobody]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains(&nobody), "{said}");
}
