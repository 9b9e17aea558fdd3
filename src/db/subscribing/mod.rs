//! Telling what changed to whoever subscribed to it.

pub(crate) mod change;
pub(crate) mod options;
pub(crate) mod stream;
pub(crate) mod subscription;
pub(crate) mod watch;
