#!/usr/bin/env python3
"""How our estimators of burstiness do on series whose truth is known, beside those of others: prints a table for docs/accuracy.md.

    pip install numpy==1.26.4 scipy==1.17.1 fbm==0.3.0 whittlehurst==1.4 nolds==0.6.2
    cargo build --release -p stats --example estimate
    stats/oracles/hurst.py target/release/examples/estimate [SERIES OF EACH KIND]

Fractional Gaussian noise is fbm's, so that neither ours nor a judge's own. The true Hurst parameter of every Poisson process is 0.5, whatever
its rate does.
"""

import json
import subprocess
import sys
import warnings

import fbm
import numpy
from nolds import dfa, hurst_rs, logarithmic_n
from whittlehurst import whittle

warnings.filterwarnings("ignore")
LENGTH = 1 << 14
NEAR = 0.05
chance = numpy.random.default_rng(1)
numpy.random.seed(1)  # fbm draws from here


def poisson(rate):
    return chance.poisson(rate, LENGTH).astype(float)


def noise(hurst):
    return fbm.fgn(LENGTH, hurst, length=LENGTH)


def autoregressive(memory):
    series, value = [], 0.0
    for shock in chance.normal(size=LENGTH):
        value = memory * value + shock
        series.append(value)
    return numpy.array(series)


TIME = numpy.arange(LENGTH) / LENGTH
KINDS = [
    *((f"fractional Gaussian noise, H = {h}", h, lambda h=h: noise(h)) for h in (0.5, 0.6, 0.7, 0.8, 0.9)),
    ("Poisson, 10 a bin", 0.5, lambda: poisson(10.0)),
    ("the same, 20 a bin from the middle on", 0.5, lambda: poisson(numpy.where(TIME < 0.5, 10.0, 20.0))),
    ("the same, 11 a bin from the middle on", 0.5, lambda: poisson(numpy.where(TIME < 0.5, 10.0, 11.0))),
    ("Poisson with a day's rhythm, 10 ± 8 a bin", 0.5, lambda: poisson(10 + 8 * numpy.sin(2 * numpy.pi * TIME))),
    ("autoregressive, 0.5 of the last value", 0.5, lambda: autoregressive(0.5)),
    ("autoregressive, 0.9 of the last value", 0.5, lambda: autoregressive(0.9)),
    ("Poisson, log of the rate fGn of H = 0.85", 0.85, lambda: poisson(10 * numpy.exp(0.5 * noise(0.85) - 0.125))),
    ("noise of H = 0.8 under white noise of thrice its deviation", 0.8, lambda: noise(0.8) + 3 * chance.normal(size=LENGTH)),
]


def fluctuations(values):
    """DFA over windows of powers of two: with nolds' own choice of windows a series takes twenty seconds."""
    return dfa(values, nvals=logarithmic_n(16, LENGTH / 8, 2), overlap=False, fit_exp="poly")


def rescaled_range(values):
    return hurst_rs(values, fit="poly")


def spread(values):
    return f"{numpy.mean(values):.2f} ± {numpy.std(values):.2f}" if len(values) else "none"


def judge(estimates, truth):
    near = sum(abs(estimate - truth) <= NEAR for estimate in estimates)
    return f"{spread(estimates)} ({near})"


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 50
    print(f"{rounds} series of {LENGTH} values each.\n")
    print("| series | truth | ours: given, of them held | ours | refused | IDC, raw / detrended | Whittle | DFA | R/S | variance |")
    print("| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for name, truth, make in KINDS:
        series = [make() for _ in range(rounds)]
        lines = "\n".join(" ".join(repr(float(value)) for value in values) for values in series)
        out = subprocess.run([program], input=lines, capture_output=True, text=True, check=True).stdout
        said = [json.loads(line) for line in out.splitlines()]
        found = [one["hurst"] for one in said]
        given = [one["hurst"] for one in found if one["hurst"]]
        held = sum(one["low"] <= truth <= one["high"] for one in given)
        reasons = sorted({one["refused"] for one in found if one["refused"]})
        refused = ", ".join(f"{reason} {sum(one['refused'] == reason for one in found)}" for reason in reasons) or "-"
        counts = [one["dispersion"] for one in said if one["dispersion"]] if "oisson" in name else []
        index = f"{numpy.mean([c['raw'] for c in counts]):.2f} / {numpy.mean([c['detrended'] for c in counts]):.2f}" if counts else "-"
        cells = [judge([estimate(values) for values in series], truth) for estimate in (whittle, fluctuations, rescaled_range)]
        cells.append(judge([one["aggregated_variance"] for one in found], truth))
        ours = judge([one["value"] for one in given], truth)
        print(f"| {name} | {truth} | {len(given)}, {held} | {ours} | {refused} | {index} | {' | '.join(cells)} |", flush=True)


main()
