//! Quantiles, and the rating of customers by their purchases: attributes computed from cut-points that are
//! published.
//!
//! A quantile is written as comparisons with its cut-points, so it is kept up to date, explained and checked
//! against the naive evaluator as anybody's condition is. The ratings of `[rfm]` are quantiles, and its cells
//! a computed attribute; both are written here as an author might write them.

use std::borrow::Cow;

use crate::base::source_text::{Spanned, Text};
use crate::base::time::Duration;
use crate::model::declaration::{Declarations, Named, QuantileDeclaration, RfmDeclaration};
use crate::model::published::{CutKind, Cuts};
use crate::model::value::{Type, Value};
use crate::rules::canonical;
use crate::rules::definitions::QuantileDefinition;
use crate::rules::expression::{Comparison, Expr};
use crate::rules::print::quoted;
use crate::rules::syntax::Problem;

use super::scores::choose;
use super::typed::{Motion, Typed};
use super::{Catalog, too_large};

/// The cells, and the ratings (recency, frequency, monetary) that belong to each: as published by Bloomreach
/// (documentation.bloomreach.com/engagement/docs/rfm-segmentation), every rating in exactly one.
const CELLS: [(&str, &[u16]); 11] = [
    ("champions", &[555, 554, 544, 545, 454, 455, 445]),
    ("loyal", &[543, 444, 435, 355, 354, 345, 344, 335]),
    (
        "potential_loyalists",
        &[
            553, 551, 552, 541, 542, 533, 532, 531, 452, 451, 442, 441, 431, 453, 433, 432, 423, 353, 352,
            351, 342, 341, 333, 323,
        ],
    ),
    ("new", &[512, 511, 422, 421, 412, 411, 311]),
    ("promising", &[525, 524, 523, 522, 521, 515, 514, 513, 425, 424, 413, 414, 415, 315, 314, 313]),
    ("need_attention", &[535, 534, 443, 434, 343, 334, 325, 324]),
    ("about_to_sleep", &[331, 321, 312, 221, 213, 231, 241, 251]),
    (
        "at_risk",
        &[
            255, 254, 245, 244, 253, 252, 243, 242, 235, 234, 225, 224, 153, 152, 145, 143, 142, 135, 134,
            133, 125, 124,
        ],
    ),
    ("cannot_lose", &[155, 154, 144, 214, 215, 115, 114, 113]),
    ("hibernating", &[332, 322, 233, 232, 223, 222, 132, 123, 122, 212, 211]),
    ("lost", &[111, 112, 121, 131, 141, 151]),
];
/// How many parts each rating has.
const RATINGS: u32 = 5;
/// What a purchase is, if nothing is said.
const EVENT: &str = "Order Completed";
const VALUE: &str = "total";
const WITHIN: Duration = Duration::from_millis(365 * 86_400_000);

/// The declarations with what some of them stand for.
pub(crate) fn spelt_out(declarations: &Declarations) -> Cow<'_, Declarations> {
    let Some(rfm) = &declarations.rfm else { return Cow::Borrowed(declarations) };
    let mut declarations = declarations.clone();
    declarations.quantiles.extend(ratings(rfm));
    let text = Text::generated(cells(), rfm.span);
    declarations.computed.push(Named { name: Spanned::new("rfm_cell".to_owned(), rfm.span), body: text });
    Cow::Owned(declarations)
}

/// The three quantiles.
fn ratings(rfm: &RfmDeclaration) -> [Named<QuantileDeclaration>; 3] {
    let purchases = format!(
        "events({}).within(duration(\"{}ms\"))",
        quoted(rfm.event.as_deref().unwrap_or(EVENT)),
        rfm.within.unwrap_or(WITHIN).millis(),
    );
    let generated = |value: String| Text::generated(value, rfm.span);
    let value = rfm.value.as_deref().unwrap_or(VALUE);
    let recency = rfm.recency.clone().unwrap_or_else(|| generated(format!("{purchases}.last()")));
    let frequency = rfm.frequency.clone().unwrap_or_else(|| generated(format!("{purchases}.count()")));
    let monetary = rfm.monetary.clone().unwrap_or_else(|| generated(format!("{purchases}.sum({value})")));
    let all = [("rfm_recency", recency), ("rfm_frequency", frequency), ("rfm_monetary", monetary)];
    all.map(|(name, value)| {
        // Who has no purchase is not rated, however sums of nothing compare.
        let of = rfm.of.clone().unwrap_or_else(|| generated(format!("{purchases}.exists()")));
        let body = QuantileDeclaration { value, of: Some(of), parts: RATINGS, tolerance: rfm.tolerance };
        Named { name: Spanned::new(name.to_owned(), rfm.span), body }
    })
}

/// The cell as a value: a place in the list of all ratings, which does not exist if one is missing.
fn cells() -> String {
    let rating = |place: u16| 111 + place / 25 * 100 + place / 5 % 5 * 10 + place % 5;
    let cell = |place: u16| {
        let of = CELLS.iter().find(|(_, ratings)| ratings.contains(&rating(place)));
        quoted(of.map_or("", |(cell, _)| cell))
    };
    let all: Vec<String> = (0..125).map(cell).collect();
    format!("[{}][rfm_recency * 25 + rfm_frequency * 5 + rfm_monetary - 31]", all.join(", "))
}

impl Catalog<'_> {
    /// The attribute that a quantile is, once its value and condition have been checked.
    pub(super) fn quantile(
        &mut self,
        declared: &Named<QuantileDeclaration>,
        (value, of): (Option<Typed>, Option<Typed>),
        published: Option<&Cuts>,
    ) -> Option<Typed> {
        let value = value?;
        let of = match (&declared.body.of, of) {
            (Some(_), of) => of?.expr,
            (None, _) => canonical::truth(true),
        };
        let Some(kind) = CutKind::of(&value.ty) else {
            let message = format!("a population is not cut by a value of type {}", value.ty);
            let help = match value.ty {
                Type::Any => "declare the property that it is made of as `int` or `float`",
                _ => "write a number, a time or a length of time",
            };
            let text = &declared.body.value;
            self.problems(text, vec![Problem::new("type", &(0..text.value.len()), message).with_help(help)]);
            return None;
        };
        if value.motion == Motion::Free {
            let text = &declared.body.value;
            let message = "this moves in a way for which no crossing of a cut-point can be computed";
            let problem = Problem::new("motion", &(0..text.value.len()), message.to_owned());
            self.problems(text, vec![problem.with_help("write a decayed score alone, or a multiple of one")]);
            return None;
        }
        let definition = QuantileDefinition {
            name: declared.name.value.as_str().into(),
            value: value.expr,
            of,
            kind,
            parts: declared.body.parts,
            tolerance: declared.body.tolerance / 100.0,
        };
        let many = declared.body.parts as usize - 1;
        let cuts = published.filter(|cuts| cuts.ranks(kind, many).is_some()).map(Cuts::values);
        let expr = part(&definition, &cuts.unwrap_or_default());
        let text = &declared.body.value;
        if let Some(problem) = too_large(&expr, &(0..text.value.len())) {
            self.problems(text, vec![problem]);
            return None;
        }
        self.world.quantiles.push(definition);
        Some(Typed::new(expr, Type::Int))
    }
}

/// In which part a customer is, from 1; without cut-points in none.
fn part(quantile: &QuantileDefinition, cuts: &[Value]) -> Expr {
    let int = |number: usize| Expr::Constant(Value::Int(number as i64));
    let is = |comparison, cut: &Value| {
        canonical::compare(comparison, quantile.value.clone(), Expr::Constant(cut.clone()))
    };
    let none = Expr::Constant(Value::Int(-1));
    // Neither below nor above is what is missing. What nobody has cut yet reads the value all the same, because
    // what it gives away must not depend on what is published.
    let zero = quantile.kind.zero();
    let first = cuts.first().unwrap_or(&zero);
    let mut place = choose(is(Comparison::Less, first), int(0), none.clone());
    for (below, cut) in cuts.iter().enumerate() {
        place = choose(is(Comparison::GreaterOrEqual, cut), int(below + 1), place);
    }
    let place = choose(quantile.of.clone(), place, none);
    let parts = if cuts.is_empty() { 0 } else { cuts.len() + 1 };
    let list = Value::List((1..=parts).map(|part| Value::Int(part as i64)).collect());
    Expr::Index(Box::new(Expr::Constant(list)), Box::new(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rating_is_in_exactly_one_cell() {
        for recency in 1..=5 {
            for frequency in 1..=5 {
                for monetary in 1..=5 {
                    let rating = recency * 100 + frequency * 10 + monetary;
                    let of: Vec<_> = CELLS.iter().filter(|(_, ratings)| ratings.contains(&rating)).collect();
                    assert_eq!(of.len(), 1, "{rating} is in {of:?}");
                }
            }
        }
        assert_eq!(CELLS.iter().map(|(_, ratings)| ratings.len()).sum::<usize>(), 125);
    }
}
