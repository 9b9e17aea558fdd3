//! Checks the function that makes a value of events, and the property it makes it of.

use crate::base::limits::MAX_LISTED_VALUES;
use crate::model::ids::{EventId, PropertyId};
use crate::model::value::{Type, Value};
use crate::rules::expression::{Expr, Function, Source};
use crate::rules::lists::Items;
use crate::rules::syntax::{Kind, Node};
use crate::rules::typing::type_of_items;

use super::expression::Checker;
use super::scope::Place;
use super::typed::{Domain, Motion, Typed};

/// A property that a final function works on.
struct ArgumentProperty<'n> {
    id: PropertyId,
    event: EventId,
    ty: Type,
    node: &'n Node,
}

/// Whether elements of a type have a field.
fn is_field(of: &Type, field: &str) -> bool {
    match of {
        Type::Record(fields) => fields.iter().any(|(name, _)| **name == *field),
        Type::Map(_) | Type::Any => true,
        _ => false,
    }
}

impl ArgumentProperty<'_> {
    fn domain(&self) -> Domain {
        Domain::Property(self.event, self.id)
    }
}

impl Checker<'_> {
    /// What the final function makes of the events. The expression of the result is still to be set.
    pub(super) fn made(
        &mut self,
        event: Option<EventId>,
        function: &str,
        arguments: &[Node],
        node: &Node,
    ) -> Option<(Function, Typed)> {
        let result = |made: Function, ty: Type| Some((made, Typed::new(Expr::Now, ty)));
        match (function, arguments) {
            ("count", []) => result(Function::Count, Type::Int),
            ("exists", []) => result(Function::Exists, Type::Bool),
            ("first", []) => result(Function::FirstTime, Type::Time),
            ("last", []) => result(Function::LastTime, Type::Time),
            ("previous", []) => result(Function::PreviousTime, Type::Time),
            ("decayed", [half_life]) => self.decayed(event, None, half_life),
            ("decayed", [weight, half_life]) => self.decayed(event, Some(weight), half_life),
            ("followed_by" | "not_followed_by", [other, length]) => {
                let parts = (self.event_named(other), self.positive(length));
                let (Some(other), Some(length)) = parts else { return None };
                let other = self.pool.source(Source { event: Some(other), filter: None });
                let made = match function {
                    "followed_by" => Function::FollowedBy { other, within: length },
                    _ => Function::NotFollowedBy { other, after: length },
                };
                result(made, Type::Bool)
            }
            ("sum" | "avg" | "min" | "max" | "first" | "last" | "distinct" | "top", [property]) => {
                let property = self.argument_property(event, property)?;
                self.made_of_property(function, property)
            }
            ("values", [property, many]) => {
                let parts = (self.argument_items(event, property), self.how_many(many));
                let (Some((property, items)), Some(many)) = parts else { return None };
                let ty = self.single(function, &property)?;
                let typed = Typed::new(Expr::Now, Type::List(Box::new(ty))).with_domain(property.domain());
                Some((Function::Values { property: property.id, items, most: many }, typed))
            }
            _ => {
                let message = format!("{}, here are {}", usage(function), arguments.len());
                self.report("arguments", &node.at, message);
                None
            }
        }
    }

    fn made_of_property(
        &mut self,
        function: &str,
        property: ArgumentProperty<'_>,
    ) -> Option<(Function, Typed)> {
        let id = property.id;
        let of_type = |ty: Type| Typed::new(Expr::Now, ty);
        let (made, typed) = match function {
            "first" => (Function::First(id), of_type(property.ty.clone()).with_domain(property.domain())),
            "last" => (Function::Last(id), of_type(property.ty.clone()).with_domain(property.domain())),
            "sum" => (Function::Sum(id), of_type(self.number(function, &property)?)),
            "avg" => {
                self.number(function, &property)?;
                (Function::Average(id), of_type(Type::Float))
            }
            "distinct" => {
                self.single(function, &property)?;
                (Function::Distinct(id), of_type(Type::Int))
            }
            _ => {
                let ty = self.single(function, &property)?;
                let made = match function {
                    "min" => Function::Minimum(id),
                    "max" => Function::Maximum(id),
                    _ => Function::Top(id),
                };
                (made, of_type(ty).with_domain(property.domain()))
            }
        };
        Some((made, typed))
    }

    fn decayed(
        &mut self,
        event: Option<EventId>,
        weight: Option<&Node>,
        half_life: &Node,
    ) -> Option<(Function, Typed)> {
        let weight = match weight {
            Some(node) => {
                let property = self.argument_property(event, node);
                Some(property.and_then(|property| self.number("decayed", &property).map(|_| property.id)))
            }
            None => None,
        };
        let half_life = self.positive(half_life)?;
        let weight = match weight {
            Some(checked) => Some(checked?),
            None => None,
        };
        let typed = Typed::new(Expr::Now, Type::Float).with_motion(Motion::Decaying);
        Some((Function::Decayed { half_life, weight }, typed))
    }

    /// A property named as the argument of a final function.
    fn argument_property<'n>(
        &mut self,
        event: Option<EventId>,
        node: &'n Node,
    ) -> Option<ArgumentProperty<'n>> {
        let name = match &node.kind {
            Kind::Name(name) => name,
            kind => {
                let help = match kind {
                    Kind::Literal(Value::String(name)) => format!("write it without quotes: `{name}`"),
                    Kind::Select(..) => {
                        "fields of a property cannot be read here: declare it on its own".to_owned()
                    }
                    _ => "write the name of a property; conditions belong into `.where(…)`".to_owned(),
                };
                self.report_help(
                    "arguments",
                    &node.at,
                    format!("{} is not a property's name", self.quoted(node)),
                    help,
                );
                return None;
            }
        };
        // A property is looked up as `where` does, so that the help is the same.
        let found = self.at_place(Place::Where(event), |inner| inner.property_name(event, name, node))?;
        let (Expr::Property(id), Domain::Property(event, _)) = (&found.expr, found.domain) else {
            return None;
        };
        Some(ArgumentProperty { id: *id, event, ty: found.ty, node })
    }

    /// A property whose values are listed: of a list those of its elements, or of a field of these. The type
    /// is that of the values.
    fn argument_items<'n>(
        &mut self,
        event: Option<EventId>,
        node: &'n Node,
    ) -> Option<(ArgumentProperty<'n>, Items)> {
        let (whole, field) = match &node.kind {
            Kind::Select(list, field) => (&**list, Some(field)),
            _ => (node, None),
        };
        let property = self.argument_property(event, whole)?;
        let items = match (&property.ty, field) {
            (Type::List(of), Some(field)) if is_field(of, field) => {
                Items::Elements(Some(field.as_str().into()))
            }
            (_, Some(field)) => {
                let message = format!("{} is no list of maps with a field `{field}`", self.quoted(whole));
                let help = "declare it as such a list, or name a property: `.values(product_id, 100)`";
                self.report_help("type", &node.at, message, help);
                return None;
            }
            (Type::List(_), None) => Items::Elements(None),
            _ => Items::Whole,
        };
        let ty = type_of_items(&items, property.ty);
        Some((ArgumentProperty { ty, node, ..property }, items))
    }

    fn number(&mut self, function: &str, property: &ArgumentProperty<'_>) -> Option<Type> {
        match property.ty {
            Type::Int | Type::Float => return Some(property.ty.clone()),
            // What numbers there are may be ints and floats.
            Type::Any => return Some(Type::Float),
            _ => {}
        }
        let message =
            format!("`{function}` needs numbers, and {} is {}", self.quoted(property.node), property.ty);
        let help = match property.ty {
            Type::Time | Type::Bool | Type::String => {
                "write `.count()`, `.distinct(property)`, `.min(property)` or `.max(property)`"
            }
            _ => "declare the property as `int` or `float`",
        };
        self.report_help("type", &property.node.at, message, help);
        None
    }

    /// The type of a property that is a single value, not a list or map.
    fn single(&mut self, function: &str, property: &ArgumentProperty<'_>) -> Option<Type> {
        match property.ty {
            Type::List(_) | Type::Map(_) | Type::Record(_) => {
                let message = format!(
                    "`{function}` needs single values, and {} is {}",
                    self.quoted(property.node),
                    property.ty
                );
                let help = "of lists and maps there are `.first(property)` and `.last(property)`";
                self.report_help("type", &property.node.at, message, help);
                None
            }
            _ => Some(property.ty.clone()),
        }
    }

    pub(super) fn how_many(&mut self, node: &Node) -> Option<u32> {
        let typed = self.expression(node)?;
        match typed.expr {
            Expr::Constant(Value::Int(many)) if (1..=MAX_LISTED_VALUES).contains(&many) => {
                u32::try_from(many).ok()
            }
            _ => {
                let message = format!("{} is no number from 1 to {MAX_LISTED_VALUES}", self.quoted(node));
                self.report("arguments", &node.at, message);
                None
            }
        }
    }
}

/// What a function of events takes.
pub(super) fn usage(function: &str) -> String {
    let takes = match function {
        "where" => "one condition: `.where(price > 10.0)`",
        "within" | "older_than" => "one duration: `(\"24h\")`",
        "calendar_days" => "a number of days and a time zone: `(7, \"Europe/Helsinki\")`",
        "between" => "two durations: `.between(\"90d\", \"30d\")`",
        "after" | "before" => "one time: `(timestamp(\"2026-01-01T00:00:00Z\"))`",
        "count" | "exists" => "nothing; a condition belongs into `.where(…)`",
        "first" | "last" => "nothing, for a time, or one property, for its value",
        "previous" => "nothing",
        "decayed" => "a half-life, `(\"7d\")`, or a property and a half-life, `(price, \"7d\")`",
        "followed_by" | "not_followed_by" => "an event and a duration: `(\"Order Completed\", \"48h\")`",
        "values" => "a property and how many: `(category, 3)`",
        _ => "one property",
    };
    format!("`.{function}` takes {takes}")
}
