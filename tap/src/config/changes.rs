//! What differs between two configurations.

use std::fmt;

use toml::{Table, Value};

use super::Config;

/// Keys that a running tap can change without losing a packet: they are the recorder's and the main thread's. Everything else shapes
/// queues, tables or files that are in use.
const LIVE: [&str; 10] = [
    "campaign.duration",
    "recorder.sync_every",
    "recorder.segment_bytes",
    "recorder.segment_age",
    "recorder.manifest_every",
    "recorder.retry_every",
    "recorder.hang_after",
    "recorder.quota",
    "recorder.high_water",
    "recorder.low_water",
];

/// A key with another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    key: String,
    from: Value,
    to: Value,
}

impl Change {
    /// Whether a running tap can make it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        LIVE.contains(&self.key.as_str())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {} to {}", self.key, self.from, self.to)
    }
}

impl Config {
    /// What is different in `other`.
    #[must_use]
    pub fn changes_to(&self, other: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        // A configuration came from a table, and makes one again.
        if let (Ok(from), Ok(to)) = (Table::try_from(self), Table::try_from(other)) {
            compare(&from, &to, "", &mut changes);
        }
        changes
    }
}

fn compare(from: &Table, to: &Table, path: &str, changes: &mut Vec<Change>) {
    for (key, before) in from {
        let key_path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (before, to.get(key)) {
            (Value::Table(before), Some(Value::Table(after))) => compare(before, after, &key_path, changes),
            (before, Some(after)) if before != after => {
                changes.push(Change { key: key_path, from: before.clone(), to: after.clone() });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::load(None, text.parse().unwrap()).unwrap()
    }

    #[test]
    fn changes_are_told_by_key_and_those_that_can_be_made_are_known() {
        let after = config("[recorder]\nsync_every = \"100ms\"\n[tracker]\nheaders = 20\n");
        let changes = config("").changes_to(&after);
        let told: Vec<(String, bool)> = changes.iter().map(|change| (change.to_string(), change.is_live())).collect();
        assert_eq!(
            told,
            [
                ("recorder.sync_every from \"500ms\" to \"100ms\"".to_owned(), true),
                ("tracker.headers from 100 to 20".to_owned(), false)
            ]
        );
        assert_eq!(after.changes_to(&after), []);
    }

    #[test]
    fn every_key_that_can_change_exists() {
        let all = Table::try_from(config("")).unwrap();
        for key in LIVE {
            let (section, name) = key.split_once('.').unwrap();
            assert!(all[section].get(name).is_some(), "{key}");
        }
    }
}
