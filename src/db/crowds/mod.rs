//! What all customers do together: counting it as messages are accepted, counting it anew, and asking.

pub(crate) mod counting;
pub(crate) mod recounting;
pub(crate) mod asking;
