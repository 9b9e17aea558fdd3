//! Reading a table key by key, with a finding for every key it should not have.

#[cfg(debug_assertions)]
use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::shape::Shape;
use super::tree::{Entry, Kind, Node};
use crate::base::diagnostic::{Finding, Report};
use crate::base::names::nearest;
use crate::base::source_text::{Span, Spanned, Text};
use crate::base::time::{Duration, Time};

/// A table whose keys are known.
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    shape: &'static Shape,
    /// The keys asked for, to hold the decoder against the shape.
    #[cfg(debug_assertions)]
    asked: RefCell<Vec<&'static str>>,
}

impl<'n> Fields<'n> {
    /// The table at `node`; reports it if it is none, and its unknown keys.
    pub(super) fn open(node: &'n Node, shape: &'static Shape, report: &mut Report) -> Option<Fields<'n>> {
        let entries = table(node, report)?;
        for entry in entries {
            if !shape.keys.contains(&entry.key.value.as_str()) {
                report.push(unknown_key(&entry.key, shape));
            }
        }
        Some(Fields {
            entries,
            shape,
            #[cfg(debug_assertions)]
            asked: RefCell::default(),
        })
    }

    /// The entry of `key`.
    pub(super) fn entry(&self, key: &'static str) -> Option<&'n Entry> {
        debug_assert!(
            self.shape.keys.contains(&key),
            "`{key}` is listed among the keys of {}",
            self.shape.what
        );
        #[cfg(debug_assertions)]
        self.asked.borrow_mut().push(key);
        self.entries.iter().find(|entry| entry.key.value == key)
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &'static str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Reads a description, which is for people only.
    pub(super) fn description(&self, report: &mut Report) {
        self.get("description").and_then(|node| string(node, report));
    }

    /// Ends the reading: every key of the shape must have been asked for.
    pub(super) fn close(self) {
        #[cfg(debug_assertions)]
        for key in self.shape.keys {
            let asked = self.asked.borrow().contains(key);
            debug_assert!(asked, "the decoder reads `{key}` of {}", self.shape.what);
        }
    }
}

/// `a`, `b` and `c`, each in backticks.
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// A finding on a name that is none of `allowed`, with the nearest of them.
pub(super) fn unknown(
    code: &'static str,
    message: String,
    name: &str,
    span: Span,
    allowed: &[&str],
) -> Finding {
    let list = format!("known here: {}", listed(allowed));
    let help = match nearest(name, allowed.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? {list}"),
        None => list,
    };
    Finding::error(code, span, message).with_help(help)
}

fn unknown_key(key: &Spanned<String>, shape: &Shape) -> Finding {
    let Spanned { value: name, span } = key;
    let what = shape.what;
    match shape.misplaced.iter().find(|(misplaced, _)| misplaced == name) {
        Some((_, help)) => {
            Finding::error("misplaced_key", *span, format!("{what} has no `{name}`")).with_help(*help)
        }
        None => unknown(
            "unknown_key",
            format!("unknown key `{name}`: {what} has no such key"),
            name,
            *span,
            shape.keys,
        ),
    }
}

/// Reports that `node` is not `expected`.
pub(super) fn wrong_type(node: &Node, expected: &str, report: &mut Report) {
    let message = format!("expected {expected}, found {}", node.describe());
    report.push(Finding::error("wrong_type", node.span, message));
}

/// The entries of a table.
pub(super) fn table<'n>(node: &'n Node, report: &mut Report) -> Option<&'n [Entry]> {
    if let Kind::Table(entries) = &node.kind {
        return Some(entries);
    }
    wrong_type(node, "a table", report);
    None
}

/// The elements of a list.
pub(super) fn list<'n>(node: &'n Node, report: &mut Report) -> Option<&'n [Node]> {
    if let Kind::Array(nodes) = &node.kind {
        return Some(nodes);
    }
    wrong_type(node, "a list", report);
    None
}

/// A string.
pub(super) fn string<'n>(node: &'n Node, report: &mut Report) -> Option<&'n Text> {
    if let Kind::String(text) = &node.kind {
        return Some(text);
    }
    wrong_type(node, "a string", report);
    None
}

/// A whole number.
pub(super) fn int(node: &Node, report: &mut Report) -> Option<i64> {
    if let Kind::Int(value) = node.kind {
        return Some(value);
    }
    wrong_type(node, "an integer", report);
    None
}

/// The int at `node` that a key may have: within bounds.
pub(super) fn bounded_int<T: TryFrom<i64> + PartialOrd + Display>(
    node: &Node,
    key: &str,
    bounds: &RangeInclusive<T>,
    report: &mut Report,
) -> Option<T> {
    let number = int(node, report)?;
    let allowed = T::try_from(number).ok().filter(|number| bounds.contains(number));
    if allowed.is_none() {
        let message = format!("`{key}` is {} to {}, not {number}", bounds.start(), bounds.end());
        report.push(Finding::error("out_of_range", node.span, message));
    }
    allowed
}

/// A number, whole or not.
pub(super) fn number(node: &Node, report: &mut Report) -> Option<f64> {
    match node.kind {
        Kind::Int(value) => Some(value as f64),
        Kind::Float(value) if value.is_finite() => Some(value),
        _ => {
            wrong_type(node, "a number", report);
            None
        }
    }
}

/// One of a few words.
pub(super) fn choice<T: Copy>(
    node: &Node,
    what: &str,
    choices: &[(&str, T)],
    report: &mut Report,
) -> Option<T> {
    let text = string(node, report)?;
    let found = choices.iter().find(|(name, _)| *name == text.value);
    if found.is_none() {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let message = format!("`{what}` cannot be `{}`", text.value);
        report.push(unknown("unknown_name", message, &text.value, node.span, &names));
    }
    found.map(|(_, choice)| *choice)
}

/// True or false.
pub(super) fn bool(node: &Node, report: &mut Report) -> Option<bool> {
    if let Kind::Bool(value) = node.kind {
        return Some(value);
    }
    wrong_type(node, "a bool", report);
    None
}

/// A string of at most `limit` bytes; `what` it is, for the message.
pub(super) fn bounded_text(node: &Node, what: &str, limit: usize, report: &mut Report) -> Option<Text> {
    let text = string(node, report)?;
    if text.value.len() > limit {
        let message = format!("{what} of {} bytes; at most {limit} are allowed", text.value.len());
        report.push(Finding::error("too_long", node.span, message));
        return None;
    }
    Some(text.clone())
}

/// Reads a length of time.
pub(super) fn duration(node: &Node, report: &mut Report) -> Option<Duration> {
    let text = string(node, report)?;
    match Duration::parse(&text.value) {
        Ok(duration) => Some(duration),
        Err(error) => {
            report.push(Finding::error("bad_duration", node.span, error.to_string()));
            None
        }
    }
}

/// A time: a string, or a date as TOML writes it.
pub(super) fn time(node: &Node, report: &mut Report) -> Option<Spanned<Time>> {
    let text = match &node.kind {
        Kind::Date(text) => text.as_str(),
        _ => string(node, report)?.value.as_str(),
    };
    match Time::parse(text) {
        Ok(time) => Some(Spanned::new(time, node.span)),
        Err(error) => {
            report.push(Finding::error("value", node.span, error.to_string()));
            None
        }
    }
}
