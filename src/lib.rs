//! Habitue: an embedded, in-process customer-profile database with a decision cache.
//!
//! A shop's own software feeds it the messages of its customers (the Segment spec), and a catalog that
//! says which segments and offers there are. It answers who a customer is, which segments she is in and
//! what to show her, each answer right at the millisecond it is asked for, also when nothing has
//! happened but time.
//!
//! ```
//! use habitue::{Catalog, Clock, Database, Duration, ManualClock, Message, Time};
//!
//! let catalog = Catalog::from_toml(r#"
//!     schema = 1
//!     [attributes]
//!     first_name = "string"
//!     [events."Product Viewed"]
//!     category = "string"
//!     [segments]
//!     shoe_fan = 'events("Product Viewed").where(category == "shoes").within("24h").count() >= 2'
//!     [personalizations.homepage]
//!     fallback = { name = "default", text = "Welcome" }
//!     [[personalizations.homepage.offers]]
//!     name = "shoe-preview"
//!     when = "shoe_fan"
//!     text = "Hello {{ first_name | default('there') }}, the new shoes are in"
//! "#)?;
//! let clock = ManualClock::new(Time::parse("2026-01-01T09:00:00Z")?);
//! let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
//!
//! database.apply(Message::identify("ana").with_trait("first_name", "Ana"))?;
//! for id in ["view-1", "view-2"] {
//!     let view = Message::track("ana", "Product Viewed").with_id(id).with_property("category", "shoes");
//!     database.apply(view)?;
//! }
//! let decided = database.decide("ana", "homepage")?;
//! assert_eq!(decided.decision.text(), Some("Hello Ana, the new shoes are in"));
//!
//! // A day later the views have left the window, by themselves.
//! clock.set(clock.now() + Duration::parse("24h")?);
//! assert!(!database.is_member("ana", "shoe_fan")?);
//! assert_eq!(database.decide("ana", "homepage")?.decision.name(), Some("default"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Catalog`] reads and checks a catalog, [`Database`] takes messages and answers, [`simulate`] runs
//! scripts on a virtual clock, [`diff`] tries a new catalog before it replaces the old one, and
//! [`Reference`] is the slow and simple yardstick to test against.

pub(crate) mod base;
pub(crate) mod model;
pub(crate) mod catalog;
pub(crate) mod rules;
pub(crate) mod facts;
pub(crate) mod crowd;
pub(crate) mod derived;
pub(crate) mod engine;
pub(crate) mod store;
pub(crate) mod persist;
pub(crate) mod db;

pub use base::clock::{Clock, ManualClock};
pub use base::diagnostic::{Finding, LocatedFinding, Report, Severity};
pub use base::error::{Error, ErrorKind};
pub use base::source_text::{SourceFile, Span};
pub use base::time::{Duration, Time, TimeError, TimeFormat};
#[cfg(feature = "schema")]
pub use catalog::json_schema;
pub use db::answers::Snapshot;
pub use db::applied::{Applied, Cause, Transition};
pub use db::backtest;
pub use db::catalog::{Catalog, CatalogError};
pub use db::checking::Checked;
pub use db::crowds::asking::{CrowdItem, CrowdList};
pub use db::cut_points::CutPoints;
pub use db::database::Database;
pub use db::declared::{Declared, DeclaredName};
pub use db::diff;
pub use db::durable::open_options::OpenOptions;
pub use db::durable::recovery::{Recovery, RecoveryWork};
pub use db::durable::verify::{Flaw, FlawedPart, Verified};
pub use db::erasing::anonymise::Anonymised;
pub use db::erasing::erased::Erased;
pub use db::everybody::CustomerId;
pub use db::export::{Exported, ExportedMessage};
pub use db::goals::{GoalReport, OfferConversions, VariantConversions};
pub use db::hold_times::HoldTimes;
pub use db::identity::{IdentifierSeen, Identity, Tie};
pub use db::question::{AttributeHandle, PersonalizationHandle, Question, Reply, SegmentHandle};
pub use db::recording::Recorded;
pub use db::reference::{Answers, Reference, Shown};
pub use db::simulate;
pub use db::stats::{DiskStats, Stats};
pub use db::stocks::OfferStock;
pub use db::subscribing::change::{Change, DecisionChange};
pub use db::subscribing::options::{SubscribeOptions, WhenFull};
pub use db::subscribing::subscription::Subscription;
pub use db::summarising::Summarised;
pub use db::summary::{AggregateBound, CatalogSummary};
#[cfg(feature = "workbench")]
pub use db::workbench;
pub use derived::work::Work;
pub use engine::conversions::Conversions;
pub use engine::decision::{Chosen, Decided, Decision, Reason};
pub use engine::explanation::{
    Compared, Evidence, ExplainedAnswer, ExplainedDecision, ExplainedLimit, ExplainedOffer, ExplainedPart,
    ExplainedSegment, ExplainedTrigger, Explanation, Mention, Miss, NextChange, Origin, Withheld,
};
pub use facts::identity::resolution::TieOutcome;
pub use model::call::Call;
pub use model::consent::{Consent, ConsentState};
pub use model::declaration::Strategy;
pub use model::erasure_receipt::ErasureReceipt;
pub use model::import_mapping::{ImportKind, ImportMapping};
pub use model::message::{Message, MessageKind};
pub use model::refusal::{Refusal, RefusalReason};
pub use model::value::{Type, Value};
pub use persist::journal::durability::Durability;
pub use rules::definitions::LimitKind;
pub use store::memory_use::MemoryUse;
