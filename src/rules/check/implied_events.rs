//! Events that conditions name and a catalog that is not strict does not declare.
//!
//! They are put beside the declared ones, with the properties that conditions read of them, before
//! any condition is checked: a pass over syntax trees, because the first use of an event must find
//! what its last one reads. A property of such an event may be of any type.
//!
//! Invariants:
//! 1. What is implied depends on the set of conditions, not on their order; only its numbers do.
//! 2. A declared event is left as it is.

use ahash::AHashMap;

use crate::base::diagnostic::{Finding, Report};
use crate::base::names::{Names, nearest};
use crate::base::source_text::{Span, Text};
use crate::model::declaration::{FieldDeclaration, PersonalizationDeclaration};
use crate::model::value::{Type, Value};
use crate::rules::definitions::EventDefinition;
use crate::rules::syntax::{Kind, Node};
use crate::rules::template;

use super::aggregate::{self, Chain};
use super::parsed::{Parsed, ParsedOffer};
use super::scope::RESERVED;
use super::world::World;

/// Of how many undeclared events a near declared one is looked for; more are no misspellings.
const MOST_NEAR_NAMES: usize = 100;

/// Adds the events that are named without being declared to `world`, with a warning for each.
pub(super) fn add(world: &mut World, parsed: &Parsed<'_>, report: &mut Report) {
    let mut uses = Uses { world, events: Vec::new(), places: AHashMap::new() };
    for (declared, node) in &parsed.computed {
        uses.read(&declared.body, node.as_ref(), None);
    }
    for (declared, node) in &parsed.segments {
        if let Some(text) = declared.body.text() {
            uses.read(text, node.as_ref(), None);
        }
    }
    for (declared, node) in &parsed.experiments {
        if let Some(text) = &declared.body.when {
            uses.read(text, node.as_ref(), None);
        }
    }
    for (declared, nodes) in &parsed.quantiles {
        let texts = [Some(&declared.body.value), declared.body.of.as_ref()];
        for (text, node) in texts.into_iter().zip(nodes) {
            text.into_iter().for_each(|text| uses.read(text, node.as_ref(), None));
        }
    }
    for (declared, nodes) in &parsed.scores {
        for ((text, _), node) in declared.body.rows.iter().zip(nodes) {
            uses.read(text, node.as_ref(), None);
        }
    }
    for (declared, offers) in &parsed.personalizations {
        uses.personalization(&declared.body, offers);
    }
    let events = uses.events;
    let findings: Vec<Finding> = events
        .iter()
        .enumerate()
        .map(|(place, event)| event.warning(world, place < MOST_NEAR_NAMES))
        .collect();
    findings.into_iter().for_each(|finding| report.push(finding));
    for event in events {
        let properties = event.properties.iter().map(|_| FieldDeclaration::of(Type::Any)).collect();
        world.event_names.add(event.name);
        world.events.push(EventDefinition { property_names: event.properties, properties });
    }
}

/// The undeclared events found so far.
struct Uses<'w, 'n> {
    world: &'w World,
    events: Vec<ImpliedEvent<'n>>,
    places: AHashMap<&'n str, usize>,
}

struct ImpliedEvent<'n> {
    name: &'n str,
    /// Where it is first named, in the order of the files.
    first: Span,
    properties: Names,
}

impl<'n> Uses<'_, 'n> {
    /// Takes note of an event, and gives its place if it is not declared.
    fn event(&mut self, name: &'n str, span: Span) -> Option<usize> {
        if name.is_empty() || self.world.event(name).is_some() || self.world.is_left_out(name) {
            return None;
        }
        let events = &mut self.events;
        let place = *self.places.entry(name).or_insert_with(|| {
            events.push(ImpliedEvent { name, first: span, properties: Names::default() });
            events.len() - 1
        });
        let first = &mut events[place].first;
        if (span.file, span.start) < (first.file, first.start) {
            *first = span;
        }
        Some(place)
    }

    fn property(&mut self, event: usize, name: &str) {
        self.events[event].properties.add(name);
    }

    fn personalization(&mut self, declared: &'n PersonalizationDeclaration, offers: &'n [ParsedOffer<'_>]) {
        let trigger = declared.on.as_ref().and_then(|on| self.event(&on.value, on.span));
        for offer in offers {
            for (text, node) in [(&offer.declared.when, &offer.when), (&offer.declared.score, &offer.score)] {
                if let Some(text) = text {
                    self.read(text, node.as_ref(), trigger);
                }
            }
        }
        let Some(trigger) = trigger else { return };
        let shown = declared.offers.iter().map(|offer| &offer.text);
        let texts = shown.chain(declared.fallback.iter().map(|fallback| &fallback.text)).flatten();
        for name in texts.flat_map(|text| template::trigger_properties(&text.value)) {
            self.property(trigger, &name);
        }
    }

    /// Reads one condition; `trigger` is the place of its undeclared trigger event.
    fn read(&mut self, text: &'n Text, node: Option<&'n Node>, trigger: Option<usize>) {
        if let Some(node) = node {
            Reader { uses: self, text, trigger, variables: Vec::new() }.node(node);
        }
    }
}

/// Goes through one condition as the checker will.
struct Reader<'a, 'w, 'n> {
    uses: &'a mut Uses<'w, 'n>,
    text: &'n Text,
    trigger: Option<usize>,
    variables: Vec<&'n str>,
}

impl<'n> Reader<'_, '_, 'n> {
    fn node(&mut self, node: &'n Node) {
        match &node.kind {
            Kind::Select(operand, field) if self.is_trigger(operand) => {
                if let Some(trigger) = self.trigger {
                    self.uses.property(trigger, field);
                }
            }
            Kind::Call { function, target: None, arguments } if function == "held" => {
                arguments.iter().for_each(|argument| self.elsewhere(argument));
            }
            Kind::Call { function, target: Some(target), arguments } => match aggregate::chain(target) {
                Some(chain) => self.aggregate(&chain, function, arguments),
                None => node.for_each_part(&mut |part| self.node(part)),
            },
            Kind::Quantified { list, variable, condition, .. } => {
                self.node(list);
                self.variables.push(variable);
                self.node(condition);
                self.variables.pop();
            }
            _ => node.for_each_part(&mut |part| self.node(part)),
        }
    }

    fn is_trigger(&self, operand: &Node) -> bool {
        matches!(&operand.kind, Kind::Name(name) if name == "event") && !self.variables.contains(&"event")
    }

    /// A part that knows neither the trigger nor the loop variables around it.
    fn elsewhere(&mut self, node: &'n Node) {
        Reader { uses: self.uses, text: self.text, trigger: None, variables: Vec::new() }.node(node);
    }

    fn event(&mut self, node: &'n Node) -> Option<usize> {
        let Kind::Literal(Value::String(name)) = &node.kind else { return None };
        self.uses.event(name, self.text.locate(node.at.start, node.at.end))
    }

    fn aggregate(&mut self, chain: &Chain<'n>, function: &str, arguments: &'n [Node]) {
        let event = match &chain.root.kind {
            Kind::Call { arguments, .. } => arguments.first().and_then(|name| self.event(name)),
            _ => None,
        };
        for step in &chain.steps {
            let Kind::Call { function, arguments, .. } = &step.kind else { continue };
            match (function.as_str(), event) {
                ("where", Some(event)) => {
                    arguments.iter().for_each(|condition| self.filter(event, condition, &mut Vec::new()));
                }
                ("after" | "before", _) => arguments.iter().for_each(|time| self.elsewhere(time)),
                _ => {}
            }
        }
        match (function, arguments, event) {
            ("followed_by" | "not_followed_by", [other, _], _) => drop(self.event(other)),
            (
                "sum" | "avg" | "min" | "max" | "first" | "last" | "distinct" | "top",
                [property],
                Some(event),
            )
            | ("values" | "decayed", [property, _], Some(event)) => self.property(event, property),
            _ => {}
        }
    }

    /// The properties that a filter reads: its names, but for loop variables.
    fn filter(&mut self, event: usize, node: &'n Node, variables: &mut Vec<&'n str>) {
        match &node.kind {
            Kind::Name(name) if !variables.contains(&name.as_str()) => self.property(event, node),
            // Other events cannot be read here, which the checker says.
            Kind::Call { target: Some(target), .. } if aggregate::chain(target).is_some() => {}
            Kind::Quantified { list, variable, condition, .. } => {
                self.filter(event, list, variables);
                variables.push(variable);
                self.filter(event, condition, variables);
                variables.pop();
            }
            _ => node.for_each_part(&mut |part| self.filter(event, part, variables)),
        }
    }

    /// A name that can be nothing but a property. Those with a meaning of their own are refused by the
    /// checker, as they are of declared events.
    fn property(&mut self, event: usize, node: &Node) {
        if let Kind::Name(name) = &node.kind
            && !RESERVED.contains(&name.as_str())
        {
            self.uses.property(event, name);
        }
    }
}

impl ImpliedEvent<'_> {
    fn warning(&self, world: &World, look_for_near: bool) -> Finding {
        let name = self.name;
        let properties: Vec<String> =
            self.properties.iter().take(8).map(|name| format!("`{name}`")).collect();
        let more = if self.properties.len() > properties.len() { ", …" } else { "" };
        let message = match properties.as_slice() {
            [] => format!("the event `{name}` is not declared"),
            [one] => format!("the event `{name}` is not declared; its property {one} may be of any type"),
            some => {
                let listed = some.join(", ");
                format!(
                    "the event `{name}` is not declared; its properties {listed}{more} may be of any type"
                )
            }
        };
        let near = if look_for_near { nearest(name, world.event_names.iter()) } else { None };
        let help = match near {
            Some(near) => {
                format!("declare it under `[events.\"{name}\"]`, or write `\"{near}\"` if that is meant")
            }
            None => format!("declare it under `[events.\"{name}\"]`"),
        };
        Finding::warning("undeclared_event", self.first, message).with_help(help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{CatalogText, decode};
    use crate::model::ids::EventId;
    use crate::rules::check::check;
    use crate::rules::definitions::Definitions;

    /// The definitions of a catalog, and its findings as `line:column code: message (help)`.
    fn checked(catalog: &str) -> (Option<Definitions>, Vec<String>) {
        let (declarations, mut report) = decode(&CatalogText::from_toml(catalog));
        let definitions = check(&declarations, &mut report);
        report.sort();
        let shown = report.located().map(|at| {
            let help = at.help.map_or(String::new(), |help| format!(" ({help})"));
            format!("{}:{} {}: {}{help}", at.line, at.column, at.code, at.message)
        });
        (definitions, shown.collect())
    }

    fn properties(definitions: &Definitions, event: &str) -> Vec<String> {
        let event = definitions.event(EventId(definitions.event_names.get(event).unwrap()));
        assert!(event.properties.iter().all(|property| property.ty == Type::Any && !property.required));
        assert_eq!(event.properties.len(), event.property_names.len());
        event.property_names.iter().map(str::to_owned).collect()
    }

    #[test]
    fn the_example_of_the_design_compiles_with_warnings_only() {
        let (definitions, findings) = checked(include_str!("../../../examples/catalogs/design.toml"));
        let definitions = definitions.unwrap_or_else(|| panic!("{findings:?}"));
        assert_eq!(
            findings,
            [
                "15:22 undeclared_event: the event `Order Completed` is not declared; its property `total` may be of \
                 any type (declare it under `[events.\"Order Completed\"]`)",
                "20:26 undeclared_event: the event `Product Added` is not declared (declare it under \
                 `[events.\"Product Added\"]`, or write `\"Product Viewed\"` if that is meant)",
                "24:6 undeclared_event: the event `Logged In` is not declared (declare it under \
                 `[events.\"Logged In\"]`)",
            ]
        );
        assert_eq!(properties(&definitions, "Order Completed"), ["total"]);
        assert_eq!(definitions.event_names.iter().collect::<Vec<_>>()[0], "Product Viewed");
    }

    #[test]
    fn a_strict_catalog_declares_its_events() {
        let catalog = r#"
            schema = 1
            strict = true
            [segments]
            a = 'events("A").exists() || events().followed_by("B", "1d")'
            [personalizations.p]
            on = "C"
            fallback = { name = "f" }
        "#;
        let (definitions, findings) = checked(catalog);
        assert!(definitions.is_none());
        assert_eq!(
            findings,
            [
                "5:25 unknown_event: there is no event `A` (declare it under `[events.\"A\"]`)",
                "5:63 unknown_event: there is no event `B` (declare it under `[events.\"B\"]`)",
                "7:18 unknown_event: there is no event `C` (declare it under `[events.\"C\"]`)",
            ]
        );
    }

    #[test]
    fn what_conditions_read_of_an_undeclared_event_is_a_property_of_it() {
        let catalog = r#"
            schema = 1
            [attributes]
            since = "time"
            sizes = { type = "list", of = "int" }
            [computed]
            a = 'events("A").where(p > 5 && q.exists(e, e == r && s.t) && has(u["k"])).after(events("B").last(v)).sum(w)'
            b = 'events("A").values(x, 3)'
            [segments]
            c = 'held(events("A").decayed(y, "7d") > 1.0, "1d") && sizes.exists(z, z > events("D").count())'
            d = 'events("A").where(aa in ["x"]).followed_by("E", "1d") ? since < since : events("F").min(bb) < 3'
            [personalizations.p]
            on = "G"
            strategy = "best"
            fallback = { name = "f", text = "{{ event.cc }}" }
            [[personalizations.p.offers]]
            name = "o"
            when = 'event.dd == "x" && sizes.exists(event, event == 1)'
            score = 'size(event.ee)'
            text = "{% if event.ff.gg %}{{ event.hh | default(1) }}{% endif %}"
        "#;
        let (definitions, findings) = checked(catalog);
        let definitions = definitions.unwrap_or_else(|| panic!("{findings:?}"));
        assert_eq!(findings.len(), 6, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.contains(" undeclared_event: ")));
        assert_eq!(properties(&definitions, "A"), ["p", "q", "r", "s", "u", "w", "x", "y", "aa"]);
        assert_eq!(properties(&definitions, "B"), ["v"]);
        assert_eq!(properties(&definitions, "F"), ["bb"]);
        let mut of_trigger = properties(&definitions, "G");
        of_trigger.sort();
        assert_eq!(of_trigger, ["cc", "dd", "ee", "ff", "hh"]);
        for bare in ["D", "E"] {
            assert_eq!(properties(&definitions, bare), Vec::<String>::new());
        }
    }

    #[test]
    fn declared_events_stay_as_they_are() {
        let catalog = r#"
            schema = 1
            [events."Order Completed"]
            total = "float"
            [segments]
            a = 'events("Order Completed").where(totl > 5).exists()'
            b = 'events("Order Complete").where(now > x).exists()'
            c = 'events("Order Complete").where(x == y).exists() && events("").exists()'
        "#;
        let findings = checked(catalog).1;
        assert_eq!(
            findings,
            [
                "6:50 unknown_property: `Order Completed` has no declared property `totl` (did you mean `total`?)",
                "7:25 undeclared_event: the event `Order Complete` is not declared; its properties `x`, `y` may be of any \
                 type (declare it under `[events.\"Order Complete\"]`, or write `\"Order Completed\"` if that is meant)",
                "7:49 unknown_property: `Order Complete` has no declared property `now` (windows are written after the \
                 filter: `.where(…).within(\"24h\")`)",
                "8:76 unknown_event: there is no event `` (declare it under `[events.\"\"]`)",
            ]
        );
    }

    #[test]
    fn what_was_declared_with_a_mistake_is_not_called_unknown() {
        let catalog = r#"
            schema = 1
            [attributes]
            tier = "strng"
            [events]
            A = "int"
            B = { price = "flot" }
            [segments]
            a = 'tier == "gold" && events("A").where(x > 1).exists() && events("B").sum(price) > 1'
            s = 5
            b = 's && events("C").followed_by("A", "1d")'
            [personalizations.p]
            on = "A"
            attributes = ["tier"]
            fallback = { name = "f", text = "{{ tier }}" }
        "#;
        let findings = checked(catalog).1;
        let codes: Vec<&str> = findings.iter().filter_map(|finding| finding.split(' ').nth(1)).collect();
        let count = |code: &str| codes.iter().filter(|known| **known == code).count();
        assert_eq!((count("undeclared_event:"), codes.len()), (1, 5), "{findings:?}");
        assert!(
            !codes.iter().any(|code| code.starts_with("unknown_") && *code != "unknown_type:"),
            "{findings:?}"
        );
    }
}
