//! What an event says to a crowd: which items, in which context, when.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::base::time::Time;
use crate::crowd::item::Item;
use crate::model::value::Value;
use crate::rules::crowds::{CrowdDefinition, ItemsAt};

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Occurrence {
    /// The values of the properties that make the context, and the part of the day.
    pub(crate) context: SmallVec<[Item; 4]>,
    /// Each once, in the order written.
    pub(crate) items: Vec<Item>,
    pub(crate) time: Time,
}

impl Occurrence {
    /// What an event with these properties says; nothing if it has no item, or lacks a part of the context.
    pub(crate) fn of(
        definition: &CrowdDefinition,
        properties: &[Option<Value>],
        time: Time,
    ) -> Option<Occurrence> {
        let value = |place: usize| properties.get(place).and_then(Option::as_ref);
        let mut context: SmallVec<[Item; 4]> = SmallVec::new();
        for by in &definition.by {
            context.push(value(by.property.index()).and_then(Item::of)?);
        }
        context.extend(definition.hours.as_ref().map(|hours| Item::Text(hours.part(time))));
        let items = match &definition.items {
            ItemsAt::Property(property) => match value(property.index())? {
                Value::List(values) => distinct(values.iter().filter_map(Item::of)),
                single => distinct(Item::of(single)),
            },
            ItemsAt::Field(property, field) => match value(property.index())? {
                Value::List(values) => distinct(values.iter().filter_map(|value| field_of(value, field))),
                _ => return None,
            },
        };
        (!items.is_empty()).then_some(Occurrence { context, items, time })
    }
}

fn field_of(value: &Value, field: &Arc<str>) -> Option<Item> {
    let Value::Map(entries) = value else { return None };
    entries.iter().find(|(name, _)| name == field).and_then(|(_, value)| Item::of(value))
}

fn distinct(items: impl IntoIterator<Item = Item>) -> Vec<Item> {
    let mut distinct: Vec<Item> = Vec::new();
    for item in items {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}
