//! The JSON Schema of `[crowd]`.

#![expect(dead_code, reason = "the types are never built, only their schema is")]

use schemars::JsonSchema;

use super::json_schema::{DurationText, Name};
use crate::base::limits::{
    LEAST_CROWD_PEOPLE, MAX_CROWD_CONTEXTS, MAX_CROWD_ITEMS, MAX_CROWD_KEEP, MAX_CROWD_PEOPLE,
};

/// Items of an event, counted over all customers.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Crowd {
    /// The event.
    event: Name,
    /// A property with a list of maps, of which the item is a field.
    list: Option<Name>,
    /// The property that is the item, or a list of items: texts or ints.
    item: Name,
    /// Properties that make the context; all is one context if left out.
    by: Option<Vec<Name>>,
    /// The part of the day, as a part of the context.
    hours: Option<Hours>,
    /// In how long a count is halved; `1h` at least.
    half_life: DurationText,
    /// A shorter half-life, if trending items are asked for.
    trending: Option<DurationText>,
    /// Whether it is kept which items come together.
    together: Option<bool>,
    /// How many items a context keeps, and neighbours an item; 512 if left out.
    #[schemars(range(min = 1, max = MAX_CROWD_KEEP))]
    keep: Option<u32>,
    /// How many contexts there are at most; 1000 if left out.
    #[schemars(range(min = 1, max = MAX_CROWD_CONTEXTS))]
    contexts: Option<u32>,
    /// Of how many items it is kept what comes together with them; 10000 if left out.
    #[schemars(range(min = 1, max = MAX_CROWD_ITEMS))]
    items: Option<u32>,
    /// From how many customers a list has to come; 20 if left out, which is the least.
    #[schemars(range(min = LEAST_CROWD_PEOPLE, max = MAX_CROWD_PEOPLE))]
    people: Option<u32>,
    /// For people.
    description: Option<String>,
}

/// The day of a time zone, cut into parts.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Hours {
    /// The zone, such as `Europe/Helsinki`.
    zone: String,
    /// The hours at which a part begins, ascending.
    #[schemars(length(min = 2, max = 24), inner(range(min = 0, max = 23)))]
    from: Vec<u8>,
}
