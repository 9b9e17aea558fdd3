//! What scripts have seen of each offer: how often it was an answer, and who is shown it in the end.
//!
//! It says which offers no script looks at, and which nobody in the scripts is ever shown.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use crate::base::error::Error;
use crate::db::database::Database;
use crate::db::diff::standings::{Choices, Standings};
use crate::db::phrases::counted;

/// What scripts have seen of the offers of a catalog: those of one run, or of several together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionReport {
    /// Each offer and fallback, and nothing where nothing was seen, in the order of the catalog.
    pub offers: Vec<ReportedOffer>,
}

/// What scripts have seen of one offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportedOffer {
    /// The personalization.
    pub personalization: String,
    /// The offer or fallback; none for those who are shown nothing.
    pub offer: Option<String>,
    /// Whether it is the fallback.
    pub fallback: bool,
    /// How often it was among the decisions that `expect` and `query` lines asked for.
    pub answers: u64,
    /// How many profiles are shown it at the end.
    pub profiles: u64,
}

/// How often each offer was an answer, by personalization.
#[derive(Debug, Default)]
pub(super) struct Answered(BTreeMap<String, BTreeMap<Option<String>, u64>>);

impl Answered {
    /// Counts a decision in its short form.
    pub(super) fn add(&mut self, personalization: &str, decision: &Json) {
        let offers = self.0.entry(personalization.to_owned()).or_default();
        let mut count = |name: Option<&str>| *offers.entry(name.map(str::to_owned)).or_default() += 1;
        match decision {
            Json::Array(names) if !names.is_empty() => names.iter().for_each(|name| count(name.as_str())),
            one => count(one.as_str()),
        }
    }
}

impl DecisionReport {
    /// What was seen, and who is shown what now.
    pub(super) fn of(database: &Database, answered: &Answered) -> Result<DecisionReport, Error> {
        let mut choices = Choices::new();
        let standings = Standings::of(database, &mut choices)?;
        let definitions = &standings.program.definitions;
        let mut report = DecisionReport::default();
        let named = definitions.personalization_names.iter().zip(&definitions.personalizations);
        for (number, (personalization, definition)) in named.enumerate() {
            let mut shown: BTreeMap<Option<&str>, u64> = BTreeMap::new();
            for stands in &standings.profiles {
                let offers = choices.offers(stands.shown[number].offers);
                if offers.is_empty() {
                    *shown.entry(None).or_default() += 1;
                }
                offers.iter().for_each(|name| *shown.entry(Some(&**name)).or_default() += 1);
            }
            let answered = answered.0.get(personalization);
            let mut add = |offer: Option<&str>, fallback: bool| {
                let answers = answered.and_then(|answered| answered.get(&offer.map(str::to_owned)));
                let (answers, profiles) =
                    (answers.copied().unwrap_or(0), shown.get(&offer).copied().unwrap_or(0));
                if offer.is_some() || answers + profiles > 0 {
                    let (personalization, offer) = (personalization.to_owned(), offer.map(str::to_owned));
                    report.offers.push(ReportedOffer { personalization, offer, fallback, answers, profiles });
                }
            };
            definition.offers.iter().for_each(|offer| add(Some(&offer.name), false));
            definition.fallback.iter().for_each(|fallback| add(Some(&fallback.name), true));
            add(None, false);
        }
        Ok(report)
    }

    /// The same with what other scripts have seen.
    #[must_use]
    pub fn and(mut self, other: DecisionReport) -> DecisionReport {
        for offer in other.offers {
            let is_it = |known: &&mut ReportedOffer| {
                (&known.personalization, &known.offer, known.fallback)
                    == (&offer.personalization, &offer.offer, offer.fallback)
            };
            match self.offers.iter_mut().find(is_it) {
                Some(known) => {
                    known.answers += offer.answers;
                    known.profiles += offer.profiles;
                }
                None => {
                    // Beside the others of its personalization, wherever those are.
                    let of_same = |known: &ReportedOffer| known.personalization == offer.personalization;
                    let place =
                        self.offers.iter().rposition(of_same).map_or(self.offers.len(), |last| last + 1);
                    self.offers.insert(place, offer);
                }
            }
        }
        self
    }
}

/// A line for each offer, under its personalization.
impl fmt::Display for DecisionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |offer: &ReportedOffer| {
            let name = offer.offer.as_deref().unwrap_or("nothing");
            if offer.fallback { format!("{name} (the fallback)") } else { name.to_owned() }
        };
        let width = self.offers.iter().map(|offer| name(offer).chars().count()).max().unwrap_or_default();
        let mut last = None;
        for offer in &self.offers {
            if last.replace(&offer.personalization) != Some(&offer.personalization) {
                write!(f, "{}{}", if offer == &self.offers[0] { "" } else { "\n" }, offer.personalization)?;
            }
            let answers = match offer.answers {
                0 => "never an answer".to_owned(),
                answers => format!("the answer {}", counted(answers, "time")),
            };
            let profiles = counted(offer.profiles, "profile");
            write!(f, "\n  {:<width$}  {answers}, shown to {profiles} in the end", name(offer))?;
        }
        Ok(())
    }
}
