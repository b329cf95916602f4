//! Plots as SVG that fit any width: places are per cent of the plot's area, text keeps its size, lines their width, and colours are those of the page's
//! style sheet, light or dark.
//!
//! Curves lie in a nested picture of 1000 by 1000 that is stretched over the area; what must not be stretched (text, markers, rules) stands beside it.
//! Labels of the axes lie outside of the area, in the margin that the style sheet leaves.

mod scale;
mod ticks;

use std::fmt::Write as _;

pub use scale::{Scale, Unit};
pub use ticks::Tick;

use super::page::escape;

/// How one of several series looks: its colour, its dashes and its marker, so that any one of them is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style(pub usize);

impl Style {
    /// How many looks there are.
    pub const ALL: usize = 6;

    const fn index(self) -> usize {
        self.0 % Self::ALL
    }
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    scale: Scale,
    title: String,
    ticks: Vec<Tick>,
}

impl Axis {
    /// With the ticks of its scale.
    #[must_use]
    pub fn new(title: impl Into<String>, scale: Scale) -> Self {
        Self { scale, title: title.into(), ticks: scale.ticks() }
    }

    /// With ticks at these values.
    #[must_use]
    pub fn with_ticks(title: impl Into<String>, scale: Scale, ticks: Vec<Tick>) -> Self {
        Self { scale, title: title.into(), ticks }
    }
}

/// A plot that grows by marks. Later marks lie over earlier ones of their kind; curves lie over regions, markers over curves.
#[derive(Debug)]
pub struct Plot {
    id: String,
    title: String,
    description: String,
    x: Axis,
    y: Axis,
    regions: String,
    curves: String,
    marks: String,
}

impl Plot {
    /// An empty plot. `id` is unique in the page; `title` and `description` are for who cannot see it.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        description: impl Into<String>,
        [x, y]: [Axis; 2],
    ) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            description: description.into(),
            x,
            y,
            regions: String::new(),
            curves: String::new(),
            marks: String::new(),
        }
    }

    /// A line through points.
    pub fn line(&mut self, style: Style, points: impl IntoIterator<Item = (f64, f64)>) {
        let path = self.path(points, false);
        self.curve(style, "line", &path);
    }

    /// A line that stays level until the next point.
    pub fn steps(&mut self, style: Style, points: impl IntoIterator<Item = (f64, f64)>) {
        let path = self.path(points, true);
        self.curve(style, "line", &path);
    }

    /// The area between two values at each place: `(x, low, high)`.
    pub fn band(&mut self, style: Style, points: &[(f64, f64, f64)]) {
        let there = points.iter().map(|&(x, low, _)| (x, low));
        let back = points.iter().rev().map(|&(x, _, high)| (x, high));
        let path = self.path(there.chain(back), false);
        self.curve(style, "band", &path);
    }

    /// Upright strokes from one value to another: `(x, low, high)`.
    pub fn strokes(&mut self, style: Style, points: impl IntoIterator<Item = (f64, f64, f64)>) {
        let path = points.into_iter().fold(String::new(), |mut path, (x, low, high)| {
            let [x, low, high] = [self.x(x), self.y(low), self.y(high)].map(|place| place * 1000.0);
            // Writing to a String cannot fail, here and below.
            let _ = write!(path, "M{x:.1} {low:.1}V{high:.1}");
            path
        });
        self.curve(style, "line stroke", &path);
    }

    /// A marker at each point.
    pub fn dots(&mut self, style: Style, points: impl IntoIterator<Item = (f64, f64)>) {
        for (x, y) in points {
            let (x, y) = (self.x(x) * 100.0, self.y(y) * 100.0);
            let index = style.index();
            let _ = write!(self.marks, r##"<use href="#m{index}" class="s{index}" x="{x:.2}%" y="{y:.2}%"/>"##);
        }
    }

    /// A letter at a point, beside its marker.
    pub fn letter(&mut self, (x, y): (f64, f64), letter: &str) {
        let (x, y) = (self.x(x) * 100.0, self.y(y) * 100.0);
        let _ = write!(
            self.marks,
            r#"<text class="letter" x="{x:.2}%" y="{y:.2}%" dx="5" dy="-4">{}</text>"#,
            escape(letter)
        );
    }

    /// Marks all between two places of the x axis, with words that show where a pointer rests.
    pub fn region(&mut self, from: f64, to: f64, words: &str) {
        let (from, to) = (self.x(from) * 100.0, self.x(to) * 100.0);
        let width = (to - from).max(0.2);
        let _ = write!(
            self.regions,
            r#"<rect class="loss" x="{from:.2}%" width="{width:.2}%" y="0" height="100%"><title>{}</title></rect>"#,
            escape(words)
        );
    }

    /// A cell of a map: its corners, how full its colour is (0 to 1), and words that show where a pointer rests.
    pub fn cell(&mut self, x: [f64; 2], y: [f64; 2], fullness: f64, words: &str) {
        let [left, right] = x.map(|x| self.x(x) * 100.0);
        let [top, bottom] = y.map(|y| self.y(y) * 100.0);
        let (top, bottom) = (top.min(bottom), top.max(bottom));
        let _ = write!(
            self.regions,
            r#"<rect class="cell" x="{left:.2}%" y="{top:.2}%" width="{:.2}%" height="{:.2}%" fill-opacity="{fullness:.3}"><title>{}</title></rect>"#,
            right - left,
            bottom - top,
            escape(words)
        );
    }

    /// An upright rule at a value of the x axis, with its name.
    pub fn upright(&mut self, x: f64, name: &str) {
        let x = self.x(x) * 100.0;
        let _ = write!(
            self.marks,
            r#"<line class="rule" x1="{x:.2}%" x2="{x:.2}%" y1="0" y2="100%"/><text class="note" x="{x:.2}%" dx="4" y="12">{}</text>"#,
            escape(name)
        );
    }

    /// A level rule at a value of the y axis, with its name.
    pub fn level(&mut self, y: f64, name: &str) {
        let y = self.y(y) * 100.0;
        let _ = write!(
            self.marks,
            r#"<line class="rule" x1="0" x2="100%" y1="{y:.2}%" y2="{y:.2}%"/><text class="note end" x="100%" dx="-4" y="{y:.2}%" dy="-4">{}</text>"#,
            escape(name)
        );
    }

    /// The picture.
    #[must_use]
    pub fn finish(self) -> String {
        let id = escape(&self.id);
        let mut svg = format!(
            r#"<svg class="plot" id="{id}" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{}</title><desc id="{id}-d">{}</desc>"#,
            escape(&self.title),
            escape(&self.description)
        );
        svg += &self.axes();
        svg += &self.regions;
        let _ = write!(
            svg,
            r#"<svg class="curves" width="100%" height="100%" viewBox="0 0 1000 1000" preserveAspectRatio="none">{}</svg>{}</svg>"#,
            self.curves, self.marks
        );
        svg.push('\n');
        svg
    }

    fn axes(&self) -> String {
        let mut svg = String::from(r#"<g class="axis">"#);
        for tick in &self.x.ticks {
            let (at, minor) = (self.x(tick.value) * 100.0, if tick.minor { " minor" } else { "" });
            let _ = write!(
                svg,
                r#"<line x1="{at:.2}%" x2="{at:.2}%" y1="0" y2="100%"/><text class="x{minor}" x="{at:.2}%" y="100%" dy="18">{}</text>"#,
                escape(&tick.label)
            );
        }
        for tick in &self.y.ticks {
            let at = self.y(tick.value) * 100.0;
            let _ = write!(
                svg,
                r#"<line x1="0" x2="100%" y1="{at:.2}%" y2="{at:.2}%"/><text class="y" x="0" y="{at:.2}%" dx="-8" dy="4">{}</text>"#,
                escape(&tick.label)
            );
        }
        let _ = write!(
            svg,
            r#"<text class="title" x="0" y="0" dx="-56" dy="-12">{}</text><text class="title end" x="100%" y="100%" dy="36">{}</text></g>"#,
            escape(&self.y.title),
            escape(&self.x.title)
        );
        svg
    }

    /// From the left, 0 to 1.
    fn x(&self, value: f64) -> f64 {
        self.x.scale.place(value)
    }

    /// From the top, 0 to 1.
    fn y(&self, value: f64) -> f64 {
        1.0 - self.y.scale.place(value)
    }

    fn path(&self, points: impl IntoIterator<Item = (f64, f64)>, level: bool) -> String {
        let mut path = String::new();
        for (x, y) in points {
            let (x, y) = (self.x(x) * 1000.0, self.y(y) * 1000.0);
            let _ = match (path.is_empty(), level) {
                (true, _) => write!(path, "M{x:.1} {y:.1}"),
                (false, true) => write!(path, "H{x:.1}V{y:.1}"),
                (false, false) => write!(path, "L{x:.1} {y:.1}"),
            };
        }
        path
    }

    fn curve(&mut self, style: Style, kind: &str, path: &str) {
        if !path.is_empty() {
            let _ = write!(self.curves, r#"<path class="s{} {kind}" d="{path}"/>"#, style.index());
        }
    }
}

/// The shapes of the markers, once a page: one for each [`Style`], and the hatching of what was lost.
pub const SHAPES: &str = concat!(
    r#"<svg class="shapes" aria-hidden="true"><defs>"#,
    r#"<circle id="m0" r="3.4"/><rect id="m1" x="-3" y="-3" width="6" height="6"/><path id="m2" d="M0-4.2 4 3H-4Z"/>"#,
    r#"<path id="m3" d="M0-4.6 4.6 0 0 4.6-4.6 0Z"/><path id="m4" d="M-3.5-3.5 3.5 3.5M3.5-3.5-3.5 3.5"/><path id="m5" d="M-4 0H4M0-4V4"/>"#,
    r#"<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2.4" height="6"/></pattern>"#,
    "</defs></svg>\n"
);

/// The names of series that are lines.
#[must_use]
pub fn lines(names: &[(Style, &str)]) -> String {
    keys(names, false)
}

/// The names of series that have markers.
#[must_use]
pub fn legend(names: &[(Style, &str)]) -> String {
    keys(names, true)
}

/// Names beside a piece of each one's line, with its marker where it has one.
fn keys(names: &[(Style, &str)], with_markers: bool) -> String {
    let entries = names.iter().fold(String::new(), |mut list, (style, name)| {
        let index = style.index();
        let marker = if with_markers {
            format!(r##"<use href="#m{index}" class="s{index}" x="50%" y="50%"/>"##)
        } else {
            String::new()
        };
        let _ = write!(
            list,
            r##"<li><svg class="key" aria-hidden="true"><line class="s{index} line" x1="0" x2="100%" y1="50%" \
                y2="50%"/>{marker}</svg>{}</li>"##,
            escape(name)
        );
        list
    });
    format!("<ul class=\"legend\">{entries}</ul>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot() -> Plot {
        let axis = |title: &str| Axis::new(title, Scale::linear(Unit::Number, 0.0, 10.0));
        Plot::new("p", "A <plot>", "of \"nothing\"", [axis("x & more"), axis("y")])
    }

    #[test]
    fn curves_are_stretched_and_markers_and_text_are_not() {
        let mut plot = plot();
        plot.line(Style(0), [(0.0, 0.0), (5.0, 10.0)]);
        plot.steps(Style(1), [(0.0, 0.0), (10.0, 5.0)]);
        plot.dots(Style(2), [(5.0, 5.0)]);
        let svg = plot.finish();
        for part in [
            "M0.0 1000.0L500.0 0.0",
            "M0.0 1000.0H1000.0V500.0",
            r##"<use href="#m2" class="s2" x="50.00%" y="50.00%"/>"##,
        ] {
            assert!(svg.contains(part), "{part} is missing in {svg}");
        }
    }

    #[test]
    fn words_cannot_break_out() {
        let mut plot = plot();
        plot.region(1.0, 2.0, "</title><script>");
        plot.upright(3.0, "<b>");
        let svg = plot.finish();
        assert!(!svg.contains("<script>") && !svg.contains("<b>") && svg.contains("A &lt;plot&gt;"), "{svg}");
    }
}
