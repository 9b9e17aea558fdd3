//! The JSON Schema of the sections `[quantiles]`, `[rfm]`, `[scores]` and `[affinities]`.

#![expect(dead_code, reason = "the types are never built, only their schema is")]

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::json_schema::{DurationText, Name, quoted_names};
use crate::base::limits::{MAX_AFFINITY_WEIGHT, MAX_QUANTILE_PARTS, MAX_SCORE_ROWS};

/// A computed attribute that says in which part of the population a customer is, by some value.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Quantile {
    /// The value: a number, a time or a length of time.
    value: String,
    /// The condition on who is counted; everybody who has a value if left out.
    of: Option<String>,
    /// How many parts; 5 if left out.
    #[schemars(range(min = 2, max = MAX_QUANTILE_PARTS))]
    parts: Option<u32>,
    /// By how many percent of the population a cut-point may be off before it is moved; 2 if left out.
    #[schemars(range(min = 0, max = 25))]
    tolerance: Option<f64>,
    /// For people.
    description: Option<String>,
}

/// Ratings of customers by when, how often and for how much they bought.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Rfm {
    /// The event of a purchase; `Order Completed` if left out.
    event: Option<Name>,
    /// Its property with what was paid; `total` if left out.
    value: Option<Name>,
    /// How long purchases count; `365d` if left out.
    within: Option<DurationText>,
    /// When a customer bought last, if not by this event: the greater, the better.
    recency: Option<String>,
    /// How often a customer bought, if not by this event.
    frequency: Option<String>,
    /// For how much a customer bought, if not by this event.
    monetary: Option<String>,
    /// The condition on who is rated; who bought at all if left out.
    of: Option<String>,
    /// By how many percent of the population a cut-point may be off before it is moved; 2 if left out.
    #[schemars(range(min = 0, max = 10))]
    tolerance: Option<f64>,
    /// For people.
    description: Option<String>,
}

/// A computed attribute: points that are added up.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Score {
    /// What gives points.
    #[schemars(length(min = 1, max = MAX_SCORE_ROWS))]
    rows: Vec<ScoreRow>,
    /// The least that it can be.
    min: Option<f64>,
    /// The greatest that it can be.
    max: Option<f64>,
    /// For people.
    description: Option<String>,
}

/// Points for those of whom a condition is true.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ScoreRow {
    /// The condition.
    when: String,
    /// How many; less than 0 takes away.
    points: f64,
    /// For people.
    description: Option<String>,
}

/// A computed attribute: a score for each item that a customer has to do with, halved in every half-life.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Affinity {
    /// In which every score is halved.
    half_life: DurationText,
    /// What each event adds, by its name.
    #[schemars(extend("minProperties" = 1, "propertyNames" = quoted_names()))]
    of: BTreeMap<String, AffinityEvent>,
    /// For people.
    description: Option<String>,
}

/// What an event adds to an affinity.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct AffinityEvent {
    /// The property with the list whose elements have the items.
    list: Option<Name>,
    /// The property that names the item, or the field of the list's elements.
    item: Name,
    /// How much it adds: a number, or the property or field that has one; 1 if left out.
    weight: Option<AffinityWeight>,
    /// For people.
    description: Option<String>,
}

/// How much an event adds to an item.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum AffinityWeight {
    Number(#[schemars(range(min = -MAX_AFFINITY_WEIGHT, max = MAX_AFFINITY_WEIGHT))] f64),
    Property(Name),
}
