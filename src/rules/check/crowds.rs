//! What a catalog counts over all customers.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::base::diagnostic::Finding;
use crate::base::source_text::Spanned;
use crate::base::time::Zone;
use crate::model::declaration::{CrowdDeclaration, Declarations, Named};
use crate::model::ids::{EventId, PropertyId};
use crate::model::value::Type;
use crate::rules::crowds::{ContextProperty, CrowdDefinition, Hours, ItemsAt, PART_OF_DAY};

use super::Catalog;

impl Catalog<'_> {
    /// The crowds of a catalog, those without a mistake.
    pub(super) fn crowds(&mut self, declarations: &Declarations) -> Vec<Arc<CrowdDefinition>> {
        declarations.crowds.iter().filter_map(|named| self.crowd(named)).map(Arc::new).collect()
    }

    fn crowd(&mut self, Named { name, body }: &Named<CrowdDeclaration>) -> Option<CrowdDefinition> {
        let event = self.known_event(&body.event)?;
        let items = self.items_at(event, body);
        let by = body.by.iter().map(|name| self.context_property(event, name, &body.event.value));
        let by: Option<Vec<ContextProperty>> = by.collect::<Vec<_>>().into_iter().collect();
        if let Some(twice) = body.by.iter().enumerate().find_map(|(place, name)| {
            let before = body.by[..place].iter().any(|other| other.value == name.value);
            let is_reserved = body.hours.is_some() && name.value == PART_OF_DAY;
            (before || is_reserved).then_some(name)
        }) {
            let message = format!("the context has `{}` twice", twice.value);
            self.error("duplicate", twice, message);
        }
        let hours = match &body.hours {
            Some((zone, from)) => Some(self.hours(zone, from)?),
            None => None,
        };
        if let Some(trending) = body.trending.as_ref().filter(|trending| trending.value >= body.half_life) {
            let message = format!("`trending` is a half-life shorter than `half_life`, {}", body.half_life);
            self.report.push(Finding::error("out_of_range", trending.span, message));
        }
        Some(CrowdDefinition {
            name: Arc::from(name.value.as_str()),
            event,
            items: items?,
            meaning: self.meaning(event, body),
            by: by?,
            hours,
            half_life: body.half_life,
            trending: body.trending.as_ref().map(|trending| trending.value),
            keep: body.keep,
            contexts: body.contexts,
            together: body.together.then_some(body.items),
            people: body.people as usize,
        })
    }

    fn hours(&mut self, zone: &Spanned<String>, from: &[u8]) -> Option<Hours> {
        let found = Zone::named(&zone.value);
        if found.is_none() {
            let message = format!("there is no time zone `{}`", zone.value);
            let finding = Finding::error("unknown_zone", zone.span, message);
            self.report.push(finding.with_help("such as `Europe/Helsinki`, of the IANA database"));
        }
        Some(Hours { zone: found?, from: from.to_vec() })
    }

    fn items_at(&mut self, event: EventId, body: &CrowdDeclaration) -> Option<ItemsAt> {
        let name = &body.event.value;
        let Some(list) = &body.list else {
            let (property, ty) = self.shown_property(event, &body.item, name)?;
            let ty = if let Type::List(of) = ty { *of } else { ty };
            return self.can_be_counted(&body.item, &ty).then_some(ItemsAt::Property(property));
        };
        let (property, ty) = self.shown_property(event, list, name)?;
        let of = match ty {
            Type::List(of) => *of,
            ty => {
                self.error("type", list, format!("`{}` is {ty}, not a list of maps", list.value));
                return None;
            }
        };
        let field = match &of {
            Type::Record(fields) => {
                fields.iter().find(|(field, _)| **field == *body.item.value).map(|(_, ty)| ty.clone())
            }
            Type::Map(of) => Some((**of).clone()),
            Type::Any => Some(Type::Any),
            _ => None,
        };
        let Some(ty) = field else {
            let message = format!("`{}` has no field `{}`", list.value, body.item.value);
            self.error("unknown_property", &body.item, message);
            return None;
        };
        let field = Arc::from(body.item.value.as_str());
        self.can_be_counted(&body.item, &ty).then_some(ItemsAt::Field(property, field))
    }

    fn context_property(
        &mut self,
        event: EventId,
        name: &Spanned<String>,
        event_name: &str,
    ) -> Option<ContextProperty> {
        let (property, ty) = self.shown_property(event, name, event_name)?;
        let is_counted = self.can_be_counted(name, &ty);
        is_counted.then(|| ContextProperty { name: Arc::from(name.value.as_str()), property, ty })
    }

    /// A property of an event that everybody may be shown.
    fn shown_property(
        &mut self,
        event: EventId,
        name: &Spanned<String>,
        event_name: &str,
    ) -> Option<(PropertyId, Type)> {
        let event = &self.world.events[event.index()];
        let Some(number) = event.property_names.get(&name.value) else {
            let message = format!("`{}` is not declared", name.value);
            let finding = Finding::error("unknown_property", name.span, message);
            self.report.push(finding.with_help(format!("declare it under `[events.\"{event_name}\"]`")));
            return None;
        };
        let declared = &event.properties[number as usize];
        if declared.sensitive {
            let message = format!("`{}` is sensitive, and a crowd is shown to anybody", name.value);
            self.report.push(Finding::error("sensitive", name.span, message));
            return None;
        }
        Some((PropertyId(number), declared.ty.clone()))
    }

    fn can_be_counted(&mut self, name: &Spanned<String>, ty: &Type) -> bool {
        let can = matches!(ty, Type::String | Type::Int | Type::Any);
        if !can {
            let message = format!("`{}` is {ty}, and a crowd counts texts and ints", name.value);
            self.error("type", name, message);
        }
        can
    }

    /// The whole meaning of a crowd as a text, the types of what it reads included.
    fn meaning(&self, event: EventId, body: &CrowdDeclaration) -> String {
        let CrowdDeclaration { list, item, by, hours, half_life, trending, .. } = body;
        let definition = &self.world.events[event.index()];
        let ty = |name: &str| {
            let number = definition.property_names.get(name);
            number.map(|number| definition.properties[number as usize].ty.to_string())
        };
        let mut text = format!("event {:?}", body.event.value);
        let read = list.iter().chain([item]).chain(by);
        for name in read {
            let _ = write!(text, " {:?} {}", name.value, ty(&name.value).unwrap_or_default());
        }
        if let Some((zone, from)) = hours {
            let _ = write!(text, " hours {:?} {from:?}", zone.value);
        }
        let trending = trending.as_ref().map(|trending| trending.value.millis());
        let CrowdDeclaration { together, keep, contexts, items, people, .. } = body;
        let _ = write!(
            text,
            " list {} half_life {} trending {trending:?} together {together} keep {keep} contexts {contexts} \
             items {items} people {people}",
            list.is_some(),
            half_life.millis(),
        );
        text
    }
}
