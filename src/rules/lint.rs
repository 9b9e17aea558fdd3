//! Warnings: what is allowed in a catalog, but probably not meant.
//!
//! Only what certainly has no effect is warned about: conditions that can never change, and offers
//! that can never be chosen. A warning that is wrong once is not read again.

use ahash::{AHashMap, AHashSet};

use crate::base::diagnostic::{Finding, Report};
use crate::base::source_text::Text;
use crate::model::declaration::{Declarations, OfferDeclaration, SegmentDeclaration, Strategy};
use crate::model::ids::EventId;
use crate::rules::canonical::{as_truth, not};
use crate::rules::contradiction::is_never;
use crate::rules::definitions::{Definitions, OfferDefinition, PersonalizationDefinition, SegmentDefinition};
use crate::rules::expression::Expr;
use crate::rules::print::print;

/// Longest part of a condition that is quoted in a warning, characters.
const LONGEST_QUOTE: usize = 80;

/// Adds warnings on a sound catalog, made of these declarations, to `report`.
pub(crate) fn lint(declarations: &Declarations, definitions: &Definitions, report: &mut Report) {
    for (declared, defined) in declarations.segments.iter().zip(&definitions.segments) {
        if let (SegmentDeclaration::Condition(text), SegmentDefinition::Condition(expr)) =
            (&declared.body, defined)
        {
            let said = format!("the segment `{}`", declared.name.value);
            let mut lint = ConditionLint { definitions, trigger: None, text, report };
            lint.whole(expr, &said);
        }
    }
    for (declared, defined) in declarations.personalizations.iter().zip(&definitions.personalizations) {
        let offers: AHashMap<&str, &OfferDeclaration> =
            declared.body.offers.iter().map(|offer| (offer.name.value.as_str(), offer)).collect();
        for offer in &defined.offers {
            if let Some(text) = offers.get(&*offer.name).and_then(|declared| declared.when.as_ref()) {
                let said = format!("the condition of offer `{}`", offer.name);
                let mut lint = ConditionLint { definitions, trigger: defined.on, text, report };
                lint.whole(&offer.when, &said);
            }
        }
        never_chosen(defined, definitions, &offers, report);
        if declared.body.strategy == Strategy::First {
            equal_priorities(&declared.body.offers, report);
        }
    }
}

/// Looks at one condition.
struct ConditionLint<'a> {
    definitions: &'a Definitions,
    trigger: Option<EventId>,
    text: &'a Text,
    report: &'a mut Report,
}

impl ConditionLint<'_> {
    fn warn(&mut self, message: String) {
        let span = self.text.locate(0, self.text.value.len());
        self.report.push(Finding::warning("constant_condition", span, message));
    }

    /// A condition that is always true or false, as a whole or in one of its parts.
    fn whole(&mut self, expr: &Expr, said: &str) {
        // Written as a literal, it is meant.
        let literal = matches!(self.text.value.trim(), "true" | "false");
        if literal {
            return;
        }
        if let Some(truth) = always(expr, self.definitions) {
            return self.warn(format!("{said} is always {truth}"));
        }
        let (Expr::And(parts) | Expr::Or(parts)) = expr else { return };
        for part in parts {
            if let Some(truth) = always(part, self.definitions) {
                let quoted = print(part, self.definitions, self.trigger);
                if quoted.chars().count() <= LONGEST_QUOTE {
                    self.warn(format!("`{quoted}` in {said} is always {truth}"));
                } else {
                    self.warn(format!("a part of {said} is always {truth}"));
                }
            }
        }
    }
}

/// What a condition always is, if that is known.
fn always(expr: &Expr, definitions: &Definitions) -> Option<bool> {
    if let Some(truth) = as_truth(expr) {
        return Some(truth);
    }
    if is_never(expr, definitions) {
        return Some(false);
    }
    is_never(&not(expr.clone()), definitions).then_some(true)
}

/// Offers that no profile ever gets.
fn never_chosen(
    personalization: &PersonalizationDefinition,
    definitions: &Definitions,
    offers: &AHashMap<&str, &OfferDeclaration>,
    report: &mut Report,
) {
    let first_wins = personalization.strategy == Strategy::First && !personalization.is_list();
    let mut before: AHashMap<&Expr, &OfferDefinition> = AHashMap::new();
    let mut certain: Option<&OfferDefinition> = None;
    for offer in &personalization.offers {
        let truth = always(&offer.when, definitions);
        let reason = match (truth, certain, stronger(offer, &before)) {
            (Some(false), _, _) => Some("its condition is always false".to_owned()),
            _ if !first_wins => None,
            (_, Some(certain), _) => Some(format!("`{}` comes before it and always qualifies", certain.name)),
            (_, None, Some(other)) => {
                Some(format!("`{}` comes before it and qualifies whenever it does", other.name))
            }
            (_, None, None) => None,
        };
        if let (Some(reason), Some(declared)) = (reason, offers.get(&*offer.name)) {
            let message = format!("the offer `{}` can never be chosen: {reason}", offer.name);
            let finding = Finding::warning("never_chosen", declared.name.span, message);
            report.push(match truth {
                Some(false) => finding,
                _ => finding.with_help("give it a higher `priority`, or put it before the other"),
            });
        }
        if truth == Some(true) && certain.is_none() {
            certain = Some(offer);
        }
        before.entry(&offer.when).or_insert(offer);
    }
}

/// An earlier offer whose condition is that of `offer`, or one of its parts.
fn stronger<'a>(
    offer: &OfferDefinition,
    before: &AHashMap<&Expr, &'a OfferDefinition>,
) -> Option<&'a OfferDefinition> {
    if let Some(same) = before.get(&offer.when) {
        return Some(same);
    }
    let Expr::And(parts) = &offer.when else { return None };
    parts.iter().find_map(|part| before.get(part).copied())
}

/// Equal priorities that were both written, so that someone may have meant them to differ.
fn equal_priorities(offers: &[OfferDeclaration], report: &mut Report) {
    let mut written: AHashMap<i64, &OfferDeclaration> = AHashMap::new();
    let mut warned = AHashSet::new();
    for (offer, priority) in offers.iter().filter_map(|offer| Some((offer, offer.priority.as_ref()?))) {
        let Some(first) = written.get(&priority.value) else {
            written.insert(priority.value, offer);
            continue;
        };
        if warned.insert(offer.name.value.as_str()) {
            let (name, other) = (&offer.name.value, &first.name.value);
            let message =
                format!("`{name}` has the same priority as `{other}`, which is written before it and wins");
            report.push(Finding::warning("equal_priority", priority.span, message));
        }
    }
}
