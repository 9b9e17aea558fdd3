//! The sections `[computed]`, `[segments]`, `[personalizations]` and `[placements]`: what follows from what is
//! known.
//! The conditions in them stay text here.

use super::fields::{Fields, bool, bounded_int, bounded_text, int, list, string, time, unknown, wrong_type};
use super::naming::{Namespace, quoted_name, quoted_names};
use super::offers::{bought, caps};
use super::shape::{COMPUTED, FALLBACK, OFFER, PERSONALIZATION, PLACEMENT, SEGMENT};
use super::tree::{Kind, Node};
use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::{
    MAX_CONDITION_BYTES, MAX_DECLARATIONS, MAX_ID_BYTES, MAX_STOCK, MAX_TEMPLATE_BYTES,
};
use crate::base::source_text::{SourceFile, Span, Spanned, Text};
use crate::model::declaration::{
    FallbackDeclaration, OfferDeclaration, PersonalizationDeclaration, PlacementDeclaration,
    SegmentDeclaration, Strategy,
};

/// The names of strategies, as a catalog writes them.
pub(super) const STRATEGY_NAMES: &[&str] = &["first", "all", "best"];

/// Reads a computed attribute.
pub(super) fn computed(node: &Node, report: &mut Report) -> Option<Text> {
    if let Kind::String(_) = node.kind {
        return condition(node, report);
    }
    if !matches!(node.kind, Kind::Table(_)) {
        wrong_type(node, "an expression, as a string, or a table", report);
        return None;
    }
    let fields = Fields::open(node, &COMPUTED, report)?;
    let value = fields.get("value");
    fields.description(report);
    fields.close();
    if value.is_none() {
        report.push(Finding::error("missing_key", node.span, "a computed attribute needs a `value`"));
    }
    condition(value?, report)
}

/// Reads a segment.
pub(super) fn segment(node: &Node, report: &mut Report) -> Option<SegmentDeclaration> {
    if let Kind::String(_) = node.kind {
        return condition(node, report).map(SegmentDeclaration::Condition);
    }
    if !matches!(node.kind, Kind::Table(_)) {
        wrong_type(node, "a condition, as a string, or a table", report);
        return None;
    }
    let fields = Fields::open(node, &SEGMENT, report)?;
    let (when, members, list) = (fields.get("when"), fields.entry("members"), fields.entry("list"));
    fields.description(report);
    fields.close();
    match (when, members, list) {
        (Some(when), None, None) => condition(when, report).map(SegmentDeclaration::Condition),
        (None, Some(entry), None) => ids(&entry.value, report).map(SegmentDeclaration::Members),
        (None, None, Some(entry)) => {
            if !bool(&entry.value, report)? {
                let message = "a list whose members are published is declared with `list = true`";
                report.push(Finding::error("out_of_range", entry.value.span, message));
                return None;
            }
            Some(SegmentDeclaration::Members(Vec::new()))
        }
        (_, Some(entry), _) | (_, None, Some(entry)) => {
            let message = "a segment has either a condition, `when`, or a list of `members`, or is a `list`";
            report.push(Finding::error("misplaced_key", entry.key.span, message));
            None
        }
        (None, None, None) => {
            let message = "a segment needs a condition, `when`, or a list of `members`, or `list = true`";
            report.push(Finding::error("missing_key", node.span, message));
            None
        }
    }
}

/// Reads a personalization; an offer that cannot be read is left out.
pub(super) fn personalization(
    node: &Node,
    files: &[SourceFile],
    report: &mut Report,
) -> Option<PersonalizationDeclaration> {
    let fields = Fields::open(node, &PERSONALIZATION, report)?;
    let on = fields.get("on").and_then(|node| quoted_name(node, "an event", report));
    let attributes = fields.get("attributes").and_then(|node| quoted_names(node, "an attribute", report));
    let strategy = fields.get("strategy").and_then(|node| strategy(node, report)).unwrap_or_default();
    let most = fields.get("most").and_then(|node| most(node, report));
    let fallback = fields.get("fallback").and_then(|node| fallback(node, report));
    let offers = fields.get("offers").map_or_else(Vec::new, |node| offers(node, files, report));
    fields.description(report);
    fields.close();
    Some(PersonalizationDeclaration {
        on,
        attributes: attributes.unwrap_or_default(),
        strategy,
        most,
        fallback,
        offers,
    })
}

/// Reads which personalizations are decided together.
pub(super) fn placement(node: &Node, report: &mut Report) -> Option<PlacementDeclaration> {
    let fields = Fields::open(node, &PLACEMENT, report)?;
    let named = fields.get("personalizations");
    let personalizations = named.and_then(|node| quoted_names(node, "a personalization", report));
    let most = fields.get("most").and_then(|node| most(node, report));
    fields.description(report);
    fields.close();
    if personalizations.as_ref().is_none_or(Vec::is_empty) {
        let finding = Finding::error("missing_key", node.span, "a placement needs `personalizations`");
        report
            .push(finding.with_help("such as `personalizations = [\"hero\", \"sidebar\"]`, in their order"));
        return None;
    }
    Some(PlacementDeclaration { personalizations: personalizations?, most })
}

/// How many offers are shown at most.
fn most(node: &Node, report: &mut Report) -> Option<usize> {
    bounded_int(node, "most", &(1..=MAX_DECLARATIONS), report)
}

fn condition(node: &Node, report: &mut Report) -> Option<Text> {
    bounded_text(node, "a condition", MAX_CONDITION_BYTES, report)
}

fn template(node: &Node, report: &mut Report) -> Option<Text> {
    bounded_text(node, "a text", MAX_TEMPLATE_BYTES, report)
}

fn ids(node: &Node, report: &mut Report) -> Option<Vec<String>> {
    let mut ids = Vec::new();
    for node in list(node, report)? {
        let Some(id) = string(node, report) else { continue };
        if id.value.is_empty() || id.value.len() > MAX_ID_BYTES {
            let message = format!("an id has 1 to {MAX_ID_BYTES} bytes, this one has {}", id.value.len());
            report.push(Finding::error("bad_id", node.span, message));
        }
        ids.push(id.value.clone());
    }
    Some(ids)
}

fn strategy(node: &Node, report: &mut Report) -> Option<Strategy> {
    let name = string(node, report)?.value.as_str();
    match name {
        "first" => Some(Strategy::First),
        "all" => Some(Strategy::All),
        "best" => Some(Strategy::Best),
        _ => {
            let message = format!("unknown strategy `{name}`");
            report.push(unknown("unknown_strategy", message, name, node.span, STRATEGY_NAMES));
            None
        }
    }
}

fn fallback(node: &Node, report: &mut Report) -> Option<FallbackDeclaration> {
    let fields = Fields::open(node, &FALLBACK, report)?;
    let name = required_name(&fields, "a fallback", node.span, report);
    let text = fields.get("text").and_then(|node| template(node, report));
    fields.close();
    Some(FallbackDeclaration { name: name?, text })
}

fn offers(node: &Node, files: &[SourceFile], report: &mut Report) -> Vec<OfferDeclaration> {
    let mut offers = Vec::new();
    let mut names = Namespace::new(files);
    let nodes = list(node, report).unwrap_or_default();
    if nodes.len() > MAX_DECLARATIONS {
        let message = format!("{} offers; a personalization has at most {MAX_DECLARATIONS}", nodes.len());
        report.push(Finding::error("too_many", nodes[MAX_DECLARATIONS].span, message));
    }
    for node in nodes.iter().take(MAX_DECLARATIONS) {
        let offer = offer(node, report).filter(|offer| names.claim(&offer.name, "the offer", report));
        offers.extend(offer);
    }
    offers
}

fn offer(node: &Node, report: &mut Report) -> Option<OfferDeclaration> {
    let fields = Fields::open(node, &OFFER, report)?;
    let name = required_name(&fields, "an offer", node.span, report);
    let when = fields.get("when").and_then(|node| condition(node, report));
    let from = fields.get("from").and_then(|node| time(node, report));
    let until = fields.get("until").and_then(|node| time(node, report));
    let caps = fields.get("cap").map_or_else(Vec::new, |node| caps(node, report));
    let stock = fields.get("stock").and_then(|node| bounded_int(node, "stock", &(0..=MAX_STOCK), report));
    let unless_bought = fields.get("unless_bought").and_then(|node| bought(node, report));
    let priority = fields.get("priority").and_then(|node| Some(Spanned::new(int(node, report)?, node.span)));
    let score = fields.get("score").and_then(|node| condition(node, report));
    let groups = fields.get("exclusive").and_then(|node| match &node.kind {
        Kind::Array(_) => quoted_names(node, "what offers have in common", report),
        _ => quoted_name(node, "what offers have in common", report).map(|name| vec![name]),
    });
    let text = fields.get("text").and_then(|node| template(node, report));
    fields.description(report);
    fields.close();
    Some(OfferDeclaration {
        name: name?,
        when,
        from: from.map(|from| from.value),
        until,
        caps,
        stock,
        unless_bought,
        priority,
        score,
        groups: groups.unwrap_or_default().into_iter().map(|group| group.value).collect(),
        text,
    })
}

fn required_name(
    fields: &Fields<'_>,
    what: &str,
    span: Span,
    report: &mut Report,
) -> Option<Spanned<String>> {
    let written = fields.get("name");
    if written.is_none() {
        report.push(Finding::error("missing_key", span, format!("{what} needs a `name`")));
    }
    quoted_name(written?, what, report)
}
