//! The page of `conntrack-report html`, in a real browser and as a text.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::{Campaign, printed, report, skip};

/// Every figure of the page.
const FIGURES: [&str; 21] = [
    "throughput",
    "busiest",
    "packets",
    "openings",
    "live",
    "week",
    "states",
    "reasons",
    "sizes",
    "durations",
    "rates",
    "rtt",
    "tails",
    "peaks",
    "idc",
    "logscale",
    "hurst",
    "arrivals",
    "alpha",
    "timeouts",
    "hosts",
];

/// Those that a campaign of a few seconds has a plot for.
const PLOTS: [&str; 10] = [
    "throughput-0",
    "busiest-0",
    "packets-0",
    "openings-0",
    "live-0",
    "sizes",
    "durations",
    "rtt",
    "peaks",
    "logscale-0-0",
];

/// Writes a campaign and its page, and returns the page.
fn page(folder: &Path, campaign: &Campaign, arguments: &[&str]) -> String {
    let (dir, file) = (folder.join("lab"), folder.join("lab.html"));
    campaign.write(&dir);
    let arguments = [&["html", dir.to_str().unwrap(), "-o", file.to_str().unwrap()], arguments].concat();
    printed(&arguments);
    fs::read_to_string(file).unwrap()
}

/// What the browser makes of a file, and what it has to complain about; nothing without a browser.
fn browse(file: &Path) -> Option<(String, String)> {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"])
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", file.display()))
        .env("HOME", profile.path())
        .output();
    let Ok(output) = output else {
        skip("chromium is not there to open the page; scripts/packages.sh test installs it");
        return None;
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert!(output.status.success(), "{}", text(output.stderr));
    Some((text(output.stdout), text(output.stderr)))
}

#[test]
fn a_real_browser_shows_every_figure_and_has_nothing_to_complain_about() {
    let folder = tempfile::tempdir().unwrap();
    page(folder.path(), &Campaign { connections: 5000, lossy: true, ..Campaign::default() }, &[]);
    let Some((dom, complaints)) = browse(&folder.path().join("lab.html")) else { return };
    let said: Vec<&str> = complaints.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(said.is_empty(), "{said:?}");
    for figure in FIGURES {
        assert!(dom.contains(&format!(r#"<figure id="fig-{figure}""#)), "the figure {figure} is missing");
    }
    for plot in PLOTS {
        assert!(dom.contains(&format!(r#"<svg class="plot" id="{plot}""#)), "the plot {plot} is missing");
    }
    assert!(dom.contains(r#"<figure id="fig-sequence-"#), "no connection is looked at closely");
}

#[test]
fn the_page_needs_nothing_from_elsewhere_and_no_script() {
    let folder = tempfile::tempdir().unwrap();
    let html = page(folder.path(), &Campaign::default(), &[]);
    for outside in [
        "http:",
        "https:",
        "src=\"",
        "@import",
        "<script",
        "<iframe",
        "<object",
        "<link rel=\"stylesheet",
        "onload",
        "onclick",
    ] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.match_indices("url(").all(|(at, _)| html[at..].starts_with("url(#")));
    for reference in html.match_indices("href=\"").map(|(at, _)| &html[at + 6..at + 12]) {
        assert!(reference.starts_with('#') || reference.starts_with("data:"), "{reference}");
    }
}

#[test]
fn ids_are_given_once_and_tags_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let html = page(folder.path(), &Campaign::default(), &[]);
    let mut ids: Vec<&str> =
        html.match_indices(" id=\"").filter_map(|(at, _)| html[at + 5..].split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    for tag in ["figure", "section", "svg", "table", "details", "div", "ul", "dl", "figcaption", "main"] {
        let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    assert!(!html.contains("NaN") && !html.contains("inf%"), "a figure that is none");
}

#[test]
fn losses_come_first_and_what_they_touch_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let html = page(folder.path(), &Campaign { lossy: true, ..Campaign::default() }, &[]);
    let (loss, figure) = (html.find("The capture lost 1,023 of").unwrap(), html.find("<figure").unwrap());
    assert!(loss < figure);
    let folder = tempfile::tempdir().unwrap();
    let html = page(folder.path(), &Campaign::default(), &[]);
    assert!(html.contains("No packet, no row and no byte"), "{}", &html[..3000]);
}

#[test]
fn a_title_and_a_connection_can_be_asked_for_and_nothing_said_is_taken_for_markup() {
    let folder = tempfile::tempdir().unwrap();
    let uid = support::record(0).uid.to_string();
    let html = page(folder.path(), &Campaign::default(), &["--uid", &uid, "--title", "<script>week</script>"]);
    assert!(html.contains("<title>&lt;script&gt;week&lt;/script&gt;</title>"));
    assert_eq!(html.matches(r#"<figure id="fig-sequence-"#).count(), 1);
    assert!(html.contains(&format!(r#"<figure id="fig-sequence-{uid}""#)));
    let dir = folder.path().join("lab");
    let output =
        report(&["html", dir.to_str().unwrap(), "--uid", "1", "-o", folder.path().join("x.html").to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no connection has the uid 1"), "{output:?}");
}

#[test]
fn campaigns_stand_side_by_side_and_an_empty_one_has_a_page_too() {
    let folder = tempfile::tempdir().unwrap();
    let [monday, empty, file] = ["monday", "empty", "both.html"].map(|name| folder.path().join(name));
    Campaign::default().write(&monday);
    Campaign { connections: 0, ..Campaign::default() }.write(&empty);
    let [monday, empty, file] = [&monday, &empty, &file].map(|path| path.to_str().unwrap());
    printed(&["html", monday, empty, "-o", file]);
    let html = fs::read_to_string(file).unwrap();
    for part in ["monday: ", "empty: ", "<title>monday and empty</title>", "No figure."] {
        assert!(html.contains(part), "{part} is missing");
    }
    assert!(!html.contains("NaN"));
    printed(&["html", empty, "-o", file]);
    assert!(fs::read_to_string(file).unwrap().contains("The base series is empty."));
}
