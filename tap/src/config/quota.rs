//! How much room a campaign may take, as people write it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `none`, `disk`, or a number of bytes: `500GB`, `20GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quota(recorder::Quota);

/// The units of a number of bytes, largest first, so that each number has one text.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

/// Why a text is no quota.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no room; write \"none\", \"disk\", or a number of bytes like \"500GB\" or \"20GiB\"")]
pub struct QuotaError(String);

impl Quota {
    /// For the recorder.
    #[must_use]
    pub const fn get(self) -> recorder::Quota {
        self.0
    }
}

impl FromStr for Quota {
    type Err = QuotaError;

    fn from_str(text: &str) -> Result<Self, QuotaError> {
        let bytes = || {
            let (unit, factor) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
            let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
            number.checked_mul(*factor).filter(|&bytes| bytes > 0)
        };
        match text {
            "none" => Ok(Self(recorder::Quota::None)),
            "disk" => Ok(Self(recorder::Quota::Disk)),
            _ => bytes().map(|bytes| Self(recorder::Quota::Bytes(bytes))).ok_or_else(|| QuotaError(text.to_owned())),
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            recorder::Quota::None => f.write_str("none"),
            recorder::Quota::Disk => f.write_str("disk"),
            recorder::Quota::Bytes(bytes) => {
                let (unit, factor) = UNITS.iter().find(|(_, factor)| bytes % factor == 0).unwrap_or(&("B", 1));
                write!(f, "{}{unit}", bytes / factor)
            }
        }
    }
}

impl TryFrom<String> for Quota {
    type Error = QuotaError;

    fn try_from(text: String) -> Result<Self, QuotaError> {
        text.parse()
    }
}

impl From<Quota> for String {
    fn from(quota: Quota) -> Self {
        quota.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_read_as_people_write_them_and_survive_being_written() {
        for (text, bytes) in [("500GB", 500_000_000_000), ("20 GiB", 20 << 30), ("7B", 7), ("1024KiB", 1 << 20)] {
            let quota: Quota = text.parse().unwrap();
            assert_eq!(quota.get(), recorder::Quota::Bytes(bytes));
            assert_eq!(quota.to_string().parse(), Ok(quota), "{text}");
        }
        for text in ["", "GB", "-1GB", "0GB", "5", "much", "99999999999TB"] {
            assert!(text.parse::<Quota>().is_err(), "{text}");
        }
    }
}
