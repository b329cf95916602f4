//! What must not stay on the disk when a signal ends the program: the file that was to replace another, and what a query put aside.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

static PATHS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Has a signal end the program as ever, but not before what [`add`] named is removed.
pub fn remove_at_signals() {
    // Where signals cannot be watched, they end the program all the same; only something stays behind.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    let watch = move || {
        for signal in signals.forever() {
            let paths = PATHS.lock().map(|paths| paths.clone()).unwrap_or_default();
            for path in paths {
                let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            }
            let _ = emulate_default_handler(signal);
        }
    };
    let _ = thread::Builder::new().name("signals".to_owned()).spawn(watch);
}

/// Names a file or folder of this program's own, to be removed if a signal comes. It may be gone by then.
pub fn add(path: &Path) {
    if let Ok(mut paths) = PATHS.lock() {
        paths.push(path.to_owned());
    }
}
