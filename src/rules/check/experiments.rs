//! Checks experiments and holdouts, and conditions that ask for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;

use crate::base::diagnostic::Finding;
use crate::base::names::{Names, nearest};
use crate::base::source_text::{Span, Spanned};
use crate::model::declaration::{
    Algorithm, Declarations, ExperimentDeclaration, HoldoutDeclaration, Named, ShareDeclaration,
};
use crate::model::ids::{AttributeId, ExperimentId};
use crate::model::value::{Type, Value};
use crate::rules::assignment::{Assignment, Definition, are_growthbook_weights};
use crate::rules::canonical;
use crate::rules::expression::{Expr, UnitKind};
use crate::rules::syntax::Node;

use super::expression::Checker;
use super::scope::Place;
use super::scope::Scope;
use super::typed::{Domain, Typed};
use super::{Catalog, Wanted};

/// Most that the weights of one of Unleash's flags add up to; its own add up to 1,000.
const MOST_UNLEASH_WEIGHT: f64 = 1_000_000.0;

/// An experiment while a catalog is being checked.
pub(super) struct CheckedExperiment {
    /// The name of the variant that a customer is given, missing for who does not take part.
    pub(super) variant: Expr,
    /// The names of its variants.
    pub(super) variants: Vec<Value>,
}

impl CheckedExperiment {
    /// The names of its variants, as they are.
    pub(super) fn names_of_variants(&self) -> Vec<Arc<str>> {
        let names = self.variants.iter();
        names
            .filter_map(|name| if let Value::String(name) = name { Some(Arc::clone(name)) } else { None })
            .collect()
    }
}

/// A holdout while a catalog is being checked.
pub(super) struct CheckedHoldout {
    /// Whether a customer is in it.
    pub(super) held_out: Expr,
    /// What it is withheld from, by names; of what has none, everything.
    personalizations: Option<Vec<String>>,
    experiments: Option<Vec<String>>,
}

impl Catalog<'_> {
    /// Fills the names of experiments, and the holdouts, which depend on attributes only.
    pub(super) fn declare_experiments(&mut self, declarations: &Declarations) {
        for experiment in &declarations.experiments {
            if self.world.experiment_names.get(&experiment.name.value).is_none() {
                self.world.experiment_names.add(&experiment.name.value);
                self.world.experiments.push(None);
            }
        }
        for holdout in &declarations.holdouts {
            if let Some(checked) = self.holdout(holdout, declarations) {
                self.world.holdout_names.add(&holdout.name.value);
                self.world.holdouts.push(checked);
            }
        }
    }

    fn holdout(
        &mut self,
        declared: &Named<HoldoutDeclaration>,
        declarations: &Declarations,
    ) -> Option<CheckedHoldout> {
        let (name, body) = (&declared.name.value, &declared.body);
        let personalizations = declarations.personalizations.iter().map(|named| &*named.name.value);
        self.are_known(body.personalizations.as_deref(), personalizations, "personalization");
        let experiments = declarations.experiments.iter().map(|named| &*named.name.value);
        self.are_known(body.experiments.as_deref(), experiments, "experiment");
        let unit = self.unit(body.unit.as_ref())?;
        let salt = body.salt.clone().unwrap_or_else(|| name.clone());
        let assignment = Arc::new(Assignment::holdout(name, salt, body.percent.value));
        let held_out = Expr::Variant(assignment, Box::new(unit), Box::new(canonical::truth(true)));
        // Who names only the one means nothing of the other.
        let is_of_all = body.personalizations.is_none() && body.experiments.is_none();
        let names = |listed: &Option<Vec<Spanned<String>>>| match listed {
            None if is_of_all => None,
            listed => Some(listed.iter().flatten().map(|name| name.value.clone()).collect()),
        };
        Some(CheckedHoldout {
            held_out: Expr::Has(Box::new(held_out)),
            personalizations: names(&body.personalizations),
            experiments: names(&body.experiments),
        })
    }

    pub(super) fn are_known<'d>(
        &mut self,
        named: Option<&[Spanned<String>]>,
        known: impl Iterator<Item = &'d str> + Clone,
        what: &str,
    ) {
        for name in named.unwrap_or_default() {
            if known.clone().any(|known| known == name.value) || self.world.is_left_out(&name.value) {
                continue;
            }
            let message = format!("there is no {what} `{}`", name.value);
            let finding = Finding::error("unknown_name", name.span, message);
            self.report.push(match nearest(&name.value, known.clone()) {
                Some(near) => finding.with_help(format!("did you mean `{near}`?")),
                None => finding,
            });
        }
    }

    /// What experiments know a customer by.
    fn unit(&mut self, name: Option<&Spanned<String>>) -> Option<Expr> {
        let Some(Spanned { value: name, span }) = name else { return Some(Expr::Unit(UnitKind::Profile)) };
        if let Some((_, kind)) = UnitKind::NAMED.iter().find(|(known, _)| known == name) {
            return Some(Expr::Unit(*kind));
        }
        if let Some(attribute) = self.world.attribute_names.get(name).map(AttributeId) {
            let ty = &self.world.attributes[attribute.index()].ty;
            if matches!(ty, Type::String | Type::Int) {
                return Some(Expr::Attribute(attribute));
            }
            let message = format!("`{name}` ({ty}) identifies nothing");
            let finding = Finding::error("type", *span, message);
            self.report.push(finding.with_help("a unit is an attribute of type string or int"));
            return None;
        }
        if !self.world.is_left_out(name) {
            let kinds = UnitKind::NAMED.iter().map(|(known, _)| *known);
            let finding = Finding::error("unknown_name", *span, format!("there is no unit `{name}`"));
            let help = match nearest(name, kinds.chain(self.world.attribute_names.iter())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a unit is `profile`, `userId`, `anonymousId`, or an attribute".to_owned(),
            };
            self.report.push(finding.with_help(help));
        }
        None
    }

    /// Checks an experiment whose condition was read, after all that the condition names.
    pub(super) fn experiment(&mut self, declared: &Named<ExperimentDeclaration>, when: Option<&Node>) {
        let (name, body) = (&declared.name.value, &declared.body);
        let variants = self.variants(body);
        let forced = self.forced(body);
        let unit = self.unit(body.unit.as_ref());
        let condition = match &body.when {
            Some(text) => {
                self.checked(text, when, Wanted::Condition, Scope::default()).map(|typed| typed.expr)
            }
            None => Some(canonical::truth(true)),
        };
        let dates = self.dates(body.from, body.until.as_ref());
        if body.algorithm == Algorithm::Unleash && body.traffic.value.fract() != 0.0 {
            let message = "Unleash lets whole percents take part";
            self.report.push(Finding::error("out_of_range", body.traffic.span, message));
        }
        if let (Some(salt), true) = (&body.traffic_salt, body.algorithm != Algorithm::Unleash) {
            let finding =
                Finding::error("misplaced_key", salt.span, "only Unleash hashes for its traffic apart");
            self.report.push(finding.with_help("write `salt`, or `algorithm = \"unleash\"`"));
        }
        let (Some(variants), Some(unit), Some(condition)) = (variants, unit, condition) else { return };
        let names = variants.iter().map(|(name, _)| Value::String(Arc::clone(name))).collect();
        let salt = body.salt.clone().unwrap_or_else(|| name.clone());
        let assignment = Assignment::new(Definition {
            name: name.as_str().into(),
            algorithm: body.algorithm,
            traffic_salt: body.traffic_salt.as_ref().map_or_else(|| salt.clone(), |salt| salt.value.clone()),
            salt,
            traffic: body.traffic.value,
            group: body.group.as_ref().map(|group| group.value.clone()),
            variants,
            forced,
        });
        let not_held_out = self.holdouts_of(|holdout| &holdout.experiments, name).map(canonical::not);
        let takes_part = canonical::all(std::iter::once(condition).chain(dates).chain(not_held_out));
        let variant = Expr::Variant(Arc::new(assignment), Box::new(unit), Box::new(takes_part));
        let Some(place) = self.world.experiment_names.get(name).map(ExperimentId) else { return };
        self.world.experiments[place.index()] = Some(CheckedExperiment { variant, variants: names });
    }

    /// The variants with their weights, if its algorithm can be told them.
    fn variants(&mut self, body: &ExperimentDeclaration) -> Option<Vec<(Arc<str>, f64)>> {
        let weights: Vec<f64> = body.variants.iter().map(|variant| variant.weight.value).collect();
        let total: f64 = weights.iter().sum();
        let first = body.variants.first()?;
        let is_growthbook = matches!(body.algorithm, Algorithm::GrowthBook1 | Algorithm::GrowthBook2);
        let is_unleash = body.algorithm == Algorithm::Unleash;
        let (message, help) = if total <= 0.0 {
            ("all variants have the weight 0, so nobody is given any", "give one of them a `weight`")
        } else if is_growthbook && weights.len() == 1 {
            (
                "GrowthBook's experiments have two variants at least",
                "write the one that it calls control, too",
            )
        } else if is_growthbook && !are_growthbook_weights(&weights) {
            ("GrowthBook's weights add up to 1", "write them as it does, such as 0.3 and 0.7, or in percent")
        } else if is_unleash && weights.iter().any(|weight| weight.fract() != 0.0) {
            ("Unleash's weights are whole numbers", "write them in thousandths, as it shows them")
        } else if is_unleash && total > MOST_UNLEASH_WEIGHT {
            ("Unleash's weights add up to a million at most", "write them in thousandths, as it shows them")
        } else {
            let variants = body.variants.iter();
            return Some(variants.map(|v| (v.name.value.as_str().into(), v.weight.value)).collect());
        };
        self.report.push(Finding::error("weights", first.weight.span, message).with_help(help));
        None
    }

    fn forced(&mut self, body: &ExperimentDeclaration) -> BTreeMap<Arc<str>, usize> {
        let mut forced = BTreeMap::new();
        for (unit, variant) in &body.forced {
            let mut names = body.variants.iter().map(|known| known.name.value.as_str());
            match names.clone().position(|name| name == variant.value) {
                Some(place) => drop(forced.insert(unit.as_str().into(), place)),
                None => {
                    let message = format!("there is no variant `{}`", variant.value);
                    let finding = Finding::error("unknown_name", variant.span, message);
                    self.report.push(match nearest(&variant.value, &mut names) {
                        Some(near) => finding.with_help(format!("did you mean `{near}`?")),
                        None => finding,
                    });
                }
            }
        }
        forced
    }

    /// What withholds a personalization or experiment from customers: conditions, one of each holdout.
    pub(super) fn holdouts_of<'a>(
        &'a self,
        listed: impl Fn(&CheckedHoldout) -> &Option<Vec<String>> + 'a,
        name: &'a str,
    ) -> impl Iterator<Item = Expr> + 'a {
        let of_it = move |holdout: &&CheckedHoldout| {
            listed(holdout).as_ref().is_none_or(|names| names.iter().any(|listed| listed == name))
        };
        self.world.holdouts.iter().filter(of_it).map(|holdout| holdout.held_out.clone())
    }

    /// What withholds a personalization.
    pub(super) fn holdout_of_personalization(&self, name: &str) -> Option<Expr> {
        let held_out = canonical::any(self.holdouts_of(|holdout| &holdout.personalizations, name));
        (canonical::as_truth(&held_out) != Some(false)).then_some(held_out)
    }

    /// Refuses shares of one group that overlap, or that are shares of different things.
    pub(super) fn check_groups(&mut self, declarations: &Declarations) {
        let mut groups: AHashMap<&str, Vec<Shared<'_>>> = AHashMap::new();
        for declared in &declarations.experiments {
            let Some(Spanned { value: share, span }) = &declared.body.group else { continue };
            let unit = declared.body.unit.as_ref().map_or("profile", |unit| unit.value.as_str());
            let is_hashed_otherwise =
                matches!(declared.body.algorithm, Algorithm::GrowthBook1 | Algorithm::GrowthBook2);
            let name = declared.name.value.as_str();
            let shared = Shared { name, share, span: *span, by: (unit, is_hashed_otherwise) };
            let others = groups.entry(&share.group).or_default();
            for other in others.iter() {
                let message = if other.by != shared.by {
                    format!(
                        "`{name}` and `{}` share the group `{}`, but find a customer's place in it differently",
                        other.name, share.group
                    )
                } else if share.from < other.share.until && other.share.from < share.until {
                    format!("`{name}` and `{}` overlap in the group `{}`", other.name, share.group)
                } else {
                    continue;
                };
                let finding = Finding::error("group", shared.span, message);
                self.report.push(finding.with_help(
                    "experiments of one group exclude each other: give them the same `unit`, algorithms of one \
                     family, and shares that do not overlap",
                ));
            }
            others.push(shared);
        }
    }
}

/// An experiment's share of a group.
struct Shared<'d> {
    name: &'d str,
    share: &'d ShareDeclaration,
    span: Span,
    /// How a customer's place in the group is found.
    by: (&'d str, bool),
}

impl Checker<'_> {
    /// `variant("experiment")`: the name of the variant that the customer is given.
    pub(super) fn variant(&mut self, name: &Node, node: &Node) -> Option<Typed> {
        let text = self.named(name, "variant", "experiment", node)?;
        let world = self.world;
        if let Some(number) = world.experiment_names.get(&text).map(ExperimentId) {
            let checked = world.experiments[number.index()].as_ref()?;
            let typed = Typed::new(checked.variant.clone(), Type::String);
            return Some(typed.with_domain(Domain::Experiment(number)));
        }
        self.unknown_experiment(&text, name, "experiment", &world.experiment_names);
        None
    }

    /// `held_out("holdout")`: whether the customer is in the holdout.
    pub(super) fn held_out(&mut self, name: &Node, node: &Node) -> Option<Typed> {
        let text = self.named(name, "held_out", "holdout", node)?;
        let world = self.world;
        if let Some(number) = world.holdout_names.get(&text) {
            return Some(Typed::condition(world.holdouts[number as usize].held_out.clone()));
        }
        self.unknown_experiment(&text, name, "holdout", &world.holdout_names);
        None
    }

    fn named(&mut self, name: &Node, function: &str, what: &str, node: &Node) -> Option<String> {
        let refused = match self.scope.place {
            Place::Where(_) => Some(format!("a customer's {what} cannot be asked of an event")),
            Place::Window => Some(format!("a customer's {what} cannot bound a window")),
            Place::Profile | Place::Held => None,
        };
        if let Some(message) = refused {
            let help = format!("ask for it outside: `{function}(…) … && events(…)…`");
            self.report_help("scope", &node.at, message, help);
            return None;
        }
        self.constant_text(name, function, what)
    }

    fn unknown_experiment(&mut self, text: &str, name: &Node, what: &str, known: &Names) {
        if self.world.is_left_out(text) {
            return;
        }
        let help = match nearest(text, known.iter()) {
            Some(near) => format!("did you mean `\"{near}\"`?"),
            None => format!("declare it under `[{what}s.\"{text}\"]`"),
        };
        self.report_help("unknown_name", &name.at, format!("there is no {what} `{text}`"), help);
    }
}
