//! The section `[history]`: how long messages are kept.

use super::fields::{duration, string};
use super::tree::Node;
use crate::base::diagnostic::Report;
use crate::model::declaration::Kept;

/// Reads how long: a duration, or `forever`.
pub(super) fn kept(node: &Node, report: &mut Report) -> Option<Kept> {
    if string(node, &mut Report::default()).is_some_and(|text| text.value == "forever") {
        return Some(Kept::Forever);
    }
    duration(node, report).map(Kept::For)
}
