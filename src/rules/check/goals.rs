//! Checks goals: their event, which of these count, and what one is worth.

use crate::base::names::Names;
use crate::base::source_text::{Spanned, Text};
use crate::model::declaration::{Declarations, GoalDeclaration, Named};
use crate::model::ids::{EventId, PropertyId};
use crate::rules::cel;
use crate::rules::definitions::GoalDefinition;
use crate::rules::expression::Expr;

use super::Catalog;
use super::expression::Checker;
use super::scope::{Place, Scope};

impl Catalog<'_> {
    /// The goals, with their names.
    pub(super) fn goals(&mut self, declarations: &Declarations) -> (Names, Vec<GoalDefinition>) {
        let mut names = Names::default();
        let mut goals = Vec::with_capacity(declarations.goals.len());
        for Named { name, body } in &declarations.goals {
            if let Some(goal) = self.goal(body) {
                names.add(&name.value);
                goals.push(goal);
            }
        }
        (names, goals)
    }

    fn goal(&mut self, declared: &GoalDeclaration) -> Option<GoalDefinition> {
        let event = self.known_event(&declared.event)?;
        let filter = match &declared.filter {
            Some(text) => Some(self.filter(event, text)?),
            None => None,
        };
        let value = match &declared.value {
            Some(name) => Some(self.value_of(event, name)?),
            None => None,
        };
        Some(GoalDefinition { event, filter, within: declared.within, value })
    }

    /// A condition on the properties of an event.
    fn filter(&mut self, event: EventId, text: &Text) -> Option<Expr> {
        let checked = cel::parse(&text.value).map_err(|problem| vec![problem]).and_then(|node| {
            let scope = Scope { place: Place::Where(Some(event)), ..Scope::default() };
            let (world, pool) = (&self.world, &mut self.pool);
            let mut checker = Checker { world, pool, text: &text.value, scope, problems: Vec::new() };
            checker.condition(&node).ok_or(checker.problems)
        });
        checked.map_err(|problems| self.problems(text, problems)).ok()
    }

    fn value_of(&mut self, event: EventId, name: &Spanned<String>) -> Option<PropertyId> {
        let (id, ty) = self.known_property(event, name, None)?;
        if ty.is_number() {
            return Some(id);
        }
        self.error("type", name, format!("`{}` ({ty}) is no number", name.value));
        None
    }
}
