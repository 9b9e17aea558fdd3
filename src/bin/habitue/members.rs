//! `habitue members`: who is in a segment.

use clap::Args;
use serde::Serialize;

use crate::console::Console;
use crate::data::Asking;
use crate::failure::{Exit, Failure};

/// List the customers in a segment, sorted by id
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The segment's name in the catalog
    segment: String,
}

/// The answer, for programs.
#[derive(Serialize)]
struct Members<'a> {
    segment: &'a str,
    at: String,
    size: usize,
    members: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.asking.open(console)?;
    let segment = &*arguments.segment;
    let members = database.members(segment)?;
    if arguments.asking.json {
        let (at, size) = (database.now().to_string(), members.len());
        console.json(&Members { segment, at, size, members })?;
        return Ok(Exit::Ok);
    }
    members.iter().try_for_each(|member| console.line(member))?;
    Ok(Exit::Ok)
}
