//! What limits an offer beside its condition: when it begins and ends, caps on how often it is shown, and what
//! was bought already.
//!
//! All of it is conditions, written as anybody might write them and checked like theirs. So caps and purchases
//! are counted, explained, and changed by time alone, as everything else is.

use std::sync::Arc;

use crate::base::diagnostic::Finding;
use crate::base::names::Names;
use crate::base::source_text::{Span, Spanned};
use crate::base::time::Time;
use crate::model::declaration::{
    BoughtDeclaration, CapDeclaration, CapWindow, Declarations, FieldDeclaration, Named, OfferDeclaration,
    PurchaseDeclaration, SharedCapDeclaration,
};
use crate::model::ids::EventId;
use crate::model::value::{Type, Value};
use crate::rules::cel;
use crate::rules::definitions::{EventDefinition, LimitDefinition, LimitKind};
use crate::rules::exposures::{EXPOSURE, OFFERS, PERSONALIZATION, REASON, SAID, VARIANTS};
use crate::rules::expression::{Comparison, Expr};
use crate::rules::print::quoted;
use crate::rules::{canonical, syntax::Problem};

use super::Catalog;
use super::expression::Checker;
use super::scope::Scope;

/// Exposures of what was not chosen ([`UNCHOSEN`](crate::rules::exposures::UNCHOSEN)) do not count against caps.
const CHOSEN: &str = r#"reason != "fallback" && reason != "held_out""#;

/// What limits the offers of a catalog.
#[derive(Clone, Copy)]
pub(super) struct Limits<'d> {
    caps: &'d [Named<SharedCapDeclaration>],
    purchases: &'d [Named<PurchaseDeclaration>],
}

impl<'d> Limits<'d> {
    pub(super) fn of(declarations: &'d Declarations) -> Limits<'d> {
        Limits { caps: &declarations.caps, purchases: &declarations.purchases }
    }
}

impl Catalog<'_> {
    /// Declares the event by which is told what was shown, if anything may count it.
    pub(super) fn declare_exposures(&mut self, declarations: &Declarations) {
        if let Some(number) = self.world.event_names.get(EXPOSURE) {
            let declared = declarations.events.iter().find(|event| event.name.value == EXPOSURE);
            let span = declared.map_or_else(Span::default, |event| event.name.span);
            return self.complete_exposure(number as usize, span);
        }
        let mut offers = declarations.personalizations.iter().flat_map(|named| &named.body.offers);
        let is_needed = declarations.strict
            || !declarations.goals.is_empty()
            || !declarations.caps.is_empty()
            || offers.any(|offer| !offer.caps.is_empty() || offer.stock.is_some())
            || conditions(declarations).any(|text| text.contains(EXPOSURE));
        if is_needed {
            let mut definition = EventDefinition { property_names: Names::default(), properties: Vec::new() };
            for (name, ty) in properties() {
                definition.property_names.add(name);
                definition.properties.push(FieldDeclaration::of(ty));
            }
            self.world.event_names.add(EXPOSURE);
            self.world.events.push(definition);
        }
    }

    /// A catalog may declare more properties of exposures, but not other types.
    fn complete_exposure(&mut self, place: usize, span: Span) {
        for (name, ty) in properties() {
            let event = &mut self.world.events[place];
            match event.property_names.get(name) {
                None => {
                    event.property_names.add(name);
                    event.properties.push(FieldDeclaration::of(ty));
                }
                Some(number) if event.properties[number as usize].ty != ty => {
                    let message = format!("the property `{name}` of `{EXPOSURE}` is {ty}");
                    self.report.push(Finding::error("type", span, message));
                }
                Some(_) => {}
            }
        }
    }

    /// Whether what caps and purchases name is there.
    pub(super) fn check_limits(&mut self, declarations: &Declarations) {
        let personalizations = declarations.personalizations.iter().map(|named| &*named.name.value);
        let offers = declarations.personalizations.iter().flat_map(|named| &named.body.offers);
        let offers = offers.map(|offer| &*offer.name.value);
        for cap in &declarations.caps {
            let SharedCapDeclaration { personalizations: of, offers: named, .. } = &cap.body;
            self.are_known(of.as_deref(), personalizations.clone(), "personalization");
            self.are_known(named.as_deref(), offers.clone(), "offer");
        }
        for purchase in &declarations.purchases {
            self.purchase(purchase);
        }
    }

    fn purchase(&mut self, Named { name, body }: &Named<PurchaseDeclaration>) {
        let Some(event) = self.known_event(name) else { return };
        if let Some(list) = &body.list
            && !matches!(self.property_type(event, &list.value), Some(Type::List(_)))
        {
            let ty = self.property_type(event, &list.value);
            let is = ty.map_or("not declared".to_owned(), |ty| format!("{ty}"));
            let message = format!("`{}` is {is}, not a list of what was bought", list.value);
            return self.report.push(Finding::error("type", list.span, message));
        }
        for named in body.product.iter().chain(&body.category) {
            let ty = self.bought_type(event, body, &named.value);
            if matches!(ty, Some(Type::String | Type::Int | Type::Any)) {
                continue;
            }
            let message = match ty {
                Some(ty) => {
                    format!("`{}` is {ty}, and what was bought is named by a text or int", named.value)
                }
                None => format!("`{}` is not declared", named.value),
            };
            let finding = Finding::error("unknown_property", named.span, message);
            self.report.push(finding.with_help(format!("declare it under `[events.\"{}\"]`", name.value)));
        }
    }

    fn property_type(&self, event: EventId, name: &str) -> Option<Type> {
        let event = &self.world.events[event.index()];
        event.property_names.get(name).map(|number| event.properties[number as usize].ty.clone())
    }

    /// The type of a property that names what was bought, or of such a field of a list of maps.
    fn bought_type(&self, event: EventId, purchase: &PurchaseDeclaration, name: &str) -> Option<Type> {
        let Some(list) = &purchase.list else { return self.property_type(event, name) };
        let Some(Type::List(of)) = self.property_type(event, &list.value) else { return None };
        match *of {
            Type::Record(fields) => {
                fields.iter().find(|(field, _)| **field == *name).map(|(_, ty)| ty.clone())
            }
            Type::Map(of) => Some(*of),
            Type::Any => Some(Type::Any),
            _ => None,
        }
    }

    /// The conditions that limit an offer of a personalization.
    pub(super) fn limits_of(
        &mut self,
        limits: Limits<'_>,
        personalization: &str,
        offer: &OfferDeclaration,
    ) -> Option<Vec<LimitDefinition>> {
        let name = offer.name.value.as_str();
        let mut conditions = Vec::new();
        let begins = offer.from.map(|from| (LimitKind::Begins, format!("begins at {from}")));
        let ends = offer.until.as_ref().map(|until| (LimitKind::Ends, format!("ends at {}", until.value)));
        let dates = self.dates(offer.from, offer.until.as_ref());
        conditions.extend(begins.into_iter().chain(ends).zip(dates).map(|(words, date)| limit(words, date)));
        for cap in &offer.caps {
            let of = format!("personalization == {} && {} in offers", quoted(personalization), quoted(name));
            conditions.push(limit((LimitKind::Cap, cap.to_string()), self.cap(cap, &of)?));
        }
        for shared in limits.caps {
            let SharedCapDeclaration { cap, personalizations, offers } = &shared.body;
            let has = |names: &Option<Vec<Spanned<String>>>, name: &str| {
                names.as_ref().is_none_or(|names| names.iter().any(|listed| listed.value == name))
            };
            if has(personalizations, personalization) && has(offers, name) {
                let of_personalizations =
                    personalizations.as_ref().map(|names| format!("personalization in {}", listed(names)));
                let of_offers =
                    offers.as_ref().map(|names| format!("offers.exists(o, o in {})", listed(names)));
                let of: Vec<String> = of_personalizations.into_iter().chain(of_offers).collect();
                let condition = self.cap(cap, &of.join(" && "))?;
                let name = Some(Arc::from(shared.name.value.as_str()));
                conditions
                    .push(LimitDefinition { name, ..limit((LimitKind::Cap, cap.to_string()), condition) });
            }
        }
        if let Some(bought) = &offer.unless_bought {
            if limits.purchases.is_empty() {
                let finding =
                    Finding::error("missing_key", bought.span, "the catalog does not say what a purchase is");
                let help = "declare it: `[purchases.\"Order Completed\"]` with `product = \"product_id\"`";
                self.report.push(finding.with_help(help));
                return None;
            }
            for purchase in limits.purchases {
                let condition = self.unless_bought(purchase, bought)?;
                let words = (LimitKind::UnlessBought, bought.to_string());
                conditions.extend(condition.map(|condition| limit(words, condition)));
            }
        }
        Some(conditions)
    }

    /// The conditions that something begins and ends.
    pub(super) fn dates(&mut self, from: Option<Time>, until: Option<&Spanned<Time>>) -> Vec<Expr> {
        if let (Some(from), Some(until)) = (from, until)
            && from >= until.value
        {
            let message = format!("it ends at {}, and begins at {from}", until.value);
            self.report.push(Finding::error("out_of_range", until.span, message));
        }
        let now =
            |comparison, time| canonical::compare(comparison, Expr::Now, Expr::Constant(Value::Time(time)));
        let from = from.map(|from| now(Comparison::GreaterOrEqual, from));
        let until = until.map(|until| now(Comparison::Less, until.value));
        from.into_iter().chain(until).collect()
    }

    fn cap(&mut self, CapDeclaration { most, window }: &CapDeclaration, of: &str) -> Option<Expr> {
        let of = if of.is_empty() { CHOSEN.to_owned() } else { format!("{of} && {CHOSEN}") };
        let window = match window {
            CapWindow::Within(length) => format!(".within(\"{length}\")"),
            CapWindow::Days(days, zone) => format!(".calendar_days({days}, {})", quoted(zone)),
        };
        let text = format!("events(\"{EXPOSURE}\").where({of}){window}.count() < {}", most.value);
        self.written(&text, most.span)
    }

    /// Nothing, if the event does not say what is asked.
    fn unless_bought(
        &mut self,
        Named { name, body }: &Named<PurchaseDeclaration>,
        bought: &BoughtDeclaration,
    ) -> Option<Option<Expr>> {
        let Some(event) = self.world.event(&name.value) else { return Some(None) };
        let is_in = |property: &Option<Spanned<String>>, values: &[Value]| {
            let property = property.as_ref()?;
            let ty = self.bought_type(event, body, &property.value)?;
            let values: Vec<String> = values.iter().filter_map(|value| as_written(value, &ty)).collect();
            if values.is_empty() {
                return None;
            }
            let read =
                if body.list.is_some() { format!("p.{}", property.value) } else { property.value.clone() };
            Some(format!("{read} in [{}]", values.join(", ")))
        };
        let of: Vec<String> =
            [is_in(&body.product, &bought.products), is_in(&body.category, &bought.categories)]
                .into_iter()
                .flatten()
                .collect();
        if of.is_empty() {
            return Some(None);
        }
        let of = match &body.list {
            Some(list) => format!("{}.exists(p, {})", list.value, of.join(" || ")),
            None => of.join(" || "),
        };
        let within = bought.within.map_or(String::new(), |within| format!(".within(\"{within}\")"));
        let text = format!("!events({}).where({of}){within}.exists()", quoted(&name.value));
        self.written(&text, bought.span).map(Some)
    }

    /// A condition that a catalog says in other words, at `span`.
    fn written(&mut self, text: &str, span: Span) -> Option<Expr> {
        let read = cel::parse(text).map_err(|problem| vec![problem]).and_then(|node| {
            let mut checker = Checker {
                world: &self.world,
                pool: &mut self.pool,
                text,
                scope: Scope::default(),
                problems: Vec::new(),
            };
            checker.condition(&node).ok_or(checker.problems)
        });
        match read {
            Ok(condition) => Some(condition),
            Err(problems) => {
                for Problem { code, message, help, .. } in problems {
                    let finding = Finding::error(code, span, message);
                    let help = help.map_or_else(String::new, |help| format!("{help}; "));
                    self.report.push(finding.with_help(format!("{help}it stands for `{text}`")));
                }
                None
            }
        }
    }
}

/// A limit with what it is, and its words.
fn limit((kind, text): (LimitKind, String), condition: Expr) -> LimitDefinition {
    LimitDefinition { kind, name: None, text, condition }
}

/// The properties that exposures have.
fn properties() -> [(&'static str, Type); 5] {
    [
        (PERSONALIZATION, Type::String),
        (OFFERS, Type::List(Box::new(Type::String))),
        (REASON, Type::String),
        (VARIANTS, Type::Map(Box::new(Type::String))),
        (SAID, Type::Map(Box::new(Type::Any))),
    ]
}

fn listed(names: &[Spanned<String>]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(&name.value)).collect();
    format!("[{}]", names.join(", "))
}

/// An id as a condition on properties of a type writes it: tills may number what a web shop names.
fn as_written(id: &Value, ty: &Type) -> Option<String> {
    match (id, ty) {
        (Value::Int(number), Type::String) => Some(quoted(&number.to_string())),
        (Value::String(text), Type::Int) => text.parse::<i64>().ok().map(|number| number.to_string()),
        (Value::String(text), _) => Some(quoted(text)),
        (id, _) => Some(id.to_string()),
    }
}

/// The texts of all conditions and values.
fn conditions(declarations: &Declarations) -> impl Iterator<Item = &str> {
    let of_segments = declarations.segments.iter().filter_map(|segment| segment.body.text());
    let of_computed = declarations.computed.iter().map(|computed| &computed.body);
    let of_experiments =
        declarations.experiments.iter().filter_map(|experiment| experiment.body.when.as_ref());
    let offers = declarations.personalizations.iter().flat_map(|named| &named.body.offers);
    let of_offers = offers.flat_map(|offer| offer.when.iter().chain(&offer.score));
    let all = of_segments.chain(of_computed).chain(of_experiments).chain(of_offers);
    all.map(|text| text.value.as_str())
}
