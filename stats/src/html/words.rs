//! Numbers as figures say them.

use crate::text;

/// A share of a whole in per cent.
#[must_use]
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        percent if percent < 0.01 => "< 0.01 %".to_owned(),
        percent if percent < 9.995 => format!("{percent:.2} %"),
        percent => format!("{percent:.1} %"),
    }
}

/// A part of a whole as a share; 0 of nothing.
#[must_use]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// An estimate and its interval.
#[must_use]
pub fn estimate(found: crate::estimate::Estimate) -> String {
    format!("{:.2} ({:.2} to {:.2})", found.value, found.low, found.high)
}

/// A length of time without zeros that say nothing: `10 ms`, `5 min`.
#[must_use]
pub fn length(seconds: f64) -> String {
    let text = text::duration(seconds).replace(".00 ", " ").replace(".0 ", " ");
    let is_zero = |rest: &str| rest.starts_with("0 ");
    match text.rsplit_once(' ').and_then(|(rest, _)| rest.rsplit_once(' ')) {
        Some((whole, number)) if is_zero(&format!("{number} ")) => whole.to_owned(),
        _ => text,
    }
}

/// A number of things and their noun.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", text::count(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_no_zeros_that_say_nothing() {
        let found = [0.01, 2.0, 0.64, 300.0, 64.0, 3600.0, 0.0, 1e-6].map(length);
        assert_eq!(found, ["10 ms", "2 s", "640 ms", "5 min", "1 min 4 s", "1 h", "0 s", "1 µs"]);
    }

    #[test]
    fn numbers_have_the_digits_they_need() {
        assert_eq!(
            [0.0, 0.000_01, 0.0123, 0.5, 1.0].map(percent),
            [
                "0 %",
                "< 0.01 %",
                "1.23 %",
                "50.0 %",
                "100.0 \
            %"
            ]
        );
        assert_eq!(
            (share(1, 4), share(1, 0), counted(1, "hour"), counted(2000, "hour")),
            (0.25, 0.0, "1 hour".to_owned(), "2,000 hours".to_owned())
        );
    }
}
