//! The past, told anew: each transition has its exact instant, and together they give every membership there was.

use std::collections::BTreeMap;

use habitue::{Database, Error, Reference, Time, Transition};

use crate::stories::time;

/// At how many instants memberships of a customer are looked at, and how many of her transitions: the reference
/// takes its time.
const INSTANTS: usize = 6;
const TRANSITIONS: usize = 24;

/// Compares what is told of the past with the reference, which is asked at those instants themselves; says how
/// many transitions were told. It is for stories in which nobody is anybody else and nobody has to consent: there
/// the past is what it was, however late messages came.
pub(crate) fn check(
    database: &Database,
    reference: &Reference,
    (instants_ms, now_ms): (&[i64], i64),
) -> Result<u64, String> {
    let mut told: BTreeMap<String, Vec<Transition>> = BTreeMap::new();
    let shortened = database
        .past_transitions(.., |id, transitions| {
            told.insert(id.as_str().to_owned(), transitions);
            Ok::<(), Error>(())
        })
        .map_err(|error| error.to_string())?;
    for (id, transitions) in &told {
        if !transitions.is_sorted_by_key(|turn| turn.at) {
            return Err(format!("past of {id}: out of order"));
        }
        let few = transitions.iter().step_by(transitions.len().div_ceil(TRANSITIONS).max(1));
        few.into_iter().try_for_each(|turn| is_exact(reference, id, turn, now_ms))?;
        if shortened > 0 {
            continue;
        }
        let past: Vec<i64> = instants_ms.iter().copied().filter(|at_ms| *at_ms <= now_ms).collect();
        for at_ms in past.iter().step_by(past.len().div_ceil(INSTANTS).max(1)) {
            let at = time(*at_ms);
            let answers = reference.answers(id, at);
            for (segment, member) in &answers.segments {
                let last = transitions.iter().rfind(|turn| *turn.segment == **segment && turn.at <= at);
                if last.is_some_and(|turn| turn.entered) != *member && !answers.close_calls.contains(segment)
                {
                    return Err(format!(
                        "past of {id}: at {at} {segment} was {member}, last told is {last:?}"
                    ));
                }
            }
        }
    }
    Ok(told.values().map(|transitions| transitions.len() as u64).sum())
}

/// Checks that a membership began or ended in that very millisecond.
fn is_exact(reference: &Reference, id: &str, turn: &Transition, now_ms: i64) -> Result<(), String> {
    let Transition { segment, entered, at, .. } = turn;
    if at.millis() > now_ms {
        return Err(format!("past of {id}: {turn:?} is yet to come"));
    }
    let before: Time = time(at.millis() - 1);
    for (at, member) in [(*at, *entered), (before, !*entered)] {
        let answers = reference.answers(id, at);
        if answers.segments[&**segment] != member && !answers.close_calls.contains(&**segment) {
            return Err(format!("past of {id}: {turn:?}, but at {at} membership is {}", !member));
        }
    }
    Ok(())
}
