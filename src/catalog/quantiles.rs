//! The sections `[quantiles]` and `[rfm]`: customers rated by where they stand among all.

use super::fields::{Fields, bounded_text, duration, int, number};
use super::naming::quoted_name;
use super::shape::{QUANTILE, RFM};
use super::tree::Node;
use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::{MAX_CONDITION_BYTES, MAX_QUANTILE_PARTS};
use crate::model::declaration::{QuantileDeclaration, RfmDeclaration};

/// How many parts there are, if nothing is said.
const PARTS: u32 = 5;
/// By how many percent of the population a cut-point may be off, if nothing is said.
const TOLERANCE: f64 = 2.0;

/// Reads a quantile.
pub(super) fn quantile(node: &Node, report: &mut Report) -> Option<QuantileDeclaration> {
    let fields = Fields::open(node, &QUANTILE, report)?;
    let is_there = fields.get("value").is_some();
    let value =
        fields.get("value").and_then(|node| bounded_text(node, "a value", MAX_CONDITION_BYTES, report));
    let of = fields.get("of").and_then(|node| bounded_text(node, "a condition", MAX_CONDITION_BYTES, report));
    let parts = fields.get("parts").map_or(Some(PARTS), |node| parts(node, report))?;
    let tolerance = tolerance(&fields, parts, report)?;
    fields.description(report);
    fields.close();
    if !is_there {
        report.push(Finding::error("missing_key", node.span, "a quantile needs a `value`"));
    }
    Some(QuantileDeclaration { value: value?, of, parts, tolerance })
}

/// Reads how customers are rated by their purchases.
pub(super) fn rfm(node: &Node, report: &mut Report) -> Option<RfmDeclaration> {
    let fields = Fields::open(node, &RFM, report)?;
    let mut name = |key, what| fields.get(key).and_then(|node| quoted_name(node, what, report));
    let event = name("event", "an event").map(|event| event.value);
    let value = name("value", "a property").map(|value| value.value);
    let within = fields.get("within").and_then(|node| duration(node, report));
    let mut text =
        |key| fields.get(key).and_then(|node| bounded_text(node, "a value", MAX_CONDITION_BYTES, report));
    let (recency, frequency, monetary) = (text("recency"), text("frequency"), text("monetary"));
    let of = text("of");
    let tolerance = tolerance(&fields, PARTS, report)?;
    fields.description(report);
    fields.close();
    Some(RfmDeclaration {
        span: node.span,
        event,
        value,
        within,
        recency,
        frequency,
        monetary,
        of,
        tolerance,
    })
}

fn parts(node: &Node, report: &mut Report) -> Option<u32> {
    let parts = int(node, report)?;
    let allowed = u32::try_from(parts).ok().filter(|parts| (2..=MAX_QUANTILE_PARTS).contains(parts));
    if allowed.is_none() {
        let message = format!("there are 2 to {MAX_QUANTILE_PARTS} parts, not {parts}");
        report.push(Finding::error("out_of_range", node.span, message));
    }
    allowed
}

/// The tolerance: less than half a part, so that no two cut-points can change places.
fn tolerance(fields: &Fields<'_>, parts: u32, report: &mut Report) -> Option<f64> {
    let most = 50.0 / f64::from(parts);
    let Some(node) = fields.get("tolerance") else { return Some(TOLERANCE.min(most / 2.0)) };
    let tolerance = number(node, report)?;
    if !(0.0..most).contains(&tolerance) {
        let message = format!("a tolerance is 0 to less than {most} percent, half of one of {parts} parts");
        report.push(Finding::error("out_of_range", node.span, message));
        return None;
    }
    Some(tolerance)
}
