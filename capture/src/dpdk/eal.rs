//! DPDK's environment (EAL): started once a process, by the first source that needs it.

use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

use super::{Options, shim};
use crate::SourceError;

/// MiB of memory without huge pages: buffers for a dozen queues; what is not used is not taken from the system.
const SMALL_PAGES: &str = "1024";

/// A device that does not exist. EAL takes every device that is bound for it unless it is told which: those that are wanted are attached one
/// by one, by whoever opens them.
const NO_DEVICE: &str = "0000:00:00.0";

/// The arguments that the environment runs with.
static STARTED: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Starts the environment, or finds it started in the same way.
pub(super) fn start(options: &Options) -> Result<(), SourceError> {
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let arguments = arguments(options, &processors()?);
    match &*started {
        Some(before) if *before == arguments => return Ok(()),
        Some(_) => return Err(failed(options, Errno::BUSY)),
        None => {}
    }
    // One that could not start cannot be started again.
    *started = Some(arguments.clone());
    shim::start_eal(&arguments).map_err(|error| failed(options, error))
}

/// The processors that this process may run on. EAL would bind the calling thread, and so each that it starts, to one of them.
fn processors() -> Result<String, SourceError> {
    let allowed = rustix::thread::sched_getaffinity(None).map_err(|error| SourceError::Device {
        interface: "dpdk".to_owned(),
        action: "asking for the processors",
        error: error.into(),
        advice: "",
    })?;
    let numbers = (0..rustix::thread::CpuSet::MAX_CPU).filter(|&number| allowed.is_set(number));
    Ok(numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(","))
}

fn arguments(options: &Options, processors: &str) -> Vec<String> {
    // One lcore for the main thread, which does nothing with it: pollers are threads of ours. Nothing is shared with other processes, and
    // nothing is left on the disk.
    let mut arguments = vec!["conntrack-tap", "--no-telemetry", "--log-level=*:error", "-a", NO_DEVICE];
    if options.huge {
        arguments.push("--in-memory");
    } else {
        arguments.extend(["--no-shconf", "--no-huge", "-m", SMALL_PAGES]);
    }
    let mut arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    arguments.push(format!("--lcores=0@({processors})"));
    arguments.extend(options.eal.iter().cloned());
    arguments
}

fn failed(options: &Options, error: Errno) -> SourceError {
    let advice = match error {
        Errno::BUSY => {
            "; the environment of a process has one set of arguments: give every dpdk: source the same huge= and eal="
        }
        _ if options.huge => {
            "; are there huge pages ('sysctl vm.nr_hugepages=512'), and is this root? Virtual devices do without: huge=off"
        }
        Errno::PERM | Errno::ACCESS => "; it needs root",
        _ => "",
    };
    SourceError::Device {
        interface: options.device.clone(),
        action: "starting DPDK's environment",
        error: error.into(),
        advice,
    }
}
