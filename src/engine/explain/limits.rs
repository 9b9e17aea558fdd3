//! What limits an offer beside its own condition, said in the words of the catalog: caps, dates, and what was
//! bought already.
//!
//! A limit is a condition, and a part of the offer's; whether it holds and why is what that part says. Only its
//! name and words are kept beside.

use crate::engine::explain::parts::Parts;
use crate::engine::explain::wording::{say_ahead, say_optional};
use crate::engine::explanation::{Evidence, ExplainedLimit, ExplainedPart, Miss, Origin};
use crate::model::value::Value;
use crate::rules::definitions::{LimitDefinition, LimitKind, OfferDefinition};
use crate::rules::expression::Expr;

impl Parts<'_> {
    /// The limits of an offer, of which there are so many left.
    pub(crate) fn limits(&self, offer: &OfferDefinition, left: Option<u64>) -> Vec<ExplainedLimit> {
        let stock = offer.stock.zip(left).map(|(stock, left)| ExplainedLimit {
            limit: LimitKind::Stock,
            name: None,
            text: format!("{left} of {stock} left"),
            holds: left > 0,
            need: (left == 0).then(|| format!("none of {stock} left")),
            turns: None,
            part: String::new(),
        });
        offer.limits.iter().map(|limit| self.limit(limit)).chain(stock).collect()
    }

    /// What is missing of an offer's limits that do not hold.
    pub(crate) fn misses_of_limits(&self, offer: &OfferDefinition) -> Vec<Miss> {
        let broken = offer.limits.iter().filter(|limit| !self.read(&limit.condition).is_true());
        broken.flat_map(|limit| self.nearest(&limit.condition, true).misses).collect()
    }

    fn limit(&self, limit: &LimitDefinition) -> ExplainedLimit {
        let part = self.of(&limit.condition);
        let holds = part.is_true();
        ExplainedLimit {
            limit: limit.kind,
            name: limit.name.as_deref().map(str::to_owned),
            text: limit.text.clone(),
            holds,
            need: (!holds).then(|| self.need(limit, &part)),
            turns: part.turns,
            part: part.text,
        }
    }

    fn need(&self, limit: &LimitDefinition, part: &ExplainedPart) -> String {
        let left = part.compared.as_ref().and_then(|compared| compared.left.as_ref());
        let right = part.compared.as_ref().and_then(|compared| compared.right.as_ref());
        let now = self.view.now;
        let again = part.turns.map_or(String::new(), |at| format!(", again {}", say_ahead(now, at)));
        match (limit.kind, right) {
            (LimitKind::Begins, Some(Value::Time(at))) => format!("begins {}", say_ahead(now, *at)),
            (LimitKind::Ends, Some(Value::Time(at))) => format!("ended at {at}"),
            (LimitKind::Cap, _) => {
                let by = limit.name.as_ref().map_or(String::new(), |name| format!(" by `{name}`"));
                format!("capped{by}: {} of {}{again}", say_optional(left), limit.text)
            }
            _ => match events_of(part).and_then(|events| events.latest.first()) {
                Some(bought) => format!("bought: {} at {}{again}", bought.message, bought.at),
                None => format!("{}{again}", limit.text),
            },
        }
    }

    /// The holdouts that the customer is in, of those that a personalization is held out by.
    pub(crate) fn holdouts(&self, holdout: &Expr) -> Vec<String> {
        let all = match holdout {
            Expr::Or(parts) => &parts[..],
            one => std::slice::from_ref(one),
        };
        all.iter().filter(|part| self.read(part).is_true()).filter_map(assignment).collect()
    }
}

/// The name of the experiment or holdout that an expression asks for first.
fn assignment(expr: &Expr) -> Option<String> {
    if let Expr::Variant(assignment, ..) = expr {
        return Some(assignment.name().to_owned());
    }
    let mut found = None;
    expr.for_each_part(&mut |part| found = found.take().or_else(|| assignment(part)));
    found
}

/// The events behind a part, or behind the first of its parts that has some.
pub(super) fn events_of(part: &ExplainedPart) -> Option<&Evidence> {
    match &part.origin {
        Some(Origin::Events(events)) => events.first(),
        _ => part.parts.iter().find_map(events_of),
    }
}
