//! `conntrack-sim script`.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use hwsim::frame::Builder;
use hwsim::packetdrill::{Script, Settings, Skip};
use hwsim::pcap::{Resolution, Writer};
use wire::Family;

use crate::args::{self, LogFormat, Manner};
use crate::output::{Output, describe};
use crate::say::say;

/// The largest frame that a capture file may hold whole, as libpcap has it.
const SNAPLEN: u32 = 262_144;

/// Writes a script as a capture. Returns whether all of its packets are there.
pub fn script(wanted: &args::Script, manner: &Manner) -> Result<bool> {
    let source = wanted.script.display();
    let text = read(&wanted.script).with_context(|| format!("cannot read {source}"))?;
    let settings = Settings::new(wanted.ipv6.then_some(Family::V6), wanted.defines.iter().cloned());
    let script = Script::read(&text, settings).with_context(|| format!("{source} is no script"))?;
    write(&script, &wanted.output).with_context(|| format!("cannot write {}", describe(&wanted.output)))?;
    let left_out = count(&script, Skip::Packet);
    tell(&script, left_out, manner);
    Ok(left_out == 0)
}

fn read(path: &Path) -> io::Result<String> {
    if path.as_os_str() != "-" {
        return fs::read_to_string(path);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn write(script: &Script, output: &Path) -> io::Result<()> {
    let mut capture = Writer::new(Output::create(output)?, Resolution::Nanos, SNAPLEN)?;
    script.play(&mut Builder::new(SNAPLEN), |_, ts, frame| capture.write(ts, frame.bytes, frame.wire_len))?;
    capture.into_inner().finish()
}

fn count(script: &Script, kind: Skip) -> usize {
    script.skipped.iter().filter(|skipped| skipped.kind == kind).count()
}

/// Says what was written and what was not; with `-v` each line that was skipped.
fn tell(script: &Script, left_out: usize, manner: &Manner) {
    if manner.quiet {
        return;
    }
    let packets = script.packets.len();
    if manner.log_format == LogFormat::Json {
        say(serde_json::json!({ "level": "info", "message": "done", "packets": packets, "left_out": left_out }));
        return;
    }
    if manner.verbose {
        for skipped in &script.skipped {
            say(format_args!("line {}: skipped {}", skipped.line, skipped));
        }
    }
    let [calls, commands, code] = [Skip::Call, Skip::Command, Skip::Code].map(|kind| count(script, kind));
    say(format_args!(
        "{packets} packets; skipped {calls} system calls, {commands} commands, {code} pieces of code, {left_out} packets of other protocols"
    ));
}
