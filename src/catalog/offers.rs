//! The sections `[caps]` and `[purchases]`, and what limits an offer: caps, and what was bought.

use super::fields::{Fields, bounded_int, duration, int, list, string, wrong_type};
use super::naming::{quoted_name, quoted_names};
use super::shape::{BOUGHT, CAP, PURCHASE, SHARED_CAP};
use super::tree::{Kind, Node};
use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::{MAX_DECLARATIONS, MAX_EXPOSURES};
use crate::base::source_text::Spanned;
use crate::base::time::Duration;
use crate::model::declaration::{
    BoughtDeclaration, CapDeclaration, CapWindow, PurchaseDeclaration, SharedCapDeclaration,
};
use crate::model::value::Value;

/// Reads the caps of an offer: one, or a list of them.
pub(super) fn caps(node: &Node, report: &mut Report) -> Vec<CapDeclaration> {
    let nodes = match &node.kind {
        Kind::Array(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let cap = |node| {
        let fields = Fields::open(node, &CAP, report)?;
        let cap = cap(&fields, node, report);
        fields.close();
        cap
    };
    nodes.iter().filter_map(cap).collect()
}

/// Reads a cap that several offers share.
pub(super) fn shared_cap(node: &Node, report: &mut Report) -> Option<SharedCapDeclaration> {
    let fields = Fields::open(node, &SHARED_CAP, report)?;
    let cap = cap(&fields, node, report);
    let mut names = |key, what| fields.get(key).and_then(|node| quoted_names(node, what, report));
    let personalizations = names("personalizations", "a personalization");
    let offers = names("offers", "an offer");
    fields.description(report);
    fields.close();
    Some(SharedCapDeclaration { cap: cap?, personalizations, offers })
}

fn cap(fields: &Fields<'_>, node: &Node, report: &mut Report) -> Option<CapDeclaration> {
    let (most, within) = (fields.get("most"), fields.get("within"));
    let (days, zone) = (fields.get("days"), fields.get("zone"));
    let window = match (within, days, zone) {
        (Some(within), None, None) => length(within, report).map(CapWindow::Within),
        (None, Some(days), Some(zone)) => int(days, report)
            .zip(string(zone, report))
            .map(|(days, zone)| CapWindow::Days(days, zone.value.clone())),
        _ => {
            let message = "a cap needs `within`, or `days` and a `zone`";
            let finding = Finding::error("missing_key", node.span, message);
            report.push(finding.with_help("such as `{ most = 3, within = \"7d\" }`"));
            None
        }
    };
    if most.is_none() {
        report.push(Finding::error("missing_key", node.span, "a cap needs `most`"));
    }
    let most = most.and_then(|node| {
        Some(Spanned::new(bounded_int(node, "most", &(1..=MAX_EXPOSURES), report)?, node.span))
    });
    Some(CapDeclaration { most: most?, window: window? })
}

/// Reads which properties of an event say what was bought.
pub(super) fn purchase(node: &Node, report: &mut Report) -> Option<PurchaseDeclaration> {
    let fields = Fields::open(node, &PURCHASE, report)?;
    let mut name = |key| fields.get(key).and_then(|node| quoted_name(node, "a property", report));
    let (list, product, category) = (name("list"), name("product"), name("category"));
    fields.description(report);
    fields.close();
    if product.is_none() && category.is_none() {
        let finding =
            Finding::error("missing_key", node.span, "a purchase needs a `product` or a `category`");
        report.push(finding.with_help("the property that says what was bought"));
        return None;
    }
    Some(PurchaseDeclaration { list, product, category })
}

/// Reads what an offer is not shown to the buyers of.
pub(super) fn bought(node: &Node, report: &mut Report) -> Option<BoughtDeclaration> {
    let fields = Fields::open(node, &BOUGHT, report)?;
    let products = fields.get("products").map_or_else(Vec::new, |node| ids(node, report));
    let categories = fields.get("categories").map_or_else(Vec::new, |node| ids(node, report));
    let within = fields.get("within").map(|node| length(node, report));
    fields.close();
    if products.is_empty() && categories.is_empty() {
        let finding = Finding::error("missing_key", node.span, "it names no `products` and no `categories`");
        report.push(finding.with_help("such as `{ products = [\"p1\"], within = \"365d\" }`"));
        return None;
    }
    let within = match within {
        Some(within) => Some(within?),
        None => None,
    };
    Some(BoughtDeclaration { products, categories, within, span: node.span })
}

/// Ids of products or categories: texts or ints.
fn ids(node: &Node, report: &mut Report) -> Vec<Value> {
    let nodes = list(node, report).unwrap_or_default();
    if let Some(beyond) = nodes.get(MAX_DECLARATIONS) {
        let message = format!("{} ids; at most {MAX_DECLARATIONS} are allowed", nodes.len());
        report.push(Finding::error("too_many", beyond.span, message));
    }
    let id = |node: &Node| match &node.kind {
        Kind::String(text) => Some(Value::string(&text.value)),
        Kind::Int(number) => Some(Value::Int(*number)),
        _ => {
            wrong_type(node, "an id, as a string or an integer", report);
            None
        }
    };
    nodes.iter().take(MAX_DECLARATIONS).filter_map(id).collect()
}

/// A length of time, longer than none.
pub(super) fn length(node: &Node, report: &mut Report) -> Option<Duration> {
    let length = duration(node, report)?;
    if length > Duration::ZERO && length <= Duration::MAX {
        return Some(length);
    }
    report.push(Finding::error(
        "bad_duration",
        node.span,
        "it has to be longer than none, and 1,000 years at most",
    ));
    None
}
