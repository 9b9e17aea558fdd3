//! The sections `[experiments]` and `[holdouts]`: who is given which variant, and from whom all is withheld.

use super::fields::{Fields, bounded_text, choice, list, number, table, time, wrong_type};
use super::naming::{Namespace, quoted_name, quoted_names};
use super::shape::{EXPERIMENT, HOLDOUT, SHARE, VARIANT};
use super::tree::{Kind, Node};
use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::{MAX_CONDITION_BYTES, MAX_DECLARATIONS, MAX_ID_BYTES, MAX_NAME_BYTES};
use crate::base::source_text::{SourceFile, Spanned};
use crate::model::declaration::{
    Algorithm, ExperimentDeclaration, HoldoutDeclaration, ShareDeclaration, VariantDeclaration,
};

/// What algorithms are called.
pub(super) const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("habitue", Algorithm::Habitue),
    ("growthbook_v1", Algorithm::GrowthBook1),
    ("growthbook_v2", Algorithm::GrowthBook2),
    ("unleash", Algorithm::Unleash),
];

/// All of something, in percent.
const ALL: f64 = 100.0;

/// Reads an experiment.
pub(super) fn experiment(
    node: &Node,
    files: &[SourceFile],
    report: &mut Report,
) -> Option<ExperimentDeclaration> {
    let fields = Fields::open(node, &EXPERIMENT, report)?;
    let algorithm = fields.get("algorithm").and_then(|node| choice(node, "algorithm", &ALGORITHMS, report));
    let salt = fields.get("salt").and_then(|node| salt_of(node, report));
    let traffic_salt = fields.entry("traffic_salt");
    let traffic_salt =
        traffic_salt.and_then(|entry| Some(Spanned::new(salt_of(&entry.value, report)?, entry.key.span)));
    let unit = fields.get("unit").and_then(|node| quoted_name(node, "a unit", report));
    let traffic = fields.get("traffic").and_then(|node| percent(node, "traffic", report));
    let when =
        fields.get("when").and_then(|node| bounded_text(node, "a condition", MAX_CONDITION_BYTES, report));
    let from = fields.get("from").and_then(|node| time(node, report));
    let until = fields.get("until").and_then(|node| time(node, report));
    let group = fields.get("group").and_then(|node| share(node, report));
    let variants = fields.get("variants").map(|node| variants(node, files, report));
    let forced = fields.get("forced").map_or_else(Vec::new, |node| forced(node, report));
    fields.description(report);
    fields.close();
    if variants.as_ref().is_none_or(Vec::is_empty) {
        let finding = Finding::error("missing_key", node.span, "an experiment needs `variants`");
        report.push(finding.with_help("such as `variants = [\"control\", \"new\"]`"));
    }
    Some(ExperimentDeclaration {
        algorithm: algorithm.unwrap_or_default(),
        salt,
        traffic_salt,
        unit,
        traffic: traffic.unwrap_or(Spanned::new(ALL, node.span)),
        when,
        from: from.map(|from| from.value),
        until,
        group,
        variants: variants?,
        forced,
    })
}

/// Reads a holdout.
pub(super) fn holdout(node: &Node, report: &mut Report) -> Option<HoldoutDeclaration> {
    let fields = Fields::open(node, &HOLDOUT, report)?;
    let share = fields.get("percent").and_then(|node| percent(node, "percent", report));
    let is_there = fields.get("percent").is_some();
    let salt = fields.get("salt").and_then(|node| salt_of(node, report));
    let unit = fields.get("unit").and_then(|node| quoted_name(node, "a unit", report));
    let mut names = |key, what| fields.get(key).and_then(|node| quoted_names(node, what, report));
    let personalizations = names("personalizations", "a personalization");
    let experiments = names("experiments", "an experiment");
    fields.description(report);
    fields.close();
    if !is_there {
        report.push(Finding::error("missing_key", node.span, "a holdout needs `percent`"));
    }
    Some(HoldoutDeclaration { percent: share?, salt, unit, personalizations, experiments })
}

fn variants(node: &Node, files: &[SourceFile], report: &mut Report) -> Vec<VariantDeclaration> {
    let mut variants = Vec::new();
    let mut names = Namespace::new(files);
    let nodes = list(node, report).unwrap_or_default();
    if nodes.len() > MAX_DECLARATIONS {
        let message = format!("{} variants; an experiment has at most {MAX_DECLARATIONS}", nodes.len());
        report.push(Finding::error("too_many", nodes[MAX_DECLARATIONS].span, message));
    }
    for node in nodes.iter().take(MAX_DECLARATIONS) {
        let variant = variant(node, report);
        variants.extend(variant.filter(|variant| names.claim(&variant.name, "the variant", report)));
    }
    variants
}

/// A variant: its name, or a table with its weight too.
fn variant(node: &Node, report: &mut Report) -> Option<VariantDeclaration> {
    if let Kind::String(_) = node.kind {
        let name = quoted_name(node, "a variant", report)?;
        return Some(VariantDeclaration { name, weight: Spanned::new(1.0, node.span) });
    }
    if !matches!(node.kind, Kind::Table(_)) {
        wrong_type(node, "a variant, as a string, or a table", report);
        return None;
    }
    let fields = Fields::open(node, &VARIANT, report)?;
    let name = fields.get("name");
    let weight = fields.get("weight").map(|node| (node, number(node, report)));
    fields.description(report);
    fields.close();
    if name.is_none() {
        report.push(Finding::error("missing_key", node.span, "a variant needs a `name`"));
    }
    let weight = match weight {
        Some((node, weight)) => Spanned::new(weight?, node.span),
        None => Spanned::new(1.0, node.span),
    };
    if !(0.0..=1e9).contains(&weight.value) {
        let message = format!("a weight is a number from 0 on, not {}", weight.value);
        report.push(Finding::error("out_of_range", weight.span, message));
    }
    Some(VariantDeclaration { name: quoted_name(name?, "a variant", report)?, weight })
}

fn share(node: &Node, report: &mut Report) -> Option<Spanned<ShareDeclaration>> {
    let fields = Fields::open(node, &SHARE, report)?;
    let name = fields.get("name").and_then(|node| quoted_name(node, "a group", report));
    let from = fields.get("from").and_then(|node| percent(node, "from", report));
    let until = fields.get("until").and_then(|node| percent(node, "until", report));
    let is_whole = ["name", "from", "until"].iter().all(|key| fields.get(key).is_some());
    fields.close();
    if !is_whole {
        let finding = Finding::error("missing_key", node.span, "a share needs `name`, `from` and `until`");
        let help = "such as `group = { name = \"checkout\", from = 0, until = 50 }`, in percent";
        report.push(finding.with_help(help));
    }
    let (from, until) = (from?.value, until?.value);
    if from >= until {
        let message = format!("nobody is between {from} and {until} percent");
        report.push(Finding::error("out_of_range", node.span, message));
    }
    Some(Spanned::new(ShareDeclaration { group: name?.value, from, until }, node.span))
}

fn forced(node: &Node, report: &mut Report) -> Vec<(String, Spanned<String>)> {
    let entries = table(node, report).unwrap_or_default();
    let forced = entries.iter().filter_map(|entry| {
        if entry.key.value.is_empty() || entry.key.value.len() > MAX_ID_BYTES {
            let message = format!("an id has 1 to {MAX_ID_BYTES} bytes");
            report.push(Finding::error("bad_id", entry.key.span, message));
        }
        Some((entry.key.value.clone(), quoted_name(&entry.value, "a variant", report)?))
    });
    forced.collect()
}

fn salt_of(node: &Node, report: &mut Report) -> Option<String> {
    bounded_text(node, "a salt", MAX_NAME_BYTES, report).map(|text| text.value)
}

fn percent(node: &Node, what: &str, report: &mut Report) -> Option<Spanned<f64>> {
    let value = number(node, report)?;
    if !(0.0..=ALL).contains(&value) {
        let message = format!("`{what}` is 0 to 100 percent, not {value}");
        report.push(Finding::error("out_of_range", node.span, message));
        return None;
    }
    Some(Spanned::new(value, node.span))
}
