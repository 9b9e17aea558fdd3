//! Functions of events as they are written.

use crate::model::ids::{AggregateId, EventId};
use crate::rules::expression::{Bound, Function, Source};
use crate::rules::lists::{Items, Weight};
use crate::rules::print::{Binding, Printer, quoted};

impl Printer<'_> {
    pub(super) fn source(&mut self, source: &Source) {
        let name =
            source.event.map_or(String::new(), |event| quoted(self.definitions.event_names.name(event.0)));
        self.push(&format!("events({name})"));
        if let Some(filter) = &source.filter {
            let outer = std::mem::replace(&mut self.filtered, source.event);
            self.push(".where(");
            self.write(filter, Binding::Conditional, 0);
            self.push(")");
            self.filtered = outer;
        }
    }

    pub(super) fn aggregate(&mut self, id: AggregateId) {
        let definitions = self.definitions;
        let aggregate = &definitions.aggregates[id.index()];
        let source = &definitions.sources[aggregate.source.index()];
        self.source(source);
        let mut window = aggregate.window.as_slice();
        if let [Bound::Within(far), Bound::OlderThan(near), rest @ ..] = window {
            self.push(&format!(".between(\"{far}\", \"{near}\")"));
            window = rest;
        }
        for bound in window {
            match bound {
                Bound::Within(length) => self.push(&format!(".within(\"{length}\")")),
                Bound::OlderThan(length) => self.push(&format!(".older_than(\"{length}\")")),
                Bound::CalendarDays(days, zone) => {
                    self.push(&format!(".calendar_days({days}, {})", quoted(zone.name())));
                }
                Bound::After(time) => self.function(".after", time, 0),
                Bound::Before(time) => self.function(".before", time, 0),
            }
        }
        let made = self.made(&aggregate.function, source.event);
        self.push(&made);
    }

    /// The final function of an aggregate over events of that name.
    fn made(&self, function: &Function, event: Option<EventId>) -> String {
        let definitions = self.definitions;
        let property = |id: &crate::model::ids::PropertyId| {
            event.map_or("?", |event| definitions.event(event).property_names.name(id.0))
        };
        let other = |source: &crate::model::ids::SourceId| {
            let event = definitions.sources[source.index()].event;
            event.map_or(String::new(), |event| quoted(definitions.event_names.name(event.0)))
        };
        match function {
            Function::Count => ".count()".to_owned(),
            Function::Exists => ".exists()".to_owned(),
            Function::FirstTime => ".first()".to_owned(),
            Function::LastTime => ".last()".to_owned(),
            Function::PreviousTime => ".previous()".to_owned(),
            Function::Sum(id) => format!(".sum({})", property(id)),
            Function::Average(id) => format!(".avg({})", property(id)),
            Function::Minimum(id) => format!(".min({})", property(id)),
            Function::Maximum(id) => format!(".max({})", property(id)),
            Function::First(id) => format!(".first({})", property(id)),
            Function::Last(id) => format!(".last({})", property(id)),
            Function::Distinct(id) => format!(".distinct({})", property(id)),
            Function::Top(id) => format!(".top({})", property(id)),
            Function::Values { property: id, items, most } => {
                let field = match items {
                    Items::Elements(Some(field)) => format!(".{field}"),
                    Items::Elements(None) | Items::Whole => String::new(),
                };
                format!(".values({}{field}, {most})", property(id))
            }
            Function::Decayed { half_life, weight: None } => format!(".decayed(\"{half_life}\")"),
            Function::Decayed { half_life, weight: Some(id) } => {
                format!(".decayed({}, \"{half_life}\")", property(id))
            }
            // No condition says this by itself, but summaries know the state by it.
            Function::DecayedItems { half_life, of } => {
                let name = |id| quoted(property(id));
                let field = |field: &str| format!("{}.{}", name(&of.property), quoted(field));
                let items = match &of.items {
                    Items::Elements(Some(of)) => field(of),
                    Items::Elements(None) | Items::Whole => name(&of.property),
                };
                let weight = match &of.weight {
                    Weight::One => String::new(),
                    Weight::Property(id) => format!(", {}", name(id)),
                    Weight::Field(of) => format!(", {}", field(of)),
                };
                format!(".affinity({items}{weight}, \"{half_life}\")")
            }
            Function::FollowedBy { other: source, within } => {
                format!(".followed_by({}, \"{within}\")", other(source))
            }
            Function::NotFollowedBy { other: source, after } => {
                format!(".not_followed_by({}, \"{after}\")", other(source))
            }
        }
    }
}
