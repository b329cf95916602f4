//! Numbers as texts: the exact ones of tables and the rounded ones of summaries.

use std::fmt::Write as _;

use chrono::DateTime;

/// Appends a whole number.
pub fn push_integer(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends nanoseconds as decimal seconds with nine digits: `-0.000000001`, `1700000000.000000042`.
pub fn push_nanos(out: &mut Vec<u8>, nanos: i64) {
    const PER_SECOND: u64 = 1_000_000_000;
    if nanos < 0 {
        out.push(b'-');
    }
    let magnitude = nanos.unsigned_abs();
    push_integer(out, magnitude / PER_SECOND);
    let mut digits = *b".000000000";
    let mut rest = magnitude % PER_SECOND;
    for digit in digits.iter_mut().skip(1).rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits);
}

/// Appends seconds with nine digits. A length of time that began as whole nanoseconds comes back as those.
pub fn push_seconds(out: &mut Vec<u8>, seconds: f64) {
    /// Below 2^51 ns (26 days) the product is closer to the nanosecond meant than to any other.
    const EXACT: f64 = (1_u64 << 51) as f64;
    let nanos = (seconds * 1e9).round();
    if nanos.abs() < EXACT {
        push_nanos(out, nanos as i64);
    } else {
        push_display(out, format_args!("{seconds:.9}"));
    }
}

/// Appends the shortest decimal number, without exponent, that reads back as `number`.
pub fn push_number(out: &mut Vec<u8>, number: f64) {
    push_display(out, format_args!("{number}"));
}

/// Appends bytes as lower-case hexadecimal digits.
pub fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for &byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Appends what `format_args!` gives.
pub fn push_display(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    // Writing to a vector cannot fail.
    let _ = out.write_fmt(text);
}

/// A count with commas between the thousands: `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A part of a whole in per cent with two digits; a dash where there is no whole. A part that is not all never reads
/// as 100.00 %, one that is not nothing never as 0.00 %.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let percent = 100.0 * part as f64 / whole as f64;
    if part > 0 && percent < 0.005 {
        "< 0.01 %".to_owned()
    } else if part < whole && percent >= 99.995 {
        "> 99.99 %".to_owned()
    } else {
        format!("{percent:.2} %")
    }
}

/// A size in bytes with three or four significant digits: `999 B`, `1.50 kB`, `23.4 GB` (decimal prefixes).
#[must_use]
pub fn bytes(number: u64) -> String {
    if number < 1000 { format!("{number} B") } else { scaled(number as f64, "B") }
}

/// A rate in bit/s with a decimal prefix.
#[must_use]
pub fn bit_rate(bits_per_second: f64) -> String {
    scaled(bits_per_second, "bit/s")
}

/// A number with three digits, more or less: `0`, `0.0200`, `0.50`, `12.3`, `1234`, `2.00e6`.
#[must_use]
pub fn three(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if size >= 1e5 => format!("{number:.2e}"),
        size if size >= 99.95 => format!("{number:.0}"),
        size if size >= 9.995 => format!("{number:.1}"),
        size if size >= 0.0995 => format!("{number:.2}"),
        size if size >= 1e-3 => format!("{number:.4}"),
        _ => format!("{number:.1e}"),
    }
}

fn scaled(number: f64, unit: &str) -> String {
    const PREFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let mut scaled = number;
    let mut prefixes = PREFIXES.iter();
    let mut prefix = prefixes.next().copied().unwrap_or_default();
    while scaled >= 999.5 {
        let Some(next) = prefixes.next() else { break };
        scaled /= 1000.0;
        prefix = next;
    }
    let digits = if scaled >= 99.95 || scaled == 0.0 {
        0
    } else if scaled >= 9.995 {
        1
    } else {
        2
    };
    format!("{scaled:.digits$} {prefix}{unit}")
}

/// A length of time for people: `0 s`, `730 ns`, `12.3 ms`, `4.56 s`, `3 min 20 s`, `2 d 3 h`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if seconds < 0.0 {
        return format!("-{}", duration(-seconds));
    }
    let three = |number: f64, unit: &str| {
        let digits = if number >= 99.95 { 0 } else { 1 + usize::from(number < 9.995) };
        format!("{number:.digits$} {unit}")
    };
    match seconds {
        0.0 => "0 s".to_owned(),
        s if s < 999.5e-9 => format!("{:.0} ns", s * 1e9),
        s if s < 999.5e-6 => three(s * 1e6, "µs"),
        s if s < 999.5e-3 => three(s * 1e3, "ms"),
        s if s < 59.95 => three(s, "s"),
        s => clock(s.round() as u64),
    }
}

/// The two largest units, rounded to the smaller: more does not fit a column, and no reader needs it.
fn clock(seconds: u64) -> String {
    let smallest = match seconds {
        86_400.. => 3600,
        3600.. => 60,
        _ => 1,
    };
    let seconds = (seconds + smallest / 2) / smallest * smallest;
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let mut text = String::new();
    for (number, unit) in parts.iter().skip_while(|(number, _)| *number == 0).take(2) {
        let space = if text.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{space}{number} {unit}");
    }
    text
}

/// An instant in UTC with `digits` (0 to 9) digits of the second: `2026-11-22 01:49:00.123`.
#[must_use]
pub fn instant(nanos: i64, digits: usize) -> String {
    let mut text = DateTime::from_timestamp_nanos(nanos).format("%Y-%m-%d %H:%M:%S%.9f").to_string();
    text.truncate(text.len() - 9 + digits - usize::from(digits == 0));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(push: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn instants_have_nine_digits_and_keep_every_nanosecond() {
        assert_eq!(pushed(|out| push_nanos(out, 1_700_000_000_123_456_789)), "1700000000.123456789");
        assert_eq!(pushed(|out| push_nanos(out, -1)), "-0.000000001");
        assert_eq!(pushed(|out| push_nanos(out, i64::MIN)), "-9223372036.854775808");
        assert_eq!(pushed(|out| push_nanos(out, 0)), "0.000000000");
    }

    #[test]
    fn durations_come_back_to_the_nanosecond_and_never_with_an_exponent() {
        for nanos in [0_i64, 1, 999, 1_000_000_007, 86_399_999_999_999, 604_800_123_456_789, -5] {
            let expected = pushed(|out| push_nanos(out, nanos));
            assert_eq!(pushed(|out| push_seconds(out, nanos as f64 / 1e9)), expected);
        }
        assert_eq!(pushed(|out| push_seconds(out, 1e10)), "10000000000.000000000");
        assert_eq!(pushed(|out| push_number(out, 1e21)), "1000000000000000000000");
        assert_eq!(pushed(|out| push_number(out, 0.1)), "0.1");
    }

    #[test]
    fn people_read_counts_sizes_rates_and_shares() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1500), "1.50 kB");
        assert_eq!(bytes(999_999), "1.00 MB");
        assert_eq!(bytes(u64::MAX), "18.4 EB");
        assert_eq!(bit_rate(0.0), "0 bit/s");
        assert_eq!(bit_rate(9.99e9), "9.99 Gbit/s");
        assert_eq!([0.0, 0.02, 0.5, 12.3, 1234.0, 2e6].map(three), ["0", "0.0200", "0.50", "12.3", "1234", "2.00e6"]);
        assert_eq!(share(1, 0), "-");
        assert_eq!(share(1, 3), "33.33 %");
        assert_eq!(share(1, 1_000_000), "< 0.01 %");
        assert_eq!(share(999_999, 1_000_000), "> 99.99 %");
        assert_eq!(share(7, 7), "100.00 %");
    }

    #[test]
    fn people_read_lengths_of_time_and_instants() {
        assert_eq!(duration(0.0), "0 s");
        assert_eq!(duration(730e-9), "730 ns");
        assert_eq!(duration(12.34e-6), "12.3 µs");
        assert_eq!(duration(0.999_9), "1.00 s");
        assert_eq!(duration(59.96), "1 min 0 s");
        assert_eq!(duration(183_845.0), "2 d 3 h");
        assert_eq!(duration(44_433.6), "12 h 21 min");
        assert_eq!(duration(86_399.0), "1 d 0 h");
        assert_eq!(duration(-1.5), "-1.50 s");
        assert_eq!(instant(1_700_000_000_123_456_789, 3), "2023-11-14 22:13:20.123");
        assert_eq!(instant(-1, 0), "1969-12-31 23:59:59");
        assert_eq!(instant(i64::MAX, 9), "2262-04-11 23:47:16.854775807");
    }
}
