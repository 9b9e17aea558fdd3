//! The section `[affinities]`: what customers are drawn to.

use super::fields::{Fields, duration, table, wrong_type};
use super::naming::{is_name, quoted_name};
use super::shape::{AFFINITY, AFFINITY_EVENT};
use super::tree::{Kind, Node};
use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::{LEAST_AFFINITY_WEIGHT, MAX_AFFINITY_WEIGHT};
use crate::model::declaration::{AffinityDeclaration, AffinityEvent, Named, WeightDeclaration};
use crate::model::value::Value;

/// Reads an affinity.
pub(super) fn affinity(node: &Node, report: &mut Report) -> Option<AffinityDeclaration> {
    let fields = Fields::open(node, &AFFINITY, report)?;
    let mut needed = |key| {
        let found = fields.get(key);
        if found.is_none() {
            let finding = Finding::error("missing_key", node.span, format!("an affinity needs `{key}`"));
            let help = "such as `half_life = \"14d\"`, `of.\"Product Viewed\" = { item = \"brand\" }`";
            report.push(finding.with_help(help));
        }
        found
    };
    let (half_life, of) = (needed("half_life"), needed("of"));
    let half_life = half_life.and_then(|node| duration(node, report));
    let events = of.and_then(|node| events(node, report));
    fields.description(report);
    fields.close();
    Some(AffinityDeclaration { half_life: half_life?, events: events? })
}

fn events(node: &Node, report: &mut Report) -> Option<Vec<Named<AffinityEvent>>> {
    let entries = table(node, report)?;
    if entries.is_empty() {
        report.push(Finding::error("missing_key", node.span, "an affinity is of one event at least"));
        return None;
    }
    // All are read, so that all mistakes are found.
    let mut events = Vec::with_capacity(entries.len());
    for entry in entries {
        let is_name = is_name(&entry.key.value, "an event", entry.key.span, report);
        let event = event(&entry.value, report).filter(|_| is_name);
        events.push(event.map(|body| Named { name: entry.key.clone(), body }));
    }
    events.into_iter().collect()
}

fn event(node: &Node, report: &mut Report) -> Option<AffinityEvent> {
    let fields = Fields::open(node, &AFFINITY_EVENT, report)?;
    let mut name = |key| fields.get(key).map(|node| quoted_name(node, "a property", report));
    let (list, item) = (name("list"), name("item"));
    let weight = fields.get("weight").map(|node| weight(node, report));
    fields.description(report);
    let has_item = fields.get("item").is_some();
    fields.close();
    if !has_item {
        let finding =
            Finding::error("missing_key", node.span, "it needs an `item`, the property that names it");
        report.push(
            finding
                .with_help("such as `{ item = \"brand\" }`, or `{ list = \"products\", item = \"brand\" }`"),
        );
    }
    Some(AffinityEvent {
        // What was written with a mistake leaves the whole out.
        list: list.map_or(Some(None), |list| list.map(Some))?,
        item: item??,
        weight: weight.unwrap_or(Some(WeightDeclaration::Times(Value::Int(1))))?,
    })
}

/// A number, or the name of what has one.
fn weight(node: &Node, report: &mut Report) -> Option<WeightDeclaration> {
    let (number, weight) = match node.kind {
        Kind::Int(weight) => (weight as f64, Value::Int(weight)),
        Kind::Float(weight) => (weight, Value::Float(weight)),
        Kind::String(_) => return Some(WeightDeclaration::Named(quoted_name(node, "a property", report)?)),
        _ => {
            wrong_type(node, "a number, or the name of a property", report);
            return None;
        }
    };
    if (LEAST_AFFINITY_WEIGHT..=MAX_AFFINITY_WEIGHT).contains(&number.abs()) {
        return Some(WeightDeclaration::Times(weight));
    }
    let message = format!(
        "a weight is {LEAST_AFFINITY_WEIGHT} to {MAX_AFFINITY_WEIGHT}, or less than 0 to take away, not {number}"
    );
    report.push(Finding::error("out_of_range", node.span, message));
    None
}
