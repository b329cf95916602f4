"""What the reports cost on a campaign of many connections, beside DuckDB's same aggregates over the same Parquet files.

    cargo run --release --example campaign -- 2000000 CAMPAIGN
    python3 stats/oracles/large.py CAMPAIGN target/release/conntrack-report 50

With a number, the campaign is taken so many times: a second one beside it names each sealed file so often, by hard links, so that a hundred million rows are
read from the disk that two million take. Times, memory and figures are those of as many rows; only their instants repeat.

Prints wall time, CPU time and peak memory of each. DuckDB (from PyPI) runs in a process of its own with the same limit of memory that the reports
promise, on two threads; it reads the sealed files alone and checks no checksum."""
import json
import os
import subprocess
import sys
import time

LIMIT = "2GB"

# The aggregates of each report, as far as SQL has them: counts, sums, quantiles. Medians of DuckDB are of a t-digest, too.
QUERIES = {
    "summary": """
        WITH c AS (SELECT * FROM read_parquet('{connections}') WHERE final)
        SELECT count(*), count(*) FILTER (partial), min(ts), max(last_ts), sum(orig_pkts), sum(resp_pkts), sum(orig_ip_bytes), sum(resp_ip_bytes),
            sum(orig_wire_bytes), sum(resp_wire_bytes), sum(orig_unique_bytes), sum(resp_unique_bytes), sum(missed_bytes), sum(headers),
            approx_quantile(duration, [0.5, 0.9, 0.99]), approx_quantile(orig_unique_bytes, [0.5, 0.9, 0.99]), approx_quantile(resp_unique_bytes, [0.5, 0.9, 0.99]),
            approx_quantile(syn_rtt, [0.5, 0.9, 0.99]), approx_quantile(ack_rtt, [0.5, 0.9, 0.99]), approx_quantile(handshake_rtt, [0.5, 0.9, 0.99])
        FROM c;
        SELECT conn_state, count(*) FROM read_parquet('{connections}') WHERE final GROUP BY 1;
        SELECT close_reason, count(*) FROM read_parquet('{connections}') WHERE final GROUP BY 1;
        SELECT resp_p, count(*), sum(orig_ip_bytes + resp_ip_bytes) FROM read_parquet('{connections}') WHERE final GROUP BY 1 ORDER BY 2 DESC LIMIT 10;
        SELECT regexp_replace(orig_h, '\\.[0-9]+$', ''), count(*), sum(orig_ip_bytes + resp_ip_bytes) FROM read_parquet('{connections}') WHERE final GROUP BY 1 ORDER BY 3 DESC LIMIT 5;
        SELECT ts // 1000000000, sum(orig_ip_bytes + resp_ip_bytes) AS b FROM (SELECT epoch_ns(ts) AS ts, orig_ip_bytes, resp_ip_bytes FROM read_parquet('{intervals}')) GROUP BY 1 ORDER BY 2 DESC LIMIT 1;
    """,
    "throughput": """
        SELECT count(*), approx_quantile(orig_throughput, [0.5, 0.9, 0.99]), approx_quantile(resp_throughput, [0.5, 0.9, 0.99]),
            approx_quantile(orig_throughput_established, [0.5, 0.9, 0.99]), approx_quantile(resp_throughput_established, [0.5, 0.9, 0.99]),
            approx_quantile(orig_wire_rate, [0.5, 0.9, 0.99]), approx_quantile(resp_wire_rate, [0.5, 0.9, 0.99]),
            approx_quantile(orig_peak_10ms, [0.5, 0.9, 0.99]), approx_quantile(resp_peak_10ms, [0.5, 0.9, 0.99]),
            approx_quantile(orig_peak_1s, [0.5, 0.9, 0.99]), approx_quantile(resp_peak_1s, [0.5, 0.9, 0.99])
        FROM read_parquet('{connections}')
        WHERE final AND NOT partial AND established_ts IS NOT NULL AND epoch_ns(resp_last_data_ts) - epoch_ns(established_ts) >= 100000000;
    """,
    "burstiness": """
        SELECT hour, var_samp(p) / avg(p), max(p) / avg(p), max(b) / avg(b) FROM (
            SELECT epoch_ns(ts) // 3600000000000 AS hour, epoch_ns(ts) // 10000000 AS bin, sum(orig_pkts + resp_pkts) AS p, sum(orig_ip_bytes + resp_ip_bytes) AS b
            FROM read_parquet('{intervals}') GROUP BY 1, 2) GROUP BY 1 ORDER BY 1;
        SELECT count(*), corr(ln(orig_unique_bytes), ln(orig_throughput_established)), approx_quantile(orig_iat_cv, [0.5, 0.9, 0.99]), approx_quantile(resp_iat_cv, [0.5, 0.9, 0.99]),
            approx_quantile(orig_burst_bytes_max, [0.5, 0.9, 0.99]), approx_quantile(resp_burst_bytes_max, [0.5, 0.9, 0.99])
        FROM read_parquet('{connections}') WHERE final AND NOT partial AND orig_unique_bytes > 0 AND orig_throughput_established > 0;
        SELECT orig_unique_bytes + resp_unique_bytes AS size FROM read_parquet('{connections}') WHERE final AND close_reason IN ('fin', 'rst', 'reused') ORDER BY 1 DESC LIMIT 10001;
    """,
}

DUCKDB = """
import sys, duckdb
db = duckdb.connect(config={"memory_limit": sys.argv[1], "threads": 2, "temp_directory": sys.argv[3]})
for query in sys.argv[2].split(";"):
    if query.strip():
        db.sql(query).fetchall()
"""


def measure(name, command):
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds, cpu = time.monotonic() - begin, usage.ru_utime + usage.ru_stime
    print(f"| {name} | {seconds:.1f} | {cpu:.1f} | {usage.ru_maxrss / 1024:.0f} | {child.returncode} |", flush=True)


def multiplied(campaign, times):
    """A campaign beside this one that has each of its sealed files so often."""
    folder = f"{campaign}-{times}"
    with open(f"{campaign}/sealed.jsonl") as file:
        segments = [json.loads(line) for line in file]
    with open(f"{campaign}/campaign.json") as file:
        manifest = json.load(file)
    manifest["rows"] = {table: rows * times for table, rows in manifest["rows"].items()}
    os.makedirs(f"{folder}/journal")
    with open(f"{folder}/campaign.json", "w") as file:
        json.dump(manifest, file)
    with open(f"{folder}/sealed.jsonl", "w") as index:
        for number, segment in enumerate((segment for _ in range(times) for segment in segments), start=1):
            for sealed in segment["files"]:
                day = f"{sealed['table']}/date={sealed['date']}"
                os.makedirs(f"{folder}/{day}", exist_ok=True)
                os.link(f"{campaign}/{day}/part-{segment['segment']:06}.parquet", f"{folder}/{day}/part-{number:06}.parquet")
            print(json.dumps({**segment, "segment": number, "next_sequence": segment["next_sequence"] * number}), file=index)
    return folder


def main():
    campaign, program = sys.argv[1:3]
    if len(sys.argv) > 3:
        campaign = multiplied(campaign, int(sys.argv[3]))
    print("| what | seconds | CPU seconds | MiB at most | exit |\n| --- | ---: | ---: | ---: | ---: |")
    files = {table: f"{campaign}/{table}/*/*.parquet" for table in ("connections", "intervals")}
    for report, query in QUERIES.items():
        measure(f"conntrack-report {report}", [program, report, campaign])
        script = [sys.executable, "-c", DUCKDB, LIMIT, query.format(**files), f"{campaign}/duckdb"]
        measure(f"DuckDB, {report}'s aggregates", script)


main()
