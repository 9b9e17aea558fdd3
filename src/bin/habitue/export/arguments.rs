//! The arguments of `habitue export`.

use std::path::PathBuf;

use clap::Args;
use habitue::Time;

use super::{bulk, one};
use crate::console::Console;
use crate::data::Asking;
use crate::failure::{Exit, Failure};

/// Write everything that is held about a customer, as JSON; or tables of all customers
#[derive(Debug, Args)]
#[command(
    after_help = "Tables are CSV, JSONL or Parquet by the name of the file: `.csv`, `.jsonl`, `.parquet`; the first two\n\
    packed if it ends in `.gz` or `.zst`. `habitue import DATA FILE --identify` reads profiles back."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) asking: Asking,
    /// The customer's id: a user's, a visitor's, or a value of an attribute that is an identifier
    #[arg(required_unless_present_any = ["profiles", "segments", "transitions"],
        conflicts_with_all = ["profiles", "segments", "transitions"])]
    id: Option<String>,
    /// Write a table of all customers: their ids and attributes
    #[arg(long, value_name = "FILE")]
    pub(super) profiles: Option<PathBuf>,
    /// Write a table of all memberships: a customer's id and a segment
    #[arg(long, value_name = "FILE")]
    pub(super) segments: Option<PathBuf>,
    /// Write a table of who entered and left which segment, and when
    #[arg(long, value_name = "FILE")]
    pub(super) transitions: Option<PathBuf>,
    /// The first instant of the table of transitions [default: the first message]
    #[arg(long, value_name = "TIME", value_parser = Time::parse, requires = "transitions")]
    pub(super) from: Option<Time>,
    /// The instant before which the table of transitions ends [default: all up to the time of the question]
    #[arg(long, value_name = "TIME", value_parser = Time::parse, requires = "transitions")]
    pub(super) to: Option<Time>,
    /// An attribute or computed attribute to write [default: all attributes that are not computed]
    #[arg(long, value_name = "NAME", requires = "profiles")]
    pub(super) column: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    match &arguments.id {
        Some(id) => one::run(&arguments.asking, id, console),
        None => bulk::run(arguments, console),
    }
}
