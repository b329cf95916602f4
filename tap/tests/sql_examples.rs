//! Every example of docs/sql.md, asked again.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::Ran;

/// Begins an answer, after a question.
const ANSWER: &str = "\n```text\n";
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/sql.md");

/// The answer to an example with this language (and campaigns), asked in `room`; nothing where it cannot be.
fn answer(language: &str, text: &str, room: &Path) -> Option<String> {
    let mut words = language.split(' ');
    let output = match words.next() {
        Some("sql") => {
            let mut campaigns = words.collect::<Vec<_>>();
            if campaigns.is_empty() {
                campaigns.push("lab");
            }
            support::command("conntrack-report").arg("sql").args(campaigns).arg(text).current_dir(room).output()
        }
        Some("python") => Command::new(python()?).arg("-c").arg(text).current_dir(room).output(),
        _ => panic!("an example in {language}"),
    };
    Some(Ran::from(output.expect("the program runs")).expect(&[0]).stdout)
}

/// The interpreter of the environment that `scripts/python.sh` makes beside the programs, or a skip.
fn python() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_BIN_EXE_conntrack-tap")).ancestors().nth(2).expect("a target directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/python.sh");
    let output = Command::new(script).arg(built.join("python")).output().expect("bash runs");
    if !output.status.success() {
        support::skip(&format!("scripts/python.sh failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
        return None;
    }
    Some(String::from_utf8_lossy(&output.stdout).trim().into())
}

/// The page with every answer as it is now.
fn answered(page: &str, room: &Path) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(ANSWER) {
        let question = before.strip_suffix("\n```").and_then(|text| text.rsplit_once("\n```"));
        let (language, text) =
            question.and_then(|(_, block)| block.split_once('\n')).expect("a question before an answer");
        let (old, _) = after.split_once("```\n").expect("an answer ends");
        rest = &after[old.len()..];
        out.extend([before, ANSWER, answer(language, text, room).as_deref().unwrap_or(old)]);
    }
    out + rest
}

/// To accept other answers, run the test with `ACCEPT=1`.
#[test]
fn the_answers_in_the_documentation_are_those_of_the_program() {
    let room = tempfile::tempdir().expect("a directory");
    for (source, out) in [("sim:uplink-small,seed=1", "lab"), ("sim:uplink-small,seed=2,connections=1500", "evening")] {
        let mut command = support::command("conntrack-tap");
        command.args(["run", "--source", source, "--out", out]).current_dir(room.path());
        Ran::from(command.output().expect("timeout(1) runs")).expect(&[0]);
    }
    let mut page = fs::read_to_string(PAGE).expect("the page");
    let now = answered(&page, room.path());
    if std::env::var_os("ACCEPT").is_some() {
        fs::write(PAGE, &now).expect("the page can be written");
        page.clone_from(&now);
    }
    let differs = page.lines().zip(now.lines()).find(|(page, now)| page != now);
    assert!(page == now, "{PAGE} is not up to date, from {differs:?}: run this test with ACCEPT=1");
    assert!(now.matches(ANSWER).count() >= 14);
}
