//! What DPDK stands on: huge pages, and a device that its driver can have.

use std::fs;
use std::path::Path;

use capture::dpdk::Options;

use super::Finding;

/// Where the kernel lists devices on the PCI bus.
const PCI_DEVICES: &str = "/sys/bus/pci/devices";

/// Kernel drivers that leave a device to DPDK, or share it with DPDK's own driver (the last two).
const PASSING_ON: [&str; 5] = ["vfio-pci", "uio_pci_generic", "igb_uio", "mlx4_core", "mlx5_core"];

/// The device of a `dpdk:` source.
pub(super) fn findings(options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    if options.huge {
        let needed = u64::from(options.ring) * u64::from(options.queues.get());
        findings.push(huge_pages(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), needed));
    }
    let address = options.name();
    if address.contains(':') {
        let driver = fs::read_link(Path::new(PCI_DEVICES).join(address).join("driver")).ok();
        let driver = driver.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        findings.push(pci(address, driver.as_deref()));
    }
    findings
}

/// Whether the huge pages that /proc/meminfo counts as free hold so many bytes.
fn huge_pages(meminfo: &str, needed: u64) -> Finding {
    let number = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let free = number("HugePages_Free").unwrap_or(0);
    let size = number("Hugepagesize").unwrap_or(2048).max(1) << 10;
    let wanted = needed.div_ceil(size);
    if free >= wanted {
        return Finding::ok(format!("huge pages: {free} free, {wanted} needed for buffers"));
    }
    Finding::problem(
        format!("huge pages: {free} free, {wanted} needed for buffers"),
        format!("sysctl vm.nr_hugepages={}; or huge=off, for virtual devices", wanted + wanted / 4),
    )
}

/// Whether the kernel leaves a device to DPDK.
fn pci(address: &str, driver: Option<&str>) -> Finding {
    match driver {
        Some(driver) if PASSING_ON.contains(&driver) => Finding::ok(format!("device {address}: bound to {driver}")),
        Some(driver) => Finding::problem(
            format!("device {address}: bound to {driver}, so that the kernel drives it"),
            format!("dpdk-devbind.py --bind=vfio-pci {address}; the host loses the interface"),
        ),
        None => Finding::problem(
            format!("device {address}: bound to no driver, or not there"),
            format!("dpdk-devbind.py --status; dpdk-devbind.py --bind=vfio-pci {address}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn buffers_need_huge_pages_that_are_free() {
        let meminfo =
            "MemTotal: 8 kB\nHugePages_Total:      40\nHugePages_Free:       33\nHugepagesize:       2048 kB\n";
        assert_eq!(huge_pages(meminfo, 64 << 20).level, Level::Ok);
        let found = huge_pages(meminfo, 128 << 20);
        assert_eq!(found.level, Level::Problem);
        assert!(found.advice.unwrap().starts_with("sysctl vm.nr_hugepages=80"), "{}", found.text);
        assert_eq!(huge_pages("", 1).level, Level::Problem);
    }

    #[test]
    fn a_device_that_the_kernel_drives_is_named_with_the_command_that_frees_it() {
        assert_eq!(pci("0000:03:00.0", Some("vfio-pci")).level, Level::Ok);
        let found = pci("0000:03:00.0", Some("ixgbe"));
        assert!(found.advice.unwrap().starts_with("dpdk-devbind.py --bind=vfio-pci 0000:03:00.0"));
        assert_eq!(findings(&"ffff:ff:1f.7,huge=off".parse().unwrap())[0].level, Level::Problem);
    }
}
