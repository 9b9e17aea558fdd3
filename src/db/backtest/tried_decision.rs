//! One decision that a catalog would have made.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use crate::base::time::Time;
use crate::engine::decision::{Decision, Reason};
use crate::model::identifier::OwnedIdentifier;

/// Why a catalog is asked at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DecisionPoint {
    /// A message with the event that triggers the personalization, under either catalog; the decision sees it.
    Trigger,
    /// A recorded exposure of the personalization; the decision does not see it.
    Exposure,
}

/// What a catalog would have decided at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TriedDecision {
    /// The moment.
    pub at: Time,
    /// The id of the customer in the message.
    pub user: String,
    /// The personalization.
    pub personalization: Arc<str>,
    /// Why it was asked.
    pub point: DecisionPoint,
    /// The message that is the decision point.
    pub message: String,
    /// What it would have decided, in the short form: an offer's name or null, where several may be chosen a list.
    pub decision: Json,
    /// Why that.
    pub reason: Reason,
    /// What was recorded as shown, in the same form, at an exposure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Json>,
    /// What the old catalog would have decided, if it was asked and has the personalization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Json>,
    /// Whom the message is about.
    #[serde(skip)]
    pub(super) home: OwnedIdentifier,
    /// The names of what is shown.
    #[serde(skip)]
    pub(super) offers: Vec<Arc<str>>,
}

/// What was shown, in the short form of a decision.
pub(super) fn short_form(shown: Vec<String>, decision: &Decision) -> Json {
    let mut names = shown.into_iter().map(Json::from);
    match names.len() {
        0 | 1 if !decision.is_list => names.next().unwrap_or_default(),
        _ => names.collect(),
    }
}
