//! Pages for people: aligned, at most 100 columns wide.

use std::fmt::Display;

use crate::text::{count, share};

/// Text that grows by lines.
#[derive(Debug, Default)]
pub struct Page {
    /// So far.
    pub text: String,
}

impl Page {
    const WIDTH: usize = 100;
    const LABEL: usize = 52;

    /// A line, without spaces at its end. Names that it tells may hold line feeds, and sequences that terminals obey: both are written out.
    pub fn line(&mut self, line: &str) {
        for character in line.trim_end().chars() {
            if character.is_control() {
                self.text.extend(character.escape_default());
            } else {
                self.text.push(character);
            }
        }
        self.text.push('\n');
    }

    /// A title after an empty line, with the columns' names.
    pub fn section(&mut self, title: &str, columns: &[&str]) {
        self.text.push('\n');
        self.row(title, columns);
    }

    /// A label and columns of 16 characters, to the right.
    pub fn row(&mut self, label: impl Display, columns: &[&str]) {
        let columns = columns.iter().map(|column| format!("{column:>16}")).collect::<String>();
        self.line(&format!("{label:<width$}{columns}", width = Self::LABEL));
    }

    /// A label, a part and its share of the whole.
    pub fn counted(&mut self, label: impl Display, part: u64, whole: u64) {
        self.row(label, &[&count(part), &share(part, whole)]);
    }

    /// A name and words about it, broken at spaces.
    pub fn fact(&mut self, name: &str, words: &str) {
        const NAME: usize = 14;
        let mut line = format!("  {name:<width$}", width = NAME - 2);
        let mut empty = true;
        for word in words.split(' ') {
            if !empty && line.chars().count() + 1 + word.chars().count() > Self::WIDTH {
                self.line(&line);
                line = " ".repeat(NAME);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.line(&line);
    }
}
