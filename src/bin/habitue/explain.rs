//! `habitue explain`: why a customer is in a segment or not, or is shown what she is.

use clap::Args;
use habitue::{Error, ErrorKind, Explanation};

use crate::console::Console;
use crate::data::{Asking, known};
use crate::failure::{Exit, Failure};

/// Explain why a customer is in a segment or not, or why she is shown what she is
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The customer's id: a user's, or else a visitor's
    id: String,
    /// The name of a segment or a personalization; if there are both, both are explained
    #[arg(value_name = "SEGMENT|PERSONALIZATION")]
    name: String,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.asking.open(console)?;
    let (id, name) = (&*arguments.id, &*arguments.name);
    let _known = known(&database, id)?;
    let answers = [database.explain_segment(id, name), database.explain_decision(id, name)];
    for explanation in found(answers, name)? {
        if arguments.asking.json {
            console.json(&explanation)?;
        } else {
            console.line(explanation.to_string().trim_end())?;
        }
    }
    Ok(Exit::Ok)
}

/// The answers under one of the names; an error if there is none, or of another kind.
fn found(answers: [Result<Explanation, Error>; 2], name: &str) -> Result<Vec<Explanation>, Failure> {
    let mut explanations = Vec::new();
    let mut unknown = Vec::new();
    for answer in answers {
        match answer {
            Ok(explanation) => explanations.push(explanation),
            Err(error) if error.kind() == ErrorKind::NotFound => unknown.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    if explanations.is_empty() {
        let near = unknown.iter().filter_map(|text| Some(text.split_once("; ")?.1)).collect::<Vec<_>>();
        let near = if near.is_empty() { String::new() } else { format!("; {}", near.join(" or ")) };
        let message = format!("the catalog has no segment or personalization `{name}`{near}");
        return Err(Failure::NotFound(message));
    }
    Ok(explanations)
}
