//! Simulation: a script of messages and expectations, run on an empty database with a virtual clock.
//!
//! `text -> lines -> steps -> answers`. This is how shops test their rules, and how we are tested; the
//! format is part of the command line's contract. The program `habitue simulate` prints the answers,
//! and adds nothing to them.

mod fields;
mod script;
mod expectation;
mod persona;
mod crowd_step;
mod answer;
mod decision_report;
mod simulation;

pub use answer::{Answer, Failure};
pub use decision_report::{DecisionReport, ReportedOffer};
pub use persona::Persona;
pub use script::{Line, Script};
pub use simulation::Simulation;
