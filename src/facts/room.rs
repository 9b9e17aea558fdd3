//! The most that one aggregate keeps for one profile, known when the catalog is compiled.
//!
//! Entries are what the limit `entries_per_aggregate` counts. Bytes are those of the entries
//! themselves; texts are shared with the history and not counted, nor is what allocation rounds up.

use crate::base::time::Time;
use crate::facts::accumulator::Accumulator;
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
                Function::Values(_, most) => (u64::from(*most), size_of::<(Stamp, Value)>()),
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
