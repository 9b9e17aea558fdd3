//! The arguments of `habitue demo`; the demo itself is in [`crate::demo`].

use std::path::PathBuf;

use clap::Args;

use crate::demo;
use crate::failure::{Exit, Failure};

/// Replay a year of a grocer's purchases, and write a report with plots
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where the report is written [default: habitue-demo.html]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    demo::run(arguments.report.clone(), arguments.json).map_err(Failure::Demo)?;
    Ok(Exit::Ok)
}
