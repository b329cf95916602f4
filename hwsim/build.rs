//! Tells the program which commit it was built from.

use std::process::Command;

fn main() {
    let commit = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok();
    let commit =
        commit.filter(|output| output.status.success()).and_then(|output| String::from_utf8(output.stdout).ok());
    println!("cargo::rustc-env=COMMIT={}", commit.as_deref().map_or("unknown", str::trim));
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(output) = Command::new("git").args(["rev-parse", "--git-path", "logs/HEAD"]).output() {
        println!("cargo::rerun-if-changed={}", String::from_utf8_lossy(&output.stdout).trim());
    }
}
