//! The section `[imports]`: how rows of files become messages, or members of lists.

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
pub(super) const KIND_NAMES: [&str; 3] = ["identify", "track", "list"];

/// What a row can become.
#[derive(Clone, Copy)]
enum Kind {
    Identify,
    Track,
    List,
}

/// What says how rows become messages, and nothing of a list.
const OF_MESSAGES: [&str; 7] = ["id", "time", "time_format", "zone", "columns", "skip", "repeats"];

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
    let named = fields.get("event").or(fields.get("list"));
    let span = named.map_or(span, |node| node.span);
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
    let [event, event_column, list] = ["event", "event_column", "list"].map(|key| fields.get(key));
    let Some(said) = fields.get("kind") else {
        let finding = Finding::error("missing_key", node.span, "an import needs a `kind`");
        let help = "`kind = \"identify\"` for attributes, `kind = \"track\"` for events, `kind = \"list\"` for members";
        report.push(finding.with_help(help));
        return None;
    };
    let kinds = [Kind::Identify, Kind::Track, Kind::List];
    let kinds: Vec<_> = KIND_NAMES.into_iter().zip(kinds).collect();
    let kind = choice(said, "kind", &kinds, report)?;
    let (of_others, message, help) = match kind {
        Kind::Identify => (
            [event, event_column, list],
            "attributes are of no event and no list",
            "write `kind = \"track\"` if each row is an event, `kind = \"list\"` if it is a member",
        ),
        Kind::Track => {
            ([list, None, None], "events are of no list", "write `kind = \"list\"` if each row is a member")
        }
        Kind::List => (
            [event, event_column, None],
            "members of a list are of no event",
            "write `kind = \"track\"` if each row is an event",
        ),
    };
    let of_messages = if let Kind::List = kind { &OF_MESSAGES[..] } else { &[] };
    for node in of_messages.iter().filter_map(|key| fields.get(key)) {
        let finding =
            Finding::error("misplaced_key", node.span, "a row of a list is an id, and nothing else");
        report.push(finding.with_help("say the column with `user` or `anonymous`"));
    }
    if let Some(node) = of_others.into_iter().flatten().next() {
        report.push(Finding::error("misplaced_key", node.span, message).with_help(help));
        return None;
    }
    match kind {
        Kind::Identify => Some(ImportKind::Identify),
        Kind::Track => track_kind((event, event_column), node, report),
        Kind::List => match list {
            Some(node) => Some(ImportKind::List(quoted_name(node, "a list", report)?.value)),
            None => {
                let finding = Finding::error("missing_key", node.span, "an import of members needs a `list`");
                report.push(finding.with_help("the segment whose members are published"));
                None
            }
        },
    }
}

fn track_kind(
    (event, column): (Option<&Node>, Option<&Node>),
    node: &Node,
    report: &mut Report,
) -> Option<ImportKind> {
    match (event, column) {
        (Some(event), None) => Some(ImportKind::Track(quoted_name(event, "an event", report)?.value)),
        (None, Some(column)) => {
            Some(ImportKind::TrackByColumn(quoted_name(column, "a column", report)?.value))
        }
        (None, None) => {
            let finding = Finding::error("missing_key", node.span, "an import of events needs an `event`");
            report.push(finding.with_help("or `event_column`, the column with the event's name"));
            None
        }
        (Some(_), Some(column)) => {
            let message = "an import has an `event` or an `event_column`, not both";
            report.push(Finding::error("misplaced_key", column.span, message));
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
