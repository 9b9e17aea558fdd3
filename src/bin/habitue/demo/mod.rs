//! `habitue demo`: a grocer's year on a fresh machine, with nothing to download.
//!
//! The sample of `examples/grocer` is part of the program. The demo compiles its catalog, replays the
//! year with a clock set by hand, each message at its own time, reads the size of every segment once a
//! week, and then shows what a person wants to see: the year as plots, some customers with their
//! decisions and the reasons, and how fast it went. The database is in a folder; at the end it is closed,
//! opened again, and compared. It knows the library by its public facade only.

mod sample;
mod calendar;
mod catalog_text;
mod latency;
mod year;
mod customers;
mod restart;
mod outcome;
mod printed;
mod plot;
mod page;
mod run;

pub(crate) use run::{Arguments, run};
