//! What the end-to-end tests share: the built programs, the data set, and how a test says that it cannot run here.
//!
//! With `CONNTRACK_REQUIRE_ALL=1` a test that cannot run fails instead of saying so.
#![expect(dead_code, reason = "each test uses a part of it")]

pub mod live;
pub mod ssh;
pub mod truth;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Seconds after which a program is said to hang. Debug builds on a busy machine are slow.
const PATIENCE: &str = "120";

/// What `timeout` exits with when it had to end the program.
const TIMED_OUT: i32 = 124;

/// Says that the test cannot run.
pub fn skip(why: &str) {
    let name = thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os("CONNTRACK_REQUIRE_ALL").is_none(), "{name} must run here: {why}");
    say(&format!("SKIPPED: {name}: {why}"));
}

/// Says something past libtest, which swallows what passing tests print.
pub fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// The data set's development part, or a skip.
pub fn data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let directory = std::env::var_os("CONNTRACK_DATA").map_or(beside, PathBuf::from).join("dev");
    if directory.is_dir() {
        return Some(directory);
    }
    skip(&format!("no data set at {}; set CONNTRACK_DATA", directory.display()));
    None
}

/// Whether all these programs are installed, or a skip.
pub fn tools(names: &[&str]) -> bool {
    let found = |name: &&&str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).any(|directory| directory.join(name).is_file())
    };
    let missing: Vec<&str> = names.iter().filter(|name| !found(name)).copied().collect();
    if !missing.is_empty() {
        skip(&format!("not installed: {}; run scripts/packages.sh test", missing.join(", ")));
    }
    missing.is_empty()
}

/// Whether the test may make network namespaces, or a skip.
pub fn root() -> bool {
    let is_root = fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")));
    if !is_root {
        skip("only root may make network namespaces");
    }
    is_root
}

/// A program of this workspace, built.
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    let tap = Path::new(env!("CARGO_BIN_EXE_conntrack-tap"));
    let directory = tap.parent().expect("a program lies in a directory");
    BUILT.get_or_init(|| {
        // `cargo test -p tap` builds only this crate's program; `cargo test --workspace` has built all.
        if ["conntrack-report", "conntrack-sim"].iter().all(|name| directory.join(name).is_file()) {
            return;
        }
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--workspace", "--bins"]).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        if directory.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo runs").success(), "the programs must build");
    });
    directory.join(name)
}

/// A program of this workspace, about to be run, ended by force when it hangs.
pub fn command(name: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", PATIENCE]).arg(program(name)).stdin(Stdio::null());
    command
}

/// What a program did.
pub struct Ran {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ran {
    /// Why this is no orderly end with one of `codes`, if so.
    pub fn fault(&self, codes: &[i32]) -> Option<String> {
        match self.code {
            Some(TIMED_OUT) => Some("hangs".to_owned()),
            Some(code) if codes.contains(&code) && !self.stderr.contains("panicked") => None,
            code => Some(format!("ends with {code:?}: {}", self.stderr.trim())),
        }
    }

    /// Panics unless it ended with one of `codes`.
    #[track_caller]
    pub fn expect(self, codes: &[i32]) -> Self {
        if let Some(fault) = self.fault(codes) {
            panic!("the program {fault}");
        }
        self
    }
}

/// Runs a program of this workspace to its end.
pub fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(name: &str, arguments: I) -> Ran {
    command(name).args(arguments).output().expect("timeout(1) runs").into()
}

/// Records files into `out`; `options` go before.
pub fn record(sources: &[PathBuf], out: &Path, options: &[&str]) -> Ran {
    let mut command = command("conntrack-tap");
    command.arg("run").args(options).arg("--out").arg(out);
    for source in sources {
        command.arg("--source").arg(format!("pcap:{}", source.display()));
    }
    command.output().expect("timeout(1) runs").into()
}

/// `conntrack-report WHAT CAMPAIGN OPTIONS`, which must end well.
pub fn report(what: &str, campaign: &Path, options: &[&str]) -> String {
    let mut command = command("conntrack-report");
    command.arg(what).arg(campaign).args(options);
    Ran::from(command.output().expect("timeout(1) runs")).expect(&[0, 3]).stdout
}

/// A row of a CSV table, by column.
pub type Row = BTreeMap<String, String>;

/// The rows of a table as `conntrack-report` prints them.
pub fn rows(what: &str, campaign: &Path) -> Vec<Row> {
    let text = report(what, campaign, &["--format", "csv"]);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().expect("CSV")
}

/// The connections that are final, by the originator's port.
pub fn connections(campaign: &Path) -> Vec<Row> {
    rows("connections", campaign).into_iter().filter(|row| row["final"] == "true").collect()
}

/// A number in a row.
#[track_caller]
pub fn number(row: &Row, column: &str) -> u64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} is {:?}", row[column]))
}

/// A simulated uplink of `connections` connections: a capture file of Ethernet frames, whole in their headers.
pub fn uplink(directory: &Path, scenario: &str, connections: u32) -> PathBuf {
    let path = directory.join(format!("{scenario}.pcap"));
    let connections = connections.to_string();
    let arguments =
        ["pcap", "--scenario", scenario, "--seed", "7", "--connections", &connections, "--resolution", "ns"];
    let mut command = command("conntrack-sim");
    command.args(arguments).arg("--output").arg(&path);
    Ran::from(command.output().expect("timeout(1) runs")).expect(&[0]);
    path
}

/// The header of a pcap file that the simulation wrote, and its records: timestamps in nanoseconds, little-endian.
pub fn packets(capture: &Path) -> (Vec<u8>, Vec<Vec<u8>>) {
    const FILE_HEADER: usize = 24;
    const RECORD_HEADER: usize = 16;
    let bytes = fs::read(capture).expect("a capture");
    let (header, mut rest) = bytes.split_at(FILE_HEADER);
    let mut records = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
        let (record, after) = rest.split_at(RECORD_HEADER + length);
        records.push(record.to_vec());
        rest = after;
    }
    (header.to_vec(), records)
}

/// Every capture file in a directory, sorted.
pub fn captures(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the data set's directory");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| {
        path.is_file() && !path.extension().is_some_and(|end| ["csv", "md", "txt"].iter().any(|text| end == *text))
    });
    paths.sort();
    paths
}

/// Does `work` for every item on all processors, and gives what it returns in the order of the items.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut results: Vec<(usize, R)> = thread::scope(|scope| {
        let worker = || {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { return done };
                done.push((index, work(item)));
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Panics with all that is wrong, the first few in words.
#[track_caller]
pub fn assert_none(faults: &[String], of: usize) {
    let shown = faults.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(faults.is_empty(), "{} of {of}:\n{shown}", faults.len());
}

/// The page with what stands between the marks of this name replaced.
pub fn between(page: &str, name: &str, table: &str) -> String {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = page.split_once(&open).unwrap_or_else(|| panic!("no {open:?} on the page"));
    let (_, after) = rest.split_once(&close).unwrap_or_else(|| panic!("no {close:?} on the page"));
    format!("{before}{open}{table}{close}{after}")
}

/// The part of all, to two decimals; never rounded up to 100.
pub fn percent(part: u64, all: u64) -> String {
    let hundredths = (part * 10_000).checked_div(all).unwrap_or(10_000);
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}
