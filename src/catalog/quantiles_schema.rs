//! The JSON Schema of the sections `[quantiles]`, `[rfm]` and `[scores]`.

#![expect(dead_code, reason = "the types are never built, only their schema is")]

use schemars::JsonSchema;

use super::json_schema::{DurationText, Name};
use crate::base::limits::{MAX_QUANTILE_PARTS, MAX_SCORE_ROWS};

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
