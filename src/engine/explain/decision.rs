//! Why a personalization decides as it does: every offer, chosen or not.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::base::time::Time;
use crate::derived::work::Work;
use crate::engine::cell::Cell;
use crate::engine::decide::Deciding;
use crate::engine::decision::{Decision, Reason};
use crate::engine::explain::parts::{Parts, Trigger};
use crate::engine::explain::segment::Explaining;
use crate::engine::explain::wording::{say, say_optional};
use crate::engine::explanation::{
    ExplainedAnswer, ExplainedDecision, ExplainedLimit, ExplainedOffer, ExplainedTrigger, Explanation, Miss,
};
use crate::engine::standing::Standing;
use crate::engine::transition;
use crate::model::declaration::Strategy;
use crate::model::ids::PersonalizationId;
use crate::model::value::Value;
use crate::rules::at_call::{AlreadyShown, AtCall};
use crate::rules::definitions::{OfferDefinition, PersonalizationDefinition};

/// An offer as far as the choice looks at it.
struct Candidate<'a> {
    offer: &'a OfferDefinition,
    /// How many there are left, if there are only so many.
    left: Option<u64>,
    qualifies: bool,
    chosen: bool,
    score: Option<Value>,
}

impl Explaining<'_> {
    /// Why the customer is shown what a personalization decides.
    pub(crate) fn decision(&self, id: PersonalizationId) -> Explanation {
        let definition = &self.program.definitions.personalizations[id.index()];
        let kept = self.decisions.cached(id, self.cell.stamp, self.now).filter(|_| self.call.is_silent());
        let decision = match kept {
            Some(decision) => Arc::clone(decision),
            None => Arc::new(self.decide(self.cell, id, self.now)),
        };
        let seen = definition.on.and_then(|event| self.cell.customer.trigger(event));
        let message = seen.and_then(|seen| self.past.mention(seen.stamp));
        let trigger = definition.on.map(|event| Trigger { event, message: message.as_ref() });
        let parts = self.parts(seen.map_or(&[][..], |seen| &seen.properties), trigger);
        let name = self.program.definitions.personalization_names.name(id.0);
        let candidate = |offer| {
            let left = OfferDefinition::left(offer, name, self.exposures);
            candidate(offer, left, &parts, &decision)
        };
        let candidates: Vec<Candidate<'_>> = definition.offers.iter().map(candidate).collect();
        let holdouts = definition.holdout.as_ref().map_or_else(Vec::new, |holdout| parts.holdouts(holdout));
        let made = (&*decision, &holdouts[..]);
        let offers = candidates
            .iter()
            .map(|candidate| explain(candidate, &candidates, definition.strategy, &parts, made));
        self.explanation(ExplainedAnswer::Decision(Box::new(ExplainedDecision {
            personalization: decision.personalization.to_string(),
            strategy: definition.strategy,
            decision: decision.to_json(),
            reason: decision.reason,
            cached: kept.is_some(),
            cause: self.cause(),
            valid_until: (decision.valid_until != Time::NEVER).then_some(decision.valid_until),
            trigger: definition.on.map(|event| ExplainedTrigger {
                event: self.program.definitions.event_names.name(event.0).to_owned(),
                message: message.clone(),
            }),
            change: self.future().next_change(self.cell, self.now, |cell, at| {
                let decision = self.decide(cell, id, at);
                (decision.to_json(), decision.valid_until)
            }),
            offers: offers.collect(),
            fallback: definition.fallback.as_ref().map(|fallback| Arc::clone(&fallback.name)),
        })))
    }

    /// The decision for a cell at an instant, made on the fast path but not kept.
    fn decide(&self, cell: &Cell, id: PersonalizationId, at: Time) -> Decision {
        let definition: &PersonalizationDefinition = &self.program.definitions.personalizations[id.index()];
        let trigger = definition.on.and_then(|event| cell.customer.trigger(event));
        let properties = trigger.map_or(&[][..], |trigger| &trigger.properties);
        let work = &mut Work::default();
        let Explaining { program, exposures, order, .. } = *self;
        let mut deciding = Deciding { program, exposures, order, cause: None, now: at, work };
        let call = AtCall { trigger: properties, ..self.call };
        deciding.make(Standing::Cell(cell), id, call, &AlreadyShown::default())
    }

    /// The message that changed the customer last.
    fn cause(&self) -> Option<Arc<str>> {
        match self.cell.last_cause {
            transition::Trigger::Message(place) => self.past.id(place),
            transition::Trigger::Time | transition::Trigger::Catalog => None,
        }
    }
}

fn candidate<'a>(
    offer: &'a OfferDefinition,
    left: Option<u64>,
    parts: &Parts<'_>,
    decision: &Decision,
) -> Candidate<'a> {
    let is_chosen = decision.offers.iter().any(|chosen| chosen.name == offer.name);
    Candidate {
        offer,
        left,
        qualifies: left != Some(0) && parts.read(&offer.when).is_true(),
        chosen: is_chosen && decision.reason == Reason::Qualified,
        score: offer.score.as_ref().and_then(|score| parts.read(score).value),
    }
}

fn explain(
    candidate: &Candidate<'_>,
    all: &[Candidate<'_>],
    strategy: Strategy,
    parts: &Parts<'_>,
    (decision, holdouts): (&Decision, &[String]),
) -> ExplainedOffer {
    let offer = candidate.offer;
    let nearest_miss = match candidate.qualifies {
        true => Vec::new(),
        false => parts.nearest(&offer.when, true).misses,
    };
    let chosen = decision.offers.iter().find(|chosen| candidate.chosen && chosen.name == offer.name);
    let limits = parts.limits(offer, candidate.left);
    let why = match (decision.reason, candidate.qualifies) {
        (Reason::HeldOut, _) => why_held_out(holdouts),
        (_, false) => why_not(&limits, &nearest_miss, &parts.misses_of_limits(offer)),
        (_, true) => why_qualified(candidate, all, strategy),
    };
    ExplainedOffer {
        name: Arc::clone(&offer.name),
        chosen: candidate.chosen,
        qualifies: candidate.qualifies,
        why,
        priority: offer.priority,
        score: offer.score.as_ref().map(|_| candidate.score.clone()),
        problem: chosen.and_then(|chosen| chosen.problem.clone()),
        nearest_miss,
        limits,
        condition: parts.of(&offer.when),
    }
}

fn why_held_out(holdouts: &[String]) -> String {
    let names: Vec<String> = holdouts.iter().map(|name| format!("`{name}`")).collect();
    format!("withheld: the customer is in the holdout {}", names.join(" and "))
}

/// What withholds an offer: first its limits, in the catalog's words, then what its own condition lacks.
fn why_not(limits: &[ExplainedLimit], misses: &[Miss], of_limits: &[Miss]) -> String {
    let limits = limits.iter().filter_map(|limit| limit.need.clone());
    let own = misses.iter().filter(|miss| !of_limits.contains(miss));
    let own = own.map(|miss| format!("{} ({})", miss.need, miss.part));
    format!("does not qualify: {}", limits.chain(own).collect::<Vec<_>>().join("; "))
}

fn why_qualified(candidate: &Candidate<'_>, all: &[Candidate<'_>], strategy: Strategy) -> String {
    let rivals: Vec<&Candidate<'_>> =
        all.iter().filter(|other| other.qualifies && other.offer.name != candidate.offer.name).collect();
    if strategy == Strategy::All {
        return "qualifies".to_owned();
    }
    if candidate.chosen {
        return why_chosen(candidate, &rivals, strategy);
    }
    match rivals.iter().find(|rival| rival.chosen) {
        Some(winner) => why_beaten(candidate, winner, strategy),
        None => "qualifies".to_owned(),
    }
}

fn why_chosen(candidate: &Candidate<'_>, rivals: &[&Candidate<'_>], strategy: Strategy) -> String {
    let priority = candidate.offer.priority;
    if rivals.is_empty() {
        return "the only one that qualifies".to_owned();
    }
    let ranks_as = |rival: &&&Candidate<'_>| strategy != Strategy::Best || rival.score == candidate.score;
    let mut equals = rivals.iter().filter(ranks_as).peekable();
    let score = match &candidate.score {
        Some(score) => format!("score {}", say(score)),
        None => "no score is there".to_owned(),
    };
    let order = match (equals.peek().is_some(), equals.any(|rival| rival.offer.priority == priority)) {
        (true, true) => "first in order",
        (true, false) => return join(strategy, &score, &format!("priority {priority}")),
        (false, _) => return score,
    };
    join(strategy, &score, order)
}

fn join(strategy: Strategy, score: &str, rest: &str) -> String {
    if strategy == Strategy::Best { format!("{score}, {rest}") } else { rest.to_owned() }
}

fn why_beaten(candidate: &Candidate<'_>, winner: &Candidate<'_>, strategy: Strategy) -> String {
    let name = &winner.offer.name;
    let (own, its) = (candidate.offer.priority, winner.offer.priority);
    if strategy == Strategy::Best && candidate.score != winner.score {
        let (own, its) = (say_optional(candidate.score.as_ref()), say_optional(winner.score.as_ref()));
        format!("qualifies, but `{name}` has score {its}, this one {own}")
    } else if own != its {
        format!("qualifies, but `{name}` has priority {its}, this one {own}")
    } else {
        format!("qualifies, but `{name}` comes first in order")
    }
}

impl ExplainedDecision {
    /// The offers that were chosen.
    pub fn chosen(&self) -> impl Iterator<Item = &ExplainedOffer> {
        self.offers.iter().filter(|offer| offer.chosen)
    }

    /// Whether nothing is shown.
    pub fn is_empty(&self) -> bool {
        matches!(&self.decision, Json::Null) || self.decision.as_array().is_some_and(Vec::is_empty)
    }
}
