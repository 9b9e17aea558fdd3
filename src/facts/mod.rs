//! What is known of one customer, and nothing that is concluded from it.
//!
//! Attributes with the stamps that decide who wins, and for each source the events that an aggregate
//! still needs. What is kept depends on the catalog only ([`plan`]); what an aggregate is at `now`
//! ([`aggregate`]) depends on the set of events only, never on their order of arrival.

pub(crate) mod stamp;
pub(crate) mod attributes;
pub(crate) mod decayed_items;
pub(crate) mod decayed_sum;
pub(crate) mod accumulator;
pub(crate) mod absorbing;
pub(crate) mod event_log;
pub(crate) mod plan;
pub(crate) mod room;
pub(crate) mod source_state;
pub(crate) mod window;
pub(crate) mod aggregate;
pub(crate) mod customer;
pub(crate) mod identity;
pub(crate) mod units;
