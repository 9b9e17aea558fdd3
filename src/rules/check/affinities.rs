//! Affinities: scores of items, put together from what several events add.
//!
//! What each event adds is an aggregate without the constant weight, by which it is multiplied when it is read:
//! so affinities that differ in weights alone share their states, and other weights need no history.

use std::sync::Arc;

use crate::base::diagnostic::Finding;
use crate::base::names::nearest;
use crate::base::source_text::Spanned;
use crate::model::declaration::{AffinityDeclaration, AffinityEvent, Named, WeightDeclaration};
use crate::model::ids::{EventId, PropertyId};
use crate::model::value::{Type, Value};
use crate::rules::expression::{Affinity, Aggregate, Expr, Function, Leg, Source};
use crate::rules::lists::{Items, Weighing, Weight};
use crate::rules::syntax::Node;

use super::Catalog;
use super::expression::Checker;
use super::typed::{Motion, Typed};

impl Catalog<'_> {
    /// The attribute that an affinity is.
    pub(super) fn affinity(&mut self, declared: &AffinityDeclaration) -> Option<Typed> {
        let half_life = declared.half_life;
        let checked: Vec<Option<(EventId, Weighing, Value)>> =
            declared.events.iter().map(|event| self.affinity_event(event)).collect();
        let mut legs = Vec::with_capacity(checked.len());
        for (event, of, weight) in checked.into_iter().collect::<Option<Vec<_>>>()? {
            let source = self.pool.source(Source { event: Some(event), filter: None });
            let function = Function::DecayedItems { half_life, of };
            let id = self.pool.aggregate(Aggregate { source, window: Vec::new(), function });
            legs.push(Leg { scores: Expr::Aggregate(id), weight });
        }
        let affinity = Expr::Affinity(Arc::new(Affinity { half_life, legs }));
        Some(Typed::new(affinity, Type::Map(Box::new(Type::Float))).with_motion(Motion::Free))
    }

    /// The event, its items with what they weigh by themselves, and what that is multiplied by.
    fn affinity_event(
        &mut self,
        Named { name, body }: &Named<AffinityEvent>,
    ) -> Option<(EventId, Weighing, Value)> {
        let event = self.known_event(name)?;
        let AffinityEvent { list, item, weight } = body;
        let named = if let WeightDeclaration::Named(weight) = weight { Some(weight) } else { None };
        let (property, items, of_weight) = match list {
            None => {
                let (property, ty) = self.property_of(event, item)?;
                let items = match &ty {
                    Type::List(_) => Items::Elements(None),
                    _ => Items::Whole,
                };
                self.is_item(item, &ty)?;
                let of_weight = named.map(|weight| {
                    let (property, ty) = self.property_of(event, weight)?;
                    self.is_weight(weight, &ty)?;
                    Some(Weight::Property(property))
                });
                (property, items, of_weight)
            }
            Some(list) => {
                let (property, of) = self.list_of(event, list)?;
                let ty = self.field_of(&of, list, item)?;
                if let Type::List(_) = ty {
                    self.error("type", item, format!("`{}` ({ty}) is no text", item.value));
                    return None;
                }
                self.is_item(item, &ty)?;
                let of_weight = named.map(|weight| {
                    let ty = self.field_of(&of, list, weight)?;
                    self.is_weight(weight, &ty)?;
                    Some(Weight::Field(weight.value.as_str().into()))
                });
                (property, Items::Elements(Some(item.value.as_str().into())), of_weight)
            }
        };
        let times = match weight {
            WeightDeclaration::Times(times) => times.clone(),
            WeightDeclaration::Named(_) => Value::Int(1),
        };
        let weight = of_weight.unwrap_or(Some(Weight::One))?;
        Some((event, Weighing { property, items, weight }, times))
    }

    /// A declared property of an event, and its type.
    fn property_of(&mut self, event: EventId, name: &Spanned<String>) -> Option<(PropertyId, Type)> {
        let help = name.value.split_once('.').map(|(list, field)| {
            format!("of a list of maps write `list = \"{list}\"`, and `{field}` for the field")
        });
        self.known_property(event, name, help)
    }

    /// A property that is a list, and the type of its elements.
    fn list_of(&mut self, event: EventId, name: &Spanned<String>) -> Option<(PropertyId, Type)> {
        match self.property_of(event, name)? {
            (id, Type::List(of)) => Some((id, *of)),
            (id, Type::Any) => Some((id, Type::Any)),
            (_, ty) => {
                self.error("type", name, format!("`{}` ({ty}) is no list of maps", name.value));
                None
            }
        }
    }

    /// The type of a field of a list's elements.
    fn field_of(&mut self, of: &Type, list: &Spanned<String>, name: &Spanned<String>) -> Option<Type> {
        let names: Vec<&str> = match of {
            Type::Map(of) => return Some((**of).clone()),
            Type::Any => return Some(Type::Any),
            Type::Record(fields) => {
                if let Some((_, ty)) = fields.iter().find(|(field, _)| **field == *name.value) {
                    return Some(ty.clone());
                }
                fields.iter().map(|(field, _)| &**field).collect()
            }
            _ => Vec::new(),
        };
        let message = format!("the elements of `{}` have no declared field `{}`", list.value, name.value);
        let finding = Finding::error("unknown_property", name.span, message);
        self.report.push(match nearest(&name.value, names.iter().copied()) {
            Some(near) => finding.with_help(format!("did you mean `{near}`?")),
            None if names.is_empty() => finding,
            None => finding.with_help(format!("there are `{}`", names.join("`, `"))),
        });
        None
    }

    /// Whether it is a text, or a list of texts where the event itself has the item.
    fn is_item(&mut self, name: &Spanned<String>, ty: &Type) -> Option<()> {
        let of = if let Type::List(of) = ty { &**of } else { ty };
        if matches!(of, Type::String | Type::Any) {
            return Some(());
        }
        let finding = Finding::error("type", name.span, format!("`{}` ({ty}) is no text", name.value));
        let help = match of {
            Type::Record(_) | Type::Map(_) => "of a list of maps write `list`, and the field as `item`",
            _ => "items are named by texts: declare it as `string`",
        };
        self.report.push(finding.with_help(help));
        None
    }

    fn is_weight(&mut self, name: &Spanned<String>, ty: &Type) -> Option<()> {
        if ty.is_number() || *ty == Type::Any {
            return Some(());
        }
        self.error("type", name, format!("`{}` ({ty}) is no number", name.value));
        None
    }
}

impl Checker<'_> {
    /// `affinity["item"]` or `affinity.item`.
    pub(super) fn item_score(&mut self, affinity: Typed, place: &Node, item: Typed) -> Option<Typed> {
        if !matches!(item.ty, Type::String | Type::Any) {
            let message =
                format!("{} is no text, and items are named by texts", self.described(place, &item));
            self.report("type", &place.at, message);
            return None;
        }
        self.must_stand_still(place, &item)?;
        let score = Expr::Index(Box::new(affinity.expr), Box::new(item.expr));
        Some(Typed::new(score, Type::Float).with_motion(Motion::Decaying))
    }

    /// `affinity.top(n)`.
    pub(super) fn top_items(&mut self, affinity: &Node, many: &Node) -> Option<Typed> {
        let parts = (self.expression(affinity), self.how_many(many));
        let (Some(typed), Some(many)) = parts else { return None };
        if !matches!(typed.expr, Expr::Affinity(_)) {
            let message = format!("{} is no affinity", self.described(affinity, &typed));
            let help = "`.top(n)` belongs to an affinity, `.top(property)` to `events(\"Name\")`";
            self.report_help("type", &affinity.at, message, help);
            return None;
        }
        let top = Expr::TopItems(Box::new(typed.expr), many);
        Some(Typed::new(top, Type::List(Box::new(Type::String))))
    }
}
