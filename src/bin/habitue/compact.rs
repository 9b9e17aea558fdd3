//! `habitue compact`.

use clap::Args;
use habitue::OpenOptions;

use crate::console::{Console, Output};
use crate::data::Opening;
use crate::failure::{Exit, Failure, counted};

/// Let go of what need not be kept: old messages, by the catalog's `[history]`, and the journal
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    opening: Opening,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.opening.open_existing(OpenOptions::new(), console)?;
    let summarised = database.compact()?;
    match Output::of(arguments.json) {
        Output::Programs => console.json(&summarised)?,
        Output::People => console.line(&format!(
            "{} of {} went into summaries; the base is written anew",
            counted(summarised.messages as usize, "message"),
            counted(summarised.profiles as usize, "customer")
        ))?,
    }
    database.close()?;
    Ok(Exit::Ok)
}
