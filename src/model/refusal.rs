//! Why a message was refused.

use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use crate::base::error::{Error, ErrorKind};

/// The kind of a refusal; its text form is part of the command line's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusalReason {
    /// The message has not the shape of its kind, or a value has not its declared type.
    Schema,
    /// The message, or an id in it, is too large.
    Size,
    /// The timestamp is further ahead of the clock than the catalog allows.
    Skew,
    /// Another message with the same `messageId` and other content was accepted before.
    Conflict,
    /// A strict catalog does not declare the event.
    UnknownEvent,
    /// A strict catalog does not declare the property.
    UnknownProperty,
    /// A strict catalog does not declare the attribute.
    UnknownAttribute,
    /// The message is of somebody who was erased, and of before that.
    Erased,
    /// The ids of the message are among those that the catalog says identify nobody.
    Blocked,
    /// One more event would exceed what an aggregate keeps for one profile, or one more identifier what one
    /// profile may have.
    Limit,
    /// The database could not read or write what it needed on disk.
    Storage,
}

/// A message that was refused, and changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// What kind of refusal.
    pub reason: RefusalReason,
    /// The field that is wrong, such as `properties.price`; empty for the message as a whole.
    pub field: String,
    /// The value found there.
    pub value: Option<Json>,
    /// What is wrong with it, and what to do.
    pub detail: String,
}

impl RefusalReason {
    /// The text form, such as `unknown_event`.
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalReason::Schema => "schema",
            RefusalReason::Size => "size",
            RefusalReason::Skew => "skew",
            RefusalReason::Conflict => "conflict",
            RefusalReason::UnknownEvent => "unknown_event",
            RefusalReason::UnknownProperty => "unknown_property",
            RefusalReason::UnknownAttribute => "unknown_attribute",
            RefusalReason::Erased => "erased",
            RefusalReason::Blocked => "blocked",
            RefusalReason::Limit => "limit",
            RefusalReason::Storage => "storage",
        }
    }
}

impl Refusal {
    /// A refusal because of `field`.
    pub(crate) fn new(reason: RefusalReason, field: &str, detail: impl Into<String>) -> Refusal {
        Refusal { reason, field: field.to_owned(), value: None, detail: detail.into() }
    }

    /// The same refusal, with the value that was found.
    pub(crate) fn with_value(mut self, value: impl Into<Json>) -> Refusal {
        self.value = Some(value.into());
        self
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::new(ErrorKind::Refused, refusal.to_string()).caused_by(refusal)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::new(RefusalReason::Storage, "", error.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message refused ({})", self.reason.as_str())?;
        if !self.field.is_empty() {
            write!(f, ": `{}`", self.field)?;
        }
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        write!(f, ": {}", self.detail)
    }
}

impl std::error::Error for Refusal {}
