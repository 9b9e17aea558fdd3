//! The section `[purposes]`: what customers consent to, and what counts only then.

use super::fields::{Fields, list};
use super::naming::quoted_name;
use super::shape::PURPOSE;
use super::tree::Node;
use crate::base::diagnostic::Report;
use crate::base::source_text::Spanned;
use crate::model::declaration::PurposeDeclaration;

/// Reads what needs one purpose.
pub(super) fn purpose(node: &Node, report: &mut Report) -> Option<PurposeDeclaration> {
    let fields = Fields::open(node, &PURPOSE, report)?;
    let attributes = names(fields.get("attributes"), "an attribute", report);
    let events = names(fields.get("events"), "an event", report);
    fields.description(report);
    fields.close();
    Some(PurposeDeclaration { attributes, events })
}

fn names(node: Option<&Node>, what: &str, report: &mut Report) -> Vec<Spanned<String>> {
    let nodes = node.and_then(|node| list(node, report)).unwrap_or_default();
    nodes.iter().filter_map(|node| quoted_name(node, what, report)).collect()
}
