//! Lengths of time, as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A length of time greater than zero, written `10ms`, `90s`, `12h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(Duration);

impl Span {
    /// The length.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// The length in nanoseconds, at most 292 years.
    #[must_use]
    pub fn nanos(self) -> i64 {
        i64::try_from(self.0.as_nanos()).unwrap_or(i64::MAX)
    }
}

/// Why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a length of time ({why}); write it like 10ms, 90s, 12h or 7d")]
pub struct SpanError {
    text: String,
    why: String,
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let wrong = |why: String| SpanError { text: text.to_owned(), why };
        let length = humantime::parse_duration(text).map_err(|error| wrong(error.to_string()))?;
        if length.is_zero() { Err(wrong("it must be more than nothing".to_owned())) } else { Ok(Self(length)) }
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Self, SpanError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

/// A length of time, or the word `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Limit {
    /// Never.
    None,
    /// After this long.
    After(Span),
}

impl Limit {
    const NEVER: &str = "none";

    /// The length, if there is one.
    #[must_use]
    pub const fn span(self) -> Option<Span> {
        match self {
            Self::None => None,
            Self::After(span) => Some(span),
        }
    }
}

impl FromStr for Limit {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        if text == Self::NEVER { Ok(Self::None) } else { text.parse().map(Self::After) }
    }
}

impl TryFrom<String> for Limit {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Self, SpanError> {
        text.parse()
    }
}

impl From<Limit> for String {
    fn from(limit: Limit) -> Self {
        limit.to_string()
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str(Self::NEVER),
            Self::After(span) => span.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        let nanos = |text: &str| text.parse::<Span>().map(Span::nanos);
        assert_eq!(nanos("10ms"), Ok(10_000_000));
        assert_eq!(nanos("12h"), Ok(43_200_000_000_000));
        assert_eq!(nanos("7d"), Ok(604_800_000_000_000));
    }

    #[test]
    fn a_length_without_a_unit_or_of_nothing_is_refused_with_an_example() {
        for text in ["", "7", "-1s", "0s", "a week"] {
            let message = text.parse::<Span>().expect_err(text).to_string();
            assert!(message.contains("write it like 10ms"), "{message}");
        }
    }

    #[test]
    fn a_limit_survives_being_written() {
        for text in ["none", "7days", "1h 30m"] {
            let limit: Limit = text.parse().unwrap();
            assert_eq!(limit.to_string().parse::<Limit>().unwrap(), limit);
        }
    }
}
