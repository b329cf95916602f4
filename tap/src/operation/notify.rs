//! Words to the service manager (sd_notify(3)), where there is one.
//!
//! The watchdog is fed by who sees that every thread works, and not when one does not: then the service manager ends the tap and starts
//! it again.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Speaks to the service manager.
#[derive(Debug)]
pub struct Manager {
    /// Where it listens; nowhere where there is none.
    socket: Option<OsString>,
    /// How often the watchdog is to be fed: half of what the unit demands.
    feed_every: Option<Duration>,
    fed: Option<Instant>,
}

impl Manager {
    /// As the environment says.
    #[must_use]
    pub fn find() -> Self {
        let is_for_us = std::env::var("WATCHDOG_PID").is_ok_and(|pid| pid == std::process::id().to_string());
        let longest = std::env::var("WATCHDOG_USEC").ok().filter(|_| is_for_us).and_then(|text| text.parse().ok());
        Self {
            socket: std::env::var_os("NOTIFY_SOCKET"),
            feed_every: longest.map(|most| Duration::from_micros(most) / 2),
            fed: None,
        }
    }

    /// The tap captures.
    pub fn ready(&self) {
        self.say("READY=1");
    }

    /// The tap ends in order.
    pub fn stopping(&self) {
        self.say("STOPPING=1");
    }

    /// The configuration is read again; [`Self::ready`] says that it was.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let microseconds = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000);
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    /// A line for `systemctl status`, and food for the watchdog where the tap is well.
    pub fn tell(&mut self, line: &str, is_well: bool, now: Instant) {
        let is_due = |every| self.fed.is_none_or(|fed| now.saturating_duration_since(fed) >= every);
        let feed = is_well && self.feed_every.is_some_and(is_due);
        if feed {
            self.fed = Some(now);
        }
        self.say(&format!("STATUS={line}{}", if feed { "\nWATCHDOG=1" } else { "" }));
    }

    fn say(&self, words: &str) {
        if let Some(socket) = &self.socket {
            // Where it does not listen, nobody needs to know.
            let _ = send(socket, words);
        }
    }
}

fn send(socket: &OsString, words: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(words.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn the_watchdog_is_fed_half_as_late_as_it_may_be_and_only_while_all_is_well() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        let mut manager = Manager { socket: Some(path.into()), feed_every: Some(Duration::from_secs(15)), fed: None };
        let heard = || {
            let mut buffer = [0; 256];
            let length = listener.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        let start = clock::now();
        for (after, is_well, expected) in [
            (0, true, "STATUS=fine\nWATCHDOG=1"),
            (14, true, "STATUS=fine"),
            (16, false, "STATUS=fine"),
            (17, true, "STATUS=fine\nWATCHDOG=1"),
        ] {
            manager.tell("fine", is_well, start + Duration::from_secs(after));
            assert_eq!(heard(), expected, "after {after} s");
        }
        manager.ready();
        assert_eq!(heard(), "READY=1");
    }
}
