//! The section `[imports]`: how rows of files become messages.

use std::collections::BTreeMap;

use super::fields::{Fields, bool, choice, list, string, table};
use super::naming::{is_name, quoted_name, quoted_names};
use super::shape::IMPORT;
use super::tree::Node;
use crate::base::diagnostic::{Finding, Report};
use crate::base::source_text::{Span, Spanned};
use crate::model::declaration::ImportDeclaration;
use crate::model::import_mapping::{ImportKind, ImportMapping};

/// The kinds of imports.
pub(super) const KIND_NAMES: [&str; 2] = ["identify", "track"];

/// Reads how rows of a file become messages; the name of the import is at `span`.
pub(super) fn import(node: &Node, span: Span, report: &mut Report) -> Option<ImportDeclaration> {
    let fields = Fields::open(node, &IMPORT, report)?;
    let kind = kind(&fields, node, report);
    let (columns, targets) =
        fields.get("columns").map_or_else(Default::default, |node| renamed(node, report));
    let mut column = |key| {
        let name = fields.get(key).and_then(|node| quoted_name(node, "a column", report));
        name.map(|name| name.value)
    };
    let (user, anonymous) = (column("user"), column("anonymous"));
    let (id, time) = (column("id"), column("time"));
    let skip = fields.get("skip").and_then(|node| quoted_names(node, "a column", report));
    let null = fields.get("null").and_then(|node| {
        let nodes = list(node, report)?;
        Some(nodes.iter().filter_map(|node| Some(string(node, report)?.value.clone())).collect())
    });
    let mut text = |key| fields.get(key).and_then(|node| string(node, report)).map(|text| text.value.clone());
    let time_format = text("time_format");
    let zone = text("zone");
    let times = fields.get("zone").or(fields.get("time_format")).map_or(span, |node| node.span);
    let delimiter = fields.get("delimiter").and_then(|node| delimiter(node, report));
    let repeats = fields.get("repeats").and_then(|node| bool(node, report));
    fields.description(report);
    let span = fields.get("event").map_or(span, |node| node.span);
    fields.close();
    let mapping = ImportMapping {
        kind: kind?,
        user,
        anonymous,
        id,
        time,
        time_format,
        zone,
        columns,
        skip: skip.unwrap_or_default().into_iter().map(|name| name.value).collect(),
        null,
        delimiter,
        repeats: repeats.unwrap_or_default(),
    };
    Some(ImportDeclaration { mapping, targets, span, times })
}

fn kind(fields: &Fields<'_>, node: &Node, report: &mut Report) -> Option<ImportKind> {
    let said = fields.get("kind");
    let mut name = |key, what| fields.get(key).map(|node| (quoted_name(node, what, report), node.span));
    let (event, event_column) = (name("event", "an event"), name("event_column", "a column"));
    let Some(said) = said else {
        let finding = Finding::error("missing_key", node.span, "an import needs a `kind`");
        report.push(finding.with_help("`kind = \"identify\"` for attributes, `kind = \"track\"` for events"));
        return None;
    };
    let [identify, track] = KIND_NAMES;
    match (choice(said, "kind", &[(identify, false), (track, true)], report)?, event, event_column) {
        (false, None, None) => Some(ImportKind::Identify),
        (false, Some((_, span)), _) | (false, None, Some((_, span))) => {
            let finding = Finding::error("misplaced_key", span, "attributes are of no event");
            report.push(finding.with_help("write `kind = \"track\"` if each row is an event"));
            None
        }
        (true, Some((event, _)), None) => Some(ImportKind::Track(event?.value)),
        (true, None, Some((column, _))) => Some(ImportKind::TrackByColumn(column?.value)),
        (true, None, None) => {
            let finding = Finding::error("missing_key", node.span, "an import of events needs an `event`");
            report.push(finding.with_help("or `event_column`, the column with the event's name"));
            None
        }
        (true, Some(_), Some((_, span))) => {
            let message = "an import has an `event` or an `event_column`, not both";
            report.push(Finding::error("misplaced_key", span, message));
            None
        }
    }
}

/// Columns, and what they become; and that with its places.
fn renamed(node: &Node, report: &mut Report) -> (BTreeMap<String, String>, Vec<Spanned<String>>) {
    let (mut columns, mut targets) = (BTreeMap::new(), Vec::new());
    for entry in table(node, report).unwrap_or_default() {
        is_name(&entry.key.value, "a column", entry.key.span, report);
        let Some(target) = quoted_name(&entry.value, "an attribute or property", report) else { continue };
        columns.insert(entry.key.value.clone(), target.value.clone());
        targets.push(target);
    }
    (columns, targets)
}

fn delimiter(node: &Node, report: &mut Report) -> Option<char> {
    let text = &string(node, report)?.value;
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_ascii() => Some(letter),
        _ => {
            let message = format!("a delimiter is one ASCII character, not `{text}`");
            report.push(Finding::error("bad_delimiter", node.span, message));
            None
        }
    }
}
