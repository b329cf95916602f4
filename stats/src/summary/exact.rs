//! Instants and lengths of time as JSON numbers with nine decimal digits, as in the tables.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::text;

/// An instant, nanoseconds since the epoch; decimal seconds in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub i64);

/// A length of time in seconds.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Seconds(pub f64);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(serializer, |out| text::push_nanos(out, self.0))
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(serializer, |out| text::push_seconds(out, self.0))
    }
}

fn raw<S: Serializer>(serializer: S, push: impl FnOnce(&mut Vec<u8>)) -> Result<S::Ok, S::Error> {
    let mut digits = Vec::new();
    push(&mut digits);
    let digits = String::from_utf8(digits).map_err(S::Error::custom)?;
    RawValue::from_string(digits).map_err(S::Error::custom)?.serialize(serializer)
}
