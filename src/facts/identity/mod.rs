//! Who is who: which identifiers are one customer, made of messages only.
//!
//! Messages tie identifiers to each other. Who is who at an instant is what hearing all messages up to
//! then, in the order of (event time, message id), gives ([`resolution`]); so it does not depend on
//! the order of arrival. A message that is later than everything known of the customers it concerns
//! is heard on top of what is known; any other makes the customers it concerns anew from all their
//! messages.

pub(crate) mod ties;
pub(crate) mod named;
pub(crate) mod known_as;
pub(crate) mod resolution;
