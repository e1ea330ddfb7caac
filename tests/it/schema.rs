//! Values against JSON schemas, as far as those of OpenLineage and our own go: a word of a schema that is not
//! known here fails the test.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Schemas by their `$id`.
pub(crate) struct Schemas(pub BTreeMap<String, Value>);

impl Schemas {
    /// What is wrong with a value that is to be as this address says, if anything is.
    pub(crate) fn check(&self, value: &Value, address: &str) -> Result<(), String> {
        let (id, pointer) = address.split_once('#').unwrap_or((address, ""));
        let document = self.0.get(id).ok_or_else(|| format!("there is no schema {id}"))?;
        let schema = document.pointer(pointer).ok_or_else(|| format!("{id} has no {pointer}"))?;
        self.check_by(value, schema, id)
    }

    fn check_by(&self, value: &Value, schema: &Value, id: &str) -> Result<(), String> {
        for (word, of) in schema.as_object().expect("a schema is an object") {
            let checked = self.check_word(value, word, of, schema, id);
            checked.map_err(|error| format!("{word}: {error}"))?;
        }
        Ok(())
    }

    fn check_word(
        &self,
        value: &Value,
        word: &str,
        of: &Value,
        schema: &Value,
        id: &str,
    ) -> Result<(), String> {
        let each = || of.as_array().expect("a list of schemas").iter();
        let good = || each().filter(|one| self.check_by(value, one, id).is_ok()).count();
        let is_right = match word {
            "$ref" => {
                let to = text(of);
                let own = format!("{id}{to}");
                return self.check(value, if to.starts_with('#') { &own } else { to });
            }
            "allOf" => return each().try_for_each(|one| self.check_by(value, one, id)),
            "anyOf" => good() > 0,
            "oneOf" => good() == 1,
            "not" => self.check_by(value, of, id).is_err(),
            "type" => match text(of) {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_i64() || value.is_u64(),
                "number" => value.is_number(),
                "boolean" => value.is_boolean(),
                "null" => value.is_null(),
                other => panic!("a type `{other}`"),
            },
            "const" => of == value,
            "enum" => each().any(|one| one == value),
            "format" => value.as_str().is_none_or(|value| is_of_format(value, text(of))),
            "required" => value
                .as_object()
                .is_none_or(|value| each().all(|name| value.contains_key(text(name)))),
            "items" => {
                let mut items = value.as_array().into_iter().flatten();
                return items.try_for_each(|item| self.check_by(item, of, id));
            }
            "properties" | "additionalProperties" => {
                let Some(value) = value.as_object() else { return Ok(()) };
                return self.check_properties(value, word, of, schema, id);
            }
            "description" | "example" | "deprecated" | "$id" | "$schema" | "$defs" => true,
            other => panic!("a schema has `{other}`, which is not known here"),
        };
        is_right.then_some(()).ok_or_else(|| format!("{of} is not so of {value}"))
    }

    fn check_properties(
        &self,
        value: &Map<String, Value>,
        word: &str,
        of: &Value,
        schema: &Value,
        id: &str,
    ) -> Result<(), String> {
        for (name, value) in value {
            let own = schema.get("properties").and_then(|all| all.get(name));
            let by = if word == "properties" { own } else { own.is_none().then_some(of) };
            match by {
                Some(Value::Bool(allowed)) if !allowed => return Err(format!("{name}: too much")),
                Some(Value::Bool(_)) | None => {}
                Some(by) => {
                    self.check_by(value, by, id).map_err(|error| format!("{name}: {error}"))?;
                }
            }
        }
        Ok(())
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn is_of_format(value: &str, format: &str) -> bool {
    let like = |pattern| regex::Regex::new(pattern).expect("a pattern").is_match(value);
    match format {
        "uri" => like(r"^[a-z][a-z0-9+.-]*:[^\s]+$"),
        "date-time" => like(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"),
        "uuid" => {
            like(r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        }
        other => panic!("a format `{other}`"),
    }
}
