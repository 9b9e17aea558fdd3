//! `habitue compact`.

use habitue::OpenOptions;

use crate::console::{Console, Output};
use crate::data::Whole;
use crate::failure::{Exit, Failure, counted};

pub(crate) fn run(arguments: &Whole, console: &mut Console) -> Result<Exit, Failure> {
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
