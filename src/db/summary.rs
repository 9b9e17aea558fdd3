//! What a catalog comes to: how much it declares, and the most its aggregates keep of a customer.

use std::fmt;

use serde::Serialize;

use crate::db::catalog::Catalog;
use crate::derived::graph_builder::build;
use crate::facts::plan::Plan;
use crate::model::ids::AggregateId;
use crate::rules::print::print_aggregate;

/// The size of a catalog, and the memory it declares.
///
/// ```
/// use habitue::Catalog;
///
/// let catalog = Catalog::from_toml(r#"
///     schema = 1
///     [events."Order Completed"]
///     total = "float"
///     [computed]
///     spend_90d = 'events("Order Completed").within("90d").sum(total)'
/// "#)?;
/// let summary = catalog.summary();
/// assert_eq!((summary.computed, summary.aggregates[0].entries), (1, 10_000));
/// # Ok::<(), habitue::CatalogError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CatalogSummary {
    /// Declared attributes.
    pub attributes: usize,
    /// Declared events.
    pub events: usize,
    /// Purposes that customers consent to.
    pub purposes: usize,
    /// Computed attributes.
    pub computed: usize,
    /// Segments.
    pub segments: usize,
    /// Personalizations.
    pub personalizations: usize,
    /// Offers of all personalizations, without the fallbacks.
    pub offers: usize,
    /// Different conditions, and combinations of them, that segments and offers share.
    pub shared_conditions: usize,
    /// Each different aggregate, with what it keeps.
    pub aggregates: Vec<AggregateBound>,
}

/// The most that one aggregate keeps for one customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AggregateBound {
    /// The aggregate, as it would be written in a condition.
    pub aggregate: String,
    /// The most entries. A message that would make more is refused.
    pub entries: u64,
    /// The bytes of so many entries, without the texts they share with the history.
    pub bytes: u64,
}

impl Catalog {
    /// How much the catalog declares, and the most its aggregates keep of a customer.
    pub fn summary(&self) -> CatalogSummary {
        let definitions = &self.definitions;
        let plan = Plan::new(definitions);
        let offers =
            || definitions.personalizations.iter().flat_map(|personalization| &personalization.offers);
        let graph = build(definitions, &plan, offers().map(|offer| &offer.when));
        let aggregates = (0..definitions.aggregates.len()).map(|place| {
            let id = AggregateId::from_index(place);
            let room = plan.room(id, definitions);
            let aggregate = print_aggregate(id, definitions);
            AggregateBound { aggregate, entries: room.entries, bytes: room.bytes }
        });
        CatalogSummary {
            attributes: definitions.attribute_names.len(),
            events: definitions.events.len(),
            purposes: definitions.purposes.names.len(),
            computed: definitions.computed.len(),
            segments: definitions.segments.len(),
            personalizations: definitions.personalizations.len(),
            offers: offers().count(),
            shared_conditions: graph.nodes as usize,
            aggregates: aggregates.collect(),
        }
    }
}

/// The counts, then a line per aggregate.
impl fmt::Display for CatalogSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.attributes, "attribute"),
            (self.computed, "computed attribute"),
            (self.events, "event"),
            (self.purposes, "purpose"),
            (self.segments, "segment"),
            (self.personalizations, "personalization"),
            (self.offers, "offer"),
            (self.shared_conditions, "shared condition"),
        ];
        for (place, (count, noun)) in counts.into_iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            let ending = if count == 1 { "" } else { "s" };
            write!(f, "{separator}{count} {noun}{ending}")?;
        }
        if self.aggregates.is_empty() {
            return Ok(());
        }
        write!(f, "\nmost kept per customer, by aggregate:")?;
        for bound in &self.aggregates {
            let (amount, unit) = in_unit(bound.bytes);
            let ending = if bound.entries == 1 { "entry  " } else { "entries" };
            write!(f, "\n  {:>9} {ending} {amount:>7.1} {unit:<3}  {}", bound.entries, bound.aggregate)?;
        }
        Ok(())
    }
}

/// Bytes in the greatest unit that leaves at least one of it.
fn in_unit(bytes: u64) -> (f64, &'static str) {
    let bytes = bytes as f64;
    match bytes {
        _ if bytes < 1024.0 => (bytes, "B"),
        _ if bytes < 1024.0 * 1024.0 => (bytes / 1024.0, "KiB"),
        _ => (bytes / (1024.0 * 1024.0), "MiB"),
    }
}
