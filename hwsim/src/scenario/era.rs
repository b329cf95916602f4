//! What TCP is like at a time or a place: the hosts' systems, their ports and their habits.

use wire::Family;

use crate::rng::Rng;
use crate::speaker::{Opening, Profile, Stack};

/// The systems of a time.
#[derive(Clone, Copy, Debug)]
pub struct Era {
    /// The first and the last port that clients use.
    pub ports: (u16, u16),
    /// The systems, by weight. A maximum segment size of 0 stands for the path's.
    systems: &'static [(u32, Profile)],
    /// How connections begin, by weight.
    openings: &'static [(u32, Opening)],
    /// Share of the segments whose sender understands it that a queue marks (RFC 3168).
    pub marking: f64,
    /// Share of the connections that are closed in order after which the same ports are used again soon, while their last user may
    /// still be in TIME-WAIT.
    pub reuse: f64,
}

/// So close before their wrap lie the initial sequence numbers of a few speakers.
const NEAR_WRAP: u64 = 20_000;

/// TCP as Linux has it; what differs from host to host is filled in by [`Era::profile`].
const LINUX: Profile = Profile {
    stack: Stack::Native,
    mss: 0,
    wscale: Some(7),
    timestamps: true,
    sack: true,
    ecn: false,
    window: 500_000,
    rto_floor: 200_000_000,
    probes_with_byte: false,
    syn_cookies: false,
    isn: 0,
    clock: 0,
    ip_id: 0,
};
/// As Windows has it.
const WINDOWS: Profile = Profile {
    wscale: Some(8),
    timestamps: false,
    window: 262_144,
    rto_floor: 300_000_000,
    probes_with_byte: true,
    ..LINUX
};
/// As small or old devices have it, and had it in the nineties: without options, six full segments in a window, and a timeout with
/// the floor that RFC 6298 asks for.
const PLAIN: Profile = Profile {
    wscale: None,
    timestamps: false,
    sack: false,
    window: 16_384,
    rto_floor: 1_000_000_000,
    probes_with_byte: true,
    ..LINUX
};
/// smoltcp, as it comes.
const SMOLTCP: Profile = Profile { stack: Stack::Smoltcp, timestamps: false, window: 65_535, ..LINUX };
/// Windows 95 and NT 4, and Solaris.
const SIX_SEGMENTS: Profile = Profile { window: 8760, ..PLAIN };

impl Era {
    /// Today's.
    pub const MODERN: Self = Self {
        ports: (32768, 60999),
        systems: &[(70, LINUX), (25, WINDOWS), (5, PLAIN)],
        openings: &[(1, Opening::Ordinary)],
        marking: 0.0,
        reuse: 0.0,
    };

    /// Today's, with all that TCP can do and few hosts have switched on.
    pub const EVERYTHING: Self = Self {
        systems: &[
            (40, LINUX),
            (15, Profile { ecn: true, ..LINUX }),
            (10, Profile { syn_cookies: true, ..LINUX }),
            (25, WINDOWS),
            (10, PLAIN),
        ],
        openings: &[
            (70, Opening::Ordinary),
            (10, Opening::Simultaneous),
            (12, Opening::FastOpen),
            (8, Opening::FastOpenRefused),
        ],
        marking: 0.01,
        reuse: 0.2,
        ..Self::MODERN
    };

    /// The same, where no responder leaves out a SYN's data: nobody has to send it again.
    pub const EVERYTHING_ACCEPTED: Self = Self {
        openings: &[(70, Opening::Ordinary), (10, Opening::Simultaneous), (20, Opening::FastOpen)],
        ..Self::EVERYTHING
    };

    /// Hosts of which most run smoltcp, and the others Linux or Windows.
    pub const SMOLTCP: Self = Self { systems: &[(70, SMOLTCP), (20, LINUX), (10, WINDOWS)], ..Self::MODERN };

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
        ..Self::MODERN
    };

    /// How a connection begins.
    pub(super) fn opening(&self, rng: &mut Rng) -> Opening {
        if let [(_, only)] = self.openings { *only } else { rng.pick(self.openings).copied().unwrap_or_default() }
    }

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
