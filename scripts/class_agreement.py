#!/usr/bin/env python3
"""Counts of abnormal segments over the data set, half by half: ours beside tshark's and tcptrace's, for docs/classes.md.

    python3 ../shared/data/collect.py --bin target/release --dir ../shared/data/dev/pcap --out conns.csv
    scripts/class_agreement.py conns.csv ../shared/data/dev/oracle

A half is what one endpoint of a tuple sent in one capture. Those are compared in which both programs count the same packets, and
which hold no copies: the other two take them for retransmissions.
"""

import collections
import csv
import glob
import ipaddress
import os
import sys

# Ours, and tshark's count of what we compare with it.
TSHARK = {
    "rtx_unnecessary": "spurious",
    "rtx_fast": "fast_retrans",
    "reordered": "ooo",
    "keepalives": "keepalive",
    "dup_acks": "dup_ack",
    "retrans_pkts": "retrans",
}
# The same for tcptrace.
TCPTRACE = {
    "retrans_pkts": "rexmt_data_pkts",
    "reordered": "outoforder_pkts",
    "zero_window_probes": "zwnd_probe_pkts",
}
OURS = [*dict.fromkeys([*TSHARK, *TCPTRACE]), "pkts", "dup_capture", "dup_network"]


def rows(path):
    with open(path, newline="") as file:
        yield from csv.DictReader(file)


def ours(path):
    """Sums of columns, by capture and direction."""
    halves = collections.defaultdict(collections.Counter)
    for row in rows(path):
        for side, peer in [("orig", "resp"), ("resp", "orig")]:
            ends = tuple(row[f"{end}_{part}"] for end in (side, peer) for part in "hp")
            for column in OURS:
                halves[row["pcap"], *ends][column] += int(row[f"{side}_{column}"] or 0)
    return halves


def tshark(directory):
    halves = collections.defaultdict(collections.Counter)
    for path in glob.glob(os.path.join(directory, "tshark", "*.csv")):
        for row in rows(path):
            ends = [(row["init_ip"], row["init_port"]), (row["resp_ip"], row["resp_port"])]
            for side, (mine, theirs) in [("i", ends), ("r", ends[::-1])]:
                half = halves[row["file"], *mine, *theirs]
                for column in ["pkts", *TSHARK.values()]:
                    half[column] += int(row[f"{column}_{side}"] or 0)
    return halves


def address(text):
    """As we write it; tcptrace writes zeros, and drops one colon of a leading pair."""
    if text.startswith(":") and not text.startswith("::"):
        text = ":" + text
    return str(ipaddress.ip_address(text))


def tcptrace(directory):
    halves = collections.defaultdict(collections.Counter)
    for row in rows(os.path.join(directory, "tcptrace.csv")):
        ends = [(address(row[f"host_{end}"]), row[f"port_{end}"]) for end in "ab"]
        for way, (mine, theirs) in [("a2b", ends), ("b2a", ends[::-1])]:
            half = halves[row["file"], *mine, *theirs]
            half["pkts"] += int(row[f"total_packets_{way}"])
            for column in TCPTRACE.values():
                half[column] += int(row[f"{column}_{way}"])
    return halves


def compare(pairs):
    same = sum(mine == theirs for mine, theirs in pairs if mine or theirs)
    either = sum(1 for mine, theirs in pairs if mine or theirs)
    sums = [sum(pair[side] for pair in pairs) for side in (0, 1)]
    return f"{same} of {either} | {sums[0]:,} | {sums[1]:,} | {sum(map(min, pairs)):,}"


def table(name, columns, mine, theirs):
    both = [key for key in mine.keys() & theirs.keys() if mine[key]["pkts"] == theirs[key]["pkts"]]
    plain = [key for key in both if not mine[key]["dup_capture"] + mine[key]["dup_network"]]
    print(f"{len(plain):,} halves without copies, {len(both) - len(plain):,} with\n")
    print(f"| ours | {name}'s | same | ours, segments | {name} | common |\n| --- | --- | --- | --- | --- | --- |")
    for column, other in columns.items():
        pairs = [(mine[key][column], theirs[key][other]) for key in plain]
        print(f"| `{column}` | `{other}` | {compare(pairs)} |")
    print()


def main(connections, oracles):
    mine = ours(connections)
    table("tshark", TSHARK, mine, tshark(oracles))
    table("tcptrace", TCPTRACE, mine, tcptrace(oracles))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
