//! Summaries: what takes the place of messages that are no longer kept.
//!
//! A summary is a message that the database itself gives a customer. It has the home of those it stands for and
//! is as late as the last of them; it says what lifetime aggregates have made of them, in the catalog's own
//! words, so that a later catalog finds what it still asks for. Like any message it is in the journal, in the
//! base, and in exports, goes along when customers become one or come apart, and is erased with its customer.
//!
//! - [`coverage`]: which messages it stands for.
//! - [`states`]: states of aggregates as JSON.
//! - [`digest`]: what it says, in the terms of a catalog.
//! - [`stripped`]: what is left of one when its messages go on without the person.
//! - [`completeness`]: since when an answer is complete.
//! - [`told_since`]: since when the past of a membership can be told.

pub(crate) mod coverage;
pub(crate) mod states;
pub(crate) mod digest;
pub(crate) mod stripped;
pub(crate) mod completeness;
pub(crate) mod told_since;
