#!/usr/bin/env python3
"""Estimates the Hurst parameter of a simulated capture's connections with estimators that others wrote.

    pip install 'numpy<2' stochastic==0.6.0 whittlehurst==1.4 nolds==0.6.2
    conntrack-sim pcap --scenario bursty -o /dev/null --truth bursty.csv
    scripts/hurst.py bursty.csv BIN_SECONDS
"""

import csv
import sys
import warnings

import numpy
from nolds import dfa, hurst_rs
from whittlehurst import whittle

warnings.filterwarnings("ignore")
path, width = sys.argv[1], float(sys.argv[2])
with open(path, newline="") as rows:
    begun = numpy.array([float(row["ts"]) for row in csv.DictReader(rows)])
bins = numpy.arange(numpy.floor(begun.min()), begun.max(), width)
counts = numpy.histogram(begun, bins)[0].astype(float)
counts = counts[: len(counts) // 2 * 2]
for name, estimate in [("Whittle", whittle), ("DFA", dfa), ("R/S", hurst_rs)]:
    print(f"{name} {estimate(counts):.3f}")
