//! The page: text, tables and figures as HTML, everything that a campaign or a user says escaped.

use std::fmt::Write as _;

use super::svg;

const STYLE: &str = include_str!("style.css");

/// A text as it may stand in HTML, also between quotation marks. Control characters are written out.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character if character.is_control() => escaped.extend(character.escape_default()),
            character => escaped.push(character),
        }
    }
    escaped
}

/// HTML that grows. Only this module and the plots write tags.
#[derive(Debug, Default)]
pub struct Page {
    html: String,
}

/// A table: the names of its columns, and rows of as many cells. The first column names the row, the others are numbers.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no row yet.
    #[must_use]
    pub fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

/// A row of a list with bars.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What it is.
    pub name: String,
    /// That in words; may be empty.
    pub words: String,
    /// Its number, as text.
    pub value: String,
    /// Its part of the whole, 0 to 1.
    pub share: f64,
}

/// What stands in a figure.
#[derive(Debug)]
pub enum Content {
    /// Plots, each with a title that may be empty, under one legend.
    Plots {
        /// Names of the series.
        legend: String,
        /// Titles and pictures.
        plots: Vec<(String, String)>,
    },
    /// Lists with bars, each with a title that may be empty.
    Bars(Vec<(String, Vec<Bar>)>),
    /// A table that is the figure.
    Table(Table),
    /// Why there is no figure.
    Refused(String),
}

/// A figure with all that belongs to it.
#[derive(Debug)]
pub struct Figure {
    /// Its name in the page.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whether it takes the whole width.
    pub wide: bool,
    /// What is shown.
    pub content: Vec<Content>,
    /// How to read it.
    pub reading: String,
    /// What it rests on: table, number of samples, units.
    pub basis: String,
    /// The data behind it.
    pub data: Option<Table>,
}

impl Page {
    /// Begins the page.
    #[must_use]
    pub fn new(title: &str) -> Self {
        let mut page = Self::default();
        // No script, nothing from elsewhere: a browser holds the page to it.
        page.html += "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
            <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
            img-src data:\">\n\
            <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
            <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n";
        let _ = write!(page.html, "<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n", escape(title));
        page.html += svg::SHAPES;
        page
    }

    /// The header: the title, a line above it, facts below it.
    pub fn header(&mut self, above: &str, title: &str, facts: &[(String, String)]) {
        let _ = write!(
            self.html,
            "<header>\n<p class=\"above\">{}</p>\n<h1>{}</h1>\n<dl class=\"facts\">",
            escape(above),
            escape(title)
        );
        for (name, words) in facts {
            let _ = write!(self.html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(words));
        }
        self.html += "</dl>\n</header>\n<main>\n";
    }

    /// Links to the sections.
    pub fn contents(&mut self, sections: &[(&str, &str)]) {
        self.html += "<nav aria-label=\"Sections\"><ul>";
        for (id, title) in sections {
            let _ = write!(self.html, "<li><a href=\"#{}\">{}</a></li>", escape(id), escape(title));
        }
        self.html += "</ul></nav>\n";
    }

    /// Begins a section, and ends the one before it.
    pub fn section(&mut self, id: &str, title: &str, words: &str) {
        self.end_section();
        let _ = write!(self.html, "<section id=\"{}\">\n<h2>{}</h2>\n", escape(id), escape(title));
        if !words.is_empty() {
            let _ = writeln!(self.html, "<p class=\"lead\">{}</p>", escape(words));
        }
        self.html += "<div class=\"grid\">\n";
    }

    /// What was lost: a sentence each. `bad` where something was.
    pub fn verdict(&mut self, title: &str, sentences: &[String], bad: bool) {
        let class = if bad { "verdict bad" } else { "verdict" };
        let _ = write!(self.html, "<div class=\"{class}\"><h3>{}</h3><ul>", escape(title));
        for sentence in sentences {
            let _ = write!(self.html, "<li>{}</li>", escape(sentence));
        }
        self.html += "</ul></div>\n";
    }

    /// Headline figures: name, value, and what it rests on.
    pub fn tiles(&mut self, title: &str, tiles: &[[String; 3]]) {
        if !title.is_empty() {
            let _ = writeln!(self.html, "<h3 class=\"over\">{}</h3>", escape(title));
        }
        self.html += "<dl class=\"tiles\">";
        for [name, value, basis] in tiles {
            let _ = write!(
                self.html,
                "<div><dt>{}</dt><dd>{}</dd><dd class=\"basis\">{}</dd></div>",
                escape(name),
                escape(value),
                escape(basis)
            );
        }
        self.html += "</dl>\n";
    }

    /// A figure.
    pub fn figure(&mut self, figure: &Figure) {
        let wide = if figure.wide { " class=\"wide\"" } else { "" };
        let _ = write!(
            self.html,
            "<figure \
            id=\"{}\"{wide}>\n<h3>{}</h3>\n",
            escape(&figure.id),
            escape(&figure.title)
        );
        for content in &figure.content {
            self.content(content);
        }
        let _ = write!(self.html, "<figcaption><p>{}</p>", escape(&figure.reading));
        let _ = writeln!(self.html, "<p class=\"basis\">{}</p></figcaption>", escape(&figure.basis));
        if let Some(table) = figure.data.as_ref().filter(|table| !table.rows.is_empty()) {
            self.html += "<details><summary>The data</summary>\n";
            self.table(table);
            self.html += "</details>\n";
        }
        self.html += "</figure>\n";
    }

    /// Ends the page.
    #[must_use]
    pub fn finish(mut self, footer: &[String]) -> String {
        self.end_section();
        self.html += "</main>\n<footer>\n";
        for line in footer {
            let _ = writeln!(self.html, "<p>{}</p>", escape(line));
        }
        self.html += "</footer>\n</body>\n</html>\n";
        self.html
    }

    fn end_section(&mut self) {
        if self.html.contains("<section ") {
            self.html += "</div>\n</section>\n";
        }
    }

    fn content(&mut self, content: &Content) {
        match content {
            Content::Plots { legend, plots } => {
                self.html += legend;
                self.html += if plots.len() > 1 { "<div class=\"panels\">\n" } else { "<div>\n" };
                for (title, plot) in plots {
                    let title = if title.is_empty() { String::new() } else { format!("<h4>{}</h4>", escape(title)) };
                    let _ = writeln!(self.html, "<div class=\"panel\">{title}{plot}</div>");
                }
                self.html += "</div>\n";
            }
            Content::Bars(lists) => {
                self.html += if lists.len() > 1 { "<div class=\"panels\">\n" } else { "<div>\n" };
                lists.iter().for_each(|(title, bars)| self.bars(title, bars));
                self.html += "</div>\n";
            }
            Content::Table(table) => self.table(table),
            Content::Refused(why) => {
                let _ = writeln!(self.html, "<p class=\"refused\"><strong>No figure.</strong> {}</p>", escape(why));
            }
        }
    }

    fn bars(&mut self, title: &str, bars: &[Bar]) {
        let title = if title.is_empty() { String::new() } else { format!("<caption>{}</caption>", escape(title)) };
        let _ = writeln!(self.html, "<table class=\"bars\">{title}<tbody>");
        for bar in bars {
            let words =
                if bar.words.is_empty() { String::new() } else { format!(" <span>{}</span>", escape(&bar.words)) };
            let percent = bar.share.clamp(0.0, 1.0) * 100.0;
            let _ = writeln!(
                self.html,
                "<tr><th scope=\"row\">{}{words}</th><td>{}</td><td>{}</td>\
                 <td class=\"bar\"><svg aria-hidden=\"true\"><rect width=\"{percent:.2}%\" \
                 height=\"100%\"/></svg></td></tr>",
                escape(&bar.name),
                escape(&bar.value),
                escape(&super::words::percent(bar.share)),
            );
        }
        self.html += "</tbody></table>\n";
    }

    fn table(&mut self, table: &Table) {
        self.html += "<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>";
        for name in &table.columns {
            let _ = write!(self.html, "<th scope=\"col\">{}</th>", escape(name));
        }
        self.html += "</tr></thead>\n<tbody>\n";
        for row in &table.rows {
            self.html += "<tr>";
            for (at, cell) in row.iter().enumerate() {
                let cell = escape(cell);
                let _ = if at == 0 {
                    write!(self.html, "<th scope=\"row\">{cell}</th>")
                } else {
                    write!(self.html, "<td>{cell}</td>")
                };
            }
            self.html += "</tr>\n";
        }
        self.html += "</tbody></table></div>\n";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_campaign_says_is_never_taken_for_markup() {
        assert_eq!(escape("<a href='x'>&\"\n"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\\n");
        let mut page = Page::new("</title><script>alert(1)</script>");
        page.header("a", "<h1>", &[("b".to_owned(), "<img src=x>".to_owned())]);
        page.section("s", "<i>", "<i>");
        let mut table = Table::new(&["<th>"]);
        table.row(["<td>".to_owned()]);
        let bar = Bar { name: "<n>".to_owned(), words: "<w>".to_owned(), value: "<v>".to_owned(), share: 2.0 };
        page.figure(&Figure {
            id: "f".to_owned(),
            title: "<f>".to_owned(),
            wide: true,
            content: vec![
                Content::Bars(vec![("<t>".to_owned(), vec![bar])]),
                Content::Refused("<r>".to_owned()),
                Content::Table(table.clone()),
            ],
            reading: "<p>".to_owned(),
            basis: "<p>".to_owned(),
            data: Some(table),
        });
        let html = page.finish(&["<f>".to_owned()]);
        for markup in ["<script>", "<img", "<i>", "<n>", "<w>", "<v>", "<t>", "<r>", "<f>"] {
            assert!(!html.contains(markup), "{markup} in {html}");
        }
        assert_eq!(html.matches("<section").count(), html.matches("</section>").count());
    }
}
