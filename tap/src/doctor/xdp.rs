//! What AF_XDP stands on: rights, memory, queues, and offloads that change frames before the XDP program sees them.

use std::thread;

use capture::af_xdp::{InlineOptions, Options};
use capture::interface::{Interface, XdpFeatures, receive_queues};
use rustix::process::{Resource, getrlimit};

use super::{Finding, host, interface};

/// Capabilities (linux/capability.h) that AF_XDP needs.
const NEEDED: [(u32, &str); 3] = [(13, "cap_net_raw"), (12, "cap_net_admin"), (39, "cap_bpf")];

/// What a process needs to lock any amount of memory.
const CAP_IPC_LOCK: u32 = 14;

/// What it needs to take over from an inline tap before it.
const CAP_SYS_ADMIN: u32 = 21;

/// The port of an `afxdp:` source.
pub(super) fn port(options: &Options) -> Vec<Finding> {
    let queues = options.queues.map_or_else(|| receive_queues(&options.interface), u16::from);
    let mut findings = vec![rights(&[]), memory(u64::from(queues) * u64::from(options.ring))];
    findings.extend(of_interface(&options.interface));
    findings
}

/// The ports of an `afxdp-inline:` source.
pub(super) fn inline(options: &InlineOptions) -> Vec<Finding> {
    let names = [&options.first.interface, &options.second];
    let queues = names.map(|name| receive_queues(name));
    let memory = memory(u64::from(queues[0]) * u64::from(options.first.ring));
    let mut findings = vec![rights(&[(CAP_SYS_ADMIN, "cap_sys_admin")]), memory];
    findings.extend(names.into_iter().flat_map(|name| of_interface(name)));
    if queues[0] != queues[1] {
        let [first, second] = names;
        let fewer = queues[0].min(queues[1]);
        findings.push(Finding::problem(
            format!(
                "ports: {first} receives on {} queues, {second} on {}: they are joined one by one",
                queues[0], queues[1]
            ),
            format!("ethtool -L {first} combined {fewer}; ethtool -L {second} combined {fewer}"),
        ));
    }
    findings
}

fn of_interface(name: &str) -> Vec<Finding> {
    let mut findings = interface::named(name);
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let queues = usize::from(receive_queues(name));
    if queues > processors {
        findings.push(Finding::warning(
            format!("interface {name}: {queues} queues, a poller each, and {processors} processors"),
            format!("ethtool -L {name} combined {processors}"),
        ));
    }
    findings.extend(Interface::named(name).ok().and_then(|found| XdpFeatures::of(&found)).map(|can| driver(name, can)));
    findings.extend(interface::features(name).and_then(|features| tags(name, &features)));
    findings
}

/// What the driver offers.
fn driver(name: &str, can: XdpFeatures) -> Finding {
    let copy = if can.has_zero_copy() { "zero copy" } else { "frames copied" };
    if can.has_native() {
        Finding::ok(format!("interface {name}: XDP in the driver, {copy}"))
    } else {
        Finding::warning(
            format!("interface {name}: no XDP in the driver, so that it runs in the network stack, slower"),
            format!("nothing to set right; afpacket:{name} is about as fast there, and leaves the frames to the host"),
        )
    }
}

/// The hardware may take VLAN tags out of frames; nobody tells AF_XDP.
fn tags(name: &str, features: &str) -> Option<Finding> {
    let mut lines = features.lines().map(str::trim);
    let is_on = lines.any(|line| line.starts_with("rx-vlan-offload: on"));
    is_on.then(|| {
        Finding::warning(
            format!("interface {name}: rx-vlan-offload on: VLAN tags that the hardware takes out of frames are lost"),
            format!("ethtool -K {name} rxvlan off"),
        )
    })
}

fn rights(more: &[(u32, &str)]) -> Finding {
    let lacking = NEEDED.iter().chain(more).filter(|&&(capability, _)| !host::has(capability));
    let lacking: Vec<&str> = lacking.map(|&(_, name)| name).collect();
    if lacking.is_empty() {
        return Finding::ok("rights: all that AF_XDP needs");
    }
    let lacking = lacking.join(",");
    Finding::problem(
        format!("rights: AF_XDP needs {lacking}"),
        format!("run as root, or once: setcap {lacking},cap_ipc_lock=ep $(command -v conntrack-tap)"),
    )
}

/// Whether this many bytes may be locked for frames.
fn memory(bytes: u64) -> Finding {
    let mebibytes = bytes >> 20;
    match getrlimit(Resource::Memlock).current {
        Some(limit) if limit < bytes && !host::has(CAP_IPC_LOCK) => Finding::problem(
            format!("locked memory: frames need {mebibytes} MiB, of which {} MiB may be locked", limit >> 20),
            "ulimit -l unlimited, or a smaller ring, such as ring=4M",
        ),
        _ => Finding::ok(format!("locked memory: the {mebibytes} MiB for frames may be locked")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_the_hardware_takes_are_named_with_the_command_that_ends_it() {
        let found = tags("eth0", "Features for eth0:\nrx-vlan-offload: on\ntx-vlan-offload: on\n").unwrap();
        assert_eq!(found.advice.as_deref(), Some("ethtool -K eth0 rxvlan off"));
        assert_eq!(tags("eth0", "rx-vlan-offload: off [fixed]\n"), None);
    }

    #[test]
    fn an_inline_tap_is_told_of_each_of_its_ports() {
        let found = inline(&"lo,nosuch0".parse().unwrap());
        for text in ["interface lo: up", "interface nosuch0: there is none", "locked memory: ", "rights: "] {
            assert!(found.iter().any(|finding| finding.text.starts_with(text)), "{text}: {found:?}");
        }
    }
}
