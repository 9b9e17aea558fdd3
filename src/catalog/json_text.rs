//! JSON into the tree, by the crate `jsonc-parser` with all of its extensions switched off.
//!
//! It is used because it keeps places; `serde_json` does not. What it lets pass beyond JSON is refused
//! here: control characters in strings, and a key that is written twice. Its parser stops at 512 levels.

use ahash::AHashMap;
use jsonc_parser::ast::{Object, StringLit, Value};
use jsonc_parser::common::Range;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::quoted;
use super::tree::{Entry, Kind, MAX_TREE_DEPTH, Node};
use crate::base::diagnostic::Finding;
use crate::base::source_text::{Span, Spanned, Text};

/// JSON as RFC 8259 has it.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Reads `text`, file number `file`.
pub(super) fn parse(text: &str, file: u32) -> Result<Node, Vec<Finding>> {
    let mut reader = Reader { text, file, findings: Vec::new() };
    let node = match parse_to_ast(text, &CollectOptions::default(), &STRICT) {
        Ok(parsed) => parsed.value.map(|value| reader.node(&value, 0)),
        Err(error) => {
            let span = reader.span(error.range());
            return Err(vec![Finding::error("syntax", span, in_lower_case(&error.kind().to_string()))]);
        }
    };
    match node {
        Some(node) if reader.findings.is_empty() => Ok(node),
        Some(_) => Err(reader.findings),
        None => {
            let place = Span { file, start: 0, end: 0 };
            let finding = Finding::error("syntax", place, "the file is empty");
            Err(vec![finding.with_help("a catalog begins with `{ \"schema\": 1`")])
        }
    }
}

/// The parser's messages begin like sentences; ours do not.
fn in_lower_case(message: &str) -> String {
    let mut characters = message.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + characters.as_str())
}

struct Reader<'t> {
    text: &'t str,
    file: u32,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn span(&self, range: Range) -> Span {
        let number = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file: self.file, start: number(range.start), end: number(range.end) }
    }

    fn node(&mut self, value: &Value<'_>, depth: usize) -> Node {
        let (kind, range) = match value {
            Value::StringLit(string) => (Kind::String(self.string(string)), string.range),
            Value::NumberLit(number) => (self.number(number.value, number.range), number.range),
            Value::BooleanLit(value) => (Kind::Bool(value.value), value.range),
            Value::NullKeyword(value) => (Kind::Null, value.range),
            Value::Object(object) if depth < MAX_TREE_DEPTH => (self.object(object, depth), object.range),
            Value::Array(array) if depth < MAX_TREE_DEPTH => {
                let nodes = array.elements.iter().map(|element| self.node(element, depth + 1));
                (Kind::Array(nodes.collect()), array.range)
            }
            Value::Object(Object { range, .. }) | Value::Array(jsonc_parser::ast::Array { range, .. }) => {
                let message = format!("nested more than {MAX_TREE_DEPTH} levels deep");
                self.findings.push(Finding::error("too_deep", self.span(*range), message));
                (Kind::Null, *range)
            }
        };
        Node { kind, span: self.span(range) }
    }

    fn object(&mut self, object: &Object<'_>, depth: usize) -> Kind {
        let mut entries: Vec<Entry> = Vec::with_capacity(object.properties.len());
        let mut seen: AHashMap<String, ()> = AHashMap::with_capacity(object.properties.len());
        for property in &object.properties {
            let name = property.name.as_str().to_owned();
            let range = match &property.name {
                jsonc_parser::ast::ObjectPropName::String(string) => string.range,
                jsonc_parser::ast::ObjectPropName::Word(word) => word.range,
            };
            let span = self.span(range);
            if seen.insert(name.clone(), ()).is_some() {
                self.findings.push(Finding::error(
                    "syntax",
                    span,
                    format!("the key `{name}` is written twice"),
                ));
            }
            entries
                .push(Entry { key: Spanned::new(name, span), value: self.node(&property.value, depth + 1) });
        }
        Kind::Table(entries)
    }

    fn string(&mut self, string: &StringLit<'_>) -> Text {
        let span = self.span(string.range);
        let raw = self.text.get(string.range.start..string.range.end).unwrap_or_default();
        if let Some(at) = raw.bytes().position(|byte| byte < 0x20) {
            let start = span.start + u32::try_from(at).unwrap_or(0);
            let place = Span { start, end: start + 1, ..span };
            let finding = Finding::error("syntax", place, "a control character in a string");
            self.findings.push(finding.with_help("write a line break as `\\n`, a tab as `\\t`"));
        }
        quoted::text(string.value.to_string(), raw, span)
    }

    fn number(&mut self, text: &str, range: Range) -> Kind {
        if text.contains(['.', 'e', 'E']) {
            return Kind::Float(text.parse().unwrap_or(f64::NAN));
        }
        text.parse().map_or_else(
            |_| {
                let message = format!("`{text}` is not a whole number of 64 bits");
                self.findings.push(Finding::error("number", self.span(range), message));
                Kind::Int(0)
            },
            Kind::Int,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_error(text: &str) -> (String, u32) {
        let finding = parse(text, 0).unwrap_err().remove(0);
        (finding.message, finding.span.start)
    }

    #[test]
    fn what_is_no_json_is_refused_at_its_place() {
        for (text, message, at) in [
            ("", "the file is empty", 0),
            ("{\"a\": 1,}", "trailing commas are not allowed", 7),
            ("{\"a\": 1 // one\n}", "comments are not allowed", 8),
            ("{a: 1}", "expected string for object property", 1),
            ("{\"a\": 'x'}", "single-quoted strings are not allowed", 6),
            ("{\"a\": 01}", "expected comma", 7),
            ("{\"a\": 0x1}", "hexadecimal numbers are not allowed", 6),
            ("{\"a\": 1", "unterminated object", 0),
            ("{\"a\": \"\\q\"}", "invalid escape", 7),
            ("{} {}", "text cannot contain more than one JSON value", 3),
            ("{\"a\": \"x\ny\"}", "a control character in a string", 8),
            ("{\"a\": 1, \"a\": 2}", "the key `a` is written twice", 9),
            ("{\"a\": 9223372036854775808}", "`9223372036854775808` is not a whole number of 64 bits", 6),
        ] {
            assert_eq!(first_error(text), (message.to_owned(), at), "{text}");
        }
    }

    #[test]
    fn numbers_keep_their_kind() {
        let node = parse("[1, 1.0, 1e3, -9223372036854775808]", 0).unwrap();
        let Kind::Array(nodes) = node.kind else { panic!("a list") };
        assert!(matches!(nodes[0].kind, Kind::Int(1)));
        assert!(matches!(nodes[1].kind, Kind::Float(1.0)));
        assert!(matches!(nodes[2].kind, Kind::Float(1000.0)));
        assert!(matches!(nodes[3].kind, Kind::Int(i64::MIN)));
    }

    #[test]
    fn hostile_nesting_is_an_error() {
        for text in [
            "[".repeat(100_000),
            "{\"a\":".repeat(100_000),
            format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
            format!("{}{}", "[".repeat(100), "]".repeat(100)),
        ] {
            assert!(parse(&text, 0).is_err());
        }
    }
}
