#!/usr/bin/env bash
# Makes a Python environment with the readers of Parquet that tests drive (from PyPI), if it is not there yet, and prints its interpreter.
#
#   scripts/python.sh [DIRECTORY]     the environment's place; without it target/python
#
# This is the only list of Python packages that tests need.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(duckdb==2.0.0 numpy==2.4.6 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1)
place=${1:-${CARGO_TARGET_DIR:-target}/python}
mkdir -p "$place"
place=$(cd "$place" && pwd)

# One at a time: tests that run side by side may both want it.
exec 9>"$place/lock"
flock 9
if [ "$(cat "$place/complete" 2>/dev/null || true)" != "${packages[*]}" ]; then
    python3 -m venv --clear "$place/venv" >&2
    "$place/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "${packages[@]}" >&2
    echo "${packages[*]}" >"$place/complete"
fi
echo "$place/venv/bin/python"
