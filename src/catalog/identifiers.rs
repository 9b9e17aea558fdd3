//! The section `[identifiers]`: what identifies a customer, and what does not.

use super::fields::{Fields, bounded_int, bounded_text, choice, list};
use super::shape::IDENTIFIER;
use super::tree::Node;
use crate::base::diagnostic::Report;
use crate::base::limits::{MAX_ID_BYTES, MAX_IDENTIFIERS, MAX_PATTERN_BYTES};
use crate::base::source_text::Spanned;
use crate::model::declaration::{Case, IdentifierDeclaration, Spaces};

/// Reads the rules for one kind of identifier.
pub(super) fn identifier(node: &Node, report: &mut Report) -> Option<IdentifierDeclaration> {
    let fields = Fields::open(node, &IDENTIFIER, report)?;
    let case = fields
        .get("case")
        .and_then(|node| choice(node, "case", &[("keep", Case::Keep), ("ignore", Case::Ignore)], report));
    let spaces = fields.get("spaces").and_then(|node| {
        let choices = [("keep", Spaces::Keep), ("trim", Spaces::Trim), ("remove", Spaces::Remove)];
        choice(node, "spaces", &choices, report)
    });
    let blocked = texts(fields.get("blocked"), "an identifier", MAX_ID_BYTES, report);
    let blocked_patterns = texts(fields.get("blocked_patterns"), "a pattern", MAX_PATTERN_BYTES, report);
    let limit = fields
        .get("limit")
        .and_then(|node| bounded_int(node, "limit", &(1..=MAX_IDENTIFIERS as u32), report));
    fields.description(report);
    fields.close();
    let blocked = blocked.into_iter().map(|text| text.value).collect();
    Some(IdentifierDeclaration { case, spaces, blocked, blocked_patterns, limit })
}

fn texts(node: Option<&Node>, what: &str, limit: usize, report: &mut Report) -> Vec<Spanned<String>> {
    let nodes = node.and_then(|node| list(node, report)).unwrap_or_default();
    let texts = nodes.iter().filter_map(|node| {
        let text = bounded_text(node, what, limit, report)?;
        Some(Spanned::new(text.value, node.span))
    });
    texts.collect()
}
