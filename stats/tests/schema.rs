//! The schemas of the reports, held against the reports.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

mod support;

use serde_json::{Map, Value};
use support::{Campaign, printed};

/// What is wrong with a value, by a schema: only what our schemas use is known, and keys that they do not name are wrong.
fn wrong(value: &Value, schema: &Value, root: &Value, at: &str, found: &mut Vec<String>) {
    let empty = Map::new();
    let schema = schema.as_object().unwrap_or(&empty);
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let target = name.strip_prefix('#').and_then(|pointer| root.pointer(pointer)).unwrap();
        wrong(value, target, root, at, found);
    }
    for (key, any) in [("anyOf", true), ("oneOf", true), ("allOf", false)] {
        let Some(choices) = schema.get(key).and_then(Value::as_array) else { continue };
        let complaints = choices.iter().map(|choice| {
            let mut complaints = Vec::new();
            wrong(value, choice, root, at, &mut complaints);
            complaints
        });
        let complaints: Vec<Vec<String>> = complaints.collect();
        if !(any && complaints.iter().any(Vec::is_empty)) {
            found.extend(complaints.concat());
        }
    }
    if let Some(names) = schema.get("enum").and_then(Value::as_array).filter(|names| !names.contains(value)) {
        found.push(format!("{at}: {value} is none of {names:?}"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at}: {value}"));
    }
    kind(value, schema, at, found);
    for (name, value) in value.as_object().unwrap_or(&empty) {
        let at = format!("{at}.{name}");
        match (schema.get("properties").and_then(|known| known.get(name)), schema.get("additionalProperties")) {
            (Some(known), _) | (None, Some(known)) => wrong(value, known, root, &at, found),
            (None, None) if schema.contains_key("properties") => found.push(format!("{at} is not in the schema")),
            (None, None) => {}
        }
    }
    for (number, value) in value.as_array().into_iter().flatten().enumerate() {
        wrong(value, schema.get("items").unwrap_or(&Value::Null), root, &format!("{at}[{number}]"), found);
    }
}

/// The type, and the keys that must be there.
fn kind(value: &Value, schema: &Map<String, Value>, at: &str, found: &mut Vec<String>) {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    };
    let fits = match schema.get("type") {
        Some(Value::String(name)) => is(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    };
    if !fits {
        found.push(format!("{at}: {value} is no {}", schema["type"]));
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if value.is_object() && value.get(name).is_none() {
            found.push(format!("{at} has no {name}"));
        }
    }
}

#[test]
fn every_report_is_as_its_schema_says() {
    let folder = tempfile::tempdir().unwrap();
    let campaigns = [
        Campaign::default(),
        Campaign { connections: 5000, lossy: true, headers: false, ..Campaign::default() },
        Campaign { connections: 0, ..Campaign::default() },
    ];
    for (number, campaign) in campaigns.iter().enumerate() {
        let dir = folder.path().join(number.to_string());
        campaign.write(&dir);
        for report in ["summary", "throughput", "burstiness", "timeouts"] {
            let schema: Value = serde_json::from_str(&printed(&["schema", report])).unwrap();
            let value: Value =
                serde_json::from_str(&printed(&[report, dir.to_str().unwrap(), "--format", "json"])).unwrap();
            let mut found = Vec::new();
            wrong(&value, &schema, &schema, report, &mut found);
            assert!(found.is_empty(), "{found:#?}");
        }
    }
}

#[test]
fn a_schema_says_what_every_key_means() {
    let schema: Value = serde_json::from_str(&printed(&["schema", "burstiness"])).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let types = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    for (name, key) in types.filter_map(|found| found["properties"].as_object()).flatten() {
        assert!(key["description"].is_string() || key["$ref"].is_string(), "{name}: {key}");
    }
    let mut found = Vec::new();
    wrong(&serde_json::json!({ "hours": 3, "colour": "red" }), &schema, &schema, "it", &mut found);
    assert!(
        found.iter().any(|wrong| wrong.contains("it.hours")) && found.iter().any(|wrong| wrong.contains("colour")),
        "{found:?}"
    );
}
