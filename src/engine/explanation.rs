//! Why an answer is what it is, as plain data: for programs as JSON, for people as an indented tree.
//!
//! An explanation quotes conditions as they are understood, with the value of every part, the messages
//! behind each value, what is missing, and when the answer changes by itself. The shape of the JSON is
//! a promise (`docs/explain.md`): fields are added, never renamed. What does not apply is left out,
//! with the one exception of `value`, where `null` is a missing value.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use crate::base::time::Time;
use crate::engine::decision::Reason;
use crate::model::declaration::Strategy;
use crate::model::value::Value;
use crate::rules::definitions::LimitKind;

/// Why a customer is in a segment or not, or was given an offer or not.
///
/// It prints as a tree for people, and serialises to JSON for programs.
///
/// ```
/// use habitue::{Catalog, Database, Message};
///
/// let catalog = Catalog::from_toml(r#"
///     schema = 1
///     [events."Product Viewed"]
///     [segments]
///     keen = 'events("Product Viewed").count() >= 3'
/// "#)?;
/// let database = Database::in_memory(catalog);
/// for id in ["m1", "m2"] {
///     database.apply(Message::track("ana", "Product Viewed").with_id(id))?;
/// }
/// let explanation = database.explain_segment("ana", "keen")?;
/// assert!(explanation.to_string().contains("2 of 3"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The id that the profile is shown under; of an unknown customer, the id asked for.
    pub user: String,
    /// Whether a message of this customer has taken effect. An unknown customer is in no segment.
    pub known: bool,
    /// When the answer holds.
    pub at: Time,
    /// The revision of the catalog.
    pub revision: u64,
    /// The answer that is explained.
    #[serde(flatten)]
    pub answer: ExplainedAnswer,
}

/// The answer that is explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ExplainedAnswer {
    /// Whether the customer is a member of a segment.
    Segment(Box<ExplainedSegment>),
    /// What the customer is shown.
    Decision(Box<ExplainedDecision>),
}

/// A membership, explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedSegment {
    /// The segment.
    pub segment: String,
    /// Whether the customer is a member.
    pub member: bool,
    /// What is missing, where the condition is false.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nearest_miss: Vec<Miss>,
    /// When that changes without a message.
    pub change: NextChange,
    /// The condition and all its parts.
    pub condition: ExplainedPart,
}

/// A decision, explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedDecision {
    /// The personalization.
    pub personalization: String,
    /// How it chooses.
    pub strategy: Strategy,
    /// The decision in its short form: an offer's name or null, under the strategy `all` a list.
    pub decision: Json,
    /// Why this one.
    pub reason: Reason,
    /// Whether the answer lies ready in the cache.
    pub cached: bool,
    /// The message that changed the profile last, or null if it was the passing of time.
    pub cause: Option<Arc<str>>,
    /// The decision, its text and its attributes are the same until then, unless a message comes;
    /// null if for ever.
    pub valid_until: Option<Time>,
    /// The trigger event whose properties the conditions read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<ExplainedTrigger>,
    /// When the choice changes without a message.
    pub change: NextChange,
    /// All offers, in the order in which they rank before scores.
    pub offers: Vec<ExplainedOffer>,
    /// What is shown if no offer qualifies.
    pub fallback: Option<Arc<str>>,
}

/// The trigger of a personalization.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedTrigger {
    /// The event's name.
    pub event: String,
    /// The last such event of the customer, or null.
    pub message: Option<Mention>,
}

/// One offer of a personalization.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedOffer {
    /// The offer's name.
    pub name: Arc<str>,
    /// Whether it was chosen.
    pub chosen: bool,
    /// Whether its condition holds.
    pub qualifies: bool,
    /// Why it was chosen, or why not.
    pub why: String,
    /// Its priority.
    pub priority: i64,
    /// Its score; left out if it has none, null if that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Option<Value>>,
    /// Why its text could not be filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Arc<str>>,
    /// What is missing, where the condition is false.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nearest_miss: Vec<Miss>,
    /// What limits it beside its own condition: caps, dates, what was bought. Each is a part of the condition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<ExplainedLimit>,
    /// The condition and all its parts.
    pub condition: ExplainedPart,
}

/// What limits an offer beside its own condition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedLimit {
    /// What it is.
    pub limit: LimitKind,
    /// The name of a cap that several offers share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// It in words, such as `at most 2 within 1d`.
    pub text: String,
    /// Whether it lets the offer through.
    pub holds: bool,
    /// If not, why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<String>,
    /// When that turns by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<Time>,
    /// The part of the condition that it is, as its `text`; empty for a stock, which is of all customers.
    pub part: String,
}

/// A part of a condition that is not as it would have to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// The part.
    pub part: String,
    /// What is missing, in words and numbers, such as `2 of 3`.
    pub need: String,
}

/// When an answer changes by itself, that is without a further message.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum NextChange {
    /// At a certain instant.
    At {
        /// The instant.
        at: Time,
        /// The new answer: whether a member, or the decision in its short form.
        becomes: Json,
        /// The message of the future that takes effect then; nothing if it is only the time.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<Arc<str>>,
    },
    /// Too many small steps ahead to follow them all; it does not change before this instant.
    NotBefore {
        /// The instant.
        at: Time,
    },
    /// Never.
    Never,
}

/// A condition or value, what it is now, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedPart {
    /// It as a condition is written.
    pub text: String,
    /// The name of the computed attribute or segment that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is now: of a condition true or false; null is missing.
    pub value: Option<Value>,
    /// Of a comparison, the values compared; null is missing.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// Of a false condition, what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<String>,
    /// Since when a condition inside `held` has been true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// When this part turns by itself, as far as that can be told of it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<Time>,
    /// Where the value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What would matter to the value, and does not count for lack of consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
    /// What it is made of: the parts of a condition, the values that a comparison reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ExplainedPart>,
}

/// Messages that do not count for lack of consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Withheld {
    /// The purposes that were not granted when a message came, or are not granted now.
    pub purposes: Vec<String>,
    /// How many messages there are.
    pub count: u64,
    /// The latest of them, at most ten, the latest first.
    pub latest: Vec<Mention>,
}

/// The two sides of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The value on the left.
    pub left: Option<Value>,
    /// The value on the right.
    pub right: Option<Value>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// The message that set the attribute, or of the trigger event.
    Message(Mention),
    /// The message that removed the attribute with `null`.
    RemovedBy(Mention),
    /// The catalog's default: no message that counts set the attribute.
    Default,
    /// No message that counts ever set the attribute.
    NeverSet,
    /// The call says it.
    Call,
    /// The events that an aggregate takes.
    Events(Vec<Evidence>),
}

/// The events that an aggregate takes from the customer's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The event's name; null for events of any name.
    pub event: Option<String>,
    /// How many there are.
    pub count: u64,
    /// The latest of them, at most ten, the latest first.
    pub latest: Vec<Mention>,
}

/// A message of the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mention {
    /// Its `messageId`.
    pub message: Arc<str>,
    /// Its event time.
    pub at: Time,
}

impl Explanation {
    /// Whether the answer is yes: a member, or an offer that is not the fallback.
    pub fn is_positive(&self) -> bool {
        match &self.answer {
            ExplainedAnswer::Segment(segment) => segment.member,
            ExplainedAnswer::Decision(decision) => decision.reason == Reason::Qualified,
        }
    }

    /// What is missing; of a decision, for its first offer that does not qualify.
    pub fn nearest_miss(&self) -> &[Miss] {
        match &self.answer {
            ExplainedAnswer::Segment(segment) => &segment.nearest_miss,
            ExplainedAnswer::Decision(decision) => {
                let miss =
                    decision.offers.iter().map(|offer| &offer.nearest_miss[..]).find(|miss| !miss.is_empty());
                miss.unwrap_or(&[])
            }
        }
    }

    /// When the answer changes by itself.
    pub fn change(&self) -> &NextChange {
        match &self.answer {
            ExplainedAnswer::Segment(segment) => &segment.change,
            ExplainedAnswer::Decision(decision) => &decision.change,
        }
    }

    /// The explanation as one JSON object.
    pub fn to_json(&self) -> Json {
        serde_json::to_value(self).unwrap_or(Json::Null)
    }
}
