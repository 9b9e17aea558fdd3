//! The section `[scores]`: points that are added up.

use super::fields::{Fields, bounded_text, list, number};
use super::shape::{SCORE, SCORE_ROW};
use super::tree::{Kind, Node};
use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::{MAX_CONDITION_BYTES, MAX_SCORE_ROWS};
use crate::base::source_text::Text;
use crate::model::declaration::ScoreDeclaration;
use crate::model::value::Value;

/// Reads a score.
pub(super) fn score(node: &Node, report: &mut Report) -> Option<ScoreDeclaration> {
    let fields = Fields::open(node, &SCORE, report)?;
    let rows = fields.get("rows").and_then(|node| rows(node, report));
    let min = fields.get("min").and_then(|node| points(node, report));
    let max = fields.get("max").and_then(|node| points(node, report));
    fields.description(report);
    let is_there = fields.get("rows").is_some();
    fields.close();
    if !is_there {
        let finding = Finding::error("missing_key", node.span, "a score needs `rows`");
        report.push(finding.with_help("such as `rows = [{ when = 'vip', points = 10 }]`"));
    }
    if let (Some(min), Some(max)) = (&min, &max)
        && min.compare(max).is_none_or(std::cmp::Ordering::is_gt)
    {
        report.push(Finding::error("out_of_range", node.span, "`min` is greater than `max`"));
        return None;
    }
    Some(ScoreDeclaration { rows: rows?, min, max, span: node.span })
}

fn rows(node: &Node, report: &mut Report) -> Option<Vec<(Text, Value)>> {
    let nodes = list(node, report)?;
    if nodes.is_empty() || nodes.len() > MAX_SCORE_ROWS {
        let message = format!("a score has 1 to {MAX_SCORE_ROWS} rows, not {}", nodes.len());
        report.push(Finding::error("out_of_range", node.span, message));
        return None;
    }
    // All are read, so that all mistakes are found.
    let rows: Vec<_> = nodes.iter().map(|node| row(node, report)).collect();
    rows.into_iter().collect()
}

fn row(node: &Node, report: &mut Report) -> Option<(Text, Value)> {
    let fields = Fields::open(node, &SCORE_ROW, report)?;
    let when = fields.get("when");
    let given = fields.get("points");
    fields.description(report);
    fields.close();
    if when.is_none() || given.is_none() {
        report.push(Finding::error("missing_key", node.span, "a row of a score needs `when` and `points`"));
    }
    let when = when.and_then(|node| bounded_text(node, "a condition", MAX_CONDITION_BYTES, report));
    let given = given.and_then(|node| points(node, report));
    Some((when?, given?))
}

fn points(node: &Node, report: &mut Report) -> Option<Value> {
    match node.kind {
        Kind::Int(points) => Some(Value::Int(points)),
        _ => number(node, report).map(|points| Value::Float(points + 0.0)),
    }
}
