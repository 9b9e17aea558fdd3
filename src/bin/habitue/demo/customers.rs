//! Some customers of different character: their year, what they are shown now, and why.

use std::collections::BTreeSet;

use habitue::{Database, Decided, Error, Time, Value};
use serde::Serialize;

use super::calendar::day;
use super::year::Year;

/// A kind of customer that is shown: one who is in all these segments at the end.
struct Character {
    title: &'static str,
    segments: &'static [&'static str],
}

const CHARACTERS: [Character; 4] = [
    Character { title: "Comes every week, and fills the cart", segments: &["weekly_regular", "big_spender"] },
    Character { title: "A family with an eye for coupons", segments: &["family", "coupon_hunter"] },
    Character { title: "A good customer who has stayed away", segments: &["win_back"] },
    Character { title: "In and out, a few things at a time", segments: &["quick_trips"] },
];

/// What is told of each customer, if it is known.
const TOLD: [&str; 9] = [
    "age",
    "household_size",
    "kids_count",
    "home_ownership",
    "orders",
    "spend",
    "last_order",
    "home_store",
    "favourite_department",
];

/// One household, as the database knows it at the end.
#[derive(Serialize)]
pub(super) struct Customer {
    pub(super) character: &'static str,
    pub(super) id: String,
    /// Names and values of some attributes.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) segments: Vec<String>,
    pub(super) decisions: Vec<Answer>,
    /// When she bought.
    #[serde(skip)]
    pub(super) orders: Vec<Time>,
    /// When she was in which segment, in the order of first entering.
    #[serde(skip)]
    pub(super) stays: Vec<Stay>,
}

/// What one personalization answers.
#[derive(Serialize)]
pub(super) struct Answer {
    pub(super) personalization: String,
    /// Names and texts; none, one, or under the strategy `all` several.
    pub(super) offers: Vec<(String, String)>,
    pub(super) is_fallback: bool,
    pub(super) explanation: String,
}

/// The times during which a customer was in one segment.
pub(super) struct Stay {
    pub(super) segment: String,
    /// From and until; the last one may have no end yet.
    pub(super) spans: Vec<(Time, Option<Time>)>,
}

/// One customer of each character, with what `personalizations` answer.
///
/// # Errors
/// If the catalog lacks a segment or personalization that is asked for here.
pub(super) fn choose(
    database: &Database,
    year: &Year,
    personalizations: &[String],
) -> Result<Vec<Customer>, Error> {
    let mut customers: Vec<Customer> = Vec::new();
    for character in CHARACTERS {
        let mut candidates = year.households.clone();
        for segment in character.segments {
            let members: BTreeSet<String> = database.members(segment)?.into_iter().collect();
            candidates.retain(|id| members.contains(id));
        }
        candidates.retain(|id| customers.iter().all(|customer| customer.id != *id));
        // The one with the most to show; of two, the first.
        let chosen = candidates.into_iter().rev().max_by_key(|id| stays(year, id).len());
        if let Some(id) = chosen {
            customers.push(describe(database, year, personalizations, (character.title, id))?);
        }
    }
    Ok(customers)
}

fn describe(
    database: &Database,
    year: &Year,
    personalizations: &[String],
    (character, id): (&'static str, String),
) -> Result<Customer, Error> {
    let profile = database.profile(&id)?;
    let value = |name: &&str| {
        let value = profile.attributes.get(*name)?.as_ref()?;
        Some((name.replace('_', " "), for_people(value)))
    };
    let attributes = TOLD.iter().filter_map(value).collect();
    let segments = year.segments.iter().filter(|name| profile.segments.get(*name) == Some(&true)).cloned();
    let mut decisions = Vec::new();
    for personalization in personalizations {
        let decided = database.decide(&id, personalization)?;
        let explanation = database.explain_decision(&id, personalization)?.to_string();
        decisions.push(answer(personalization, &decided, explanation));
    }
    let orders = year.orders.iter().filter(|(customer, _)| *customer == id).map(|(_, at)| *at).collect();
    let (segments, stays) = (segments.collect(), stays(year, &id));
    Ok(Customer { character, id, attributes, segments, decisions, orders, stays })
}

fn answer(personalization: &str, decided: &Decided, explanation: String) -> Answer {
    let decision = &decided.decision;
    let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
    Answer {
        personalization: personalization.to_owned(),
        offers: decision.offers.iter().map(|offer| (offer.name.to_string(), text(&offer.text))).collect(),
        is_fallback: decision.is_fallback(),
        explanation,
    }
}

/// When `id` was in which segment, put together from the transitions.
fn stays(year: &Year, id: &str) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    for transition in year.transitions.iter().filter(|transition| *transition.profile == *id) {
        let place = stays.iter().position(|stay| stay.segment == *transition.segment);
        match (place, transition.entered) {
            (None, true) => stays
                .push(Stay { segment: transition.segment.to_string(), spans: vec![(transition.at, None)] }),
            (Some(place), true) => stays[place].spans.push((transition.at, None)),
            (Some(place), false) => {
                if let Some((_, until)) = stays[place].spans.last_mut() {
                    *until = Some(transition.at);
                }
            }
            // Whoever leaves has entered before.
            (None, false) => {}
        }
    }
    stays
}

/// A value as a person would write it.
fn for_people(value: &Value) -> String {
    match value {
        Value::Time(time) => day(*time),
        Value::Float(number) => format!("{number:.2}"),
        Value::String(text) => text.to_string(),
        other => other.to_json().to_string(),
    }
}
