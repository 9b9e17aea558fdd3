//! Which names can be read where.

use crate::base::names::nearest;
use crate::model::ids::{AttributeId, ComputedId, EventId, PropertyId, SegmentId};
use crate::model::value::{Type, Value};
use crate::rules::at_call::CONTEXT;
use crate::rules::expression::Expr;
use crate::rules::syntax::{Kind, Node};

use super::expression::Checker;
use super::typed::{Domain, Motion, Typed};

/// Names that mean something of their own everywhere in a condition.
pub(super) const RESERVED: [&str; 7] = ["now", "event", "events", "true", "false", "null", "in"];

/// What can be read at one place of a condition.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) place: Place,
    /// The trigger whose properties are `event.x`.
    pub(super) trigger: Option<EventId>,
    /// Whether it is evaluated for a call, which says `context.x`.
    pub(super) at_call: bool,
    /// Loop variables, the outermost first.
    pub(super) variables: Vec<Variable>,
}

/// Where in a condition something stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// A condition on profiles.
    #[default]
    Profile,
    /// The `where` of events of that name, or of any.
    Where(Option<EventId>),
    /// The condition of `held`.
    Held,
    /// The time of `after` or `before`.
    Window,
}

/// A loop variable of `exists` or `all`.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) domain: Domain,
}

impl Scope {
    /// What belongs to a personalization, with its trigger if it has one.
    pub(super) fn of_personalization(trigger: Option<EventId>) -> Scope {
        Scope { trigger, at_call: true, ..Scope::default() }
    }
}

impl Checker<'_> {
    /// Checks something at another place, where the trigger and loop variables of here are unknown.
    pub(super) fn at_place<T>(&mut self, place: Place, check: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.scope, Scope { place, ..Scope::default() });
        let result = check(self);
        self.scope = outer;
        result
    }

    /// A name on its own.
    pub(super) fn name(&mut self, name: &str, node: &Node) -> Option<Typed> {
        if let Some(depth) = self.scope.variables.iter().rposition(|variable| variable.name == name) {
            let variable = &self.scope.variables[depth];
            let expr = Expr::Variable(u32::try_from(depth).unwrap_or(u32::MAX));
            return Some(Typed::new(expr, variable.ty.clone()).with_domain(variable.domain));
        }
        match self.scope.place {
            Place::Where(event) => self.property_name(event, name, node),
            _ => self.profile_name(name, node),
        }
    }

    fn profile_name(&mut self, name: &str, node: &Node) -> Option<Typed> {
        let world = self.world;
        if name == "now" {
            return Some(Typed::new(Expr::Now, Type::Time).with_motion(Motion::Clock));
        }
        if let Some(id) = world.attribute_names.get(name).map(AttributeId) {
            let ty = world.attributes[id.index()].ty.clone();
            return Some(Typed::new(Expr::Attribute(id), ty).with_domain(Domain::Attribute(id)));
        }
        if let Some(id) = world.computed_names.get(name).map(ComputedId) {
            return world.computed[id.index()].clone();
        }
        if let Some(id) = world.segment_names.get(name).map(SegmentId) {
            return Some(Typed::condition(Expr::Segment(id)));
        }
        self.unknown_name(name, node);
        None
    }

    fn unknown_name(&mut self, name: &str, node: &Node) {
        let world = self.world;
        if world.is_left_out(name) {
            return;
        }
        let message = format!("there is no attribute, computed attribute or segment `{name}`");
        let trigger = self.scope.trigger.map(|event| &world.events[event.index()].property_names);
        let declaring = world.events.iter().position(|event| event.property_names.get(name).is_some());
        let help = if name == "event" {
            match trigger {
                Some(_) => "name one of its properties, such as `event.price`".to_owned(),
                None => "only a personalization with `on` has a trigger event".to_owned(),
            }
        } else if let Some(near) = nearest(name, world.profile_names()) {
            format!("did you mean `{near}`?")
        } else if trigger.is_some_and(|names| names.get(name).is_some()) {
            format!("a property of the trigger event is written `event.{name}`")
        } else if let Some(event) = declaring {
            let event = world.event_names.name(event as u32);
            format!(
                "a property of `{event}` is read in `events(\"{event}\").where(…)`, or as `.last({name})`"
            )
        } else {
            format!("text is written in quotes: `\"{name}\"`; attributes are declared under `[attributes]`")
        };
        self.report_help("unknown_name", &node.at, message, help);
    }

    /// A property of the events that a `where` filters.
    pub(super) fn property_name(&mut self, event: Option<EventId>, name: &str, node: &Node) -> Option<Typed> {
        let Some(event) = event else {
            let help = "name one event: `events(\"Name\")`";
            let message = format!("`events()` is any event and has no property `{name}`");
            self.report_help("unknown_property", &node.at, message, help);
            return None;
        };
        match self.property(event, name) {
            Some((id, ty)) => {
                Some(Typed::new(Expr::Property(id), ty).with_domain(Domain::Property(event, id)))
            }
            None => {
                self.unknown_property(event, name, node);
                None
            }
        }
    }

    /// The property of that name, and its type.
    pub(super) fn property(&self, event: EventId, name: &str) -> Option<(PropertyId, Type)> {
        let event = &self.world.events[event.index()];
        let id = event.property_names.get(name).map(PropertyId)?;
        Some((id, event.properties[id.index()].ty.clone()))
    }

    pub(super) fn unknown_property(&mut self, event: EventId, name: &str, node: &Node) {
        let world = self.world;
        if world.is_left_out(name) {
            return;
        }
        let known = &world.events[event.index()].property_names;
        let event = world.event_names.name(event.0);
        let message = format!("`{event}` has no declared property `{name}`");
        let filtering = matches!(self.scope.place, Place::Where(_));
        let help = if filtering && name == "now" {
            "windows are written after the filter: `.where(…).within(\"24h\")`".to_owned()
        } else if filtering && world.profile_names().any(|known| known == name) {
            format!("`where` reads only properties of the event; `{name}` cannot be read there")
        } else if let Some(near) = nearest(name, known.iter()) {
            format!("did you mean `{near}`?")
        } else if known.is_empty() {
            format!("declare it under `[events.\"{event}\"]`")
        } else {
            let some: Vec<String> = known.iter().take(8).map(|name| format!("`{name}`")).collect();
            format!("its properties are {}", some.join(", "))
        };
        self.report_help("unknown_property", &node.at, message, help);
    }

    /// `operand.field`.
    pub(super) fn select(&mut self, operand: &Node, field: &str, node: &Node) -> Option<Typed> {
        if let Kind::Name(name) = &operand.kind
            && self.scope.variables.iter().all(|variable| variable.name != *name)
        {
            match name.as_str() {
                "event" => return self.trigger(field, node),
                CONTEXT if self.world.profile_names().all(|known| known != CONTEXT) => {
                    return self.context(field, node);
                }
                _ => {}
            }
        }
        if super::aggregate::chain(operand).is_some() {
            let message = format!("`.{field}` on events is a function");
            self.report_help("syntax", &node.at, message, format!("write `.{field}(…)`"));
            return None;
        }
        let whole = self.expression(operand)?;
        if let Expr::Affinity(_) = whole.expr {
            let item = Typed::new(Expr::Constant(Value::string(field)), Type::String);
            return self.item_score(whole, node, item);
        }
        self.field(whole, operand, field, node)
    }

    /// A field of a checked map.
    pub(super) fn field(&mut self, whole: Typed, operand: &Node, field: &str, node: &Node) -> Option<Typed> {
        let ty = match &whole.ty {
            Type::Any => Type::Any,
            Type::Map(of) => (**of).clone(),
            Type::Record(fields) => {
                let found = fields.iter().find(|(name, _)| **name == *field);
                let Some((_, ty)) = found else {
                    let message = format!("{} has no declared field `{field}`", self.quoted(operand));
                    let names: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
                    let help = match nearest(field, names.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("its fields are `{}`", names.join("`, `")),
                    };
                    self.report_help("unknown_name", &node.at, message, help);
                    return None;
                };
                ty.clone()
            }
            _ => {
                let message = format!("{} has no fields", self.described(operand, &whole));
                match function_meant(field) {
                    Some(help) => self.report_help("type", &node.at, message, help),
                    None => self.report("type", &node.at, message),
                }
                return None;
            }
        };
        self.must_stand_still(operand, &whole)?;
        Some(Typed::new(Expr::Field(Box::new(whole.expr), field.into()), ty))
    }

    /// `context.x`.
    fn context(&mut self, field: &str, node: &Node) -> Option<Typed> {
        let names = &self.world.context_names;
        if self.world.is_left_out(field) {
            return None;
        }
        let Some(said) = names.get(field).map(PropertyId) else {
            let message = format!("the catalog does not say that a call may say `{field}`");
            let help = match nearest(field, names.iter()) {
                Some(near) => format!("did you mean `context.{near}`?"),
                None => format!("declare it under `[context]`, such as `{field} = \"string\"`"),
            };
            self.report_help("unknown_name", &node.at, message, help);
            return None;
        };
        if !self.scope.at_call {
            let message = "what a call says is known only while it is answered";
            let help =
                "ask for it in the conditions and scores of offers, beside the segments that they name";
            self.report_help("scope", &node.at, message, help);
            return None;
        }
        let ty = self.world.context[said.index()].ty.clone();
        Some(Typed::new(Expr::Context(said), ty).with_domain(Domain::Context(said)))
    }

    /// `event.x`.
    fn trigger(&mut self, field: &str, node: &Node) -> Option<Typed> {
        let (message, help) = match (self.scope.trigger, self.scope.place) {
            (Some(event), _) => {
                if let Some((id, ty)) = self.property(event, field) {
                    return Some(Typed::new(Expr::Trigger(id), ty).with_domain(Domain::Property(event, id)));
                }
                self.unknown_property(event, field, node);
                return None;
            }
            (None, Place::Where(_)) => (
                "the trigger event cannot be read in `where`",
                format!("a property of the filtered event is written `{field}`"),
            ),
            (None, Place::Held) => (
                "the trigger event cannot be read in `held`",
                "ask for it outside: `held(…) && event.…`".to_owned(),
            ),
            (None, Place::Window) => (
                "the trigger event cannot bound a window",
                "use an attribute, or a time of other events such as `events(\"X\").last()`".to_owned(),
            ),
            (None, Place::Profile) => (
                "there is no trigger event here",
                "only a personalization with `on = \"Event\"` has one".to_owned(),
            ),
        };
        self.report_help("scope", &node.at, message, help);
        None
    }
}

fn function_meant(field: &str) -> Option<String> {
    match field {
        "size" | "length" | "len" | "count" => Some("write `size(x)`".to_owned()),
        "contains" | "startsWith" | "endsWith" | "matches" => Some(format!("write `.{field}(\"…\")`")),
        "lowerAscii" | "lower" | "toLowerCase" => Some("write `.lowerAscii()`".to_owned()),
        _ => None,
    }
}
