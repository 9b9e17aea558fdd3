//! What a subscription brings.

use std::sync::Arc;

use crate::base::time::Time;
use crate::db::applied::{Cause, Transition};
use crate::engine::decision::Decision;

/// Something that changed for a customer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// The customer entered or left a segment.
    Transition(Transition),
    /// The customer is shown something else.
    Decision(DecisionChange),
}

/// That a personalization shows a customer something else than before.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionChange {
    /// The id that the customer's profile is shown under.
    pub profile: Arc<str>,
    /// What is decided now.
    pub decision: Arc<Decision>,
    /// The event time or deadline from which on it holds.
    pub at: Time,
    /// What caused it.
    pub cause: Cause,
}

impl Change {
    /// The id that the customer's profile is shown under.
    pub fn profile(&self) -> &str {
        match self {
            Change::Transition(transition) => &transition.profile,
            Change::Decision(change) => &change.profile,
        }
    }
}
