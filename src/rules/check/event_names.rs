//! Events and their properties, where a section of the catalog names them.

use crate::base::diagnostic::Finding;
use crate::base::names::nearest;
use crate::base::source_text::Spanned;
use crate::model::ids::{EventId, PropertyId};
use crate::model::value::Type;

use super::Catalog;

impl Catalog<'_> {
    /// The event that something of the catalog names; reports one that there is not.
    pub(super) fn known_event(&mut self, name: &Spanned<String>) -> Option<EventId> {
        let found = self.world.event(&name.value);
        if found.is_none() && !self.world.is_left_out(&name.value) {
            let finding =
                Finding::error("unknown_event", name.span, format!("there is no event `{}`", name.value));
            let help = match nearest(&name.value, self.world.event_names.iter()) {
                Some(near) => format!("did you mean `\"{near}\"`?"),
                None => format!("declare it under `[events.\"{}\"]`", name.value),
            };
            self.report.push(finding.with_help(help));
        }
        found
    }

    /// The property of an event that something of the catalog names, and its type; reports one that there is
    /// not, with help if no other name is near.
    pub(super) fn known_property(
        &mut self,
        event: EventId,
        name: &Spanned<String>,
        help: Option<String>,
    ) -> Option<(PropertyId, Type)> {
        let definition = &self.world.events[event.index()];
        if let Some(id) = definition.property_names.get(&name.value).map(PropertyId) {
            return Some((id, definition.properties[id.index()].ty.clone()));
        }
        if !self.world.is_left_out(&name.value) {
            let event = self.world.event_names.name(event.0);
            let message = format!("`{event}` has no declared property `{}`", name.value);
            let help = match nearest(&name.value, definition.property_names.iter()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => help.unwrap_or_else(|| format!("declare it under `[events.\"{event}\"]`")),
            };
            self.report.push(Finding::error("unknown_property", name.span, message).with_help(help));
        }
        None
    }
}
