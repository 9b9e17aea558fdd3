//! TOML into the tree, by the crate `toml`.
//!
//! `toml` is used below its `serde` side, because only there every key keeps its place and all syntax
//! errors of a file come out. Its parser stops at 80 levels of brackets and 80 parts of a dotted key, so
//! its own tree has at most some 6,500 levels; ours is refused beyond [`MAX_TREE_DEPTH`].

use std::ops::Range;

use toml::Spanned as TomlSpanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::quoted;
use super::tree::{Entry, Kind, MAX_TREE_DEPTH, Node};
use crate::base::deep_stack::on_deep_stack;
use crate::base::diagnostic::Finding;
use crate::base::source_text::{Span, Spanned};

/// Most syntax errors reported of one file; more of them help nobody.
const MAX_SYNTAX_ERRORS: usize = 50;

/// Reads `text`, file number `file`.
pub(super) fn parse(text: &str, file: u32) -> Result<Node, Vec<Finding>> {
    on_deep_stack(|| read(text, file))
}

fn read(text: &str, file: u32) -> Result<Node, Vec<Finding>> {
    let reader = Reader { text, file };
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let span = Span { file, start: 0, end: 0 };
        let table = reader.table(table.get_ref(), 0).map_err(|finding| vec![finding])?;
        return Ok(Node { kind: table, span });
    }
    let finding = |error: &toml::de::Error| {
        Finding::error("syntax", reader.span(&error.span().unwrap_or_default()), error.message())
    };
    let mut findings: Vec<Finding> = errors.iter().map(finding).collect();
    findings.sort_by_key(|finding| finding.span.start);
    findings.truncate(MAX_SYNTAX_ERRORS);
    Err(findings)
}

struct Reader<'t> {
    text: &'t str,
    file: u32,
}

impl Reader<'_> {
    fn span(&self, range: &Range<usize>) -> Span {
        let number = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file: self.file, start: number(range.start), end: number(range.end) }
    }

    fn table(&self, table: &DeTable<'_>, depth: usize) -> Result<Kind, Finding> {
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            let key = Spanned::new(key.get_ref().to_string(), self.span(&key.span()));
            entries.push(Entry { key, value: self.node(value, depth + 1)? });
        }
        // The parser sorts by name.
        entries.sort_by_key(|entry| entry.key.span.start);
        Ok(Kind::Table(entries))
    }

    fn node(&self, value: &TomlSpanned<DeValue<'_>>, depth: usize) -> Result<Node, Finding> {
        let span = self.span(&value.span());
        if depth > MAX_TREE_DEPTH {
            let message = format!("nested more than {MAX_TREE_DEPTH} levels deep");
            return Err(Finding::error("too_deep", span, message));
        }
        let kind = match value.get_ref() {
            DeValue::Table(table) => self.table(table, depth)?,
            DeValue::Array(items) => {
                let nodes = items.iter().map(|item| self.node(item, depth + 1));
                Kind::Array(nodes.collect::<Result<_, _>>()?)
            }
            DeValue::String(decoded) => {
                let raw = self.text.get(value.span()).unwrap_or_default();
                Kind::String(quoted::text(decoded.to_string(), raw, span))
            }
            DeValue::Integer(integer) => Kind::Int(read_integer(integer, span)?),
            DeValue::Float(float) => Kind::Float(float.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(value) => Kind::Bool(*value),
            DeValue::Datetime(date) => Kind::Date(date.to_string()),
        };
        Ok(Node { kind, span })
    }
}

fn read_integer(integer: &DeInteger<'_>, span: Span) -> Result<i64, Finding> {
    i64::from_str_radix(integer.as_str(), integer.radix())
        .map_err(|_| Finding::error("number", span, format!("`{integer}` is not a whole number of 64 bits")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_the_order_they_were_written_in() {
        let node = parse("z = 1\na = 0x1F\n[m.b]\n[c]\n[m.a]\n[[o]]\nn = 2\n[[o]]\nn = 1_000\n", 0).unwrap();
        let Kind::Table(entries) = &node.kind else { panic!("a table") };
        let keys: Vec<_> = entries.iter().map(|entry| entry.key.value.as_str()).collect();
        assert_eq!(keys, ["z", "a", "m", "c", "o"]);
        assert!(matches!(entries[1].value.kind, Kind::Int(31)));
        let Kind::Table(inner) = &entries[2].value.kind else { panic!("a table") };
        assert_eq!(inner.iter().map(|entry| entry.key.value.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        let Kind::Array(offers) = &entries[4].value.kind else { panic!("a list") };
        let Kind::Table(last) = &offers[1].kind else { panic!("a table") };
        assert!(matches!(last[0].value.kind, Kind::Int(1000)));
    }

    #[test]
    fn every_syntax_error_is_reported_with_its_place() {
        let findings = parse("a = \nb = 1\nc = [1,,2]\nb = 2\n", 3).unwrap_err();
        let places: Vec<_> = findings.iter().map(|finding| (finding.code, finding.span.start)).collect();
        assert_eq!(places, [("syntax", 4), ("syntax", 18), ("syntax", 22)], "{findings:?}");
        assert!(findings.iter().all(|finding| finding.span.file == 3));
        assert_eq!(parse("a = 9999999999999999999", 0).unwrap_err()[0].code, "number");
    }

    #[test]
    fn hostile_nesting_is_an_error() {
        let many = 100_000;
        for text in [
            "[".repeat(many),
            format!("a = {}", "[".repeat(many)),
            format!("a = {}", "{a=".repeat(many)),
            format!("a = {}{}", "[".repeat(many), "]".repeat(many)),
            format!("[{}b]", "a.".repeat(many)),
            format!("{}b = 1", "a.".repeat(many)),
        ] {
            assert!(parse(&text, 0).is_err());
        }
    }

    /// As deep as the parser's bounds allow: brackets in dotted keys in brackets. It must be refused
    /// here, and fit the stack of a test's thread, which is a quarter of a program's.
    #[test]
    fn nesting_by_keys_and_brackets_together_is_refused() {
        let key = ["a"; 79].join(".");
        let text = format!("[{key}]\n{key} = {}1{}", format!("{{{key} = ").repeat(79), "}".repeat(79));
        assert_eq!(parse(&text, 0).unwrap_err()[0].code, "too_deep");
    }
}
