//! The most that one aggregate keeps for one profile, known when the catalog is compiled.
//!
//! Entries are what the limit `entries_per_aggregate` counts. Bytes are those of the entries
//! themselves; texts are shared with the history and not counted, nor is what allocation rounds up.

use std::sync::Arc;

use crate::base::time::Time;
use crate::facts::accumulator::Accumulator;
use crate::facts::decayed_sum::DecayedSum;
use crate::facts::plan::{Keeping, Plan};
use crate::facts::stamp::{HistoryPlace, Stamp};
use crate::model::ids::AggregateId;
use crate::model::value::Value;
use crate::rules::definitions::Definitions;
use crate::rules::expression::Function;

/// What an aggregate keeps at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

impl Plan {
    /// What the aggregate keeps at most for one profile. A log that it shares with other aggregates
    /// over the same events is counted for each of them.
    pub(crate) fn room(&self, id: AggregateId, definitions: &Definitions) -> Room {
        let limit = u64::from(definitions.entries_per_aggregate);
        let function = &definitions.aggregates[id.index()].function;
        let (entries, entry) = match self.aggregates[id.index()].keeping {
            Keeping::LastEvent => (1, size_of::<Stamp>()),
            Keeping::Accumulated { .. } => match function {
                Function::Distinct(_) => (limit, size_of::<Value>()),
                Function::Top(_) => (limit, size_of::<(Value, (u64, Stamp))>()),
                Function::DecayedItems { .. } => (limit, size_of::<(Arc<str>, DecayedSum)>()),
                Function::Values { most, .. } => (u64::from(*most), size_of::<(Stamp, Value)>()),
                _ => (1, size_of::<Accumulator>()),
            },
            Keeping::Logged { column } => {
                let logs = if matches!(function, Function::FollowedBy { .. }) { 2 } else { 1 };
                let value = column.map_or(0, |_| size_of::<Option<Value>>());
                (logs * limit, size_of::<Time>() + size_of::<HistoryPlace>() + value)
            }
        };
        Room { entries, bytes: entries * entry as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{CatalogText, decode};
    use crate::rules::check::check;

    /// The entries and bytes of one aggregate.
    fn room(aggregate: &str) -> (u64, u64) {
        let catalog = format!(
            "schema = 1\nlimits.entries_per_aggregate = 100\n[attributes]\nsince = \"time\"\n[events.A]\n\
             p = \"string\"\n[events.B]\n[computed]\na = 'events(\"A\").{aggregate}'"
        );
        let (declarations, mut report) = decode(&CatalogText::from_toml(&catalog));
        let definitions = check(&declarations, &mut report);
        let definitions = definitions.unwrap_or_else(|| panic!("{aggregate}: {:?}", report.findings()));
        let place = definitions.aggregates.len() - 1;
        let room = Plan::new(&definitions).room(AggregateId::from_index(place), &definitions);
        (room.entries, room.bytes)
    }

    #[test]
    fn what_is_kept_follows_from_function_and_window() {
        let fixed = (1, size_of::<Accumulator>() as u64);
        for (aggregate, kept) in [
            ("exists()", (1, 16)),
            ("within(\"1d\").last()", (1, 16)),
            ("within(\"1d\").after(timestamp(\"2026-01-01T00:00:00Z\")).exists()", (1, 16)),
            ("not_followed_by(\"B\", \"1d\")", (1, 16)),
            ("count()", fixed),
            (
                "after(timestamp(\"2026-01-01T00:00:00Z\")).before(timestamp(\"2026-02-01T00:00:00Z\")).count()",
                fixed,
            ),
            ("min(p)", fixed),
            ("values(p, 3)", (3, 3 * 40)),
            ("distinct(p)", (100, 100 * 24)),
            ("top(p)", (100, 100 * 48)),
            ("within(\"1d\").count()", (100, 100 * 12)),
            ("older_than(\"1d\").exists()", (100, 100 * 12)),
            ("after(since).exists()", (100, 100 * 12)),
            ("before(since).count()", (100, 100 * 12)),
            ("within(\"1d\").last(p)", (100, 100 * 36)),
            ("followed_by(\"B\", \"1d\")", (200, 200 * 12)),
        ] {
            assert_eq!(room(aggregate), kept, "{aggregate}");
        }
    }
}
