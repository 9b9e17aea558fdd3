//! What became of a message, and who entered or left which segment.

use std::sync::Arc;

use serde::Serialize;

use crate::base::time::Time;

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// Its `messageId`: the one it came with, or the one it was given.
    pub message_id: String,
    /// Whether it was accepted before, so that this time nothing changed.
    pub duplicate: bool,
    /// The changes of memberships of its customer, up to now.
    pub transitions: Vec<Transition>,
}

/// That a customer entered or left a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The id that the customer's profile is shown under.
    pub profile: Arc<str>,
    /// The segment.
    pub segment: Arc<str>,
    /// Whether the customer entered it, or left it.
    pub entered: bool,
    /// The event time or deadline from which on it holds.
    pub at: Time,
    /// What caused it.
    pub cause: Cause,
}

/// What changed a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The message with this id.
    Message(Arc<str>),
    /// The passing of time.
    Time,
    /// A new catalog.
    Catalog,
    /// Somebody was erased.
    Erasure,
}
