//! From a cell to a decision: which offers qualify, which of them win, and what they say.
//!
//! Conditions that read only the profile are literals of the graph, so for them deciding is reading
//! bits. What reads the trigger event or the call, and scores, are evaluated; then the result is kept with
//! the profile's stamp, and the next question is a look-up until something changes. What a call with a
//! context of its own is answered is not kept, nor what is decided of offers of which there are only so many.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::base::time::{Duration, Time};
use crate::derived::view::{Known, View};
use crate::derived::work::Work;
use crate::engine::called::Called;
use crate::engine::decision::{Chosen, Decided, Decision, Reason};
use crate::engine::program::{Condition, Program};
use crate::engine::standing::Standing;
use crate::engine::summary::completeness::Completeness;
use crate::facts::stamp::MessageOrder;
use crate::model::declaration::Strategy;
use crate::model::ids::PersonalizationId;
use crate::model::value::Value;
use crate::rules::at_call::{AlreadyShown, AtCall, shown_of};
use crate::rules::definitions::{OfferDefinition, PersonalizationDefinition};
use crate::rules::evaluate::{Motion, Reading, evaluate};
use crate::rules::exposures::Exposures;
use crate::rules::expression::Expr;
use crate::rules::template::Template;

/// What deciding needs beside the cell.
pub(crate) struct Deciding<'a> {
    pub(crate) program: &'a Program,
    /// How often offers were shown, of which there may be only so many.
    pub(crate) exposures: &'a dyn Exposures,
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
        let definition = &personalizations[id.index()];
        let trigger = definition.on.and_then(|event| standing.trigger(event));
        let call = AtCall::triggered(trigger.as_deref().unwrap_or_default());
        let decision = Arc::new(self.make(standing, id, call, &AlreadyShown::default()));
        if !definition.has_stock {
            decisions.keep(id, standing.stamp(), &decision, personalizations.len());
        }
        Decided { decision, cached: false }
    }

    /// The decision for a certain call, beside what it has shown already; it is not kept.
    pub(crate) fn make(
        &mut self,
        standing: Standing<'_>,
        id: PersonalizationId,
        call: AtCall<'_>,
        already: &AlreadyShown,
    ) -> Decision {
        self.work.decisions += 1;
        let program = self.program;
        let view =
            View { compiled: program.compiled(), known: standing, order: self.order, now: self.now, call };
        let definition = &program.definitions.personalizations[id.index()];
        let mut answer = Answer { view, valid_until: standing.deadline() };
        let held_out = definition
            .holdout
            .as_ref()
            .zip(program.holdout_condition(id))
            .is_some_and(|(holdout, condition)| self.holds(&mut answer, condition, holdout));
        let winners = if held_out { Vec::new() } else { self.winners(&mut answer, id, definition, already) };
        if winners.iter().any(|offer| offer.stock.is_some()) {
            // Somebody else may be shown the last one.
            answer.valid_until = answer.valid_until.min(self.now + Duration::MILLISECOND);
        }
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
            is_list: definition.is_list(),
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

    /// The decision for a call, beside what it has shown already; what it shows is added to that. One that was
    /// made before, and is the same for this call, is looked up.
    pub(crate) fn beside(
        &mut self,
        standing: Standing<'_>,
        decisions: &Decisions,
        id: PersonalizationId,
        called: &Called,
        already: &mut AlreadyShown,
    ) -> Decided {
        let definition = &self.program.definitions.personalizations[id.index()];
        let kept = decisions.cached(id, standing.stamp(), self.now);
        let kept = kept.filter(|kept| {
            called.says_nothing_to(definition)
                && shown_of(definition, offers_of(kept, definition), already).len() == kept.chosen()
        });
        let cached = kept.is_some();
        let decision = kept.map(Arc::clone).unwrap_or_else(|| {
            let trigger = definition.on.and_then(|event| standing.trigger(event));
            let call = called.at_call(trigger.as_deref().unwrap_or_default());
            Arc::new(self.make(standing, id, call, already))
        });
        self.show(&decision, id, already);
        Decided { decision, cached }
    }

    /// Adds what a decision chose to what is shown.
    pub(crate) fn show(&self, decision: &Decision, id: PersonalizationId, already: &mut AlreadyShown) {
        let definition = &self.program.definitions.personalizations[id.index()];
        offers_of(decision, definition).for_each(|offer| already.add(offer));
    }

    /// The winning offers, best first. Offers are already in the order of `first`.
    fn winners<'d>(
        &mut self,
        answer: &mut Answer<'_>,
        id: PersonalizationId,
        definition: &'d PersonalizationDefinition,
        already: &AlreadyShown,
    ) -> Vec<&'d OfferDefinition> {
        let (program, exposures) = (self.program, self.exposures);
        let name = program.definitions.personalization_names.name(id.0);
        let offers = definition.offers.iter().enumerate();
        let mut qualified = offers.filter_map(|(place, offer)| {
            let qualifies = self.holds(answer, program.offer_condition(id, place), &offer.when);
            (qualifies && offer.is_left(name, exposures)).then_some(offer)
        });
        if definition.strategy != Strategy::Best {
            return shown_of(definition, &mut qualified, already);
        }
        let qualified: Vec<&OfferDefinition> = qualified.collect();
        let scored = qualified.into_iter().map(|offer| {
            self.work.conditions += u64::from(offer.score.is_some());
            (offer.score.as_ref().and_then(|score| answer.read(score)), offer)
        });
        let mut scored: Vec<_> = scored.collect();
        // Equal scores stay in the order of `first`.
        scored.sort_by(|(a, _), (b, _)| compare_scores(b.as_ref(), a.as_ref()));
        shown_of(definition, scored.into_iter().map(|(_, offer)| offer), already)
    }

    /// Whether a condition holds: by what is kept of the profile, as far as that says it.
    fn holds(&mut self, answer: &mut Answer<'_>, condition: Condition<'_>, whole: &Expr) -> bool {
        let kept = answer.view.known.truth(condition.of_profile);
        let to_read = match (kept, condition.at_call) {
            // A call that gives variants, or nobody of whom anything is kept.
            _ if !answer.view.call.variants.is_empty() => whole,
            (None, _) => whole,
            (Some(false), _) => return false,
            (Some(true), None) => return true,
            (Some(true), Some(at_call)) => at_call,
        };
        self.work.conditions += 1;
        matches!(answer.read(to_read), Some(Value::Bool(true)))
    }
}

/// The offers that a decision chose; the fallback is none.
pub(crate) fn offers_of<'d>(
    decision: &Decision,
    definition: &'d PersonalizationDefinition,
) -> impl Iterator<Item = &'d OfferDefinition> {
    let chosen = decision.offers.iter().filter(|_| decision.reason == Reason::Qualified);
    chosen.filter_map(|chosen| definition.offers.iter().find(|offer| offer.name == chosen.name))
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
        winners: &[&OfferDefinition],
    ) -> (Vec<Chosen>, Reason) {
        if !winners.is_empty() {
            let offers = winners.iter();
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
                None => definitions.map_of_call(name, definition.on, self.view.call),
            };
            values.push((name.as_str(), value));
        }
        template.render(|name| values.iter().find(|(known, _)| *known == name)?.1.clone())
    }
}
