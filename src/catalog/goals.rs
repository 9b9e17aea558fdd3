//! The section `[goals]`: what is hoped for of a customer who was shown something.

use super::fields::{Fields, bounded_text};
use super::naming::quoted_name;
use super::offers::length;
use super::shape::GOAL;
use super::tree::Node;
use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::MAX_CONDITION_BYTES;
use crate::model::declaration::GoalDeclaration;

/// Reads what is hoped for.
pub(super) fn goal(node: &Node, report: &mut Report) -> Option<GoalDeclaration> {
    let fields = Fields::open(node, &GOAL, report)?;
    let event = fields.get("event").map(|node| quoted_name(node, "an event", report));
    let filter =
        fields.get("where").map(|node| bounded_text(node, "a condition", MAX_CONDITION_BYTES, report));
    let within = fields.get("within").map(|node| length(node, report));
    let value = fields.get("value").map(|node| quoted_name(node, "a property", report));
    fields.description(report);
    fields.close();
    let (Some(event), Some(within)) = (event, within) else {
        let finding = Finding::error("missing_key", node.span, "a goal needs `event` and `within`");
        report.push(finding.with_help("such as `{ event = \"Order Completed\", within = \"7d\" }`"));
        return None;
    };
    // What is there and could not be read has been reported.
    let filter = filter.map_or(Some(None), |filter| filter.map(Some))?;
    let value = value.map_or(Some(None), |value| value.map(Some))?;
    Some(GoalDeclaration { event: event?, filter, within: within?, value })
}
