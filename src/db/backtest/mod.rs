//! What a catalog would have decided: messages that are on record, heard again in the order of time, and
//! at each decision point the catalog asked what it decides at that very moment.
//!
//! `messages -> timeline -> a database under each catalog -> decisions -> report`. The answers are those of
//! the database itself; nothing here knows what a rule means.

mod timeline;
mod side;
mod tried_decision;
mod report;
mod tally;
mod wording;
mod run;

pub use report::{
    BacktestReport, ChangedDecisions, ComparedDecisions, ShownTo, TriedOffer, TriedPersonalization,
};
pub use run::{Backtest, BacktestRun};
pub use tried_decision::{DecisionPoint, TriedDecision};
