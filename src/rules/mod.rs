//! What a condition means: from its text to a typed expression, and from that to a value.
//!
//! `text -> cel (syntax tree) -> check (typed Expr) -> evaluate`. One evaluator serves the engine, the
//! naive oracle and `explain`; they differ only in the [`evaluate::Facts`] it reads from.

pub(crate) mod assignment;
pub(crate) mod hours;
pub(crate) mod crowds;
pub(crate) mod lists;
pub(crate) mod expression;
pub(crate) mod identifiers;
pub(crate) mod exposures;
pub(crate) mod exposure_counts;
pub(crate) mod purposes;
pub(crate) mod horizon;
pub(crate) mod retention;
pub(crate) mod definitions;
pub(crate) mod typing;
pub(crate) mod calculation;
pub(crate) mod canonical;
pub(crate) mod at_call;
pub(crate) mod syntax;
pub(crate) mod tokens;
pub(crate) mod spelling;
pub(crate) mod cel;
pub(crate) mod check;
pub(crate) mod contradiction;
pub(crate) mod lint;
pub(crate) mod template;
pub(crate) mod motion;
pub(crate) mod evaluate;
pub(crate) mod one_event;
pub(crate) mod naive;
pub(crate) mod naive_consents;
pub(crate) mod naive_instants;
pub(crate) mod naive_offers;
mod naive_scores;
pub(crate) mod print;
mod print_events;
