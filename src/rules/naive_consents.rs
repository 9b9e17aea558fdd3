//! Consent in the naive evaluator: the definitions, applied to the whole list of messages at each question.
//!
//! Like all of the evaluator it keeps no state: what was said of a purpose is looked for in the list, and
//! what counts of a message is decided for each message alone.

use std::sync::Arc;

use crate::base::time::Time;
use crate::model::consent::{Consent, ConsentState};
use crate::model::ids::PurposeId;
use crate::rules::definitions::Definitions;
use crate::rules::naive::{Said, Told};

/// What these messages, which are in order, say of a purpose in the end.
pub(crate) fn consent(messages: &[Told], purpose: PurposeId) -> Consent {
    let words: Vec<(Time, bool)> = messages
        .iter()
        .flat_map(|told| {
            told.consents.iter().filter(|said| said.0 == purpose).map(|said| (told.time, said.1))
        })
        .collect();
    let Some((_, last)) = words.last() else { return Consent::default() };
    let state = match last {
        true => ConsentState::Granted,
        false if words.iter().any(|(_, word)| *word) => ConsentState::Revoked,
        false => ConsentState::Denied,
    };
    let other = words.iter().rposition(|(_, word)| word != last);
    let since = other.map_or(words[0].0, |other| words[other + 1].0);
    Consent { state, since: Some(since) }
}

/// These messages, which are all up to now, with only what counts of them.
pub(crate) fn what_counts(messages: &[Told], definitions: &Definitions) -> Vec<Told> {
    let purposes = &definitions.purposes;
    let is_granted = |until: usize, purpose: PurposeId| {
        consent(&messages[..until], purpose).state == ConsentState::Granted
    };
    let counts = |place: usize, needed: &[PurposeId]| {
        needed.iter().all(|purpose| is_granted(messages.len(), *purpose) && is_granted(place + 1, *purpose))
    };
    let counting = messages.iter().enumerate().map(|(place, told)| {
        let said = match &told.said {
            Said::Attributes(set) => {
                let set =
                    set.iter().filter(|(attribute, _)| counts(place, purposes.of_attribute(*attribute)));
                Said::Attributes(set.cloned().collect())
            }
            Said::Event { event, properties } if counts(place, purposes.of_event(*event)) => {
                Said::Event { event: *event, properties: Arc::clone(properties) }
            }
            Said::Event { .. } | Said::Presence => Said::Presence,
        };
        Told { said, ..told.clone() }
    });
    counting.collect()
}
