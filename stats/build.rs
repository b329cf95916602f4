//! Finds out which commit is being built, for `--version`. Without git, or outside a clone, there is none to show.

use std::env;
use std::path::Path;
use std::process::Command;

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn main() {
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).map_or(String::new(), |commit| format!(" ({commit})"));
    println!("cargo::rustc-env=VERSION_AND_COMMIT={version}{commit}");
    println!("cargo::rerun-if-changed=build.rs");
    // HEAD's log changes with each commit and each checkout.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}
