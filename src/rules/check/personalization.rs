//! Checks personalizations: triggers, offers and their texts, and what is returned with a decision.

use std::sync::Arc;

use crate::base::diagnostic::Finding;
use crate::base::limits::MAX_CALL_NODES;
use crate::base::names::{Names, nearest};
use crate::base::source_text::{Spanned, Text};
use crate::model::declaration::{
    Declarations, FallbackDeclaration, Named, OfferDeclaration, PersonalizationDeclaration, Strategy,
};
use crate::model::ids::{AttributeId, ComputedId, EventId, PersonalizationId};
use crate::rules::at_call::{self, CONTEXT};
use crate::rules::canonical;
use crate::rules::definitions::{
    FallbackDefinition, OfferDefinition, PersonalizationDefinition, PlacementDefinition, ReturnedAttribute,
};
use crate::rules::expression::Expr;
use crate::rules::template::Template;

use super::offers::Limits;
use super::parsed::Parsed;
use super::parsed::ParsedOffer;
use super::scope::Scope;
use super::world::World;
use super::{Catalog, Wanted};

/// The name in `attributes` that stands for all that is not sensitive.
const ALL: &str = "*";

impl Catalog<'_> {
    pub(super) fn personalizations(
        &mut self,
        parsed: &Parsed<'_>,
        limits: Limits<'_>,
    ) -> (Names, Vec<PersonalizationDefinition>) {
        let mut names = Names::default();
        let mut definitions = Vec::with_capacity(parsed.personalizations.len());
        for (declared, offers) in &parsed.personalizations {
            let name = &declared.name.value;
            if names.get(name).is_some() {
                self.error(
                    "duplicate",
                    &declared.name,
                    format!("the personalization `{name}` is declared twice"),
                );
                continue;
            }
            names.add(name);
            definitions.push(self.personalization(declared, offers, limits));
        }
        (names, definitions)
    }

    fn personalization(
        &mut self,
        declared: &Named<PersonalizationDeclaration>,
        parsed: &[ParsedOffer<'_>],
        limits: Limits<'_>,
    ) -> PersonalizationDefinition {
        let body = &declared.body;
        let on = body.on.as_ref().and_then(|name| self.known_event(name));
        let attributes = self.returned(&body.attributes);
        let mut offers = Vec::with_capacity(body.offers.len());
        let mut names = ahash::AHashSet::new();
        for parsed in parsed {
            let offer = parsed.declared;
            if !names.insert(offer.name.value.as_str()) {
                let message =
                    format!("the offer `{}` is declared twice in this personalization", offer.name.value);
                self.error("duplicate", &offer.name, message);
            }
            self.score_fits(offer, body.strategy);
            let limits = self.limits_of(limits, &declared.name.value, offer);
            offers.push(self.offer(parsed, on, &body.attributes).zip(limits).map(|(offer, limits)| {
                let conditions = limits.iter().map(|limit| limit.condition.clone());
                let when = canonical::all(std::iter::once(offer.when).chain(conditions));
                OfferDefinition { when, limits, ..offer }
            }));
        }
        if body.offers.is_empty() && body.fallback.is_none() {
            let message =
                format!("the personalization `{}` has neither offers nor a fallback", declared.name.value);
            self.report.push(Finding::warning("no_offer", declared.name.span, message));
        }
        let mut offers: Vec<OfferDefinition> = offers.into_iter().flatten().collect();
        offers.sort_by_key(|offer| std::cmp::Reverse(offer.priority));
        self.fits_a_call(declared, &offers);
        let fallback = body.fallback.as_ref().map(|fallback| self.fallback(fallback, on, &body.attributes));
        let most = body.most.unwrap_or(match body.strategy {
            Strategy::First | Strategy::Best => 1,
            Strategy::All => usize::MAX,
        });
        let holdout = self.holdout_of_personalization(&declared.name.value);
        PersonalizationDefinition {
            on,
            strategy: body.strategy,
            most,
            attributes,
            reads_context: reads_context(&offers, fallback.as_ref()),
            has_stock: offers.iter().any(|offer| offer.stock.is_some()),
            offers,
            fallback,
            holdout,
            experiments: Vec::new(),
        }
    }

    /// Which personalizations are decided together.
    pub(super) fn placements(
        &mut self,
        declarations: &Declarations,
        personalizations: &Names,
    ) -> (Names, Vec<PlacementDefinition>) {
        let mut names = Names::default();
        let mut definitions = Vec::with_capacity(declarations.placements.len());
        for Named { name, body } in &declarations.placements {
            let known = declarations.personalizations.iter().map(|named| &*named.name.value);
            self.are_known(Some(&body.personalizations), known, "personalization");
            let places = body.personalizations.iter().filter_map(|named| personalizations.get(&named.value));
            let mut personalizations: Vec<PersonalizationId> = Vec::new();
            for (place, named) in places.zip(&body.personalizations) {
                if personalizations.contains(&PersonalizationId(place)) {
                    let message = format!("`{}` is in this placement twice", named.value);
                    self.error("duplicate", named, message);
                }
                personalizations.push(PersonalizationId(place));
            }
            names.add(&name.value);
            definitions.push(PlacementDefinition { personalizations, most: body.most });
        }
        (names, definitions)
    }

    /// The attributes returned with a decision, each once, in the order written.
    fn returned(&mut self, listed: &[Spanned<String>]) -> Vec<ReturnedAttribute> {
        let mut names: Vec<String> = Vec::new();
        for name in listed {
            if name.value == ALL {
                let all = self.world.attribute_names.iter().chain(self.world.computed_names.iter());
                names.extend(all.filter(|name| !is_sensitive(&self.world, name)).map(str::to_owned));
            } else if self.world.is_readable(&name.value) {
                names.push(name.value.clone());
            } else if !self.world.is_left_out(&name.value) {
                let message = format!("there is no attribute or computed attribute `{}`", name.value);
                let finding = Finding::error("unknown_name", name.span, message);
                self.report.push(match self.world.near_readable(&name.value) {
                    Some(near) => finding.with_help(format!("did you mean `{near}`?")),
                    None => finding,
                });
            }
        }
        let mut seen = ahash::AHashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        let world = &self.world;
        let value =
            |name: String| Some(ReturnedAttribute { value: world.readable(&name)?, name: name.into() });
        names.into_iter().filter_map(value).collect()
    }

    /// Whether what has to be evaluated at a call is small enough for it.
    fn fits_a_call(&mut self, declared: &Named<PersonalizationDeclaration>, offers: &[OfferDefinition]) {
        let conditions = offers.iter().filter_map(|offer| at_call::split(&offer.when).1);
        let scores = offers.iter().filter_map(|offer| offer.score.clone()).filter(at_call::is_at_call);
        let nodes: usize = conditions.chain(scores).map(|expr| expr.nodes_and_depth().0).sum();
        if nodes > MAX_CALL_NODES {
            let message = format!(
                "{nodes} parts of conditions read what only a call knows, and at most {MAX_CALL_NODES} are allowed"
            );
            let finding = Finding::error("too_large", declared.name.span, message);
            let help = "ask for the call beside a segment: `segment && context.x`, so that the rest is kept";
            self.report.push(finding.with_help(help));
        }
    }

    fn score_fits(&mut self, offer: &OfferDeclaration, strategy: Strategy) {
        let name = &offer.name.value;
        let finding = match (&offer.score, strategy) {
            (Some(score), Strategy::First | Strategy::All) => {
                let message = format!("the score of `{name}` is never used");
                Finding::warning("unused_score", score.span, message)
                    .with_help("write `strategy = \"best\"` to choose by score, or remove it")
            }
            (None, Strategy::Best) => {
                let message = format!("`{name}` has no score and comes after all offers that have one");
                Finding::warning("no_score", offer.name.span, message)
                    .with_help("write `score = …`, a number or an expression that gives one")
            }
            _ => return,
        };
        self.report.push(finding);
    }

    fn offer(
        &mut self,
        parsed: &ParsedOffer<'_>,
        on: Option<EventId>,
        listed: &[Spanned<String>],
    ) -> Option<OfferDefinition> {
        let offer = parsed.declared;
        let scope = || Scope::of_personalization(on);
        let when = match &offer.when {
            Some(text) => {
                self.checked(text, parsed.when.as_ref(), Wanted::Condition, scope()).map(|typed| typed.expr)
            }
            None => Some(canonical::truth(true)),
        };
        let score = offer.score.as_ref().map(|text| {
            self.checked(text, parsed.score.as_ref(), Wanted::Number, scope()).map(|typed| typed.expr)
        });
        let text = offer.text.as_ref().map(|text| self.template(text, on, listed));
        Some(OfferDefinition {
            name: Arc::from(offer.name.value.as_str()),
            priority: offer.priority.as_ref().map_or(0, |priority| priority.value),
            when: when?,
            limits: Vec::new(),
            score: sound(score)?,
            stock: offer.stock,
            groups: offer.groups.iter().map(|group| Arc::from(group.as_str())).collect(),
            text: sound(text)?,
        })
    }

    fn fallback(
        &mut self,
        fallback: &FallbackDeclaration,
        on: Option<EventId>,
        listed: &[Spanned<String>],
    ) -> FallbackDefinition {
        let text = fallback.text.as_ref().and_then(|text| self.template(text, on, listed));
        FallbackDefinition { name: Arc::from(fallback.name.value.as_str()), text }
    }

    /// Compiles a text, and sees that it gives away nothing sensitive that is not listed.
    fn template(&mut self, text: &Text, on: Option<EventId>, listed: &[Spanned<String>]) -> Option<Template> {
        let known = |name: &str| {
            self.world.is_readable(name)
                || self.world.is_left_out(name)
                || (name == "event" && on.is_some())
                || (name == CONTEXT && !self.world.context.is_empty())
        };
        let template = match Template::compile(&text.value, &known) {
            Ok(template) => template,
            Err(problem) => {
                let span = text.locate(problem.at.start, problem.at.end);
                let code = if problem.unknown.is_some() { "unknown_name" } else { "template" };
                let finding = Finding::error(code, span, problem.message);
                let near = problem.unknown.as_deref().and_then(|name| match name {
                    CONTEXT => Some("declare what a call may say under `[context]`".to_owned()),
                    "event" => Some("only a personalization with `on` has a trigger event".to_owned()),
                    _ if self.world.segment_names.get(name).is_some() => {
                        Some("segments cannot be read in a text: choose with `when`".to_owned())
                    }
                    _ => self.world.near_readable(name).map(|near| format!("did you mean `{near}`?")),
                });
                self.report.push(match near {
                    Some(help) => finding.with_help(help),
                    None => finding,
                });
                return None;
            }
        };
        for name in &template.reads {
            if is_sensitive(&self.world, name) && !listed.iter().any(|listed| listed.value == *name) {
                let place = text.value.find(name.as_str()).unwrap_or(0);
                let span = text.locate(place, place + name.len());
                let message =
                    format!("`{name}` is sensitive and not among the attributes of this personalization");
                let help = format!("list it by name, `attributes = [\"{name}\", …]`, to give it out");
                self.report.push(Finding::error("sensitive", span, message).with_help(help));
            }
        }
        Some(template)
    }
}

impl World {
    /// Whether the name is an attribute or computed attribute.
    fn is_readable(&self, name: &str) -> bool {
        self.attribute_names.get(name).is_some() || self.computed_names.get(name).is_some()
    }

    fn near_readable(&self, name: &str) -> Option<&str> {
        nearest(name, self.attribute_names.iter().chain(self.computed_names.iter()))
    }

    /// The value of an attribute or computed attribute.
    fn readable(&self, name: &str) -> Option<Expr> {
        if let Some(number) = self.attribute_names.get(name) {
            return Some(Expr::Attribute(AttributeId(number)));
        }
        let computed = ComputedId(self.computed_names.get(name)?);
        Some(self.computed[computed.index()].as_ref()?.expr.clone())
    }
}

/// Whether offers or their texts read what a call says.
fn reads_context(offers: &[OfferDefinition], fallback: Option<&FallbackDefinition>) -> bool {
    let texts = offers.iter().map(|offer| &offer.text).chain(fallback.map(|fallback| &fallback.text));
    let mut conditions = offers.iter().flat_map(|offer| std::iter::once(&offer.when).chain(&offer.score));
    let mut names = texts.flatten().flat_map(|text| &text.reads);
    conditions.any(at_call::reads_context) || names.any(|name| name == CONTEXT)
}

/// Whether reading the name gives away the value of a sensitive attribute.
fn is_sensitive(world: &World, name: &str) -> bool {
    world.readable(name).is_some_and(|value| gives_away(world, &value))
}

/// Truths about a sensitive value do not give it away; anything else made of it does.
fn gives_away(world: &World, expr: &Expr) -> bool {
    match expr {
        Expr::Attribute(id) => world.attributes[id.index()].sensitive,
        Expr::Has(_)
        | Expr::Compare(..)
        | Expr::In(..)
        | Expr::Text(..)
        | Expr::Matches(..)
        | Expr::Quantified(..)
        | Expr::Held(..)
        | Expr::Hours(_)
        | Expr::Variant(..) => false,
        other => {
            let mut found = false;
            other.for_each_part(&mut |part| found = found || gives_away(world, part));
            found
        }
    }
}

/// What is either left out or sound; `None` if it is there and has problems.
fn sound<T>(checked: Option<Option<T>>) -> Option<Option<T>> {
    match checked {
        None => Some(None),
        Some(Some(sound)) => Some(Some(sound)),
        Some(None) => None,
    }
}
