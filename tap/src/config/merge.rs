//! Laying one configuration over another, key by key.
//!
//! The default configuration has every key that there is, with a value of its type, so it is also the schema: a key that it
//! lacks is unknown, and a value of another type is wrong.

use toml::{Table, Value};

use super::ConfigError;

/// Lays `over` on `base`. `path` is where both stand, for messages; empty at the top.
pub(super) fn lay(base: &mut Table, over: Table, path: &str) -> Result<(), ConfigError> {
    for (key, value) in over {
        let place = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let Some(known) = base.get_mut(&key) else {
            return Err(ConfigError::UnknownKey { nearest: nearest(&key, base), key: place });
        };
        match (known, value) {
            (Value::Table(below), Value::Table(above)) => lay(below, above, &place)?,
            (known, value) if known.same_type(&value) => *known = value,
            (known, value) => {
                let (expected, found) = (known.type_str(), value.type_str());
                return Err(ConfigError::WrongType { key: place, expected, found });
            }
        }
    }
    Ok(())
}

/// What the writer of `key` may have meant, as a hint; empty where nothing is like it.
fn nearest(key: &str, known: &Table) -> String {
    let alike = |candidate: &&String| strsim::jaro_winkler(key, candidate);
    let best = known.keys().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    match best {
        Some(best) if alike(&best) > 0.7 => format!("; did you mean `{best}`?"),
        _ => {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            format!("; there are: {}", names.join(", "))
        }
    }
}
