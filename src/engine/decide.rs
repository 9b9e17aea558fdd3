//! From a cell to a decision: which offers qualify, which of them win, and what they say.
//!
//! Conditions that read only the profile are literals of the graph, so for them deciding is reading
//! bits. What reads the trigger event, and scores, are evaluated; then the result is kept with the
//! profile's stamp, and the next question is a look-up until something changes.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::base::time::{Duration, Time};
use crate::derived::graph::Literal;
use crate::derived::view::{Known, View};
use crate::derived::work::Work;
use crate::engine::decision::{Chosen, Decided, Decision, Reason};
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::engine::summary::completeness::Completeness;
use crate::facts::stamp::MessageOrder;
use crate::model::declaration::Strategy;
use crate::model::ids::PersonalizationId;
use crate::model::value::Value;
use crate::rules::definitions::PersonalizationDefinition;
use crate::rules::evaluate::{Motion, Reading, evaluate};
use crate::rules::expression::Expr;
use crate::rules::template::Template;

/// What deciding needs beside the cell.
pub(crate) struct Deciding<'a> {
    pub(crate) program: &'a Program,
    pub(crate) order: &'a dyn MessageOrder,
    /// The message that changed the profile last.
    pub(crate) cause: Option<Arc<str>>,
    pub(crate) now: Time,
    pub(crate) work: &'a mut Work,
}

/// The decisions made for one profile: of each personalization the last one, with the stamp of the
/// profile that it was made under.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decisions(Vec<Option<(u64, Arc<Decision>)>>);

impl Decisions {
    /// The decision that was made before, if it still holds at `now` for a profile of this stamp.
    pub(crate) fn cached(&self, id: PersonalizationId, stamp: u64, now: Time) -> Option<&Arc<Decision>> {
        self.last(id, stamp).filter(|decision| now < decision.valid_until)
    }

    /// About how many bytes they take on the heap, without the decisions, which others may share.
    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Option<(u64, Arc<Decision>)>>()
    }

    /// The decision that was made before for a profile of this stamp.
    pub(crate) fn last(&self, id: PersonalizationId, stamp: u64) -> Option<&Arc<Decision>> {
        let (made_under, decision) = self.0.get(id.index())?.as_ref()?;
        (*made_under == stamp).then_some(decision)
    }

    fn keep(&mut self, id: PersonalizationId, stamp: u64, decision: &Arc<Decision>, personalizations: usize) {
        if self.0.len() <= id.index() {
            self.0.resize(personalizations, None);
        }
        self.0[id.index()] = Some((stamp, Arc::clone(decision)));
    }
}

impl Deciding<'_> {
    /// The decision for a customer who was brought to `now`, from those made before if it is there.
    pub(crate) fn decide(
        &mut self,
        standing: Standing<'_>,
        decisions: &mut Decisions,
        id: PersonalizationId,
    ) -> Decided {
        if let Some(decision) = decisions.cached(id, standing.stamp(), self.now) {
            return Decided { decision: Arc::clone(decision), cached: true };
        }
        let personalizations = &self.program.definitions.personalizations;
        let trigger = personalizations[id.index()].on.and_then(|event| standing.trigger(event));
        let decision = Arc::new(self.make(standing, id, trigger.as_deref().unwrap_or_default()));
        decisions.keep(id, standing.stamp(), &decision, personalizations.len());
        Decided { decision, cached: false }
    }

    /// The decision with the properties of a certain trigger event; it is not kept.
    pub(crate) fn make(
        &mut self,
        standing: Standing<'_>,
        id: PersonalizationId,
        trigger: &[Option<Value>],
    ) -> Decision {
        self.work.decisions += 1;
        let program = self.program;
        let view =
            View { compiled: program.compiled(), known: standing, order: self.order, now: self.now, trigger };
        let definition = &program.definitions.personalizations[id.index()];
        let mut answer = Answer { view, valid_until: standing.deadline() };
        let held_out = definition
            .holdout
            .as_ref()
            .is_some_and(|holdout| self.holds(&mut answer, program.holdout_condition(id), holdout));
        let winners = if held_out { Vec::new() } else { self.winners(&mut answer, id, definition) };
        let (offers, reason) = answer.present(definition, &winners);
        let reason = if held_out { Reason::HeldOut } else { reason };
        let attributes = definition
            .attributes
            .iter()
            .map(|attribute| (Arc::clone(&attribute.name), answer.read(&attribute.value)));
        let attributes = attributes.collect();
        let variants =
            definition.experiments.iter().filter_map(|(name, variant)| match answer.read(variant) {
                Some(Value::String(variant)) => Some((Arc::clone(name), variant)),
                _ => None,
            });
        let variants = variants.collect();
        let lacking = standing.lacking();
        let completeness = Completeness::of_customer(program, &lacking, self.now);
        Decision {
            personalization: Arc::from(program.definitions.personalization_names.name(id.0)),
            strategy: definition.strategy,
            offers,
            reason,
            attributes,
            variants,
            cause: self.cause.clone(),
            revision: program.revision,
            at: self.now,
            valid_until: answer.valid_until.min(completeness.next_change()),
            complete_since: completeness.of_decision(definition),
        }
    }

    /// The places of the winning offers, best first. Offers are already in the order of `first`.
    fn winners(
        &mut self,
        answer: &mut Answer<'_>,
        id: PersonalizationId,
        definition: &PersonalizationDefinition,
    ) -> Vec<usize> {
        let mut qualified = Vec::new();
        for (place, offer) in definition.offers.iter().enumerate() {
            if self.holds(answer, self.program.offer_condition(id, place), &offer.when) {
                qualified.push(place);
                if definition.strategy == Strategy::First {
                    break;
                }
            }
        }
        if definition.strategy == Strategy::Best {
            let scored = qualified.into_iter().map(|place| {
                let score = definition.offers[place].score.as_ref();
                self.work.conditions += u64::from(score.is_some());
                (score.and_then(|score| answer.read(score)), place)
            });
            // Of equal scores the first one stays, so that the order of `first` decides.
            let best = scored.reduce(|best, next| {
                if compare_scores(next.0.as_ref(), best.0.as_ref()) == Ordering::Greater {
                    next
                } else {
                    best
                }
            });
            return best.map(|(_, place)| place).into_iter().collect();
        }
        qualified
    }

    /// Whether a condition holds, by its literal if it has one.
    fn holds(&mut self, answer: &mut Answer<'_>, literal: Option<Literal>, condition: &Expr) -> bool {
        literal.and_then(|literal| answer.view.known.truth(literal)).unwrap_or_else(|| {
            self.work.conditions += 1;
            matches!(answer.read(condition), Some(Value::Bool(true)))
        })
    }
}

/// A missing score is less than any other.
fn compare_scores(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.compare(b).unwrap_or(Ordering::Equal),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// An answer in the making, and until when what it read so far stays the same.
struct Answer<'a> {
    view: View<'a, Standing<'a>>,
    valid_until: Time,
}

impl Answer<'_> {
    fn read(&mut self, expr: &Expr) -> Option<Value> {
        let Reading { value, motion, until } = evaluate(expr, &self.view);
        let until = if motion == Motion::Still { until } else { self.view.now + Duration::MILLISECOND };
        self.valid_until = self.valid_until.min(until);
        value
    }

    fn present(
        &mut self,
        definition: &PersonalizationDefinition,
        winners: &[usize],
    ) -> (Vec<Chosen>, Reason) {
        if !winners.is_empty() {
            let offers = winners.iter().map(|place| &definition.offers[*place]);
            let chosen = offers.map(|offer| self.chosen(&offer.name, offer.text.as_ref(), definition));
            return (chosen.collect(), Reason::Qualified);
        }
        match &definition.fallback {
            Some(fallback) => {
                (vec![self.chosen(&fallback.name, fallback.text.as_ref(), definition)], Reason::Fallback)
            }
            None => (Vec::new(), Reason::Nothing),
        }
    }

    fn chosen(
        &mut self,
        name: &Arc<str>,
        text: Option<&Template>,
        definition: &PersonalizationDefinition,
    ) -> Chosen {
        let (text, problem) = match text.map(|template| self.render(template, definition)) {
            Some(Ok(text)) => (Some(Arc::from(text)), None),
            Some(Err(problem)) => (None, Some(Arc::from(problem))),
            None => (None, None),
        };
        Chosen { name: Arc::clone(name), text, problem }
    }

    fn render(
        &mut self,
        template: &Template,
        definition: &PersonalizationDefinition,
    ) -> Result<String, String> {
        let definitions = self.view.compiled.definitions;
        let mut values = Vec::with_capacity(template.reads.len());
        for name in &template.reads {
            let value = match definitions.value_named(name) {
                Some(expr) => self.read(&expr),
                None => self.trigger_map(definition),
            };
            values.push((name.as_str(), value));
        }
        template.render(|name| values.iter().find(|(known, _)| *known == name)?.1.clone())
    }

    /// The trigger event's properties as a map, for `{{ event.x }}`.
    fn trigger_map(&self, definition: &PersonalizationDefinition) -> Option<Value> {
        let names = &self.view.compiled.definitions.event(definition.on?).property_names;
        let mut entries: Vec<(Arc<str>, Value)> = names
            .iter()
            .zip(self.view.trigger)
            .filter_map(|(name, value)| Some((Arc::from(name), value.clone()?)))
            .collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Some(Value::Map(entries.into()))
    }
}
