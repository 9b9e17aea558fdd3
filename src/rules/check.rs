//! From a catalog as it is written to its meaning: every name resolved, every type known to fit.
//!
//! `declarations -> names -> syntax trees -> implied events -> conditions, each after those it names -> personalizations -> warnings`.
//! One run finds everything it can; only what depends on a broken part is left unchecked.
//!
//! Invariants:
//! 1. [`Definitions`] come out if and only if the report holds no error.
//! 2. The work is linear in the catalog, but for the sizes of computed attributes put in place of
//!    their names, which are bounded.

mod affinities;
mod aggregate;
mod arithmetic;
mod bought;
mod call;
mod comparison;
mod conditions;
mod crowds;
mod event_names;
mod experiments;
mod expression;
mod goals;
mod implied_events;
mod imports;
mod made;
mod offers;
mod order;
mod parsed;
mod personalization;
mod purposes;
pub(crate) mod quantiles;
mod retention;
mod scope;
mod scores;
mod typed;
mod world;

use std::ops::Range;
use std::sync::OnceLock;

use ahash::AHashMap;

use crate::base::diagnostic::{Finding, Report};
use crate::base::limits::{
    DEFAULT_ENTRIES_PER_AGGREGATE, DEFAULT_MAX_SKEW, MAX_CONDITION_DEPTH, MAX_CONDITION_NODES,
};
use crate::base::names::Names;
use crate::base::source_text::{Spanned, Text};
use crate::model::declaration::{Declarations, FieldDeclaration, Named};
use crate::model::ids::PropertyId;
use crate::rules::at_call::CONTEXT;
use crate::rules::definitions::{ComputedDefinition, Definitions, EventDefinition};
use crate::rules::expression::Expr;
use crate::rules::identifiers::IdentifierRules;
use crate::rules::lint;
use crate::rules::retention::Retention;
use crate::rules::syntax::{Node, Problem};

use self::experiments::CheckedExperiment;
use self::expression::Checker;
use self::offers::Limits;
use self::scope::Scope;
use self::typed::Typed;
use self::world::{Pool, World};

/// Checks a catalog. All that is wrong goes into `report`; `None` if any of it is an error.
pub(crate) fn check(declarations: &Declarations, report: &mut Report) -> Option<Definitions> {
    let declarations = &*quantiles::spelt_out(declarations);
    let mut catalog = Catalog { world: World::default(), pool: Pool::default(), report };
    catalog.declare(declarations);
    let identifiers = IdentifierRules::of(declarations, catalog.report);
    let parsed = catalog.parse(declarations);
    if !declarations.strict {
        implied_events::add(&mut catalog.world, &parsed, catalog.report);
    }
    let segments = catalog.conditions(&parsed, &declarations.published);
    catalog.check_groups(declarations);
    catalog.check_limits(declarations);
    let crowds = catalog.crowds(declarations);
    let limits = Limits::of(declarations);
    let (personalization_names, personalizations) = catalog.personalizations(&parsed, limits);
    let (goal_names, goals) = catalog.goals(declarations);
    let (placement_names, placements) = catalog.placements(declarations, &personalization_names);
    let imports = catalog.imports(declarations);
    if catalog.report.has_errors() {
        return None;
    }
    let (segments, segment_order) = segments?;
    let Catalog { world, pool, report } = catalog;
    let reads_ids = world.reads_ids();
    let experiments = world.experiments.iter().flatten();
    let experiment_variants = experiments.map(CheckedExperiment::names_of_variants).collect();
    let computed =
        world.computed.into_iter().flatten().map(|computed| ComputedDefinition { value: computed.expr });
    let (sources, aggregates) = pool.into_parts();
    let mut definitions = Definitions {
        strict: declarations.strict,
        max_skew: declarations.max_skew.unwrap_or(DEFAULT_MAX_SKEW),
        entries_per_aggregate: declarations.entries_per_aggregate.unwrap_or(DEFAULT_ENTRIES_PER_AGGREGATE),
        attribute_names: world.attribute_names,
        attributes: world.attributes,
        identifiers,
        event_names: world.event_names,
        events: world.events,
        context_names: world.context_names,
        context: world.context,
        recorded_context: world.recorded_context,
        purposes: world.purposes,
        retention: Retention::default(),
        computed_names: world.computed_names,
        computed: computed.collect(),
        quantiles: world.quantiles,
        segment_names: world.segment_names,
        segments,
        segment_order,
        reads_ids,
        experiment_names: world.experiment_names,
        experiment_variants,
        crowds,
        personalization_names,
        personalizations,
        placement_names,
        placements,
        goal_names,
        goals,
        imports,
        sources,
        aggregates,
        texts: OnceLock::new(),
    };
    definitions.note_experiments();
    retention::add(&mut definitions, declarations, report);
    lint::lint(declarations, &definitions, report);
    (!report.has_errors()).then_some(definitions)
}

/// A catalog while it is being checked.
struct Catalog<'a> {
    world: World,
    pool: Pool,
    report: &'a mut Report,
}

/// What the text of a condition is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Condition,
    /// Any value, moving ones included.
    Value,
    /// A number, moving ones included.
    Number,
}

impl Catalog<'_> {
    fn error(&mut self, code: &'static str, name: &Spanned<String>, message: String) {
        self.report.push(Finding::error(code, name.span, message));
    }

    /// Reports the problems of a text at their places in the file.
    fn problems(&mut self, text: &Text, problems: Vec<Problem>) {
        for problem in problems {
            let span = text.locate(problem.at.start, problem.at.end);
            let finding = Finding::error(problem.code, span, problem.message);
            self.report.push(match problem.help {
                Some(help) => finding.with_help(help),
                None => finding,
            });
        }
    }

    /// Fills the names of everything, so that conditions may name what is declared after them.
    fn declare(&mut self, declarations: &Declarations) {
        self.world.left_out = declarations.left_out.iter().cloned().collect();
        let mut taken = AHashMap::new();
        for field in &declarations.attributes {
            if self.is_free(&field.name, "an attribute", &mut taken) {
                self.world.attribute_names.add(&field.name.value);
                self.world.attributes.push(field.body.clone());
            }
        }
        for computed in &declarations.computed {
            if self.is_free(&computed.name, "a computed attribute", &mut taken) {
                self.world.computed_names.add(&computed.name.value);
                self.world.computed.push(None);
            }
        }
        for quantile in &declarations.quantiles {
            if self.is_free(&quantile.name, "a quantile", &mut taken) {
                self.world.computed_names.add(&quantile.name.value);
                self.world.computed.push(None);
            }
        }
        for score in &declarations.scores {
            if self.is_free(&score.name, "a score", &mut taken) {
                self.world.computed_names.add(&score.name.value);
                self.world.computed.push(None);
            }
        }
        for affinity in &declarations.affinities {
            if self.is_free(&affinity.name, "an affinity", &mut taken) {
                self.world.computed_names.add(&affinity.name.value);
                self.world.computed.push(None);
            }
        }
        for segment in &declarations.segments {
            if self.is_free(&segment.name, "a segment", &mut taken) {
                self.world.segment_names.add(&segment.name.value);
            }
        }
        for event in &declarations.events {
            let name = &event.name.value;
            if self.world.event_names.get(name).is_some() {
                self.error("duplicate", &event.name, format!("the event `{name}` is declared twice"));
                continue;
            }
            let definition = self.event(&event.body);
            self.world.event_names.add(name);
            self.world.events.push(definition);
        }
        for context in &declarations.context {
            let said = PropertyId(self.world.context_names.add(&context.name.value));
            self.world.context.push(context.body.field.clone());
            self.world.recorded_context.extend(context.body.recorded.then_some(said));
        }
        if !declarations.context.is_empty()
            && let Some(kind) = taken.get(CONTEXT)
        {
            let message =
                format!("`{CONTEXT}` is {kind}, and what a call says where there is a `[{CONTEXT}]`");
            self.report.push(Finding::error("duplicate", declarations.context[0].name.span, message));
        }
        self.world.purchases = declarations.purchases.clone();
        self.declare_exposures(declarations);
        self.declare_purposes(declarations);
        self.declare_experiments(declarations);
    }

    fn event(&mut self, properties: &[Named<FieldDeclaration>]) -> EventDefinition {
        let mut definition = EventDefinition { property_names: Names::default(), properties: Vec::new() };
        for property in properties {
            let name = &property.name.value;
            if definition.property_names.get(name).is_some() {
                self.error("duplicate", &property.name, format!("the property `{name}` is declared twice"));
                continue;
            }
            definition.property_names.add(name);
            definition.properties.push(property.body.clone());
        }
        definition
    }

    /// Whether a name of the one namespace that conditions read is still free, and takes it.
    fn is_free<'n>(
        &mut self,
        name: &'n Spanned<String>,
        kind: &'static str,
        taken: &mut AHashMap<&'n str, &'static str>,
    ) -> bool {
        let text = name.value.as_str();
        if scope::RESERVED.contains(&text) {
            self.error(
                "reserved",
                name,
                format!("`{text}` means something of its own in conditions and cannot be a name"),
            );
            return false;
        }
        let Some(other) = taken.insert(text, kind) else { return true };
        let message = if other == kind {
            format!("`{text}` is declared twice as {kind}")
        } else {
            format!("`{text}` is both {other} and {kind}; conditions cannot tell them apart")
        };
        self.error("duplicate", name, message);
        false
    }

    /// Checks a condition or value; one that could not be read has no `node`.
    fn checked(&mut self, text: &Text, node: Option<&Node>, wanted: Wanted, scope: Scope) -> Option<Typed> {
        let node = node?;
        let mut checker = Checker {
            world: &self.world,
            pool: &mut self.pool,
            text: &text.value,
            scope,
            problems: Vec::new(),
        };
        let typed = match wanted {
            Wanted::Condition => checker.condition(node).map(Typed::condition),
            Wanted::Value => checker.expression(node),
            Wanted::Number => checker.number_value(node),
        };
        let mut problems = checker.problems;
        let typed = typed.filter(|typed| {
            let too_large = too_large(&typed.expr, &node.at);
            let fits = too_large.is_none();
            problems.extend(too_large);
            fits
        });
        self.problems(text, problems);
        typed
    }
}

impl Checker<'_> {
    /// Checks a score.
    fn number_value(&mut self, node: &Node) -> Option<Typed> {
        let typed = self.expression(node)?;
        if typed.ty.is_number() {
            return Some(typed);
        }
        let message = format!("{} is no number", self.described(node, &typed));
        self.report_help(
            "type",
            &node.at,
            message,
            "a score is a number; for a condition write `condition ? 1 : 0`",
        );
        None
    }
}

/// What is wrong with the size of an expression in which computed attributes have been put in place.
fn too_large(expr: &Expr, at: &Range<usize>) -> Option<Problem> {
    let (nodes, depth) = expr.nodes_and_depth();
    if nodes <= MAX_CONDITION_NODES && depth <= MAX_CONDITION_DEPTH {
        return None;
    }
    let message = if depth > MAX_CONDITION_DEPTH {
        format!(
            "with computed attributes in their places this nests {depth} levels, and at most {MAX_CONDITION_DEPTH} are allowed"
        )
    } else {
        format!(
            "with computed attributes in their places this has {nodes} parts, and at most {MAX_CONDITION_NODES} are allowed"
        )
    };
    Some(
        Problem::new("too_large", at, message)
            .with_help("make parts of it segments, which are kept up to date once"),
    )
}

#[cfg(test)]
mod tests;
