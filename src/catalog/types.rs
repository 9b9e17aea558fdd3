//! Types of attributes and properties, and the values written for them.

use std::sync::Arc;

use serde_json::Value as Json;

use super::fields::{Fields, list, table, unknown, wrong_type};
use super::naming::{is_name, warn_if_unreadable};
use super::shape;
use super::tree::{Entry, Kind, Node};
use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::MAX_VALUE_DEPTH;
use crate::base::source_text::Span;
use crate::model::value::{Type, Value};

/// The names of types, as a catalog writes them.
pub(super) const TYPE_NAMES: &[&str] = &["bool", "int", "float", "string", "time", "list", "map"];

/// What other languages call our types.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("boolean", "bool"),
    ("integer", "int"),
    ("long", "int"),
    ("number", "float"),
    ("double", "float"),
    ("decimal", "float"),
    ("text", "string"),
    ("str", "string"),
    ("date", "time"),
    ("datetime", "time"),
    ("timestamp", "time"),
    ("array", "list"),
    ("object", "map"),
    ("record", "map"),
    ("table", "map"),
    ("struct", "map"),
];

/// The type a declaration's table gives by its keys `type`, `of` and `fields`.
pub(super) fn of_table(fields: &Fields<'_>, span: Span, depth: usize, report: &mut Report) -> Option<Type> {
    let (of, named_fields) = (fields.entry("of"), fields.entry("fields"));
    let Some(written) = fields.get("type") else {
        let finding = Finding::error("missing_key", span, "the type is missing");
        report.push(finding.with_help("write `type = \"string\"`, or another of the types"));
        return None;
    };
    let Kind::String(name) = &written.kind else {
        wrong_type(written, "the name of a type", report);
        return None;
    };
    match (name.value.as_str(), of, named_fields) {
        ("list", of, None) => Some(Type::List(Box::new(element(of, depth, report)?))),
        ("map", of, None) => Some(Type::Map(Box::new(element(of, depth, report)?))),
        ("map", None, Some(fields)) => record(&fields.value, depth, report),
        ("map", Some(of), Some(_)) => {
            let message = "a map has either `of`, the type of all its values, or `fields`";
            report.push(Finding::error("misplaced_key", of.key.span, message));
            None
        }
        (name, of, fields) => {
            for entry in [of, fields].into_iter().flatten() {
                let (key, home) =
                    (&entry.key.value, if entry.key.value == "of" { "a list or map" } else { "a map" });
                let message = format!("`{key}` belongs to {home}, not to type `{name}`");
                report.push(Finding::error("misplaced_key", entry.key.span, message));
            }
            named(name, written.span, report)
        }
    }
}

/// A type by its name alone.
pub(super) fn named(name: &str, span: Span, report: &mut Report) -> Option<Type> {
    let ty = match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "float" => Type::Float,
        "string" => Type::String,
        "time" => Type::Time,
        "list" => Type::List(Box::new(Type::Any)),
        "map" => Type::Map(Box::new(Type::Any)),
        _ => {
            report.push(unknown_type(name, span));
            return None;
        }
    };
    Some(ty)
}

fn unknown_type(name: &str, span: Span) -> Finding {
    let lower = name.to_lowercase();
    let message = format!("unknown type `{name}`");
    let finding = unknown("unknown_type", message, name, span, TYPE_NAMES);
    match OTHER_NAMES.iter().find(|(other, _)| *other == lower) {
        Some((_, ours)) => finding.with_help(format!("here it is called `{ours}`")),
        None if lower == "duration" => {
            finding.with_help("durations exist only inside conditions; keep a number")
        }
        None => finding,
    }
}

fn element(of: Option<&Entry>, depth: usize, report: &mut Report) -> Option<Type> {
    of.map_or(Some(Type::Any), |of| nested(&of.value, depth + 1, report))
}

/// The type of an element or field: a name, or a table of its own.
fn nested(node: &Node, depth: usize, report: &mut Report) -> Option<Type> {
    if depth > MAX_VALUE_DEPTH {
        let message = format!("a type nested more than {MAX_VALUE_DEPTH} levels deep");
        report.push(Finding::error("too_deep", node.span, message));
        return None;
    }
    match &node.kind {
        Kind::String(name) => named(&name.value, node.span, report),
        Kind::Table(_) => {
            let fields = Fields::open(node, &shape::ELEMENT, report)?;
            fields.description(report);
            let ty = of_table(&fields, node.span, depth, report);
            fields.close();
            ty
        }
        _ => {
            wrong_type(node, "the name of a type or a table", report);
            None
        }
    }
}

fn record(node: &Node, depth: usize, report: &mut Report) -> Option<Type> {
    let mut fields: Vec<(Arc<str>, Type)> = Vec::new();
    let mut complete = true;
    for Entry { key, value } in table(node, report)? {
        let valid = is_name(&key.value, "a field", key.span, report);
        warn_if_unreadable(key, "the field", report);
        match nested(value, depth + 1, report) {
            Some(ty) if valid => fields.push((Arc::from(key.value.as_str()), ty)),
            _ => complete = false,
        }
    }
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    complete.then(|| Type::Record(fields.into()))
}

/// The values a declaration allows: a list that is not empty, each fitting the type.
pub(super) fn allowed_values(node: &Node, ty: &Type, report: &mut Report) -> Option<Vec<Value>> {
    if matches!(ty, Type::List(_) | Type::Map(_) | Type::Record(_)) {
        let finding =
            Finding::error("misplaced_key", node.span, format!("`values` cannot be listed for a {ty}"));
        report.push(finding.with_help("list the values of a bool, int, float, string or time"));
        return None;
    }
    let nodes = list(node, report)?;
    if nodes.is_empty() {
        let finding = Finding::error("empty", node.span, "an empty list of values allows none");
        report.push(finding.with_help("leave `values` out to allow all"));
    }
    let mut values: Vec<Value> = Vec::with_capacity(nodes.len());
    for node in nodes {
        match value(node, ty, report) {
            Some(Some(value)) => values.push(value),
            Some(None) => {
                report.push(Finding::error("wrong_type", node.span, "a missing value cannot be listed"));
            }
            None => {}
        }
    }
    Some(values)
}

/// Reads a value of type `ty`; `Some(None)` is `null`, `None` one that does not fit and was reported.
pub(super) fn value(node: &Node, ty: &Type, report: &mut Report) -> Option<Option<Value>> {
    match read_value(node, ty, 0) {
        Ok(value) => Some(value),
        Err(finding) => {
            report.push(finding);
            None
        }
    }
}

fn read_value(node: &Node, ty: &Type, depth: usize) -> Result<Option<Value>, Finding> {
    if depth > MAX_VALUE_DEPTH {
        let message = format!("a value nested more than {MAX_VALUE_DEPTH} levels deep");
        return Err(Finding::error("too_deep", node.span, message));
    }
    let json = match (&node.kind, ty) {
        (Kind::Null, _) => return Ok(None),
        (Kind::Array(nodes), Type::List(_) | Type::Any) => {
            let element = if let Type::List(element) = ty { element } else { &Type::Any };
            let values = nodes.iter().filter_map(|node| read_value(node, element, depth + 1).transpose());
            return Ok(Some(Value::List(values.collect::<Result<_, _>>()?)));
        }
        (Kind::Table(entries), Type::Map(_) | Type::Record(_) | Type::Any) => {
            return read_map(entries, ty, depth).map(Some);
        }
        (Kind::Bool(value), Type::Bool | Type::Any) => Json::from(*value),
        (Kind::Int(value), Type::Int | Type::Float | Type::Time | Type::Any) => Json::from(*value),
        (Kind::Float(value), Type::Float | Type::Any) if value.is_finite() => Json::from(*value),
        (Kind::Float(_), Type::Float | Type::Any) => {
            return Err(misfit(node, "expected a number that is finite"));
        }
        (Kind::String(text), Type::String | Type::Time | Type::Any) => Json::from(text.value.as_str()),
        (Kind::Date(date), Type::Time) => Json::from(date.as_str()),
        (Kind::Date(_), Type::Any) => {
            return Err(misfit(node, "a date has no meaning here").with_help("write it as text"));
        }
        _ => return Err(misfit(node, &format!("expected {}, found {}", expected(ty), node.describe()))),
    };
    Value::from_json(&json, ty).map_err(|mismatch| misfit(node, &mismatch.reason))
}

fn read_map(entries: &[Entry], ty: &Type, depth: usize) -> Result<Value, Finding> {
    let mut read: Vec<(Arc<str>, Value)> = Vec::with_capacity(entries.len());
    for Entry { key, value } in entries {
        let field = match ty {
            Type::Map(element) => element,
            Type::Record(declared) => {
                declared.iter().find(|(name, _)| **name == *key.value).map_or(&Type::Any, |(_, ty)| ty)
            }
            _ => &Type::Any,
        };
        let value = read_value(value, field, depth + 1)?;
        read.extend(value.map(|value| (Arc::from(key.value.as_str()), value)));
    }
    read.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Value::Map(read.into()))
}

fn misfit(node: &Node, message: &str) -> Finding {
    Finding::error("wrong_type", node.span, message)
}

fn expected(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "a bool",
        Type::Int => "an integer",
        Type::Float => "a float",
        Type::String => "a string",
        Type::Time => "a time, as RFC 3339 text or epoch milliseconds",
        Type::List(_) => "a list",
        Type::Map(_) | Type::Record(_) => "a table",
        Type::Duration | Type::Any => "a value",
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::{CatalogText, decode};
    use crate::model::declaration::FieldDeclaration;

    /// The attribute declared as `written`, or the first finding's message.
    fn attribute(written: &str) -> Result<FieldDeclaration, String> {
        let (mut declarations, report) =
            decode(&CatalogText::from_toml(&format!("schema = 1\nattributes.a = {written}")));
        match report.findings().first() {
            Some(finding) => Err(finding.message.clone()
                + &finding.help.as_ref().map_or(String::new(), |help| format!(" | {help}"))),
            None => Ok(declarations.attributes.remove(0).body),
        }
    }

    #[test]
    fn types_are_read() {
        for (written, printed) in [
            ("\"int\"", "Int"),
            ("{ type = \"list\" }", "List(Any)"),
            ("\"map\"", "Map(Any)"),
            ("{ type = \"list\", of = \"time\" }", "List(Time)"),
            ("{ type = \"map\", of = { type = \"list\", of = \"float\" } }", "Map(List(Float))"),
            (
                "{ type = \"map\", fields = { zip = \"string\", city = { type = \"string\" } } }",
                "Record([(\"city\", String), (\"zip\", String)])",
            ),
        ] {
            assert_eq!(format!("{:?}", attribute(written).unwrap().ty), printed);
        }
    }

    #[test]
    fn wrong_types_say_what_to_do() {
        for (written, message) in [
            (
                "\"strng\"",
                "unknown type `strng` | did you mean `string`? known here: `bool`, `int`, `float`, `string`, `time`, `list`, `map`",
            ),
            ("\"number\"", "unknown type `number` | here it is called `float`"),
            (
                "\"duration\"",
                "unknown type `duration` | durations exist only inside conditions; keep a number",
            ),
            ("{}", "the type is missing | write `type = \"string\"`, or another of the types"),
            ("{ type = 1 }", "expected the name of a type, found an integer"),
            ("{ type = \"int\", of = \"int\" }", "`of` belongs to a list or map, not to type `int`"),
            ("{ type = \"list\", fields = {} }", "`fields` belongs to a map, not to type `list`"),
            (
                "{ type = \"map\", of = \"int\", fields = {} }",
                "a map has either `of`, the type of all its values, or `fields`",
            ),
            (
                "{ type = \"list\", of = { type = \"int\", values = [1] } }",
                "the type of an element or field has no `values` | it belongs to the whole attribute or property, of type bool, int, float, string or time",
            ),
            (
                "{ type = \"float\", identifier = true }",
                "an attribute of type float cannot be an identifier: only strings and ints can",
            ),
            (
                "{ type = \"int\", identifier = true, default = 1 }",
                "an identifier cannot have a default: all customers would be one",
            ),
        ] {
            assert_eq!(attribute(written).unwrap_err(), message, "{written}");
        }
        let deep = "{ type = \"list\", of = ".repeat(17) + "\"int\"" + &"}".repeat(17);
        assert_eq!(attribute(&deep).unwrap_err(), "a type nested more than 16 levels deep");
    }

    #[test]
    fn defaults_fit_their_types() {
        for (written, printed) in [
            ("{ type = \"float\", default = 2 }", "2.0"),
            ("{ type = \"float\", default = -0.0 }", "0.0"),
            ("{ type = \"time\", default = 2026-01-01T09:00:00Z }", "timestamp(\"2026-01-01T09:00:00Z\")"),
            (
                "{ type = \"time\", default = 2026-01-01 11:00:00.5+02:00 }",
                "timestamp(\"2026-01-01T09:00:00.5Z\")",
            ),
            (
                "{ type = \"time\", default = \"2026-01-01T09:00:00Z\" }",
                "timestamp(\"2026-01-01T09:00:00Z\")",
            ),
            ("{ type = \"time\", default = 1000 }", "timestamp(\"1970-01-01T00:00:01Z\")"),
            ("{ type = \"list\", of = \"int\", default = [1, 2] }", "[1,2]"),
            (
                "{ type = \"map\", default = { b = [1.5], a = { c = true } } }",
                "{\"a\":{\"c\":true},\"b\":[1.5]}",
            ),
            (
                "{ type = \"map\", fields = { a = \"float\" }, default = { b = 1, a = 1 } }",
                "{\"a\":1.0,\"b\":1}",
            ),
            ("{ type = \"string\", values = [\"a\", \"b\"], default = \"b\" }", "\"b\""),
        ] {
            assert_eq!(attribute(written).unwrap().default.unwrap().to_string(), printed, "{written}");
        }
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        for (written, message) in [
            ("{ type = \"string\", default = 5 }", "expected a string, found an integer"),
            ("{ type = \"int\", default = 5.0 }", "expected an integer, found a float"),
            ("{ type = \"string\", default = 2026-01-01 }", "expected a string, found a date"),
            ("{ type = \"list\", default = [2026-01-01] }", "a date has no meaning here | write it as text"),
            (
                "{ type = \"time\", default = 2026-01-01 }",
                "`2026-01-01` is not an RFC 3339 time, such as `2026-01-01T09:00:00Z`",
            ),
            ("{ type = \"float\", default = nan }", "expected a number that is finite"),
            (
                "{ type = \"float\", default = 1e308 }",
                "expected a number of magnitude at most 2^1000, found 1e+308",
            ),
            (
                "{ type = \"list\", of = \"int\", default = [1, \"x\"] }",
                "expected an integer, found a string",
            ),
            (
                "{ type = \"int\", values = [] }",
                "an empty list of values allows none | leave `values` out to allow all",
            ),
            ("{ type = \"int\", values = [1, \"x\"] }", "expected an integer, found a string"),
            (
                "{ type = \"list\", values = [1] }",
                "`values` cannot be listed for a list | list the values of a bool, int, float, string or time",
            ),
            ("{ type = \"int\", values = [1], default = 2 }", "the default 2 is none of the allowed values"),
        ] {
            assert_eq!(attribute(written).unwrap_err(), message, "{written}");
        }
    }

    #[test]
    fn a_default_of_null_is_none() {
        let json = r#"{"schema": 1, "attributes": {"a": {"type": "int", "default": null}}}"#;
        let (declarations, report) = decode(&CatalogText::from_json(json));
        assert!(report.findings().is_empty());
        assert!(declarations.attributes[0].body.default.is_none());
    }
}
