//! Habitue: an embedded, in-process customer-profile database with a decision cache.

pub(crate) mod base;
pub(crate) mod model;
pub(crate) mod catalog;
pub(crate) mod rules;
pub(crate) mod facts;
pub(crate) mod derived;
pub(crate) mod engine;
pub(crate) mod store;
pub(crate) mod db;

pub use base::clock::{Clock, ManualClock};
pub use base::diagnostic::{Finding, LocatedFinding, Report, Severity};
pub use base::error::{Error, ErrorKind};
pub use base::source_text::{SourceFile, Span};
pub use base::time::{Duration, Time, TimeError};
#[cfg(feature = "schema")]
pub use catalog::json_schema;
pub use db::answers::Snapshot;
pub use db::applied::{Applied, Cause, Transition};
pub use db::catalog::{Catalog, CatalogError};
pub use db::database::Database;
pub use db::reference::{Answers, Reference, Shown};
pub use db::simulate;
pub use db::stats::Stats;
pub use db::summary::{AggregateBound, CatalogSummary};
#[cfg(feature = "workbench")]
pub use db::workbench;
pub use derived::work::Work;
pub use engine::decision::{Chosen, Decided, Decision, Reason};
pub use engine::explanation::{
    Compared, Evidence, ExplainedAnswer, ExplainedDecision, ExplainedOffer, ExplainedPart, ExplainedSegment,
    ExplainedTrigger, Explanation, Mention, Miss, NextChange, Origin,
};
pub use model::declaration::Strategy;
pub use model::message::{Message, MessageKind};
pub use model::refusal::{Refusal, RefusalReason};
pub use model::value::{Type, Value};
