//! All that is known of one customer at one instant.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::base::time::Time;
use crate::engine::decision::Decided;
use crate::model::consent::Consent;
use crate::model::value::Value;

/// Everything that can be asked of a profile, answered at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The id that the profile is shown under; of an unknown customer, the id asked for.
    pub id: String,
    /// Whether a message of this customer has taken effect.
    pub known: bool,
    /// When these answers hold.
    pub at: Time,
    /// They stay the same until then, unless a message or a new catalog comes.
    pub valid_until: Time,
    /// Attributes and computed attributes; a missing one has no value.
    pub attributes: BTreeMap<String, Option<Value>>,
    /// What the customer said to each purpose.
    pub consents: BTreeMap<String, Consent>,
    /// Whether the customer is a member of each segment.
    pub segments: BTreeMap<String, bool>,
    /// The decision of each personalization.
    pub decisions: BTreeMap<String, Decided>,
    /// Of computed attributes and segments that the catalog asks more of than is kept of the customer's
    /// history: the time after which they count everything.
    pub complete_since: BTreeMap<String, Time>,
}

impl Snapshot {
    /// One JSON object: the id, and every attribute, segment and decision by name; and every consent, where
    /// the catalog has purposes, and since when answers are complete that are not.
    pub fn to_json(&self) -> Json {
        let attributes: Map<String, Json> = self
            .attributes
            .iter()
            .map(|(name, value)| (name.clone(), value.as_ref().map_or(Json::Null, Value::to_json)))
            .collect();
        let decisions: Map<String, Json> =
            self.decisions.iter().map(|(name, decided)| (name.clone(), decided.decision.to_json())).collect();
        let mut json = json!({ "user": self.id, "attributes": attributes, "segments": self.segments, "decisions": decisions });
        if !self.complete_since.is_empty() {
            let since = self.complete_since.iter();
            json["complete_since"] = Json::Object(
                since.map(|(name, time)| (name.clone(), Json::from(time.to_string()))).collect(),
            );
        }
        if !self.consents.is_empty() {
            let consents = self.consents.iter().map(|(name, consent)| (name.clone(), consent.to_json()));
            json["consents"] = Json::Object(consents.collect());
        }
        json
    }
}
