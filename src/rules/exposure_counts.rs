//! How often each offer was shown, to all customers together.
//!
//! Counted is every exposure that was accepted, by the names it has, whatever the catalog says of them and
//! whatever became of it since: an exposure whose customer was erased, or that is no longer kept, was shown. There
//! is no bound on how many names there are, but that all of them were told of in messages: which of them will have a
//! stock in a later catalog, nobody knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::message::Message;
use crate::model::refusal::Refusal;
use crate::rules::exposures::{EXPOSURE, Exposures, chosen_in};

/// Of offers, by the names of personalization and offer, how many exposures there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(String, String, u64)>", into = "Vec<(String, String, u64)>")]
pub(crate) struct ExposureCounts(BTreeMap<(String, String), u64>);

impl ExposureCounts {
    /// Counts a message, if it is an exposure.
    pub(crate) fn count(&mut self, message: &Message) {
        let Some((personalization, offers)) = chosen_in(message) else { return };
        for offer in offers {
            self.add((personalization.to_owned(), offer.to_owned()), 1);
        }
    }

    /// Counts a message that is written as JSON, which is read only if it may be an exposure.
    ///
    /// # Errors
    /// If it was read and is no message.
    pub(crate) fn count_written(&mut self, json: &str) -> Result<(), Refusal> {
        if json.contains(EXPOSURE) {
            self.count(&Message::parse(json)?);
        }
        Ok(())
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn add_all(&mut self, other: &ExposureCounts) {
        for (names, count) in &other.0 {
            self.add(names.clone(), *count);
        }
    }

    /// Personalization, offer, and how often it was shown.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.0.iter().map(|((personalization, offer), count)| (&**personalization, &**offer, *count))
    }

    fn add(&mut self, names: (String, String), count: u64) {
        *self.0.entry(names).or_default() += count;
    }
}

impl Exposures for ExposureCounts {
    fn shown(&self, personalization: &str, offer: &str) -> u64 {
        self.0.get(&(personalization.to_owned(), offer.to_owned())).copied().unwrap_or_default()
    }
}

impl From<Vec<(String, String, u64)>> for ExposureCounts {
    fn from(counts: Vec<(String, String, u64)>) -> ExposureCounts {
        ExposureCounts(
            counts
                .into_iter()
                .map(|(personalization, offer, count)| ((personalization, offer), count))
                .collect(),
        )
    }
}

impl From<ExposureCounts> for Vec<(String, String, u64)> {
    fn from(counts: ExposureCounts) -> Vec<(String, String, u64)> {
        counts
            .0
            .into_iter()
            .map(|((personalization, offer), count)| (personalization, offer, count))
            .collect()
    }
}
