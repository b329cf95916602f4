//! The columns of `events`.

use conntrack::Event;

use super::{Column, RowFamily, Value, column};

pub(crate) struct Events;

impl RowFamily for Events {
    type Row<'a> = Event;

    const THEMES: &'static [&'static [Column<Self>]] = &[COLUMNS];
}

const COLUMNS: &[Column<Events>] = &[
    column(
        "uid",
        "",
        Value::U64OrNull(|r| r.uid),
        "The connection it happened in; missing where it happened to the appliance.",
    ),
    column("ts", "ns since 1970-01-01 UTC", Value::Instant(|r| r.ts), "When it happened, in packet time."),
    column(
        "dir",
        "",
        Value::NameOrNull(|r| r.dir.map(wire::Direction::as_str)),
        "Whose packet made it happen: orig or resp.",
    ),
    column("kind", "", Value::Name(|r| r.kind.as_str()), "What happened."),
    column("detail", "", Value::Text(|r| &r.detail), "The particulars, for people."),
];
