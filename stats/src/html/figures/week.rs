//! The hours of the week.

use super::super::Data;
use super::super::page::{Content, Figure, Table};
use super::super::svg::{Axis, Plot, Scale, Tick, Unit};
use super::super::words::counted;
use super::{largest, of_campaign, panel};
use crate::burstiness::HOUR;
use crate::text::{bit_rate, duration};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Hours and days.
const HOURS: usize = 24;

/// Less than this says nothing of an hour of the week, s.
const SHORTEST: f64 = 86_400.0;

/// Bytes and seconds of each hour of the week.
type Week = [[(f64, f64); HOURS]; DAYS.len()];

/// Mean throughput of each hour of the week.
pub fn week(campaigns: &[Data]) -> Figure {
    let mut content = Vec::new();
    let mut table = Table::new(&["hour (UTC)", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
    for (at, data) in campaigns.iter().enumerate() {
        let recorded: f64 = data.burstiness.hours.iter().map(|hour| hour.recorded_s.0).sum();
        if recorded < SHORTEST {
            let words = format!("{} were recorded, and a day is the least that shows a rhythm.", duration(recorded));
            content.push(Content::Refused(of_campaign(campaigns, data, &words)));
            continue;
        }
        let week = gather(data);
        rows(&mut table, campaigns, data, &week);
        content.push(Content::Plots {
            legend: String::new(),
            plots: vec![(panel(campaigns, data), plot(&format!("week-{at}"), &week))],
        });
    }
    let hours: usize = campaigns.iter().map(|data| data.burstiness.hours.len()).sum();
    Figure {
        id: "fig-week".to_owned(),
        title: "Hours of the week".to_owned(),
        wide: true,
        content,
        reading: "Mean throughput by day and hour: the fuller the colour, the more. Empty cells were not recorded. \
            A rhythm of the day shifts the mean, which is why every figure of \
                  burstiness below is of one hour by itself."
            .to_owned(),
        basis: format!(
            "table intervals, IP bytes of TCP in both directions over the time recorded, {}, \
            UTC.",
            counted(hours as u64, "hour")
        ),
        data: Some(table),
    }
}

fn gather(data: &Data) -> Week {
    let mut week: Week = Default::default();
    for hour in &data.burstiness.hours {
        let number = hour.ts.0.div_euclid(HOUR);
        // The epoch was a Thursday.
        let day = (number.div_euclid(HOURS as i64) + 3).rem_euclid(DAYS.len() as i64) as usize;
        let cell = &mut week[day][number.rem_euclid(HOURS as i64) as usize];
        cell.0 += hour.bytes.per_second * hour.recorded_s.0;
        cell.1 += hour.recorded_s.0;
    }
    week
}

/// Bit/s; nothing where nothing was recorded.
fn rate(&(bytes, seconds): &(f64, f64)) -> Option<f64> {
    (seconds > 0.0).then(|| bytes * 8.0 / seconds)
}

fn plot(id: &str, week: &Week) -> String {
    let most = largest(week.iter().flatten().filter_map(rate));
    let hours = (0..=HOURS).step_by(3).map(|hour| Tick {
        value: hour as f64,
        label: format!("{hour}:00"),
        minor: hour % 6 != 0,
    });
    let days = DAYS.iter().enumerate().map(|(day, name)| Tick {
        value: 6.5 - day as f64,
        label: (*name).to_owned(),
        minor: false,
    });
    let x = Axis::with_ticks("hour of the day, UTC", Scale::linear(Unit::Number, 0.0, HOURS as f64), hours.collect());
    let y = Axis::with_ticks("", Scale::linear(Unit::Number, 0.0, 7.0), days.collect());
    let mut plot = Plot::new(
        id,
        "Throughput by hour of the week",
        "A map of seven days by twenty-four \
        hours.",
        [x, y],
    );
    for (day, hours) in week.iter().enumerate() {
        for (hour, cell) in hours.iter().enumerate() {
            let Some(rate) = rate(cell) else { continue };
            let fullness = if most > 0.0 { 0.04 + 0.96 * rate / most } else { 0.04 };
            let words = format!("{} {hour:02}:00: {}", DAYS[day], bit_rate(rate));
            let [left, top] = [hour as f64, 6.0 - day as f64];
            plot.cell([left, left + 1.0], [top, top + 1.0], fullness, &words);
        }
    }
    plot.finish()
}

fn rows(table: &mut Table, campaigns: &[Data], data: &Data, week: &Week) {
    for hour in 0..HOURS {
        let name = of_campaign(campaigns, data, &format!("{hour:02}:00"));
        let cells = week.iter().map(|day| rate(&day[hour]).map_or("-".to_owned(), bit_rate));
        table.row(std::iter::once(name).chain(cells));
    }
}
