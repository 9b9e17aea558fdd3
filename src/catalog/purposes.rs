//! The section `[purposes]`: what customers consent to, and what counts only then.

use super::fields::Fields;
use super::naming::quoted_names;
use super::shape::PURPOSE;
use super::tree::Node;
use crate::base::diagnostic::Report;
use crate::model::declaration::PurposeDeclaration;

/// Reads what needs one purpose.
pub(super) fn purpose(node: &Node, report: &mut Report) -> Option<PurposeDeclaration> {
    let fields = Fields::open(node, &PURPOSE, report)?;
    let mut names = |key, what| fields.get(key).and_then(|node| quoted_names(node, what, report));
    let attributes = names("attributes", "an attribute").unwrap_or_default();
    let events = names("events", "an event").unwrap_or_default();
    fields.description(report);
    fields.close();
    Some(PurposeDeclaration { attributes, events })
}
