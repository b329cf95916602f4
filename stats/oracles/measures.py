#!/usr/bin/env python3
"""Computes figures of `conntrack-report` again, by their definitions in docs/measures.md, and compares them to 1e-9.

    conntrack-report burstiness CAMPAIGN --format json > burstiness.json
    conntrack-report throughput CAMPAIGN --format json > throughput.json
    conntrack-report timeouts CAMPAIGN --format json > timeouts.json
    conntrack-report connections CAMPAIGN --format csv > connections.csv
    stats/oracles/measures.py burstiness.json throughput.json timeouts.json connections.csv openings.csv

openings.csv has the instants (ns since the epoch) at which connections began, one a line: the base series' own rows are in no export.
Plain Python, nothing installed; nothing is shared with the program but the definitions.
"""

import csv
import json
import math
import sys
from fractions import Fraction
from statistics import NormalDist

Z95 = NormalDist().inv_cdf(0.975)
TOLERANCE = 1e-9
compared = 0
wrong = []


def same(name, ours, theirs):
    """Compares a figure of the report with one computed here; `None` is a missing one."""
    global compared
    compared += 1
    if ours is None or theirs is None:
        agree = ours is None and theirs is None
    else:
        agree = math.isclose(ours, theirs, rel_tol=TOLERANCE, abs_tol=1e-12)
    if not agree:
        wrong.append(f"{name}: {ours} in the report, {theirs} by the definition")


def nanos(text):
    """Decimal seconds with nine digits as whole nanoseconds."""
    return None if text == "" else int(text.replace(".", ""))


def mean(values):
    return math.fsum(values) / len(values)


def variance(values, less=0):
    level = mean(values)
    return math.fsum((value - level) ** 2 for value in values) / (len(values) - less)


def sums(series, size):
    return [math.fsum(series[at : at + size]) for at in range(0, len(series) - size + 1, size)]


def residual_variance(block):
    """About the line of least squares."""
    n, level, middle = len(block), mean(block), (len(block) - 1) / 2
    slope = math.fsum((x - middle) * y for x, y in enumerate(block)) / math.fsum((x - middle) ** 2 for x in range(n))
    return math.fsum((y - level - slope * (x - middle)) ** 2 for x, y in enumerate(block)) / (n - 2)


def check_dispersion(report, begins):
    """Peak to mean, IDC, peakedness of the openings of the only hour."""
    hour, width = report["hours"][0], round(report["bin_s"] * 1e9)
    first = begins[0] // width
    series = [0.0] * (begins[-1] // width - first + 1)
    for begin in begins:
        series[begin // width - first] += 1
    same("per second", hour["openings"]["per_second"], mean(series) / (width / 1e9))
    for scale in hour["openings"]["scales"]:
        size = round(scale["scale_s"] * 1e9 / width)
        counts = sums(series, size)
        same(f"intervals at {size}", scale["intervals"], len(counts))
        found = scale["dispersion"]
        if len(counts) < 20:
            same(f"peak to mean at {size}", scale["peak_to_mean"], None)
            same(f"IDC at {size}", found, None)
            continue
        same(f"peak to mean at {size}", scale["peak_to_mean"], max(counts) / mean(counts))
        number = max(1, len(counts) // 100)
        edges = [at * len(counts) // number for at in range(number + 1)]
        blocks = [counts[begin:end] for begin, end in zip(edges, edges[1:])]
        same(f"raw IDC at {size}", found["raw"], variance(counts, 1) / mean(counts))
        levels = [math.fsum(block) for block in blocks]
        spreads = [len(block) * residual_variance(block) for block in blocks]
        index = mean(spreads) / mean(levels)
        same(f"detrended IDC at {size}", found["detrended"], index)
        if len(blocks) < 10:
            same(f"interval at {size}", found["interval"], None)
            continue
        squares = math.fsum((spread - index * level) ** 2 for spread, level in zip(spreads, levels))
        reach = Z95 * math.sqrt(squares / (len(blocks) * (len(blocks) - 1))) / mean(levels)
        same(f"low end at {size}", found["interval"][0], index - reach)
        same(f"high end at {size}", found["interval"][1], index + reach)


def chance(number):
    """The number-th number of SplitMix64 with the seed 0, from 0 to 1."""
    mask = (1 << 64) - 1
    x = (number + 1) * 0x9E3779B97F4A7C15 & mask
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & mask
    x = (x ^ x >> 27) * 0x94D049BB133111EB & mask
    return ((x ^ x >> 31) >> 11) / (1 << 53)


def check_gaps(report, begins):
    """Anderson and Darling, correlation and IDI of the gaps between openings; all of them are kept."""
    gaps = [(b - a) / 1e9 for a, b in zip(begins, begins[1:])]
    found, n, level = report["hours"][0]["opening_gaps"], len(gaps), mean(gaps)
    test = found["test"]
    same("gaps", test["gaps"], n)
    same("mean gap", test["mean"], level)
    same("variation of gaps", test["variation"], math.sqrt(variance(gaps)) / level)
    products = math.fsum((a - level) * (b - level) for a, b in zip(gaps, gaps[1:]))
    same("correlation of gaps", test["correlation"], products / (n * variance(gaps)))
    tick = math.gcd(*(b - a for a, b in zip(begins, begins[1:])))
    same("tick", test["tick"], tick / 1e9)
    moved = sorted(Fraction(begin) + tick * Fraction(chance(at)) for at, begin in enumerate(begins))
    ordered = sorted(float((b - a) * n / (moved[-1] - moved[0])) for a, b in zip(moved, moved[1:]))
    terms = ((2 * i + 1) * (math.log(-math.expm1(-low)) - high) for i, (low, high) in enumerate(zip(ordered, reversed(ordered))))
    same("Anderson and Darling", test["anderson_darling"], (-n - math.fsum(terms) / n) * (1 + 0.6 / n))
    for index in found["dispersion"]:
        size = index["gaps"]
        same(f"IDI of {size}", index["index"], variance(sums(gaps, size), 1) / (size * level * level))


def four_digits(length):
    """Rounded to four significant digits, halves up."""
    unit = 10 ** max(0, len(str(length)) - 4)
    return (2 * length + unit) // (2 * unit) * unit if unit > 1 else length


def kaplan_meier(spans):
    """Steps (length in s, share, low, high), shares as fractions."""
    steps, share, greenwood = [], Fraction(1), 0.0
    for length in sorted({length for length, ended in spans if ended}):
        at_risk = sum(other >= length for other, _ in spans)
        ended = sum(other == length and over for other, over in spans)
        share *= Fraction(at_risk - ended, at_risk)
        if at_risk == ended:
            steps.append((length / 1e9, share, share, share))
            continue
        greenwood += ended / (at_risk * (at_risk - ended))
        reach = Z95 * math.sqrt(greenwood) / math.log(share)
        steps.append((length / 1e9, share, *sorted((share ** math.exp(reach), share ** math.exp(-reach)))))
    return steps


def check_lengths(lengths, rows):
    end = max(nanos(row["last_ts"]) for row in rows)
    spans = []
    for row in rows:
        if row["partial"] == "true" or row["established_ts"] == "":
            continue
        length = nanos(row["duration"])
        if row["close_reason"] == "campaign_end":
            length = max(length, end - nanos(row["ts"]))
        spans.append((four_digits(length), row["close_reason"] in ("fin", "rst", "reused")))
    same("spans that ended", lengths["ended"], sum(ended for _, ended in spans))
    same("spans that were cut", lengths["cut"], sum(not ended for _, ended in spans))
    steps = kaplan_meier(spans)
    for told in lengths["beyond"]:
        step = [step for step in steps if step[0] <= told["length"]][-1]
        for name, value in zip(("share", "low", "high"), step[1:]):
            same(f"{name} beyond {told['length']} s", told[name], float(value))
    for told in lengths["quantiles"]:
        for name, column in (("length", 1), ("low", 2), ("high", 3)):
            reached = [step[0] for step in steps if step[column] <= 1 - Fraction(str(told["of"]))]
            same(f"{name} of quantile {told['of']}", told[name], reached[0] if reached else None)


def check_tail(name, tail, values):
    values = sorted((value for value in values if value > 0), reverse=True)
    same(f"{name}: values", tail["values"], len(values))
    logs = [math.log(value) for value in values]
    mu, sigma = mean(logs), math.sqrt(variance(logs))
    same(f"{name}: mu", tail["lognormal"]["mu"], mu)
    same(f"{name}: sigma", tail["lognormal"]["sigma"], sigma)
    sweep = [k for k in (50, 100, 200, 500, 1000, 2000, 5000, 10000) if k <= len(values) // 10]
    same(f"{name}: sweep", len(tail["hill"]), len(sweep))
    for told, k in zip(tail["hill"], sweep):
        alpha = k / math.fsum(math.log(value / values[k]) for value in values[:k])
        z = (math.log(values[k]) - mu) / sigma
        excess = sigma * (math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / (math.erfc(z / math.sqrt(2)) / 2) - z)
        same(f"{name}: threshold of {k}", told["threshold"], values[k])
        same(f"{name}: index of {k}", told["alpha"]["value"], alpha)
        same(f"{name}: high end of {k}", told["alpha"]["high"], alpha * (1 + Z95 / math.sqrt(k)))
        same(f"{name}: lognormal's of {k}", told["lognormal"], 1 / excess)


def data_phase(row, side):
    last, established = nanos(row[f"{side}_last_data_ts"]), nanos(row["established_ts"])
    return None if last is None or established is None else last - established


def check_alpha(found, begins, rows):
    """Bins of half a second: what they hold (each opening is a packet of 60 bytes), and who would have most of it."""
    same("no more bins than twenty", len(found) <= 20 and found == sorted(found, key=lambda bin: bin["ts"]), True)
    for bin in found:
        begin = round(bin["ts"] * 100) * 10**7
        end = begin + 5 * 10**8
        same(f"bytes at {bin['ts']}", bin["bytes"], 60 * sum(begin <= at < end for at in begins))
        most = (0.0, 0)
        for row in rows:
            first, last = nanos(row["ts"]), nanos(row["last_ts"])
            if last < begin or first >= end:
                continue
            part = (min(last, end) - max(first, begin)) / (last - first) if last > first else 1.0
            most = max(most, ((int(row["orig_ip_bytes"]) + int(row["resp_ip_bytes"])) * part, -int(row["uid"])))
        dominant = bin["connection"]
        same(f"connection at {bin['ts']}", dominant and dominant["uid"], -most[1] if most[0] else None)
        same(f"its bytes at {bin['ts']}", dominant and dominant["even_bytes"], most[0] or None)
        same(f"its share at {bin['ts']}", dominant and dominant["even_share"], most[0] / bin["bytes"] or None)


def check_connections(found, rows):
    check_lengths(found["lengths"], rows)
    whole = [
        row
        for row in rows
        if row["partial"] == "false" and row["established_ts"] and row["close_reason"] in ("fin", "rst", "reused")
    ]
    same("connections", found["total"], len(rows))
    same("whole connections", found["whole"], len(whole))
    check_tail("size", found["tails"]["size"], [int(r["orig_unique_bytes"]) + int(r["resp_unique_bytes"]) for r in whole])
    check_tail("duration", found["tails"]["duration"], [nanos(row["duration"]) / 1e9 for row in whole])
    long = [(row, side) for row in whole for side in ("orig", "resp") if (data_phase(row, side) or 0) >= 10**8]
    rates = [8e9 * int(row[f"{side}_unique_bytes"]) / data_phase(row, side) for row, side in long]
    check_tail("rate", found["tails"]["rate"], rates)
    quantities = [
        [math.log(x) for x in (int(row[f"{side}_unique_bytes"]), data_phase(row, side) / 1e9, rate, float(row[f"{side}_iat_cv"]))]
        for (row, side), rate in zip(long, rates)
        if rate > 0 and row[f"{side}_iat_cv"] not in ("", "0")
    ]
    columns = dict(zip(("size", "duration", "rate", "burstiness"), zip(*quantities)))
    for pair in found["correlations"]:
        a, b = columns[pair["a"]], columns[pair["b"]]
        middle_a, middle_b = mean(a), mean(b)
        products = math.fsum((x - middle_a) * (y - middle_b) for x, y in zip(a, b))
        name = f"{pair['a']} and {pair['b']}"
        value = products / len(a) / math.sqrt(variance(a) * variance(b))
        same(f"n of {name}", pair["n"], len(a))
        same(f"correlation of {name}", pair["correlation"]["value"], value)
        low = math.tanh(math.atanh(value) - Z95 / math.sqrt(len(a) - 3))
        same(f"low end of {name}", pair["correlation"]["low"], low)


def check_rates(rows):
    """The columns themselves."""
    for row in rows:
        syn, last, established = nanos(row["syn_ts"]), nanos(row["last_ts"]), nanos(row["established_ts"])
        for side in ("orig", "resp"):
            unique, ip_bytes, data = int(row[f"{side}_unique_bytes"]), int(row[f"{side}_ip_bytes"]), data_phase(row, side)
            life = None if syn is None or last <= syn else last - syn
            data = data if data is not None and data > 0 else None
            for column, bytes_, length in (("throughput", unique, life), ("throughput_established", unique, data), ("wire_rate", ip_bytes, life)):
                told = row[f"{side}_{column}"]
                same(f"{side}_{column} of {row['uid']}", float(told) if told else None, bytes_ * 8e9 / length if length else None)
            told = row[f"{side}_setup_share"]
            share = 1 - data / life if data and life else None
            same(f"{side}_setup_share of {row['uid']}", float(told) if told else None, share)


def check_throughput(report, rows):
    """Counts and extremes, to the unit of 0.001 bit/s that the report keeps; medians to its three digits."""
    group = report["groups"][0]
    opened = [row for row in rows if row["partial"] == "false" and row["established_ts"]]
    same("connections", group["connections"], len(rows))
    same("not opened", group["not_opened"], len(rows) - len(opened))
    for side in ("orig", "resp"):
        found = group[side]
        with_data = [row for row in opened if int(row[f"{side}_unique_bytes"]) and row[f"{side}_last_data_ts"]]
        long = [row for row in with_data if data_phase(row, side) >= 10**8]
        same(f"{side} without payload", found["without_payload"], len(opened) - len(with_data))
        same(f"{side} too short", found["too_short"], len(with_data) - len(long))
        for column in ("throughput", "throughput_established", "wire_rate"):
            rates = sorted(float(row[f"{side}_{column}"]) for row in long)
            same(f"{side} n of {column}", found[column]["n"], len(rates))
            same(f"{side} least {column}", abs(found[column]["min"] - rates[0]) < 0.00051, True)
            same(f"{side} most {column}", abs(found[column]["max"] - rates[-1]) < 0.00051, True)
            median = rates[(len(rates) - 1) // 2]
            same(f"{side} median {column}", abs(found[column]["p50"] / median - 1) < 0.002, True)
        slow = sum(float(row[f"{side}_throughput_established"]) < 80_000 for row in long)
        same(f"{side} under 80 kbit/s", found["under_80_kbit"], slow)


def check_timeouts(report, rows):
    lives = [(nanos(row["ts"]), nanos(row["last_ts"]), int(row["orig_pkts"]) + int(row["resp_pkts"])) for row in rows]
    closed = [(nanos(row["closed_ts"]), nanos(row["last_ts"])) for row in rows if row["close_reason"] in ("fin", "rst")]
    pairs = {}
    for row, (first, last, _) in zip(rows, lives):
        ends = frozenset([(row["orig_h"], row["orig_p"]), (row["resp_h"], row["resp_p"])])
        pairs.setdefault(ends, []).append((first, last))
    length = max(last for _, last, _ in lives) - min(first for first, _, _ in lives)
    same("connections of timeouts", report["connections"], len(rows))
    same("closed", report["closed"], len(closed))
    for told in report["timeouts"]:
        timeout = round(told["timeout_s"] * 1e9)
        name = f"with {told['timeout_s']} s"
        same(f"split at most {name}", told["split_at_most"], sum(last - first > timeout for first, last, _ in lives))
        far = sum(packets > 1 and last - first > timeout * (packets - 1) for first, last, packets in lives)
        same(f"split at least {name}", told["split_at_least"], far)
        merged = 0
        for flows in pairs.values():
            flows.sort()
            for at in range(1, len(flows)):
                merged += flows[at][0] - max(last for _, last in flows[:at]) <= timeout
        same(f"merged {name}", told["merged"], merged)
        late = [max(0, last + timeout - close) for close, last in closed]
        same(f"late {name}", told["late"]["n"], len(late))
        same(f"latest {name}", told["late"]["max"], max(late) / 1e9)
        end = max(last for _, last, _ in lives)
        waits = [max(0, min(last + timeout, end) - close) for close, last in closed]
        same(f"waiting {name}", told["waiting"], sum(waits) / length)
        same(f"no more wait {name} than ended", told["waiting"] <= len(closed), True)


def main():
    burstiness, throughput, timeouts, connections, openings = sys.argv[1:]
    report, rates, silences = (json.load(open(path)) for path in (burstiness, throughput, timeouts))
    with open(connections, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["final"] == "true"]
    with open(openings) as file:
        begins = sorted(int(line) for line in file)
    check_dispersion(report, begins)
    check_gaps(report, begins)
    check_alpha(report["alpha_bins"], begins, rows)
    check_connections(report["connections"], rows)
    check_rates(rows)
    check_throughput(rates, rows)
    check_timeouts(silences, rows)
    print(f"{compared} figures compared, {len(wrong)} differ")
    sys.exit("\n".join(wrong[:20]) if wrong else 0)


main()
