//! `habitue explain`: why a customer is in a segment or not, or is shown what she is.

use clap::Args;
use habitue::{Call, Database, Error, ErrorKind, ExplainedAnswer, Explanation, Identity, Time};
use serde::Serialize;

use crate::calling::Calling;
use crate::console::Console;
use crate::data::{Asking, known};
use crate::failure::{Exit, Failure};
use crate::identity::{show_identity, worth_telling};

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
    #[command(flatten)]
    calling: Calling,
}

/// The answer, for programs.
#[derive(Serialize)]
struct Explained<'a> {
    #[serde(flatten)]
    explanation: &'a Explanation,
    /// Where more is asked than is kept of the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_since: Option<Time>,
    /// Of a customer who has several identifiers, or had.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a Identity>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = arguments.asking.open(console)?;
    let (id, name, call) = (&*arguments.id, &*arguments.name, arguments.calling.call());
    show(&database, (id, name), &call, arguments.asking.json, console)
}

/// Explains what a customer has under a name, a segment or a personalization.
pub(crate) fn show(
    database: &Database,
    (id, name): (&str, &str),
    call: &Call,
    json: bool,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let snapshot = known(database, id)?;
    let identity = database.identity(id)?;
    let answers = [database.explain_segment(id, name), database.explain_decision_with(id, name, call)];
    for explanation in found(answers, name)? {
        let complete_since = match explanation.answer {
            ExplainedAnswer::Segment(_) => snapshot.complete_since.get(name).copied(),
            ExplainedAnswer::Decision(_) => {
                snapshot.decisions.get(name).and_then(|decided| decided.decision.complete_since)
            }
        };
        if json {
            let identity = worth_telling(&identity);
            console.json(&Explained { explanation: &explanation, complete_since, identity })?;
            continue;
        }
        console.line(explanation.to_string().trim_end())?;
        if let Some(since) = complete_since {
            console.line(&format!("complete only since {since}: older messages are no longer kept"))?;
        }
    }
    if !json {
        show_identity(&identity, console)?;
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
