//! What is on disk: the live store of cold profiles.
//!
//! Nothing here knows a customer or a message: keys and values are bytes. So each part can be tested by
//! itself.

pub(crate) mod live;
