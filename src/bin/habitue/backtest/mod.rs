//! `habitue backtest`: who would have been offered what, when, under a catalog that is tried.

mod arguments;
mod run;

pub(crate) use arguments::Arguments;
pub(crate) use run::run;
