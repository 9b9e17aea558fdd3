//! Everything that is held about one customer, for the person who asks for it.

use crate::console::Console;
use crate::data::{Asking, known};
use crate::failure::{Exit, Failure};

pub(super) fn run(asking: &Asking, id: &str, console: &mut Console) -> Result<Exit, Failure> {
    let database = asking.open(console)?;
    known(&database, id)?;
    let exported = database.export(id)?.to_json();
    match asking.json {
        true => console.json(&exported)?,
        false => console.line(&format!("{exported:#}"))?,
    }
    Ok(Exit::Ok)
}
