//! The section `[identifiers]`: what identifies a customer, and what does not.

use super::fields::{Fields, bounded_text, choice, int, list};
use super::shape::IDENTIFIER;
use super::tree::Node;
use crate::base::diagnostic::{Finding, Report};
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
    let limit = fields.get("limit").and_then(|node| limit(node, report));
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

fn limit(node: &Node, report: &mut Report) -> Option<u32> {
    let limit = int(node, report)?;
    let allowed = u32::try_from(limit).ok().filter(|limit| (1..=MAX_IDENTIFIERS as u32).contains(limit));
    if allowed.is_none() {
        let message = format!("`limit` is 1 to {MAX_IDENTIFIERS}, not {limit}");
        report.push(Finding::error("out_of_range", node.span, message));
    }
    allowed
}
