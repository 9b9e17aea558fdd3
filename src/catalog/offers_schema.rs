//! The JSON Schema of the sections on what is shown: personalizations with their offers, placements, caps,
//! purchases and goals.

#![expect(dead_code, reason = "the types are never built, only their schema is")]

use schemars::JsonSchema;

use super::json_schema::{DurationText, Name};
use crate::base::limits::{MAX_CALENDAR_DAYS, MAX_DECLARATIONS, MAX_EXPOSURES, MAX_STOCK};

/// A name that is always quoted, or several.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum NameOrNames {
    One(Name),
    Several(Vec<Name>),
}

/// How a personalization chooses among its offers.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub(super) enum StrategyName {
    /// The qualifying offer of the greatest priority; of equals, the one written first.
    First,
    /// All qualifying offers, in that order.
    All,
    /// The qualifying offer of the greatest score.
    Best,
}

/// How often an offer may be shown.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Cap {
    /// So many times at most.
    #[schemars(range(min = 1, max = MAX_EXPOSURES))]
    most: u32,
    /// In so long; or else in calendar days.
    within: Option<DurationText>,
    /// In so many calendar days, today included.
    #[schemars(range(min = 1, max = MAX_CALENDAR_DAYS))]
    days: Option<u16>,
    /// Of this time zone, such as `Europe/Helsinki`.
    zone: Option<String>,
}

/// One cap, or several.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Caps {
    One(Cap),
    Several(Vec<Cap>),
}

/// How often any of some offers may be shown.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct SharedCap {
    /// So many times at most.
    #[schemars(range(min = 1, max = MAX_EXPOSURES))]
    most: u32,
    /// In so long; or else in calendar days.
    within: Option<DurationText>,
    /// In so many calendar days, today included.
    #[schemars(range(min = 1, max = MAX_CALENDAR_DAYS))]
    days: Option<u16>,
    /// Of this time zone, such as `Europe/Helsinki`.
    zone: Option<String>,
    /// Of these personalizations; of all if left out.
    personalizations: Option<Vec<Name>>,
    /// Offers of these names; all if left out.
    offers: Option<Vec<Name>>,
    /// For people.
    description: Option<String>,
}

/// Which properties of an event say what was bought.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Purchase {
    /// A property with a list of maps, of which the others are fields.
    list: Option<Name>,
    /// The id of the product.
    product: Option<Name>,
    /// Its category.
    category: Option<Name>,
    /// For people.
    description: Option<String>,
}

/// What an offer is not shown to the buyers of.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Bought {
    /// Ids of products.
    products: Option<Vec<ProductId>>,
    /// Categories.
    categories: Option<Vec<ProductId>>,
    /// How long ago it may have been; ever if left out.
    within: Option<DurationText>,
}

/// A decision on what to show.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Personalization {
    /// The event whose properties the conditions may read as `event.x`.
    on: Option<Name>,
    /// Attributes returned with the decision; `*` is all that are not sensitive.
    attributes: Option<Vec<Name>>,
    /// How an offer is chosen; `first` if left out.
    strategy: Option<StrategyName>,
    /// How many offers are shown at most; of `first` and `best` 1 if left out, of `all` all.
    #[schemars(range(min = 1, max = MAX_DECLARATIONS))]
    most: Option<u32>,
    /// What is shown if no offer qualifies.
    fallback: Option<Fallback>,
    /// What can be shown.
    offers: Option<Vec<Offer>>,
    /// For people.
    description: Option<String>,
}

/// Personalizations that are decided together: no offer is shown twice.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Placement {
    /// Their names, in the order in which they choose.
    #[schemars(length(min = 1))]
    personalizations: Vec<Name>,
    /// How many offers are shown at most, of all of them.
    #[schemars(range(min = 1, max = MAX_DECLARATIONS))]
    most: Option<u32>,
    /// For people.
    description: Option<String>,
}

/// What is hoped for of a customer who was shown something.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Goal {
    /// The event that reaches it.
    event: Name,
    /// Which of these events do, by their properties; all, if left out.
    r#where: Option<String>,
    /// How soon after an exposure.
    within: DurationText,
    /// The property of the event that says what it is worth.
    value: Option<Name>,
    /// For people.
    description: Option<String>,
}

/// What is shown if no offer qualifies.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Fallback {
    /// The name it is decided by.
    name: Name,
    /// The template of its text.
    text: Option<String>,
}

/// One of the things that can be shown.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Offer {
    /// The name it is decided by, once in its personalization.
    name: Name,
    /// The condition; left out, the offer always qualifies.
    when: Option<String>,
    /// From when on.
    from: Option<String>,
    /// Until when, without that instant.
    until: Option<String>,
    /// How often it may be shown.
    cap: Option<Caps>,
    /// How often it may be shown in all, to all customers together.
    #[schemars(range(max = MAX_STOCK))]
    stock: Option<u64>,
    /// Who buys this is not shown the offer.
    unless_bought: Option<Bought>,
    /// Higher wins; 0 if left out.
    priority: Option<i64>,
    /// A number expression, for the strategy `best`.
    score: Option<String>,
    /// Of offers with one of these in common, one is shown at a time: a name, or a list of them.
    exclusive: Option<NameOrNames>,
    /// The template of its text.
    text: Option<String>,
    /// For people.
    description: Option<String>,
}

/// The id of a product or category.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum ProductId {
    Text(String),
    Number(i64),
}
