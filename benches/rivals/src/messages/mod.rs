//! What does a message cost that keeps S segments current, also those that time alone ends?
//!
//! The workload of `benches/workload/`: customers of 40 attributes, six kinds of events, ten events of each
//! customer in 58 days, and segments of five kinds. All sides take the same events in turn, each at its own time;
//! a message is built before it is timed. Before and after, everybody has to have the same memberships.

mod comparing;
mod growing;
mod keeper;
mod threshold;
mod engine_step;
mod habitue_database;
mod hand_made;
mod recompute;
mod sqlite_triggers;
mod threads;

pub(crate) use self::comparing::compare;
pub(crate) use self::growing::grow;
