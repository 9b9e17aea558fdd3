//! Phrases for people that several reports share.

use serde_json::Value as Json;

/// The names of the offers of a decision in its short form.
pub(super) fn shown(decision: &Json) -> String {
    match decision {
        Json::String(name) => name.clone(),
        Json::Array(names) if !names.is_empty() => {
            names.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(", ")
        }
        _ => "nothing".to_owned(),
    }
}

/// Ids of some of so many: `ana, ben and 3 more`.
pub(super) fn examples(ids: &[String], count: u64) -> String {
    let more = count - ids.len() as u64;
    let ids = ids.join(", ");
    if more == 0 { ids } else { format!("{ids} and {more} more") }
}

/// A number and what it counts: `1 segment`, `2 segments`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}
