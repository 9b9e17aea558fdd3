//! By what a customer is known, as `get` and `explain` show it.

use habitue::{IdentifierSeen, Identity, Tie, TieOutcome};

use crate::console::Console;
use crate::failure::Failure;

/// The identity, if there is more to say of it than the id that the customer is shown under.
pub(crate) fn worth_telling(identity: &Identity) -> Option<&Identity> {
    (identity.identifiers.len() > 1 || !identity.ties.is_empty()).then_some(identity)
}

/// Prints the identifiers of a customer who has several, and what tied them.
pub(crate) fn show_identity(identity: &Identity, console: &mut Console) -> Result<(), Failure> {
    if worth_telling(identity).is_none() {
        return Ok(());
    }
    console.line("\nknown as")?;
    for IdentifierSeen { kind, value, first_seen } in &identity.identifiers {
        let since = first_seen.map_or_else(String::new, |time| format!(", first seen {time}"));
        console.line(&format!("  {kind} `{value}`{since}"))?;
    }
    for Tie { at, message_id, of, to, outcome } in &identity.ties {
        let what = match outcome {
            TieOutcome::Same => "was the same as",
            TieOutcome::Added => "was added to",
            TieOutcome::Joined => "was joined with",
            TieOutcome::ChangedHands => "changed hands to",
            TieOutcome::TooMany => "would have been one too many for",
            TieOutcome::TakenBack => "was joined, and taken back, with",
            _ => "was tied to",
        };
        let ((kind, value), (of_kind, of)) = (to, of);
        console
            .line(&format!("  {at} {kind} `{value}` {what} {of_kind} `{of}` by message `{message_id}`"))?;
    }
    Ok(())
}
