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
pub use base::time::{Duration, Time, TimeError};
