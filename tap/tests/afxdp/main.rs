//! Live sources of the whole program, in network namespaces: that they agree, what overload costs, and the inline tap between two hosts. With
//! the feature `dpdk` its sources too (scripts/dpdk.sh).
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod agreement;
mod inline;
mod overload;
mod pcap;
#[path = "../support/mod.rs"]
mod support;
mod world;

use support::Ran;
use world::World;

#[test]
fn the_doctor_says_how_a_port_is_captured_and_leaves_it_as_it_was() {
    let Some(world) = World::pair("doctor") else { return };
    if !support::tools(&["ethtool"]) {
        return;
    }
    let doctor = |source: &str, code: i32| {
        let mut command = world.inside("", support::program("conntrack-tap"));
        command.args(["doctor", "--source", source, "--out"]).arg(world.path(""));
        let said = Ran::from(command.output().expect("the doctor runs")).expect(&[code]).stdout;
        assert!(!world.ip("", "link show").contains("xdp"), "{source} left something behind");
        said
    };
    let said = doctor("afxdp:vb", 0);
    for text in [
        "ok       interface vb: up, driver virtual, 1 receive queue, MTU 9000",
        "ok       interface vb: XDP in the driver, frames copied",
        "ok       rights: all that AF_XDP needs",
        "ok       locked memory: the 64 MiB for frames may be locked",
        "opens, XDP in the driver, frames copied, 16384 chunks of 4096 bytes",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    let said = doctor("afxdp-inline:va,vb", 0);
    assert!(said.contains("interface va: up") && said.contains("interface vb: up"), "{said}");
    let said = doctor("afxdp:vb,mode=zerocopy", 1);
    assert!(said.contains("the driver has no zero copy: try mode=drv"), "{said}");
}
