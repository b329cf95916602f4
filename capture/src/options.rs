//! What the options of several kinds of sources have in common.

use crate::SpecError;
use crate::interface::LONGEST_NAME;

/// Bytes, with K, M or G for powers of 1024.
pub(crate) fn parse_size(text: &str) -> Option<u32> {
    let (number, shift) = match text.char_indices().last()? {
        (at, 'K') => (&text[..at], 10),
        (at, 'M') => (&text[..at], 20),
        (at, 'G') => (&text[..at], 30),
        _ => (text, 0),
    };
    number.parse::<u32>().ok()?.checked_mul(1 << shift)
}

/// `on` or `off`.
pub(crate) fn parse_switch(option: &'static str, value: &str) -> Result<bool, SpecError> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(SpecError::BadValue { option, value: value.to_owned(), expected: "on or off" }),
    }
}

/// How a switch is typed.
pub(crate) const fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// The name of an interface of a `kind` of source.
pub(crate) fn parse_interface(kind: &'static str, name: &str) -> Result<String, SpecError> {
    if name.is_empty() {
        return Err(SpecError::MissingArgument(kind.to_owned()));
    }
    if name.len() > LONGEST_NAME {
        let expected = "the name of an interface has at most 15 characters";
        return Err(SpecError::BadValue { option: kind, value: name.to_owned(), expected });
    }
    Ok(name.to_owned())
}
