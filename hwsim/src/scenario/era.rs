//! What TCP was like at a time: the hosts' systems and their ports.

use wire::Family;

use crate::rng::Rng;
use crate::speaker::Profile;

/// The systems of a time.
#[derive(Clone, Copy, Debug)]
pub struct Era {
    /// The first and the last port that clients use.
    pub ports: (u16, u16),
    /// The systems, by weight. A maximum segment size of 0 stands for the path's.
    systems: &'static [(u32, Profile)],
}

/// So close before their wrap lie the initial sequence numbers of a few speakers.
const NEAR_WRAP: u64 = 20_000;

/// TCP as Linux has it; what differs from host to host is filled in by [`Era::profile`].
const LINUX: Profile =
    Profile { mss: 0, wscale: Some(7), timestamps: true, sack: true, window: 500_000, isn: 0, clock: 0, ip_id: 0 };
/// As Windows has it.
const WINDOWS: Profile = Profile { wscale: Some(8), timestamps: false, window: 262_144, ..LINUX };
/// As small or old devices have it, and had it in the nineties: without options, six full segments in a window.
const PLAIN: Profile = Profile { wscale: None, timestamps: false, sack: false, window: 16_384, ..LINUX };
/// Windows 95 and NT 4, and Solaris.
const SIX_SEGMENTS: Profile = Profile { window: 8760, ..PLAIN };

impl Era {
    /// Today's.
    pub const MODERN: Self = Self { ports: (32768, 60999), systems: &[(70, LINUX), (25, WINDOWS), (5, PLAIN)] };

    /// The late nineties': no options but the segment size, except for SACK in Windows 98; clients' ports as 4.4BSD and Windows
    /// gave them out; Linux 2.0's window; a modem's or a default's segment size here and there.
    pub const NINETIES: Self = Self {
        ports: (1024, 5000),
        systems: &[
            (60, SIX_SEGMENTS),
            (15, Profile { sack: true, ..SIX_SEGMENTS }),
            (10, Profile { window: 32_120, ..PLAIN }),
            (10, Profile { mss: 536, ..SIX_SEGMENTS }),
            (5, PLAIN),
        ],
    };

    /// A host's TCP.
    pub(super) fn profile(&self, family: Family, rng: &mut Rng) -> Profile {
        let kind = *rng.pick(self.systems).unwrap_or(&LINUX);
        let full = if family == Family::V6 { 1440 } else { 1460 };
        let path = if rng.chance(0.85) { full } else { full - 8 * (1 + rng.below(15) as u16) };
        let mss = if kind.mss == 0 { path } else { kind.mss };
        let isn = if rng.chance(0.05) { u32::MAX - rng.below(NEAR_WRAP) as u32 } else { rng.bits() as u32 };
        Profile { mss, isn, clock: rng.bits() as u32, ip_id: rng.bits() as u16, ..kind }
    }
}
