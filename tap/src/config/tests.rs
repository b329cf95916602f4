use std::fs;

use super::*;

fn load(text: &str) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tap.toml");
    fs::write(&path, text).unwrap();
    Config::load(Some(&path), Table::new()).map_err(|error| error.to_string())
}

fn default() -> Config {
    Config::load(None, Table::new()).unwrap()
}

#[test]
fn a_file_changes_what_it_names_and_nothing_else() {
    let config = load("[tracker]\nheaders = 20\n").unwrap();
    let mut expected = default();
    expected.tracker.headers = 20;
    assert_eq!(config, expected);
}

#[test]
fn the_default_configuration_laid_over_itself_changes_nothing() {
    assert_eq!(load(DEFAULT).unwrap(), default());
}

#[test]
fn options_go_before_the_file() {
    let overrides: Table = "[tracker]\nheaders = 5\n".parse().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tap.toml");
    fs::write(&path, "[tracker]\nheaders = 20\nshards = 3\n").unwrap();
    let config = Config::load(Some(&path), overrides).unwrap();
    assert_eq!((config.tracker.headers, config.tracker.shards), (5, 3));
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_nearest() {
    let message = load("[tracker]\nheader = 5\n").unwrap_err();
    assert_eq!(message, "unknown key `tracker.header` in the configuration; did you mean `headers`?");
    let message = load("[traker]\n").unwrap_err();
    assert!(message.contains("did you mean `tracker`?"), "{message}");
    let message = load("[recorder]\nzzz = 1\n").unwrap_err();
    assert!(message.contains("there are: hang_after, high_water, interval_width"), "{message}");
}

#[test]
fn a_value_of_the_wrong_type_or_out_of_range_is_an_error_that_names_its_key() {
    for (text, part) in [
        (
            "[tracker]\nheaders = \"many\"\n",
            "`tracker.headers` in the configuration must be of type integer, not string",
        ),
        ("[tracker]\nheaders = 101\n", "`tracker.headers` in the configuration: it must lie in 0 to 100, not be 101"),
        (
            "[tracker]\nheaders = 300\n",
            "`tracker.headers` in the configuration: invalid value: integer `300`, expected u8",
        ),
        ("[tracker]\nshards = -1\n", "`tracker.shards`"),
        ("[tracker]\nmax_attempts = 0\n", "`tracker.max_attempts`"),
        (
            "[tracker.timeouts]\nattempt = \"soon\"\n",
            "`tracker.timeouts.attempt` in the configuration: `soon` is not a length",
        ),
        ("tracker = 5\n", "`tracker` in the configuration must be of type table, not integer"),
    ] {
        let message = load(text).expect_err(text);
        assert!(message.contains(part), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_line() {
    let message = load("[tracker]\n\nheaders = = 3\n").unwrap_err();
    assert!(message.contains("line 3 of the configuration"), "{message}");
    assert!(!message.contains('\n'), "{message}");
}
