//! `docs/definitions.md` is what the program prints.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;

use support::printed;

/// To accept a change of columns, run the test with `ACCEPT=1`.
#[test]
fn the_committed_definitions_are_those_of_the_columns() {
    let text = printed(&["columns", "--format", "markdown"]);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/definitions.md");
    if std::env::var_os("ACCEPT").is_some() {
        fs::write(file, &text).unwrap();
    }
    assert!(text == fs::read_to_string(file).unwrap(), "{file} is not up to date: run this test with ACCEPT=1");
}

#[test]
fn every_column_has_a_definition_that_is_a_sentence_and_fits_a_table() {
    for table in recorder::Table::ALL {
        for column in recorder::columns::of(table) {
            let (name, definition) = (column.name, column.definition);
            assert!(
                definition.ends_with('.') && definition.starts_with(char::is_uppercase),
                "{table}.{name}: {definition}"
            );
            assert!(!definition.contains(['|', '\n']), "{table}.{name}: {definition}");
        }
    }
}
