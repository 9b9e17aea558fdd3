//! What to show one customer, and why.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::base::time::Time;
use crate::model::declaration::Strategy;
use crate::model::value::Value;

/// The result of one personalization for one profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The personalization.
    pub personalization: Arc<str>,
    /// How it chooses.
    pub strategy: Strategy,
    /// Whether it may choose several offers: under the strategy `all`, or with `most` above 1.
    pub is_list: bool,
    /// What was chosen, best first.
    pub offers: Vec<Chosen>,
    /// Why these.
    pub reason: Reason,
    /// The attributes asked for; a missing one has no value.
    pub attributes: Vec<(Arc<str>, Option<Value>)>,
    /// The variants that the customer was given by the experiments that the offers ask for, by their names.
    pub variants: Vec<(Arc<str>, Arc<str>)>,
    /// What changed the profile last: a message id, or nothing if it was the passing of time.
    pub cause: Option<Arc<str>>,
    /// The revision of the catalog it was made under.
    pub revision: u64,
    /// When it was made.
    pub at: Time,
    /// It is the same until then, unless a message or a new catalog comes.
    pub valid_until: Time,
    /// If the catalog asks more than is kept of the customer's history: the time after which everything counts.
    pub complete_since: Option<Time>,
}

/// Why a decision is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The offers' conditions hold and they rank first.
    Qualified,
    /// No offer's condition holds, so the fallback is shown.
    Fallback,
    /// No offer's condition holds, and there is no fallback.
    Nothing,
    /// The customer is in a holdout: the fallback is shown, if there is one, whatever qualifies.
    HeldOut,
}

/// One chosen offer, or the fallback.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Chosen {
    /// The offer's name.
    pub name: Arc<str>,
    /// Its text, filled in; nothing if it has none or it could not be filled in.
    pub text: Option<Arc<str>>,
    /// Why the text could not be filled in.
    pub problem: Option<Arc<str>>,
}

/// What of a decision is shown to the customer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// What was chosen, best first.
    pub offers: Vec<Chosen>,
    /// Why these.
    pub reason: Reason,
}

/// A decision, and whether it was found rather than made.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The decision.
    pub decision: Arc<Decision>,
    /// Whether it was in the cache: no condition was evaluated for this answer.
    pub cached: bool,
}

impl Choice {
    /// The name of the first chosen offer, or of the fallback.
    pub fn name(&self) -> Option<&str> {
        self.offers.first().map(|chosen| &*chosen.name)
    }

    /// The text of the first chosen offer, or of the fallback.
    pub fn text(&self) -> Option<&str> {
        self.offers.first()?.text.as_deref()
    }
}

impl Decision {
    /// What of it is shown to the customer.
    pub fn choice(&self) -> Choice {
        Choice { offers: self.offers.clone(), reason: self.reason }
    }

    /// The name of the first chosen offer, or of the fallback.
    pub fn name(&self) -> Option<&str> {
        self.offers.first().map(|chosen| &*chosen.name)
    }

    /// The text of the first chosen offer, or of the fallback.
    pub fn text(&self) -> Option<&str> {
        self.offers.first()?.text.as_deref()
    }

    /// How many offers were chosen; the fallback is none.
    pub(crate) fn chosen(&self) -> usize {
        if self.reason == Reason::Qualified { self.offers.len() } else { 0 }
    }

    /// Whether the fallback was chosen.
    pub fn is_fallback(&self) -> bool {
        self.reason != Reason::Qualified && !self.offers.is_empty()
    }

    /// The short form: the offer's name or null; where several may be chosen, the list of names.
    pub fn to_json(&self) -> Json {
        match self.is_list {
            true => self.offers.iter().map(|chosen| Json::from(&*chosen.name)).collect(),
            false => self.name().map_or(Json::Null, Json::from),
        }
    }

    /// The long form, with all that is known of it.
    pub fn to_full_json(&self) -> Json {
        let attributes: serde_json::Map<String, Json> = self
            .attributes
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_ref().map_or(Json::Null, Value::to_json)))
            .collect();
        let variants: serde_json::Map<String, Json> = self
            .variants
            .iter()
            .map(|(experiment, variant)| (experiment.to_string(), Json::from(&**variant)))
            .collect();
        json!({
            "personalization": &*self.personalization,
            "offers": self.offers,
            "reason": self.reason,
            "attributes": attributes,
            "variants": variants,
            "cause": self.cause.as_deref(),
            "revision": self.revision,
            "at": self.at.to_string(),
            "complete_since": self.complete_since.map(|time| time.to_string()),
            "valid_until": (self.valid_until != Time::NEVER).then(|| self.valid_until.to_string()),
        })
    }
}
