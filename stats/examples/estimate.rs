//! Estimates the memory and the dispersion of series from standard input: each line a series, its numbers parted by spaces. Prints a JSON object
//! for each. `stats/oracles/hurst.py` compares it with the estimators of others.
//!
//!     seq 1000 | shuf | tr '\n' ' ' | cargo run -p stats --example estimate

use std::io::{self, BufRead};

use stats::estimate::dispersion::index_of_dispersion;
use stats::estimate::hurst::Hurst;

fn main() -> anyhow::Result<()> {
    for line in io::stdin().lock().lines() {
        let series = line?.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        let dispersion = index_of_dispersion(&series, 1, series.len().min(100));
        println!("{}", serde_json::json!({ "hurst": Hurst::of(&series), "dispersion": dispersion }));
    }
    Ok(())
}
