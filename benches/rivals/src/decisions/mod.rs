//! Which of 20 offers does a customer see, if S segments of two comparisons each decide it?
//!
//! An offer is for customers who are in one of its S / 20 segments; the first such offer wins, and its text
//! is the answer. Customers come by string id. Who evaluates on request does so lazily, offer by offer, and
//! stops at the first that wins, which is about two thirds of the way; interpreters have their expressions
//! compiled, one for each offer, and find the customer's variables ready in their own form.

mod comparing;
mod decider;
mod offers;
mod closures;
mod habitue_memory;
mod maps_by_name;
mod redis_text;
mod stored_winner;

#[cfg(feature = "rules")]
mod a_tree_index;
#[cfg(feature = "rules")]
mod cel_interpreter;
#[cfg(feature = "rules")]
mod rhai_script;
#[cfg(feature = "rules")]
mod yggdrasil;
#[cfg(feature = "rules")]
mod zen;

pub(crate) use self::comparing::compare;
