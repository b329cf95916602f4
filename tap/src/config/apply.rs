//! What the configuration means to each crate.

use std::num::NonZeroU32;

use super::{Config, Span};

impl Config {
    /// The word for a salt that derives from the names of site and link.
    const SITE_AND_LINK: &str = "site-and-link";

    /// For pollers and rings, with a `seed` for the flow hash that nobody outside can guess.
    #[must_use]
    pub fn capture(&self, seed: u64) -> capture::Config {
        capture::Config {
            headers: self.tracker.headers > 0,
            seed,
            bin_width: self.recorder.interval_width.nanos(),
            batch: self.capture.batch,
            ring: self.capture.ring,
            patience: self.capture.patience.duration(),
        }
    }

    /// For each of `shards` shards.
    #[must_use]
    pub fn tracker(&self, shards: NonZeroU32) -> conntrack::Config {
        let tracker = &self.tracker;
        let share = |all: usize| all.div_ceil(shards.get() as usize);
        let timeouts = &tracker.timeouts;
        conntrack::Config {
            headers: tracker.headers,
            salt: self.salt(),
            interval_width: self.recorder.interval_width.nanos(),
            interim_every: tracker.interim_every.span().map(Span::nanos),
            max_connections: share(tracker.max_connections),
            max_attempts: share(tracker.max_attempts),
            max_time_wait: share(tracker.max_time_wait),
            evicted_attempts_per_second: tracker.evicted_attempts_per_second.div_ceil(shards.get()),
            events: conntrack::EventConfig { level: tracker.events, per_connection: tracker.events_per_connection },
            timeouts: conntrack::Timeouts {
                attempt: timeouts.attempt.nanos(),
                unanswered: timeouts.unanswered.nanos(),
                opening: timeouts.opening.nanos(),
                established: timeouts.established.nanos(),
                half_closed: timeouts.half_closed.nanos(),
                closing: timeouts.closing.nanos(),
                suspect: timeouts.suspect.nanos(),
                tombstone: timeouts.tombstone.nanos(),
                time_wait: timeouts.time_wait.nanos(),
            },
        }
    }

    /// Names the runs that can go on with each other's connections: those of the same tracker, which name connections and count headers alike.
    #[must_use]
    pub fn layout(&self) -> String {
        format!("{} {:016x} {}", conntrack::LAYOUT, self.salt(), self.tracker.headers)
    }

    /// For a recorder that `producers` encoders write to.
    #[must_use]
    pub fn recording(&self, producers: u16) -> recorder::Config {
        let recorder = &self.recorder;
        recorder::Config {
            producers,
            sync_every: recorder.sync_every.duration(),
            segment_bytes: recorder.segment_bytes,
            segment_age: recorder.segment_age.duration(),
            manifest_every: recorder.manifest_every.duration(),
            retry_every: recorder.retry_every.duration(),
            hang: recorder.hang_after.duration(),
            spare: (!recorder.spare.is_empty()).then(|| recorder.spare.clone().into()),
            retention: recorder::Retention {
                quota: recorder.quota.get(),
                high: recorder.high_water,
                low: recorder.low_water,
            },
            journal_level: recorder.journal_level,
            parquet_level: recorder.parquet_level,
            background: true,
        }
    }

    fn salt(&self) -> u64 {
        let campaign = &self.campaign;
        if campaign.uid_salt == Self::SITE_AND_LINK {
            fnv1a(&[&campaign.site, &campaign.link])
        } else {
            fnv1a(&[&campaign.uid_salt])
        }
    }
}

/// FNV-1a, 64 bits, of the texts with a zero byte after each. It only has to be the same in every version of the program.
fn fnv1a(texts: &[&str]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::*;
    use crate::config::Limit;

    fn config(overrides: &str) -> Config {
        Config::load(None, overrides.parse::<Table>().unwrap()).unwrap()
    }

    /// The crates have defaults of their own for those who use them alone; the program's are the default file's. They agree.
    #[test]
    fn the_default_file_says_what_the_crates_do_by_default() {
        let config = config("");
        let one = NonZeroU32::MIN;
        let tracker = conntrack::Config { salt: config.salt(), ..conntrack::Config::default() };
        assert_eq!(format!("{:?}", config.tracker(one)), format!("{tracker:?}"));
        assert_eq!(format!("{:?}", config.capture(0)), format!("{:?}", capture::Config::default()));
        assert_eq!(config.recording(1), recorder::Config::default());
    }

    #[test]
    fn limits_are_shared_out_so_that_they_hold_over_all_shards() {
        let config = config("[tracker]\nmax_connections = 100\nmax_attempts = 10\n");
        let shard = config.tracker(NonZeroU32::new(8).unwrap());
        assert_eq!((shard.max_connections, shard.max_attempts), (13, 2));
    }

    #[test]
    fn the_salt_is_the_same_for_the_same_place_and_another_elsewhere() {
        let salt = |site: &str, link: &str| config(&format!("[campaign]\nsite = {site:?}\nlink = {link:?}\n")).salt();
        assert_eq!(salt("lab", "uplink"), salt("lab", "uplink"));
        assert_ne!(salt("lab", "uplink"), salt("labu", "plink"));
        assert_ne!(salt("lab", "uplink"), config("[campaign]\nuid_salt = \"secret\"\n").salt());
    }

    #[test]
    fn none_is_never() {
        assert_eq!(config("[tracker]\ninterim_every = \"none\"\n").tracker(NonZeroU32::MIN).interim_every, None);
        assert_eq!(config("").campaign.duration, Limit::None);
    }
}
