//! The host: kernel, rights, clocks, limits, processors.

use std::fs;
use std::thread;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_getres};

use super::Finding;

/// Bit of CAP_NET_RAW in a capability mask (linux/capability.h).
const CAP_NET_RAW: u32 = 13;

/// Below this many open files a campaign that seals while several rings are open may run out.
const FILES_WANTED: u64 = 256;

pub(super) fn findings() -> Vec<Finding> {
    vec![kernel(), rights(), clock_source(), resolution(), files(), locked(), processors()]
}

fn kernel() -> Finding {
    let uname = rustix::system::uname();
    let [system, release, machine] =
        [uname.sysname(), uname.release(), uname.machine()].map(|text| text.to_string_lossy().into_owned());
    Finding::ok(format!("kernel: {system} {release} on {machine}"))
}

fn rights() -> Finding {
    if has(CAP_NET_RAW) {
        Finding::ok("rights: CAP_NET_RAW, so interfaces can be captured from")
    } else {
        Finding::warning(
            "rights: no CAP_NET_RAW: capture files can be read, interfaces cannot",
            "run as root, or once: setcap cap_net_raw=ep $(command -v conntrack-tap)",
        )
    }
}

/// Whether this process has a capability.
pub(super) fn has(capability: u32) -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| grants(&status, capability))
}

/// Whether the effective capabilities in a /proc/PID/status have the bit.
fn grants(status: &str, capability: u32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << capability) != 0
}

fn clock_source() -> Finding {
    let read =
        |name: &str| fs::read_to_string(format!("/sys/devices/system/clocksource/clocksource0/{name}_clocksource"));
    let Ok(current) = read("current") else {
        return Finding::warning("clock source: unknown", "mount /sys to see it");
    };
    let current = current.trim();
    match current {
        "tsc" | "kvm-clock" | "arch_sys_counter" | "hyperv_clocksource_tsc_page" | "xen" => {
            Finding::ok(format!("clock source: {current}"))
        }
        slow => Finding::warning(
            format!("clock source: {slow}, slow to read: each packet's timestamp costs the kernel about a microsecond"),
            format!(
                "available: {}; boot with clocksource=tsc if it is stable",
                read("available").unwrap_or_default().trim()
            ),
        ),
    }
}

fn resolution() -> Finding {
    let step = clock_getres(ClockId::Realtime);
    if step.tv_sec == 0 && step.tv_nsec <= 1000 {
        Finding::ok(format!("clock resolution: {} ns", step.tv_nsec))
    } else {
        Finding::warning(
            format!("clock resolution: {} ns: instants are no finer than that", step.tv_nsec),
            "use a kernel with high-resolution timers",
        )
    }
}

fn files() -> Finding {
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < FILES_WANTED => {
            Finding::problem(format!("open files: at most {limit}"), format!("ulimit -n {FILES_WANTED}"))
        }
        Some(limit) => Finding::ok(format!("open files: at most {limit}")),
        None => Finding::ok("open files: no limit"),
    }
}

fn locked() -> Finding {
    let limit =
        getrlimit(Resource::Memlock).current.map_or_else(|| "any".to_owned(), |limit| format!("{} KiB", limit >> 10));
    Finding::ok(format!("locked memory: {limit}; AF_PACKET rings need none, AF_XDP's memory does without CAP_IPC_LOCK"))
}

fn processors() -> Finding {
    match thread::available_parallelism().map_or(1, usize::from) {
        1 => Finding::warning(
            "processors: 1: capturing, tracking and writing share it",
            "give the machine two, or expect losses at high rates",
        ),
        count => Finding::ok(format!("processors: {count}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_from_the_effective_set() {
        let status = "CapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000002000\n";
        assert!(grants(status, CAP_NET_RAW));
        assert!(!grants("CapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\n", CAP_NET_RAW));
        assert!(!grants("", CAP_NET_RAW));
    }
}
