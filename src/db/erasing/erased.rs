//! What an erasure answers.

use crate::db::applied::Transition;
use crate::model::erasure_receipt::ErasureReceipt;

/// Customers who were erased.
#[derive(Clone, Debug, PartialEq)]
pub struct Erased {
    /// What was done. It names nobody, and is kept.
    pub receipt: ErasureReceipt,
    /// Which of the ids that were asked for nobody has.
    pub unknown: Vec<String>,
    /// What nobody had taken of the customers' reports, and the segments that they left by it. They are told
    /// here only, and kept nowhere; what changed for others is reported like everything else.
    pub transitions: Vec<Transition>,
}
