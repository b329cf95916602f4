"""Reads a campaign as others do, with nothing of ours: DuckDB, pandas (by pyarrow) and Polars.

    python readers.py CAMPAIGN

Prints a line of JSON a reader: its name, its version, and the same figures of the four tables. scripts/python.sh makes an environment
that has them all.
"""

import glob
import json
import sys

import duckdb
import pandas
import polars
import pyarrow

root = sys.argv[1]
TABLES = ["connections", "headers", "events", "intervals"]


def files(table):
    return sorted(glob.glob(f"{glob.escape(root)}/{table}/date=*/*.parquet"))


def report(name, version, rows, states, figures):
    """`figures`: final connections, sum of orig_bytes, sum of duration, latest ts (ns), days, header bytes, sum of seq, first bytes,
    anomalies, opened."""
    line = {"reader": name, "version": version, "rows": rows, "states": dict(sorted(states.items())), "figures": figures}
    print(json.dumps(line, default=int))


def by_duckdb():
    db = duckdb.connect()
    db.sql("SET timezone = 'UTC'")

    def one(query):
        for table in TABLES:
            query = query.replace(f"@{table}", f"read_parquet('{root}/{table}/*/*.parquet', hive_partitioning = true)")
        return db.sql(query).fetchall()

    rows = {table: one(f"SELECT count(*) FROM @{table}")[0][0] for table in TABLES}
    states = dict(one("SELECT conn_state, count(*) FROM @connections WHERE final GROUP BY 1"))
    connections = one(
        "SELECT count(*), sum(orig_bytes), sum(duration), max(epoch_ns(ts)), count(DISTINCT date) FROM @connections WHERE final"
    )[0]
    headers = one("SELECT sum(octet_length(bytes)), sum(seq), min(hex(bytes)) FROM @headers")[0]
    anomalies = one("SELECT sum(len(anomalies)) FROM @connections WHERE final")[0][0]
    opened = one("SELECT sum(opened) FROM @intervals")[0][0]
    report("duckdb", duckdb.__version__, rows, states, [*connections, *headers, anomalies, opened])


def by_pandas():
    frames = {table: pandas.concat([pandas.read_parquet(file) for file in files(table)]) for table in TABLES}
    final = frames["connections"][frames["connections"].final]
    headers = frames["headers"]
    figures = [
        len(final),
        int(final.orig_bytes.dropna().sum()),
        float(final.duration.sum()),
        final.ts.max().value,
        len({file.split("/date=")[1].split("/")[0] for file in files("connections")}),
        int(headers.bytes.map(len).sum()),
        int(headers.seq.dropna().sum()),
        headers.bytes.map(lambda value: value.hex().upper()).min(),
        int(final.anomalies.map(len).sum()),
        int(frames["intervals"].opened.sum()),
    ]
    states = final.conn_state.value_counts().to_dict()
    rows = {table: len(frame) for table, frame in frames.items()}
    report("pandas", f"{pandas.__version__} by pyarrow {pyarrow.__version__}", rows, states, figures)


def by_polars():
    tables = {table: polars.scan_parquet(f"{root}/{table}/*/*.parquet", hive_partitioning=True, glob=True) for table in TABLES}
    final = tables["connections"].filter(polars.col("final"))
    c = polars.col
    connections = final.select(
        polars.len(), c("orig_bytes").sum(), c("duration").sum().alias("d"), c("ts").max().dt.epoch("ns"), c("date").n_unique()
    ).collect()
    headers = tables["headers"].select(
        c("bytes").bin.size().cast(polars.Int64).sum().alias("b"),
        c("seq").cast(polars.Int64).sum(),
        c("bytes").bin.encode("hex").str.to_uppercase().min().alias("m"),
    ).collect()
    states = dict(final.group_by("conn_state").len().collect().iter_rows())
    rows = {table: frame.select(polars.len()).collect().item() for table, frame in tables.items()}
    anomalies = final.select(c("anomalies").list.len().cast(polars.Int64).sum()).collect().item()
    opened = tables["intervals"].select(c("opened").sum()).collect().item()
    report("polars", polars.__version__, rows, states, [*connections.row(0), *headers.row(0), anomalies, opened])


by_duckdb()
by_pandas()
by_polars()
