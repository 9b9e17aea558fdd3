//! The ground everything else stands on: no customer, no rule, no file is known here.

pub(crate) mod bit_queue;
pub(crate) mod bits;
pub(crate) mod clock;
pub(crate) mod deep_stack;
pub(crate) mod diagnostic;
pub(crate) mod error;
pub(crate) mod exact_sum;
pub(crate) mod frozen_hash;
pub(crate) mod in_force;
pub(crate) mod keyed_hash;
pub(crate) mod limits;
pub(crate) mod names;
pub(crate) mod piece_queue;
pub(crate) mod quantiles;
pub(crate) mod row_cache;
pub(crate) mod source_text;
pub(crate) mod sync;
pub(crate) mod time;
