//! Which names may be given, and that each is given once.
//!
//! Attributes, computed attributes and segments are named in conditions by their bare names, so these
//! must be CEL identifiers and share one namespace. Everything else is named inside quotes, and may be
//! any text that is not empty.

use ahash::AHashMap;

use super::fields::{list, string};
use super::tree::Node;
use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::MAX_NAME_BYTES;
use crate::base::source_text::{SourceFile, Span, Spanned};

/// Words that CEL keeps for itself, and those that conditions give a meaning of their own.
pub(super) const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "duration",
    "else",
    "event",
    "events",
    "false",
    "for",
    "function",
    "has",
    "held",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "now",
    "null",
    "package",
    "return",
    "size",
    "timestamp",
    "true",
    "var",
    "void",
    "while",
];

/// Words of [`RESERVED`] that are names of functions only, and can be read as a property or field.
const FUNCTIONS: &[&str] = &["duration", "event", "events", "has", "held", "size", "timestamp"];

/// Names given so far, each with its place and what has it.
pub(super) struct Namespace<'t> {
    files: &'t [SourceFile],
    given: AHashMap<String, (&'static str, Span)>,
}

impl<'t> Namespace<'t> {
    /// No names yet, in `files`.
    pub(super) fn new(files: &'t [SourceFile]) -> Namespace<'t> {
        Namespace { files, given: AHashMap::new() }
    }

    /// Gives `name` to a thing that is `what`; reports it if the name is taken.
    pub(super) fn claim(&mut self, name: &Spanned<String>, what: &'static str, report: &mut Report) -> bool {
        let Some((other, place)) = self.given.get(&name.value) else {
            self.given.insert(name.value.clone(), (what, name.span));
            return true;
        };
        let message = match *other == what {
            true => format!("{what} `{}` is written twice", name.value),
            false => format!("`{}` is the name of {other} already", name.value),
        };
        let at = place_of(self.files, *place);
        report.push(
            Finding::error("duplicate", name.span, message).with_help(format!("the other one is at {at}")),
        );
        false
    }
}

/// A place as `file:line`.
pub(super) fn place_of(files: &[SourceFile], span: Span) -> String {
    match files.get(span.file as usize) {
        Some(file) => format!("{}:{}", file.name, file.line_and_column(span.start).0),
        None => "an unknown place".to_owned(),
    }
}

/// Whether `name` can be given at all; `what` it names, for the message.
pub(super) fn is_name(name: &str, what: &str, span: Span, report: &mut Report) -> bool {
    if name.trim().is_empty() {
        report.push(Finding::error("bad_name", span, format!("the name of {what} is empty")));
        return false;
    }
    if name.len() > MAX_NAME_BYTES {
        let message =
            format!("the name of {what} has {} bytes; at most {MAX_NAME_BYTES} are allowed", name.len());
        report.push(Finding::error("bad_name", span, message));
        return false;
    }
    true
}

/// A name in a string.
pub(super) fn quoted_name(node: &Node, what: &str, report: &mut Report) -> Option<Spanned<String>> {
    let text = string(node, report)?;
    is_name(&text.value, what, node.span, report).then(|| Spanned::new(text.value.clone(), node.span))
}

/// A list of names in strings.
pub(super) fn quoted_names(node: &Node, what: &str, report: &mut Report) -> Option<Vec<Spanned<String>>> {
    let nodes = list(node, report)?;
    Some(nodes.iter().filter_map(|node| quoted_name(node, what, report)).collect())
}

/// Whether `name` can be given to what conditions name without quotes.
pub(super) fn is_bare_name(name: &str, what: &str, span: Span, report: &mut Report) -> bool {
    if !is_name(name, what, span, report) {
        return false;
    }
    if RESERVED.contains(&name) {
        let message = format!("`{name}` cannot be the name of {what}: conditions give it another meaning");
        report.push(
            Finding::error("bad_name", span, message).with_help(format!("such as `{name}_` or `is_{name}`")),
        );
        return false;
    }
    if !is_identifier(name) {
        let message = format!("`{name}` cannot be the name of {what}: a condition could not name it");
        let help =
            format!("use letters, digits and `_`, the first no digit, such as `{}`", as_identifier(name));
        report.push(Finding::error("bad_name", span, message).with_help(help));
        return false;
    }
    true
}

/// Warns if conditions cannot read a property or field of this `name`.
pub(super) fn warn_if_unreadable(name: &Spanned<String>, what: &str, report: &mut Report) {
    let reserved = RESERVED.contains(&name.value.as_str()) && !FUNCTIONS.contains(&name.value.as_str());
    if reserved || !is_identifier(&name.value) {
        let message = format!("conditions cannot read {what} `{}`: its name is no identifier", name.value);
        let help =
            "it is kept in the history as it is; to read it, send it under a name of letters, digits and `_`";
        report.push(Finding::warning("unreadable_name", name.span, message).with_help(help));
    }
}

fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A near identifier, for the help.
fn as_identifier(name: &str) -> String {
    let clean = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    let name: String = name.chars().map(clean).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}
