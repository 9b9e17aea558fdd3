//! Scores: points that are added up, as one expression of conditions.

use crate::base::diagnostic::Finding;
use crate::model::declaration::{Named, ScoreDeclaration};
use crate::model::value::{Type, Value};
use crate::rules::canonical;
use crate::rules::expression::{Comparison, Expr, Operator};

use super::typed::Typed;
use super::{Catalog, too_large};

impl Catalog<'_> {
    /// The attribute that a score is, once its conditions have been checked.
    pub(super) fn score(
        &mut self,
        declared: &Named<ScoreDeclaration>,
        conditions: Vec<Option<Typed>>,
    ) -> Option<Typed> {
        let ScoreDeclaration { rows, min, max, span } = &declared.body;
        let conditions: Option<Vec<Typed>> = conditions.into_iter().collect();
        let given = rows.iter().map(|(_, points)| points).chain(min).chain(max);
        let is_float = given.into_iter().any(|points| matches!(points, Value::Float(_)));
        let constant = |points: &Value| match points {
            Value::Int(points) if is_float => Expr::Constant(Value::Float(*points as f64)),
            points => Expr::Constant(points.clone()),
        };
        let nothing = constant(&Value::Int(0));
        let mut sum: Option<Expr> = None;
        for (condition, (_, points)) in conditions?.into_iter().zip(rows) {
            let row = choose(condition.expr, constant(points), nothing.clone());
            sum = Some(match sum {
                Some(sum) => canonical::arithmetic(Operator::Add, sum, row),
                None => row,
            });
        }
        let mut score = sum?;
        for (comparison, bound) in [(Comparison::Less, min), (Comparison::Greater, max)] {
            let Some(bound) = bound.as_ref().map(constant) else { continue };
            let is_beyond = canonical::compare(comparison, score.clone(), bound.clone());
            score = choose(is_beyond, bound, score);
        }
        if let Some(problem) = too_large(&score, &(0..0)) {
            let finding = Finding::error(problem.code, *span, problem.message);
            self.report.push(finding.with_help("make parts of its conditions segments"));
            return None;
        }
        Some(Typed::new(score, if is_float { Type::Float } else { Type::Int }))
    }
}

/// One of two, by a condition.
pub(super) fn choose(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    match canonical::as_truth(&condition) {
        Some(true) => then,
        Some(false) => otherwise,
        None => Expr::Conditional(Box::new(condition), Box::new(then), Box::new(otherwise)),
    }
}
