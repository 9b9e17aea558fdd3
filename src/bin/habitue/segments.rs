//! `habitue segments`: which segments a customer is in.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::console::Console;
use crate::data::{Asking, known};
use crate::failure::{Exit, Failure};

/// Show which segments a customer is in
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The customer's id: a user's, or else a visitor's
    id: String,
}

/// The answer, for programs.
#[derive(Serialize)]
struct Memberships<'a> {
    user: &'a str,
    at: String,
    segments: &'a BTreeMap<String, bool>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.asking.open(console)?;
    let snapshot = known(&database, &arguments.id)?;
    if arguments.asking.json {
        let (user, at) = (&*snapshot.id, snapshot.at.to_string());
        console.json(&Memberships { user, at, segments: &snapshot.segments })?;
        return Ok(Exit::Ok);
    }
    for (segment, _) in snapshot.segments.iter().filter(|(_, is_member)| **is_member) {
        console.line(segment)?;
    }
    Ok(Exit::Ok)
}
