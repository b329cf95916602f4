//! SIGINT and SIGTERM: the first ends the campaign in order, the second at once. SIGHUP has the configuration read again; from a terminal that
//! is gone, or where there is no configuration file, it ends the campaign, too.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

use crate::logging;

/// What signals have asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The sources are to end.
    pub stop: Arc<AtomicBool>,
    /// Another run is to go on, if the configuration says so.
    pub keep: Arc<AtomicBool>,
    /// The configuration is to be read again.
    pub reload: Arc<AtomicBool>,
}

/// Listens for signals while it lives.
#[derive(Debug)]
pub struct Watch {
    handle: Handle,
}

impl Watch {
    /// Asks to stop at the first signal. At the second the process dies of it: what the journal has acknowledged stays on disk,
    /// and the next reader recovers it. Where the configuration `reloads`, SIGHUP asks for that, unless it comes from a terminal.
    ///
    /// # Errors
    /// When the handlers or the thread cannot be set up.
    pub fn start(asked_for: Asked, reloads: bool) -> io::Result<Self> {
        let reloads = reloads && File::open("/dev/tty").is_err();
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let handle = signals.handle();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let mut asked = false;
            for signal in signals.forever() {
                if signal == SIGHUP && reloads {
                    asked_for.reload.store(true, Ordering::Relaxed);
                    continue;
                }
                if asked {
                    logging::say("conntrack-tap: leaving at once; what was not written yet is lost");
                    let _ = emulate_default_handler(signal);
                }
                asked = true;
                asked_for.keep.store(true, Ordering::Relaxed);
                asked_for.stop.store(true, Ordering::Relaxed);
                logging::say(
                    "conntrack-tap: ending the campaign; a second signal leaves at once, without the live connections",
                );
            }
        })?;
        Ok(Self { handle })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.handle.close();
    }
}
