//! A table of transitions: who entered and left which segment, and when.

use std::ops::Bound;

use habitue::{Cause, Database, Transition, Type, Value};

use super::arguments::Arguments;
use super::bulk::{IDS, cells};
use super::table::{Column, Writing};
use crate::console::Console;
use crate::failure::{Failure, counted};
use crate::progress;

/// A table that was written.
pub(super) struct Past {
    pub(super) rows: u64,
    /// Of how many customers a part of the past is gone.
    pub(super) shortened: u64,
}

/// Writes the table, if one is asked for.
pub(super) fn write(
    arguments: &Arguments,
    database: &Database,
    console: &mut Console,
) -> Result<Option<Past>, Failure> {
    let Some(path) = &arguments.transitions else { return Ok(None) };
    let [from, to] = [arguments.from, arguments.to];
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(Failure::Usage(format!(
            "nothing lies between {from} and {to}: give a --to that is later"
        )));
    }
    let column = |name: &str, ty: Type| Column { name: name.to_owned(), ty };
    let mut columns = IDS.map(|name| column(name, Type::String)).to_vec();
    let texts = ["segment", "change"].map(|name| column(name, Type::String));
    columns.extend(texts);
    columns.extend([column("at", Type::Time), column("message_id", Type::String)]);
    let mut table = Writing::new(path, &columns)?;
    let bar = progress::counting("customers", database.stats().profiles);
    let span = (from.map_or(Bound::Unbounded, Bound::Included), to.map_or(Bound::Unbounded, Bound::Excluded));
    let shortened = database.past_transitions(span, |id, transitions| {
        bar.inc(1);
        let ids = cells(id);
        transitions.into_iter().try_for_each(|transition| {
            table.row(&ids.iter().cloned().chain(told(transition)).collect::<Vec<_>>())
        })
    })?;
    bar.finish_and_clear();
    if shortened > 0 {
        let whose = counted(shortened as usize, "customer");
        console.say(&format!(
            "warning: of {whose}, messages have gone into summaries: of segments that read events, the table begins \
             after them\n"
        ));
    }
    Ok(Some(Past { rows: table.finish()?, shortened }))
}

/// The cells of a transition, after those of the customer.
fn told(Transition { segment, entered, at, cause, .. }: Transition) -> [Option<Value>; 4] {
    let change = if entered { "entered" } else { "left" };
    let message = match cause {
        Cause::Message(id) => Some(Value::string(&id)),
        Cause::Time | Cause::Catalog | Cause::Erasure => None,
    };
    [Some(Value::string(&segment)), Some(Value::string(change)), Some(Value::Time(at)), message]
}
