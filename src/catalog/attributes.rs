//! The sections `[attributes]`, `[events]` and `[context]`: what may be known of a customer, what may happen,
//! and what a call may say.

use super::fields::{Fields, bool, wrong_type};
use super::naming::{is_name, warn_if_unreadable};
use super::shape::{ATTRIBUTE, CONTEXT, PROPERTY};
use super::tree::{Entry, Kind, Node};
use super::types;
use crate::base::diagnostic::{Finding, Report};
use crate::base::source_text::Span;
use crate::model::declaration::{ContextDeclaration, FieldDeclaration, Named};
use crate::model::value::{Type, Value};

/// Reads the declaration of an attribute.
pub(super) fn attribute(node: &Node, report: &mut Report) -> Option<FieldDeclaration> {
    if let Kind::String(name) = &node.kind {
        return types::named(&name.value, node.span, report).map(FieldDeclaration::of);
    }
    if !matches!(node.kind, Kind::Table(_)) {
        wrong_type(node, "the name of a type or a table", report);
        return None;
    }
    let fields = Fields::open(node, &ATTRIBUTE, report)?;
    let ty = types::of_table(&fields, node.span, 0, report);
    let values = allowed_values(&fields, ty.as_ref(), report);
    let default = fields.get("default").zip(ty.as_ref());
    let default = default.and_then(|(node, ty)| {
        let value = types::value(node, ty, report)??;
        check_listed(&value, &values, node.span, report);
        Some(value)
    });
    let identifier = flag(&fields, "identifier", report);
    let sensitive = flag(&fields, "sensitive", report);
    fields.description(report);
    if let (Some(ty), Some(entry)) = (&ty, fields.entry("identifier").filter(|_| identifier)) {
        check_identifier(ty, default.is_some(), entry, report);
    }
    fields.close();
    Some(FieldDeclaration { ty: ty?, values, default, identifier, sensitive, required: false })
}

/// Reads the properties of an event.
pub(super) fn event(
    entries: &[Entry],
    left_out: &mut Vec<String>,
    report: &mut Report,
) -> Vec<Named<FieldDeclaration>> {
    let mut properties = Vec::with_capacity(entries.len());
    for Entry { key, value } in entries {
        let valid = is_name(&key.value, "a property", key.span, report);
        warn_if_unreadable(key, "the property", report);
        match property(value, report) {
            Some(body) if valid => properties.push(Named { name: key.clone(), body }),
            _ => left_out.push(key.value.clone()),
        }
    }
    properties
}

fn property(node: &Node, report: &mut Report) -> Option<FieldDeclaration> {
    if let Kind::String(name) = &node.kind {
        return types::named(&name.value, node.span, report).map(FieldDeclaration::of);
    }
    if !matches!(node.kind, Kind::Table(_)) {
        wrong_type(node, "the name of a type or a table", report);
        return None;
    }
    let fields = Fields::open(node, &PROPERTY, report)?;
    let ty = types::of_table(&fields, node.span, 0, report);
    let values = allowed_values(&fields, ty.as_ref(), report);
    let required = flag(&fields, "required", report);
    let sensitive = flag(&fields, "sensitive", report);
    fields.description(report);
    fields.close();
    Some(FieldDeclaration { values, required, sensitive, ..FieldDeclaration::of(ty?) })
}

/// Reads the declaration of something that a call may say.
pub(super) fn context(node: &Node, report: &mut Report) -> Option<ContextDeclaration> {
    if let Kind::String(name) = &node.kind {
        let field = types::named(&name.value, node.span, report).map(FieldDeclaration::of)?;
        return Some(ContextDeclaration { field, recorded: false });
    }
    if !matches!(node.kind, Kind::Table(_)) {
        wrong_type(node, "the name of a type or a table", report);
        return None;
    }
    let fields = Fields::open(node, &CONTEXT, report)?;
    let ty = types::of_table(&fields, node.span, 0, report);
    let values = allowed_values(&fields, ty.as_ref(), report);
    let recorded = flag(&fields, "recorded", report);
    fields.description(report);
    fields.close();
    let field = FieldDeclaration { values, ..FieldDeclaration::of(ty?) };
    Some(ContextDeclaration { field, recorded })
}

fn flag(fields: &Fields<'_>, key: &'static str, report: &mut Report) -> bool {
    fields.get(key).and_then(|node| bool(node, report)).unwrap_or(false)
}

fn allowed_values(fields: &Fields<'_>, ty: Option<&Type>, report: &mut Report) -> Vec<Value> {
    let written = fields.get("values").zip(ty);
    written.and_then(|(node, ty)| types::allowed_values(node, ty, report)).unwrap_or_default()
}

fn check_listed(value: &Value, values: &[Value], span: Span, report: &mut Report) {
    if !values.is_empty() && !values.contains(value) {
        let message = format!("the default {value} is none of the allowed values");
        report.push(Finding::error("not_listed", span, message));
    }
}

/// Two customers must not get the same identifier by themselves.
fn check_identifier(ty: &Type, has_default: bool, entry: &Entry, report: &mut Report) {
    if !matches!(ty, Type::String | Type::Int) {
        let message = format!("an attribute of type {ty} cannot be an identifier: only strings and ints can");
        report.push(Finding::error("bad_identifier", entry.key.span, message));
    }
    if has_default {
        let message = "an identifier cannot have a default: all customers would be one";
        report.push(Finding::error("bad_identifier", entry.key.span, message));
    }
}

/// The entries of an event's table, which may be empty.
pub(super) fn event_table<'n>(node: &'n Node, report: &mut Report) -> Option<&'n [Entry]> {
    if let Kind::Table(entries) = &node.kind {
        return Some(entries);
    }
    let found = node.describe();
    let finding =
        Finding::error("wrong_type", node.span, format!("expected a table of properties, found {found}"));
    report.push(finding.with_help("an event is a table of its properties, such as `{ price = \"float\" }`"));
    None
}
