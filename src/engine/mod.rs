//! The database's step: one customer, one input, one instant; no I/O, no lock, no clock, no chance.
//!
//! A [`program::Program`] is a compiled catalog; a [`cell::Cell`] is all state of one profile;
//! [`step::Step`] takes a message or the passing of time and brings the cell up to date. The same
//! messages give the same cell, however they were ordered and whenever anybody looked.

pub(crate) mod program;
pub(crate) mod typed_message;
pub(crate) mod summary;
pub(crate) mod consents;
pub(crate) mod retelling;
pub(crate) mod transition;
pub(crate) mod called;
pub(crate) mod conversions;
pub(crate) mod decision;
pub(crate) mod cell;
pub(crate) mod image;
pub(crate) mod standing;
pub(crate) mod step;
pub(crate) mod decide;
pub(crate) mod explanation;
pub(crate) mod explain;
