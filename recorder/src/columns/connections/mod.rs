//! The columns of `connections`, a file a theme.
//!
//! What is said of each direction alike is written once, in [`per_direction!`], and becomes two columns.

use conntrack::Record;

use super::{Column, RowFamily};

/// Entries for both directions: `name, unit, Kind(|row, side| value), definition;`. Each becomes the columns `orig_name` and `resp_name`;
/// `side` is the index of the direction, and the definition, in which "it" is the endpoint, begins with its role.
macro_rules! per_direction {
    ($($name:literal, $unit:expr, $kind:ident(|$row:ident, $side:ident| $value:expr), $definition:literal;)+) => {
        pub(super) const BOTH: &[super::super::Column<super::Connections>] = &[$(
            super::super::column(
                concat!("orig_", $name),
                $unit,
                super::super::Value::$kind(|$row| { let $side = 0; $value }),
                concat!("Originator: ", $definition),
            ),
            super::super::column(
                concat!("resp_", $name),
                $unit,
                super::super::Value::$kind(|$row| { let $side = 1; $value }),
                concat!("Responder: ", $definition),
            ),
        )+];
    };
}

mod counts;
mod identity;
mod instants;
mod options;
mod rates;
mod remarks;
mod rtt;
mod segments;
mod window;
mod zeek;

pub(crate) struct Connections;

impl RowFamily for Connections {
    type Row<'a> = Record;

    const THEMES: &'static [&'static [Column<Self>]] = &[
        identity::COLUMNS,
        identity::BOTH,
        zeek::COLUMNS,
        zeek::BOTH,
        counts::BOTH,
        instants::COLUMNS,
        instants::BOTH,
        segments::BOTH,
        rtt::COLUMNS,
        rtt::BOTH,
        window::BOTH,
        options::BOTH,
        rates::BOTH,
        remarks::COLUMNS,
    ];
}
