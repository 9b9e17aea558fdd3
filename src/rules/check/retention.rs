//! Checks how long messages are to be kept: not for less than something asks for.

use crate::base::diagnostic::{Finding, Report};
use crate::base::names::nearest;
use crate::model::declaration::{Declarations, Kept, Named};
use crate::model::ids::EventId;
use crate::rules::definitions::Definitions;
use crate::rules::horizon::Horizon;
use crate::rules::retention::Retention;

/// Fills in how long messages are kept.
pub(super) fn add(definitions: &mut Definitions, declarations: &Declarations, report: &mut Report) {
    let mut retention = Retention::of(definitions, declarations.history_margin);
    for declared in &declarations.kept_events {
        let Named { name, body: kept } = declared;
        let Some(event) = definitions.event_names.get(&name.value).map(EventId) else {
            if !declarations.left_out.contains(&name.value) {
                report.push(unknown(declared, definitions));
            }
            continue;
        };
        match (retention.needed(Some(event)), kept) {
            (Horizon::Within(needed), Kept::For(kept)) if *kept < needed => {
                let message =
                    format!("`{}` is kept for {kept}, and a window reaches back {needed}", name.value);
                let finding = Finding::error("too_short", name.span, message);
                report.push(
                    finding.with_help(format!("keep it for {needed} or longer, or shorten the window")),
                );
            }
            (Horizon::Everything, Kept::For(_)) => {
                let message = format!("`{}` is asked for however long ago it was", name.value);
                let help = "write \"forever\": a window without a far end, a condition inside `held`, or consent \
                            needs all of its messages";
                report.push(Finding::error("too_short", name.span, message).with_help(help.to_owned()));
            }
            _ => retention.keep(event, *kept),
        }
    }
    definitions.retention = retention;
}

fn unknown(declared: &Named<Kept>, definitions: &Definitions) -> Finding {
    let name = &declared.name.value;
    let help = match nearest(name, definitions.event_names.iter()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "declare it under `[events]`".to_owned(),
    };
    Finding::error("unknown_event", declared.name.span, format!("there is no event `{name}`")).with_help(help)
}
