//! Progress on a terminal; nothing anywhere else.

use std::fmt::Write;
use std::time::Instant;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{LogArguments, LogFormat};
use crate::clock;
use crate::pipeline::Figures;

/// A line that is drawn again and again.
pub struct Progress {
    bar: ProgressBar,
    shown: Instant,
    before: Figures,
}

impl Progress {
    /// A line on standard error, if that is a terminal, people are asked for, and nobody wants quiet.
    #[must_use]
    pub fn new(logs: LogArguments) -> Self {
        let hidden = logs.quiet || logs.log_format == LogFormat::Json;
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self { bar: ProgressBar::with_draw_target(None, target), shown: clock::now(), before: Figures::default() }
    }

    /// Draws the figures of this moment.
    pub fn show(&mut self, figures: Figures) {
        if let (Some(total), None) = (figures.read.1, self.bar.length()) {
            self.bar.set_length(total);
            if let Ok(style) = ProgressStyle::with_template("{wide_msg} {bar:20} {percent:>3}% ETA {eta:<4}") {
                self.bar.set_style(style);
            }
        }
        let now = clock::now();
        let seconds = now.duration_since(self.shown).as_secs_f64().max(1e-3);
        let rate = figures.packets.saturating_sub(self.before.packets) as f64 / seconds;
        self.bar.set_message(line(figures, rate));
        self.bar.set_position(figures.read.0);
        (self.shown, self.before) = (now, figures);
    }

    /// Takes the line away.
    pub fn end(self) {
        self.bar.finish_and_clear();
    }
}

fn line(figures: Figures, rate: f64) -> String {
    let mut line = format!(
        "{} packets ({}/s), {} connections, {} live",
        HumanCount(figures.packets),
        HumanCount(rate as u64),
        HumanCount(figures.connections),
        HumanCount(figures.live)
    );
    if figures.lost > 0 {
        // Writing to a string does not fail.
        let _ = write!(line, ", {} LOST", HumanCount(figures.lost));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_stand_in_the_line_and_only_when_there_are_any() {
        let figures = Figures { packets: 1_234_567, connections: 12, live: 3, ..Figures::default() };
        assert_eq!(line(figures, 1000.0), "1,234,567 packets (1,000/s), 12 connections, 3 live");
        assert!(line(Figures { lost: 4, ..figures }, 1000.0).ends_with(", 4 LOST"));
    }
}
