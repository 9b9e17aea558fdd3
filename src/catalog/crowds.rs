//! The section `[crowd]`: what is counted over all customers.

use std::ops::RangeInclusive;

use super::fields::{Fields, bool, bounded_int, duration, int, list, string};
use super::naming::{quoted_name, quoted_names};
use super::shape::{CROWD, HOURS};
use super::tree::Node;
use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::{
    DEFAULT_CROWD_CONTEXTS, DEFAULT_CROWD_ITEMS, DEFAULT_CROWD_KEEP, LEAST_CROWD_HALF_LIFE,
    LEAST_CROWD_PEOPLE, MAX_CROWD_CONTEXTS, MAX_CROWD_ITEMS, MAX_CROWD_KEEP, MAX_CROWD_PEOPLE,
};
use crate::base::source_text::Spanned;
use crate::base::time::Duration;
use crate::model::declaration::CrowdDeclaration;

/// Reads what is counted under one name.
pub(super) fn crowd(node: &Node, report: &mut Report) -> Option<CrowdDeclaration> {
    let fields = Fields::open(node, &CROWD, report)?;
    let mut name = |key, what| {
        let node = needed(&fields, key, node, report)?;
        quoted_name(node, what, report)
    };
    let (event, item) = (name("event", "an event"), name("item", "a property"));
    let half_life = needed(&fields, "half_life", node, report).and_then(|node| half_life(node, report));
    let list = fields.get("list").map(|node| quoted_name(node, "a property", report));
    let by = fields.get("by").map(|node| quoted_names(node, "a property", report));
    let hours = fields.get("hours").map(|node| hours(node, report));
    let trending = fields.get("trending").map(|node| half_life_of(node, report));
    let together = fields.get("together").and_then(|node| bool(node, report));
    let mut number = |key, bounds: RangeInclusive<u32>, default| match fields.get(key) {
        Some(node) => bounded_int(node, key, &bounds, report),
        None => Some(default),
    };
    let keep = number("keep", 1..=MAX_CROWD_KEEP, DEFAULT_CROWD_KEEP);
    let contexts = number("contexts", 1..=MAX_CROWD_CONTEXTS, DEFAULT_CROWD_CONTEXTS);
    let items = number("items", 1..=MAX_CROWD_ITEMS, DEFAULT_CROWD_ITEMS);
    let people = number("people", LEAST_CROWD_PEOPLE..=MAX_CROWD_PEOPLE, LEAST_CROWD_PEOPLE);
    fields.description(report);
    fields.close();
    Some(CrowdDeclaration {
        event: event?,
        // What was written with a mistake leaves the whole out.
        list: list.map_or(Some(None), |list| list.map(Some))?,
        item: item?,
        by: by.unwrap_or_else(|| Some(Vec::new()))?,
        hours: hours.map_or(Some(None), |hours| hours.map(Some))?,
        half_life: half_life?,
        trending: trending.map_or(Some(None), |trending| trending.map(Some))?,
        together: together.unwrap_or(false),
        keep: keep?,
        contexts: contexts?,
        items: items?,
        people: people?,
    })
}

fn needed<'n>(fields: &Fields<'n>, key: &'static str, table: &Node, report: &mut Report) -> Option<&'n Node> {
    let found = fields.get(key);
    if found.is_none() {
        let finding = Finding::error("missing_key", table.span, format!("a crowd needs `{key}`"));
        let help = "such as `event = \"Order Completed\"`, `item = \"product_id\"`, `half_life = \"7d\"`";
        report.push(finding.with_help(help));
    }
    found
}

fn half_life_of(node: &Node, report: &mut Report) -> Option<Spanned<Duration>> {
    Some(Spanned::new(half_life(node, report)?, node.span))
}

fn half_life(node: &Node, report: &mut Report) -> Option<Duration> {
    let half_life = duration(node, report)?;
    if half_life >= LEAST_CROWD_HALF_LIFE {
        return Some(half_life);
    }
    let message = format!("a half-life of a crowd is {LEAST_CROWD_HALF_LIFE} at least");
    report.push(Finding::error("bad_duration", node.span, message));
    None
}

/// A time zone, and the hours at which a part of its day begins.
fn hours(node: &Node, report: &mut Report) -> Option<(Spanned<String>, Vec<u8>)> {
    let fields = Fields::open(node, &HOURS, report)?;
    let zone = fields
        .get("zone")
        .and_then(|node| Some(Spanned::new(string(node, report)?.value.clone(), node.span)));
    let from_node = fields.get("from");
    let from = from_node.and_then(|node| list(node, report)).map(|nodes| {
        let hour = |node| u8::try_from(int(node, report)?).ok();
        nodes.iter().map(hour).collect::<Option<Vec<u8>>>()
    });
    fields.close();
    let from = from.flatten().filter(|from| {
        from.len() > 1 && from.is_sorted_by(|one, next| one < next) && from.iter().all(|hour| *hour < 24)
    });
    if zone.is_none() || from.is_none() {
        let message = "the parts of a day need a `zone`, and `from`: two hours or more, 0 to 23, ascending";
        let finding = Finding::error("out_of_range", from_node.unwrap_or(node).span, message);
        report.push(finding.with_help("such as `{ zone = \"Europe/Helsinki\", from = [6, 11, 17, 22] }`"));
    }
    Some((zone?, from?))
}
