//! What customers' messages and a shop's catalog say, as plain typed data without behaviour.

pub(crate) mod ids;
pub(crate) mod identifier;
pub(crate) mod value;
pub(crate) mod consent;
pub(crate) mod published;
pub(crate) mod declaration;
pub(crate) mod import_mapping;
pub(crate) mod refusal;
pub(crate) mod erasure_receipt;
pub(crate) mod message;
pub(crate) mod message_check;
pub(crate) mod message_consent;
pub(crate) mod message_json;
pub(crate) mod message_fingerprint;
pub(crate) mod call;
