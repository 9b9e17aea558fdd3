//! Checks purposes, and conditions that ask for consent to one.

use crate::base::diagnostic::Finding;
use crate::base::names::{Names, nearest};
use crate::base::source_text::Spanned;
use crate::model::declaration::{Declarations, FieldDeclaration};
use crate::model::ids::{AttributeId, EventId, PurposeId};
use crate::model::value::Type;
use crate::rules::purposes::Purposes;
use crate::rules::syntax::Node;

use super::Catalog;
use super::expression::Checker;
use super::scope::Place;
use super::typed::Typed;

impl Catalog<'_> {
    /// Fills the purposes, once attributes and events are known.
    pub(super) fn declare_purposes(&mut self, declarations: &Declarations) {
        let mut names = Names::default();
        for declared in &declarations.purposes {
            let name = &declared.name.value;
            if names.get(name).is_some() {
                self.error("duplicate", &declared.name, format!("the purpose `{name}` is declared twice"));
            }
            names.add(name);
        }
        let mut purposes = Purposes::new(names, self.world.attributes.len());
        for declared in &declarations.purposes {
            let Some(purpose) = purposes.names.get(&declared.name.value).map(PurposeId) else { continue };
            for name in &declared.body.attributes {
                let known = self.world.attribute_names.get(&name.value);
                match known {
                    Some(number) => purposes.need_for_attribute(AttributeId(number), purpose),
                    None => self.unknown_need(name, "attribute"),
                }
            }
            for name in &declared.body.events {
                match self.world.event_names.get(&name.value) {
                    Some(number) => purposes.need_for_event(EventId(number), purpose),
                    None => self.unknown_need(name, "event"),
                }
            }
        }
        // Each keeps the state of a purpose.
        self.world.attributes.extend(purposes.all().map(|_| FieldDeclaration::of(Type::String)));
        self.world.purposes = purposes;
    }

    fn unknown_need(&mut self, name: &Spanned<String>, what: &'static str) {
        let Spanned { value: name, span } = name;
        if self.world.is_left_out(name) {
            return;
        }
        let (code, known, section) = match what {
            "event" => ("unknown_event", &self.world.event_names, "events"),
            _ => ("unknown_name", &self.world.attribute_names, "attributes"),
        };
        let help = if what == "attribute" && self.world.computed_names.get(name).is_some() {
            "it is computed: name the attributes and events that it is made of".to_owned()
        } else {
            match nearest(name, known.iter()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it under `[{section}]`"),
            }
        };
        let finding = Finding::error(code, *span, format!("there is no {what} `{name}`"));
        self.report.push(finding.with_help(help));
    }
}

impl Checker<'_> {
    /// `consent("purpose")`: whether it is granted.
    pub(super) fn consent(&mut self, name: &Node, node: &Node) -> Option<Typed> {
        if matches!(self.scope.place, Place::Where(_)) {
            let help = "ask for it outside: `consent(…) && events(…)…`";
            self.report_help("scope", &node.at, "consent cannot be asked of an event", help);
            return None;
        }
        let text = self.constant_text(name, "consent", "marketing")?;
        let world = self.world;
        if let Some(purpose) = world.purposes.names.get(&text) {
            return Some(Typed::condition(world.purposes.is_granted(PurposeId(purpose))));
        }
        if !world.is_left_out(&text) {
            let help = match nearest(&text, world.purposes.names.iter()) {
                Some(near) => format!("did you mean `\"{near}\"`?"),
                None => format!("declare it under `[purposes.\"{text}\"]`"),
            };
            self.report_help("unknown_name", &name.at, format!("there is no purpose `{text}`"), help);
        }
        None
    }
}
