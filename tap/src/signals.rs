//! SIGINT, SIGTERM, and SIGHUP of a terminal that is gone: the first ends the campaign in order, the second at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

use crate::logging;

/// Listens for signals while it lives.
#[derive(Debug)]
pub struct Watch {
    handle: Handle,
}

impl Watch {
    /// Sets `stop` at the first signal. At the second the process dies of it: what the journal has acknowledged stays on disk,
    /// and the next reader recovers it.
    ///
    /// # Errors
    /// When the handlers or the thread cannot be set up.
    pub fn start(stop: Arc<AtomicBool>) -> io::Result<Self> {
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let handle = signals.handle();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let mut asked = false;
            for signal in signals.forever() {
                if asked {
                    logging::say("conntrack-tap: leaving at once; what was not written yet is lost");
                    let _ = emulate_default_handler(signal);
                }
                asked = true;
                stop.store(true, Ordering::Relaxed);
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
