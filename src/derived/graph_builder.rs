//! From the conditions of a catalog to their shared graph.
//!
//! Two passes. The first lowers each condition to *items* (subjects with their tests, gates, `held`s),
//! finding equal ones again in tables. The second orders the items by level, gates of one level by
//! their primary child, and numbers the nodes in that order.

use ahash::AHashMap;

use crate::base::time::Duration;
use crate::derived::graph::Graph;
use crate::derived::numbering::number;
use crate::derived::subject::{Test, bound_test};
use crate::derived::view::Compiled;
use crate::facts::plan::Plan;
use crate::model::ids::SegmentId;
use crate::model::value::{Type, Value};
use crate::rules::canonical::is_always_there;
use crate::rules::definitions::{Definitions, SegmentDefinition};
use crate::rules::expression::{Comparison, Expr};
use crate::rules::typing::{Inputs, type_of};

/// A literal before the nodes have numbers: test `test` of item `item`, or its complement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Handle {
    pub(crate) item: u32,
    pub(crate) test: u32,
    pub(crate) negated: bool,
}

/// What will become one node, or the nodes of one subject.
#[derive(Debug)]
pub(crate) enum Item {
    True,
    Subject(Box<SubjectItem>),
    Gate { children: Vec<Handle> },
    Held { condition: Handle, duration: Duration },
    Listed(SegmentId),
}

/// A subject in the making.
#[derive(Debug)]
pub(crate) struct SubjectItem {
    pub(crate) expr: Expr,
    pub(crate) inputs: Inputs,
    /// The nodes it reads.
    pub(crate) depends: Vec<Handle>,
    pub(crate) tests: Vec<Test>,
    known: AHashMap<Test, u32>,
}

/// The first pass.
pub(crate) struct Builder<'a> {
    pub(crate) definitions: &'a Definitions,
    pub(crate) items: Vec<Item>,
    /// Of each item, one more than the greatest level of those it depends on.
    pub(crate) levels: Vec<u32>,
    pub(crate) segments: Vec<Handle>,
    pub(crate) conditions: Vec<Handle>,
    pub(crate) held: AHashMap<(Expr, Duration), Handle>,
    subjects: AHashMap<Expr, u32>,
    gates: AHashMap<Vec<Handle>, u32>,
}

/// The graph of a catalog's segments and of further conditions on the profile.
pub(crate) fn build<'a>(
    definitions: &Definitions,
    plan: &Plan,
    conditions: impl Iterator<Item = &'a Expr>,
) -> Graph {
    let mut builder = Builder {
        definitions,
        items: vec![Item::True],
        levels: vec![0],
        segments: vec![Handle::TRUE; definitions.segments.len()],
        conditions: Vec::new(),
        held: AHashMap::new(),
        subjects: AHashMap::new(),
        gates: AHashMap::new(),
    };
    for segment in &definitions.segment_order {
        builder.segments[segment.index()] = match &definitions.segments[segment.index()] {
            SegmentDefinition::Condition(condition) => builder.lower(condition),
            SegmentDefinition::Members(_) => builder.add(Item::Listed(*segment), 0),
        };
    }
    for condition in conditions {
        let handle = builder.lower(condition);
        builder.conditions.push(handle);
    }
    builder.watch_held();
    let mut graph = number(&builder);
    let compiled = Compiled { definitions, plan, graph: &graph };
    let (template, by_clock) = compiled.template();
    graph.template = template;
    graph.by_clock = by_clock;
    graph
}

impl Handle {
    pub(crate) const TRUE: Handle = Handle { item: 0, test: 0, negated: false };
    pub(crate) const FALSE: Handle = Handle { item: 0, test: 0, negated: true };

    fn not(self) -> Handle {
        Handle { negated: !self.negated, ..self }
    }
}

impl Builder<'_> {
    fn add(&mut self, item: Item, level: u32) -> Handle {
        self.items.push(item);
        self.levels.push(level);
        Handle { item: (self.items.len() - 1) as u32, test: 0, negated: false }
    }

    fn level_above(&self, children: &[Handle]) -> u32 {
        children.iter().map(|child| self.levels[child.item as usize] + 1).max().unwrap_or(0)
    }

    fn lower(&mut self, expr: &Expr) -> Handle {
        match expr {
            Expr::Constant(Value::Bool(true)) => Handle::TRUE,
            Expr::Constant(Value::Bool(false)) => Handle::FALSE,
            Expr::Segment(segment) => self.segments[segment.index()],
            Expr::Not(inner) => self.lower(inner).not(),
            Expr::And(parts) => {
                let children = parts.iter().map(|part| self.lower(part)).collect();
                self.conjunction(children)
            }
            Expr::Or(parts) => {
                let children = parts.iter().map(|part| self.lower(part).not()).collect();
                self.conjunction(children).not()
            }
            Expr::Held(condition, duration) => self.held(condition, *duration),
            Expr::Compare(comparison, left, right) => self.compare(expr, *comparison, left, right),
            Expr::In(element, list) => match constants(list) {
                Some(values) if values.is_empty() => Handle::FALSE,
                Some(values) => self.test(element, Test::OneOf(values)),
                None => self.has(expr, element, list),
            },
            _ => self.test(expr, Test::Truth),
        }
    }

    /// An element in a list that is measured once, whatever is looked for in it.
    fn has(&mut self, whole: &Expr, element: &Expr, list: &Expr) -> Handle {
        match (element, type_of(list, self.definitions)) {
            (Expr::Constant(text @ Value::String(_)), Type::List(of)) if *of == Type::String => {
                self.test(list, Test::Has(text.clone()))
            }
            _ => self.test(whole, Test::Truth),
        }
    }

    fn compare(&mut self, whole: &Expr, comparison: Comparison, left: &Expr, right: &Expr) -> Handle {
        let (subject, comparison, constant) = match (left, right) {
            (subject, Expr::Constant(constant)) => (subject, comparison, constant),
            (Expr::Constant(constant), subject) => (subject, comparison.mirrored(), constant),
            _ => return self.test(whole, Test::Truth),
        };
        if comparison == Comparison::Equal {
            return self.test(subject, Test::OneOf(vec![constant.clone()]));
        }
        let ty = type_of(subject, self.definitions);
        match bound_test(&ty, comparison, constant) {
            Some(Test::Never) => Handle::FALSE,
            // A subject that always has a value needs no tests from above: they are complements.
            Some(Test::AtMost(key)) if is_always_there(subject, self.definitions) => match key.checked_add(1)
            {
                Some(next) => self.test(subject, Test::AtLeast(next)).not(),
                None => Handle::TRUE,
            },
            Some(test) => self.test(subject, test),
            None => self.test(whole, Test::Truth),
        }
    }

    fn test(&mut self, expr: &Expr, test: Test) -> Handle {
        let item = match self.subjects.get(expr) {
            Some(item) => *item,
            None => self.subject(expr),
        };
        let Item::Subject(subject) = &mut self.items[item as usize] else { return Handle::FALSE };
        let next = subject.tests.len() as u32;
        let place = *subject.known.entry(test.clone()).or_insert(next);
        if place == next {
            subject.tests.push(test);
        }
        Handle { item, test: place, negated: false }
    }

    fn subject(&mut self, expr: &Expr) -> u32 {
        let inputs = Inputs::of(expr, self.definitions);
        let mut depends: Vec<Handle> =
            inputs.segments.iter().map(|segment| self.segments[segment.index()]).collect();
        depends.extend(inputs.held.iter().map(|held| self.lower(held)).collect::<Vec<_>>());
        let level = self.level_above(&depends);
        let subject =
            SubjectItem { expr: expr.clone(), inputs, depends, tests: Vec::new(), known: AHashMap::new() };
        let item = self.add(Item::Subject(Box::new(subject)), level).item;
        self.subjects.insert(expr.clone(), item);
        item
    }

    /// Gives a node to every `held` outside of segments and conditions too: computed attributes, scores,
    /// and conditions on a trigger event find it by what it says.
    fn watch_held(&mut self) {
        let definitions = self.definitions;
        let computed = definitions.computed.iter().map(|computed| &computed.value);
        let offers = definitions.personalizations.iter().flat_map(|personalization| &personalization.offers);
        let asked = offers.flat_map(|offer| [Some(&offer.when), offer.score.as_ref()]).flatten();
        let quantiles = definitions.quantiles.iter().flat_map(|quantile| [&quantile.value, &quantile.of]);
        for expr in computed.chain(asked).chain(quantiles) {
            for held in Inputs::of(expr, definitions).held {
                self.lower(&held);
            }
        }
    }

    fn held(&mut self, condition: &Expr, duration: Duration) -> Handle {
        let key = (condition.clone(), duration);
        if let Some(handle) = self.held.get(&key) {
            return *handle;
        }
        let condition = self.lower(condition);
        let level = self.level_above(&[condition]);
        let handle = self.add(Item::Held { condition, duration }, level);
        self.held.insert(key, handle);
        handle
    }

    fn conjunction(&mut self, mut children: Vec<Handle>) -> Handle {
        children.retain(|child| *child != Handle::TRUE);
        children.sort_unstable();
        children.dedup();
        let contradicts = children.windows(2).any(|pair| pair[0] == pair[1].not());
        if contradicts || children.contains(&Handle::FALSE) {
            return Handle::FALSE;
        }
        match children[..] {
            [] => return Handle::TRUE,
            [only] => return only,
            _ => {}
        }
        if let Some(item) = self.gates.get(&children) {
            return Handle { item: *item, test: 0, negated: false };
        }
        let level = self.level_above(&children);
        let handle = self.add(Item::Gate { children: children.clone() }, level);
        self.gates.insert(children, handle.item);
        handle
    }
}

/// The elements of a list that is a constant.
fn constants(list: &Expr) -> Option<Vec<Value>> {
    match list {
        Expr::Constant(Value::List(values)) => Some(values.to_vec()),
        Expr::List(elements) => elements
            .iter()
            .map(|element| match element {
                Expr::Constant(value) => Some(value.clone()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{CatalogText, decode};
    use crate::derived::graph::Kind;
    use crate::rules::check::check;

    /// The graph of these segments, named `s0`, `s1` and so on: of each subject the lower bounds, upper
    /// bounds, equalities and whether its truth is asked for; then the gates, their blocks, and `held`s.
    fn shape(segments: &[&str]) -> String {
        let mut catalog = r#"
            schema = 1
            [attributes]
            n = "int"
            m = "int"
            x = { type = "float", default = 0.0 }
            yes = "bool"
            tags = { type = "list", of = "int" }
            [events.A]
            [computed]
            kept = 'held(m > 1, "1d") ? 1 : 2'
            [segments]
        "#
        .to_owned();
        for (place, condition) in segments.iter().enumerate() {
            catalog.push_str(&format!("s{place} = '{condition}'\n"));
        }
        let (declarations, mut report) = decode(&CatalogText::from_toml(&catalog));
        let definitions = check(&declarations, &mut report);
        let definitions = definitions.unwrap_or_else(|| panic!("{segments:?}: {:?}", report.findings()));
        let graph = build(&definitions, &Plan::new(&definitions), std::iter::empty());
        let subjects = graph.subjects.iter().map(|subject| {
            let truth = if subject.truth { "t" } else { "" };
            format!("{}/{}/{}{truth}", subject.lower.len(), subject.upper.len(), subject.equalities)
        });
        let subjects: Vec<String> = subjects.collect();
        let gates = graph.kinds.iter().filter(|kind| matches!(kind, Kind::Gate(_))).count();
        let held = graph.held.len();
        format!("{} gates {gates} in {} held {held}", subjects.join(" "), graph.blocks.len())
    }

    /// What is `held` in a computed attribute is watched: one subject, one lower bound, in every graph.
    #[test]
    fn conditions_are_tests_of_few_subjects_and_share_gates() {
        for (segments, expected) in [
            (&["true", "false"][..], "1/0/0 gates 0 in 0 held 1"),
            (&["n > 3", "n > 5", "n <= 3", "!(n > 5)", "3 < n"], "2/1/0 1/0/0 gates 0 in 0 held 1"),
            (&["x > 3.0", "x <= 3.0", "x < 5.0"], "2/0/0 1/0/0 gates 0 in 0 held 1"),
            (&["n == 1", "n in [1, 2]", "n != 1"], "0/0/2 1/0/0 gates 0 in 0 held 1"),
            (&["yes", "n in tags", "n > m"], "0/0/1 0/0/0t 0/0/0t 1/0/0 gates 0 in 0 held 1"),
            (&["n > 3 && x > 1.0", "!(x > 1.0 && n > 3)"], "1/0/0 1/0/0 1/0/0 gates 1 in 1 held 1"),
            (&["n > 3 || x > 1.0", "!(n > 3) && !(x > 1.0)"], "1/0/0 1/0/0 1/0/0 gates 1 in 1 held 1"),
            (&["n > 3", "s0 && yes", "s1 && x > 1.0"], "1/0/0 0/0/1 1/0/0 1/0/0 gates 2 in 2 held 1"),
            (&["x > 3.0 && x <= 3.0"], "1/0/0 1/0/0 gates 0 in 0 held 1"),
            (&["false", "s0 && n > 3"], "1/0/0 1/0/0 gates 0 in 0 held 1"),
            (&["true", "s0 && n > 3", "s0 && s0"], "1/0/0 1/0/0 gates 0 in 0 held 1"),
            (&["held(m > 1, \"1d\")", "held(m > 1, \"2d\")"], "1/0/0 gates 0 in 0 held 2"),
        ] {
            assert_eq!(shape(segments), expected, "{segments:?}");
        }
    }

    /// A flip of what changes often, or of what many conditions share, turns all gates over it at once.
    #[test]
    fn gates_over_what_changes_often_are_one_block() {
        let viewed = "events(\"A\").count() > 3";
        let over_events: Vec<String> =
            ["n > 3", "m > 5", "yes"].iter().map(|other| format!("{other} && {viewed}")).collect();
        let over_events: Vec<&str> = over_events.iter().map(String::as_str).collect();
        assert!(shape(&over_events).ends_with("gates 3 in 1 held 1"), "{}", shape(&over_events));
        let shared = ["n > 3 && x > 1.0", "m > 5 && x > 1.0", "x > 1.0 && yes"];
        assert!(shape(&shared).ends_with("gates 3 in 1 held 1"), "{}", shape(&shared));
        let apart = ["n > 3 && x > 1.0", "m > 5 && yes"];
        assert!(shape(&apart).ends_with("gates 2 in 2 held 1"), "{}", shape(&apart));
    }
}
