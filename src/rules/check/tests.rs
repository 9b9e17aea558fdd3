//! A small shop to check conditions in, and what checking makes of them.

use std::sync::Arc;

mod catalog;
mod helps;
mod meaning;
mod problems;

use super::*;
use crate::base::source_text::{SourceFile, Span};
use crate::model::declaration::{
    FallbackDeclaration, OfferDeclaration, PersonalizationDeclaration, SegmentDeclaration, Strategy,
};
use crate::model::value::{Type, Value};
use crate::rules::definitions::SegmentDefinition;
use crate::rules::print::print;

/// A catalog that is put together by hand.
#[derive(Default)]
pub(crate) struct Draft {
    declarations: Declarations,
    files: Vec<SourceFile>,
}

impl Draft {
    /// Text in a file of its own.
    pub(crate) fn text(&mut self, text: &str) -> Text {
        let span = self.span(text);
        Text::new(text.to_owned(), span, vec![(0, 0)])
    }

    fn span(&mut self, text: &str) -> Span {
        let file = u32::try_from(self.files.len()).unwrap();
        self.files.push(SourceFile { name: format!("{file}"), text: text.to_owned() });
        Span { file, start: 0, end: u32::try_from(text.len()).unwrap() }
    }

    fn named<T>(&mut self, name: &str, body: T) -> Named<T> {
        let span = self.span(name);
        Named { name: Spanned::new(name.to_owned(), span), body }
    }

    pub(crate) fn attribute(&mut self, name: &str, field: FieldDeclaration) {
        let named = self.named(name, field);
        self.declarations.attributes.push(named);
    }

    pub(crate) fn event(&mut self, name: &str, properties: &[(&str, FieldDeclaration)]) {
        let properties = properties.iter().map(|(name, field)| self.named(name, field.clone())).collect();
        let named = self.named(name, properties);
        self.declarations.events.push(named);
    }

    pub(crate) fn computed(&mut self, name: &str, value: &str) {
        let value = self.text(value);
        let named = self.named(name, value);
        self.declarations.computed.push(named);
    }

    pub(crate) fn segment(&mut self, name: &str, condition: &str) {
        let condition = SegmentDeclaration::Condition(self.text(condition));
        let named = self.named(name, condition);
        self.declarations.segments.push(named);
    }

    /// A personalization on `Logged In`; offers are (name, when, priority, score, text), an empty text
    /// for what is left out.
    pub(crate) fn personalization(
        &mut self,
        name: &str,
        strategy: Strategy,
        attributes: &[&str],
        offers: &[(&str, &str, Option<i64>, &str, &str)],
    ) {
        let text = |draft: &mut Draft, text: &str| (!text.is_empty()).then(|| draft.text(text));
        let mut declared = Vec::new();
        for (name, when, priority, score, offer_text) in offers {
            let span = self.span(name);
            declared.push(OfferDeclaration {
                name: Spanned::new((*name).to_owned(), span),
                when: text(self, when),
                from: None,
                until: None,
                caps: Vec::new(),
                stock: None,
                unless_bought: None,
                priority: priority.map(|priority| Spanned::new(priority, self.span(&priority.to_string()))),
                groups: Vec::new(),
                score: text(self, score),
                text: text(self, offer_text),
            });
        }
        let attributes =
            attributes.iter().map(|name| Spanned::new((*name).to_owned(), self.span(name))).collect();
        let on = Some(Spanned::new("Logged In".to_owned(), self.span("Logged In")));
        let fallback_name = Spanned::new("none".to_owned(), self.span("none"));
        let body = PersonalizationDeclaration {
            on,
            attributes,
            most: None,
            strategy,
            fallback: Some(FallbackDeclaration { name: fallback_name, text: None }),
            offers: declared,
        };
        let named = self.named(name, body);
        self.declarations.personalizations.push(named);
    }

    /// The definitions, and all findings as `[text meant] message (help)`.
    pub(crate) fn checked(&self) -> (Option<Definitions>, Vec<String>) {
        let mut report = Report::new(self.files.clone());
        let definitions = check(&self.declarations, &mut report);
        assert_eq!(definitions.is_none(), report.has_errors());
        let shown = report.findings().iter().map(|finding| {
            let Span { file, start, end } = finding.span;
            let meant = &self.files[file as usize].text[start as usize..end as usize];
            let help = finding.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
            format!("[{meant}] {}{help}", finding.message)
        });
        (definitions, shown.collect())
    }
}

pub(crate) fn field(ty: Type) -> FieldDeclaration {
    FieldDeclaration::of(ty)
}

pub(super) fn one_of(values: &[&str]) -> FieldDeclaration {
    FieldDeclaration {
        values: values.iter().map(|value| Value::string(value)).collect(),
        ..field(Type::String)
    }
}

/// A small shop.
pub(crate) fn shop() -> Draft {
    let mut draft = Draft::default();
    let list = |ty: Type| Type::List(Box::new(ty));
    let address: Arc<[(Arc<str>, Type)]> =
        Arc::from([("city".into(), Type::String), ("floor".into(), Type::Int)]);
    draft.attribute("first_name", field(Type::String));
    draft.attribute("tier", one_of(&["bronze", "silver", "gold"]));
    draft.attribute("ltv", FieldDeclaration { default: Some(Value::Float(0.0)), ..field(Type::Float) });
    draft.attribute("visits", field(Type::Int));
    draft.attribute("subscribed", field(Type::Bool));
    draft.attribute("birthday", field(Type::Time));
    draft.attribute("tags", field(list(Type::String)));
    draft.attribute("sizes", field(list(Type::Int)));
    draft.attribute("address", field(Type::Record(address)));
    draft.attribute("points", field(Type::Map(Box::new(Type::Int))));
    draft.attribute("meta", field(Type::Map(Box::new(Type::Any))));
    draft.attribute("email", FieldDeclaration { sensitive: true, ..field(Type::String) });
    draft.event(
        "Product Viewed",
        &[
            ("category", one_of(&["shoes", "hats"])),
            ("price", field(Type::Float)),
            ("qty", field(Type::Int)),
            ("sale", field(Type::Bool)),
            ("labels", field(list(Type::String))),
        ],
    );
    draft.event("Order Completed", &[("total", field(Type::Float)), ("until", field(Type::Time))]);
    draft.event("Logged In", &[("device", field(Type::String)), ("count", field(Type::Int))]);
    draft.segment("vip", "ltv > 500.0");
    draft.computed("spend", r#"events("Order Completed").within("90d").sum(total)"#);
    draft.computed("affinity", r#"events("Product Viewed").decayed("7d")"#);
    draft
}

/// A condition of that shop as it prints after checking, or what is wrong with it.
pub(super) fn read(condition: &str) -> String {
    let mut draft = shop();
    draft.segment("asked", condition);
    let (definitions, findings) = draft.checked();
    let Some(definitions) = definitions else { return findings.join("\n") };
    let asked = definitions.segment_names.get("asked").unwrap();
    let SegmentDefinition::Condition(expr) = &definitions.segments[asked as usize] else {
        panic!("a condition")
    };
    let printed = print(expr, &definitions, None);
    let mut again = shop();
    again.segment("asked", &printed);
    let (reread, problems) = again.checked();
    let reread = reread.unwrap_or_else(|| panic!("{printed} does not read back: {problems:?}"));
    let SegmentDefinition::Condition(expr_again) = &reread.segments[asked as usize] else {
        panic!("a condition")
    };
    assert_eq!(expr, expr_again, "{printed}");
    assert_eq!(
        (&definitions.sources, &definitions.aggregates),
        (&reread.sources, &reread.aggregates),
        "{printed}"
    );
    printed
}
