//! Interfaces: are they there, are they up, and do they change packets before a tap sees them?

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use capture::interface::{self, Interface, receive_queues};

use super::Finding;

/// Where the kernel describes interfaces.
const INTERFACES: &str = "/sys/class/net";

/// Offloads that merge received packets, so that a tap sees giants that never were on the wire.
const MERGES_RECEIVED: [&str; 3] = ["generic-receive-offload", "large-receive-offload", "rx-gro-hw"];

/// Offloads that split packets only after a tap on the sender has seen them.
const SPLITS_SENT: [&str; 2] = ["tcp-segmentation-offload", "generic-segmentation-offload"];

/// Every interface of the host, in a line each.
pub(super) fn every() -> Vec<Finding> {
    let mut names = interface::names();
    names.sort();
    names.iter().filter_map(|name| Facts::of(name)).map(|facts| facts.finding()).collect()
}

/// The interface that a source wants to capture from.
pub(super) fn named(name: &str) -> Vec<Finding> {
    let Some(facts) = Facts::of(name) else {
        return vec![Finding::problem(format!("interface {name}: there is none"), "see: ip -br link")];
    };
    let mut findings = vec![facts.finding()];
    if !facts.up {
        findings.push(Finding::problem(format!("interface {name}: down"), format!("ip link set {name} up")));
    } else if !facts.carrier {
        findings.push(Finding::warning(
            format!("interface {name}: no carrier"),
            "connect the link, or see to its other end",
        ));
    }
    findings.extend(match features(name) {
        Some(features) => offloads(name, &features),
        None => vec![Finding::warning(
            format!("interface {name}: offloads unknown"),
            "install ethtool to see them; GRO and LRO must be off, or merged segments are recorded",
        )],
    });
    findings
}

/// What the kernel says of an interface.
#[derive(Debug)]
struct Facts {
    name: String,
    driver: String,
    queues: u16,
    mtu: u32,
    up: bool,
    carrier: bool,
}

impl Facts {
    fn of(name: &str) -> Option<Self> {
        let found = Interface::named(name).ok()?;
        // A mount of sysfs may show another network namespace's interfaces: it only adds the name of the driver.
        let driver = fs::read_link(Path::new(INTERFACES).join(name).join("device/driver")).ok();
        let driver =
            driver.as_deref().and_then(Path::file_name).map_or("virtual".into(), |name| name.to_string_lossy());
        Some(Self {
            name: name.to_owned(),
            driver: driver.into_owned(),
            queues: receive_queues(name),
            mtu: found.mtu,
            up: found.is_up(),
            carrier: found.has_carrier(),
        })
    }

    fn finding(&self) -> Finding {
        let state = match (self.up, self.carrier) {
            (true, true) => "up",
            (true, false) => "up without carrier",
            (false, _) => "down",
        };
        let queues = if self.queues == 1 { "queue" } else { "queues" };
        Finding::ok(format!(
            "interface {}: {state}, driver {}, {} receive {queues}, MTU {}",
            self.name, self.driver, self.queues, self.mtu
        ))
    }
}

/// What `ethtool -k` prints; `None` without ethtool, or where it fails.
pub(super) fn features(name: &str) -> Option<String> {
    let output = Command::new("ethtool").arg("-k").arg(name).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn offloads(name: &str, features: &str) -> Vec<Finding> {
    let on = |feature: &&&str| {
        let value = features.lines().find_map(|line| line.trim().strip_prefix(**feature)?.strip_prefix(':'));
        value.is_some_and(|value| value.trim().starts_with("on"))
    };
    let listed = |names: &[&str]| names.iter().filter(on).copied().collect::<Vec<_>>().join(", ");
    let (merging, splitting) = (listed(&MERGES_RECEIVED), listed(&SPLITS_SENT));
    let mut findings = Vec::new();
    if !merging.is_empty() {
        findings.push(Finding::warning(
            format!("interface {name}: {merging} on: segments are merged before they are seen"),
            format!("ethtool -K {name} gro off lro off"),
        ));
    }
    if !splitting.is_empty() {
        findings.push(Finding::warning(
            format!("interface {name}: {splitting} on: what this host itself sends is seen before it is split"),
            format!("on a port that only listens this does not matter; else: ethtool -K {name} tso off gso off"),
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(format!("interface {name}: no offload changes packets")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn merging_offloads_are_named_with_the_command_that_ends_them() {
        let found =
            offloads("eth0", "Features for eth0:\ngeneric-receive-offload: on\nlarge-receive-offload: off [fixed]\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].text.contains("generic-receive-offload on"), "{found:?}");
        assert_eq!(found[0].advice.as_deref(), Some("ethtool -K eth0 gro off lro off"));
    }

    #[test]
    fn without_offloads_all_is_well() {
        let found = offloads("eth0", "generic-receive-offload: off\ntcp-segmentation-offload: off\n");
        assert_eq!(found, [Finding::ok("interface eth0: no offload changes packets")]);
    }

    #[test]
    fn an_interface_that_is_not_there_is_a_problem() {
        for name in ["nosuch0", "..", "/etc", ""] {
            assert!(named(name).iter().any(|finding| finding.level == Level::Problem), "{name}");
        }
    }

    #[test]
    fn the_loopback_interface_is_described() {
        assert!(every().iter().any(|finding| finding.text.starts_with("interface lo: up")));
    }
}
