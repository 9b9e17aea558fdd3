//! What a catalog would have decided, counted.
//!
//! Invariants:
//! 1. Personalizations are in the order of the new catalog; offers in that of the catalog, then the
//!    fallback, then nothing. Changes are in the order of how many decisions they concern.
//! 2. Under the strategies `first` and `best` the offers' counts add up to the decisions.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use crate::base::time::Time;
use crate::db::diff::Intake;

/// What a catalog would have decided on the messages of a log. Its text is for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BacktestReport {
    /// When the first message that was heard happened.
    pub first: Option<Time>,
    /// When the last one did.
    pub last: Option<Time>,
    /// The messages that were heard.
    pub messages: u64,
    /// Messages that came again.
    pub duplicates: u64,
    /// Messages left out because they happened after the end.
    pub later: u64,
    /// Summaries of messages that are no longer kept: what those told is not known to the decisions.
    pub summaries: u64,
    /// What is no message, or has the id of another one.
    pub refused: Intake,
    /// What became of the messages under the catalog.
    pub new: Intake,
    /// What became of the messages under the old catalog, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Intake>,
    /// Each personalization of the catalog.
    pub personalizations: Vec<TriedPersonalization>,
    /// How many exposures there are of personalizations that the catalog does not have.
    pub unknown: BTreeMap<String, u64>,
}

/// What would have been decided of one personalization.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TriedPersonalization {
    /// The personalization.
    pub personalization: String,
    /// How many decisions there would have been.
    pub decisions: u64,
    /// For how many profiles.
    pub profiles: u64,
    /// How many of the decisions are at triggers.
    pub triggers: u64,
    /// How many are at recorded exposures.
    pub exposures: u64,
    /// What would have been shown, also offers that nobody would have been shown.
    pub offers: Vec<TriedOffer>,
    /// The decisions at exposures, compared with what these say was shown.
    pub recorded: ComparedDecisions,
    /// All decisions, compared with those of the old catalog, if there is one that has the personalization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<ComparedDecisions>,
}

/// How often one offer would have been shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TriedOffer {
    /// The offer or fallback; none where nothing would have been shown.
    pub offer: Option<String>,
    /// Whether it is the fallback.
    pub fallback: bool,
    /// How often.
    pub offered: u64,
    /// To how many profiles.
    pub profiles: u64,
    /// When first.
    pub first: Option<Time>,
    /// When last.
    pub last: Option<Time>,
}

/// Decisions compared with others of the same moments.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ComparedDecisions {
    /// How many are the same.
    pub same: u64,
    /// How many are others.
    pub other: u64,
    /// What became what.
    pub changes: Vec<ChangedDecisions>,
}

/// Decisions that would have been others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangedDecisions {
    /// What was shown or decided, in the short form.
    pub old: Json,
    /// What would have been.
    pub new: Json,
    /// How often.
    pub decisions: u64,
    /// For how many profiles.
    pub profiles: u64,
    /// The first of them.
    pub examples: Vec<ShownTo>,
}

/// A decision, by whom it concerns and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownTo {
    /// The id of the customer in the message.
    pub user: String,
    /// The moment.
    pub at: Time,
}
