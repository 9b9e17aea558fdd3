//! `habitue export`: everything that is held about a customer.

use clap::Args;

use crate::console::Console;
use crate::data::{Asking, known};
use crate::failure::{Exit, Failure};

/// Write everything that is held about a customer, as JSON
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The customer's id: a user's, a visitor's, or a value of an attribute that is an identifier
    id: String,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.asking.open(console)?;
    known(&database, &arguments.id)?;
    let exported = database.export(&arguments.id)?.to_json();
    match arguments.asking.json {
        true => console.json(&exported)?,
        false => console.line(&format!("{exported:#}"))?,
    }
    Ok(Exit::Ok)
}
