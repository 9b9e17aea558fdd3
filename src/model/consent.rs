//! What a customer has said to a purpose, and since when.

use std::fmt;

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::base::time::Time;
use crate::model::value::Value;

/// A customer's answer to one purpose, at one instant.
///
/// ```
/// use habitue::{Catalog, ConsentState, Database, Message};
///
/// let catalog = Catalog::from_toml("schema = 1\n[purposes.marketing]\n")?;
/// let database = Database::in_memory(catalog);
/// database.apply(Message::identify("ana").with_consent("marketing", true))?;
/// let consent = database.profile("ana")?.consents["marketing"];
/// assert_eq!(consent.state, ConsentState::Granted);
/// assert!(consent.since.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// What was said.
    pub state: ConsentState,
    /// The time of the first message that said so without another one in between; none if nothing was said.
    pub since: Option<Time>,
}

/// What was said to a purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// The last word was yes.
    Granted,
    /// It was always no.
    Denied,
    /// It was yes once, and then no.
    Revoked,
    /// Nothing was said.
    #[default]
    NotAsked,
}

impl ConsentState {
    /// What it becomes when the customer says yes (`true`) or no.
    pub(crate) fn after(self, is_granted: bool) -> ConsentState {
        match (self, is_granted) {
            (_, true) => ConsentState::Granted,
            (ConsentState::Granted | ConsentState::Revoked, false) => ConsentState::Revoked,
            (ConsentState::Denied | ConsentState::NotAsked, false) => ConsentState::Denied,
        }
    }

    /// Its name, such as `not_asked`.
    pub fn as_str(self) -> &'static str {
        match self {
            ConsentState::Granted => "granted",
            ConsentState::Denied => "denied",
            ConsentState::Revoked => "revoked",
            ConsentState::NotAsked => "not_asked",
        }
    }

    /// The value by which it is kept.
    pub(crate) fn value(self) -> Option<Value> {
        (self != ConsentState::NotAsked).then(|| Value::string(self.as_str()))
    }

    /// The state that is kept as a value.
    pub(crate) fn of(value: Option<&Value>) -> ConsentState {
        let Some(Value::String(name)) = value else { return ConsentState::NotAsked };
        let states = [ConsentState::Granted, ConsentState::Denied, ConsentState::Revoked];
        states.into_iter().find(|state| state.as_str() == &**name).unwrap_or_default()
    }
}

impl fmt::Display for ConsentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Consent {
    /// One JSON object, `{"state": "granted", "since": "…"}`; `since` is null if nothing was said.
    ///
    /// ```
    /// assert_eq!(habitue::Consent::default().to_json()["state"], "not_asked");
    /// ```
    pub fn to_json(&self) -> Json {
        json!({ "state": self.state.as_str(), "since": self.since.map(|time| time.to_string()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_granted_is_revoked() {
        let said =
            |words: &[bool]| words.iter().fold(ConsentState::NotAsked, |state, word| state.after(*word));
        assert_eq!(said(&[]), ConsentState::NotAsked);
        assert_eq!(said(&[false, false]), ConsentState::Denied);
        assert_eq!(said(&[false, true]), ConsentState::Granted);
        assert_eq!(said(&[true, false, false]), ConsentState::Revoked);
        assert_eq!(said(&[true, false, true]), ConsentState::Granted);
    }

    #[test]
    fn a_state_is_kept_as_a_value() {
        for state in
            [ConsentState::Granted, ConsentState::Denied, ConsentState::Revoked, ConsentState::NotAsked]
        {
            assert_eq!(ConsentState::of(state.value().as_ref()), state);
        }
    }
}
