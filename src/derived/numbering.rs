//! The second pass of building the graph: an order, numbers, and the tables that point upwards.
//!
//! Which child of a gate is its primary decides how cheap the gate is: the more gates share one and
//! the more often it changes, the more is done by one operation on words. Conditions on events change
//! more often than conditions on attributes, so these are preferred, then the child shared by most.

use std::cmp::Reverse;

use ahash::AHashMap;
use smallvec::SmallVec;

use crate::base::bits::Bits;
use crate::derived::graph::{Above, Block, Graph, HeldGate, Kind, Lists, Literal};
use crate::derived::graph_builder::{Builder, Handle, Item, SubjectItem};
use crate::derived::subject::{Reads, Subject, SubjectId, Test};
use crate::model::value::Value;

/// Numbers of items and tests, and the tables being filled.
struct Numbering<'a> {
    builder: &'a Builder<'a>,
    graph: Graph,
    /// Of each item: its node, or of a subject the node of each test.
    nodes: Vec<SmallVec<[u32; 1]>>,
    rest: Vec<(u32, Literal)>,
    parents: Vec<(u32, u32)>,
    primary_of: Vec<(u32, u32)>,
}

/// The graph of the builder's items; its template is still to be computed.
pub(crate) fn number(builder: &Builder<'_>) -> Graph {
    let primaries = primaries(builder);
    let ranks = ranks(builder);
    // Gates of neighbouring tests become neighbours, so that one operation serves them all.
    let neighbourhood = |primary: Handle| {
        (primary.item, primary.negated, ranks[primary.item as usize].get(primary.test as usize))
    };
    let mut order: Vec<usize> = (0..builder.items.len()).collect();
    order.sort_by_key(|item| {
        let is_gate = matches!(builder.items[*item], Item::Gate { .. });
        (builder.levels[*item], is_gate, primaries[*item].map(neighbourhood))
    });
    let mut numbering = Numbering {
        builder,
        graph: Graph::default(),
        nodes: vec![SmallVec::new(); builder.items.len()],
        rest: Vec::new(),
        parents: Vec::new(),
        primary_of: Vec::new(),
    };
    for item in order {
        match &builder.items[item] {
            Item::True => {
                numbering.push(item, Kind::True);
            }
            Item::Listed(segment) => {
                let node = numbering.push(item, Kind::Leaf);
                numbering.graph.listed.push((*segment, node));
            }
            Item::Subject(subject) => numbering.subject(item, subject),
            Item::Held { condition, duration } => {
                let place = numbering.graph.held.len() as u32;
                let node = numbering.push(item, Kind::Held(place));
                let condition = numbering.literal(*condition);
                numbering.parents.push((condition.node(), node));
                numbering.graph.held.push(HeldGate { node, condition, duration: *duration });
            }
            Item::Gate { children } => numbering.gate(item, children, primaries[item]),
        }
    }
    numbering.finish()
}

/// For each subject the place of each test among its sorted tests; for other items nothing.
fn ranks(builder: &Builder<'_>) -> Vec<Vec<u32>> {
    let places = builder.items.iter().map(|item| match item {
        Item::Subject(subject) => {
            let mut places = vec![0; subject.tests.len()];
            for (place, test) in subject.sorted_tests().into_iter().enumerate() {
                places[test] = place as u32;
            }
            places
        }
        _ => Vec::new(),
    });
    places.collect()
}

/// For each gate its primary child; for other items nothing.
fn primaries(builder: &Builder<'_>) -> Vec<Option<Handle>> {
    let mut shared: AHashMap<Handle, u32> = AHashMap::new();
    for item in &builder.items {
        if let Item::Gate { children } = item {
            children.iter().for_each(|child| *shared.entry(*child).or_default() += 1);
        }
    }
    let mut lively = vec![false; builder.items.len()];
    builder
        .items
        .iter()
        .enumerate()
        .map(|(place, item)| {
            let (is_lively, primary) = match item {
                Item::Subject(subject) => (!subject.inputs.sources.is_empty(), None),
                Item::Held { condition, .. } => (lively[condition.item as usize], None),
                Item::True | Item::Listed(_) => (false, None),
                Item::Gate { children } => {
                    let primary = children
                        .iter()
                        .max_by_key(|child| (lively[child.item as usize], shared[*child], Reverse(**child)));
                    (children.iter().any(|child| lively[child.item as usize]), primary.copied())
                }
            };
            lively[place] = is_lively;
            primary
        })
        .collect()
}

impl Numbering<'_> {
    fn push(&mut self, item: usize, kind: Kind) -> u32 {
        let node = self.graph.nodes;
        self.nodes[item].push(node);
        self.graph.kinds.push(kind);
        self.graph.nodes += 1;
        node
    }

    fn literal(&self, handle: Handle) -> Literal {
        Literal::of(self.nodes[handle.item as usize][handle.test as usize]).not_if(handle.negated)
    }

    fn gate(&mut self, item: usize, children: &[Handle], primary: Option<Handle>) {
        let primary = primary.unwrap_or(Handle::TRUE);
        let literal = self.literal(primary);
        let node = self.graph.nodes;
        // A block ends with its level: no gate of a block may depend on another one of it.
        let level = self.builder.levels[item];
        let last = self.graph.blocks.last();
        let fits = |block: &Block| block.primary == literal && block.end == node && block.level == level;
        if !last.is_some_and(fits) {
            self.primary_of.push((literal.node(), self.graph.blocks.len() as u32));
            self.graph.blocks.push(Block { primary: literal, level, first: node, end: node });
        }
        let block = self.graph.blocks.len() - 1;
        self.graph.blocks[block].end += 1;
        self.push(item, Kind::Gate(block as u32));
        for child in children.iter().filter(|child| **child != primary) {
            let child = self.literal(*child);
            self.rest.push((node, child));
            self.parents.push((child.node(), node));
        }
    }

    fn subject(&mut self, item: usize, subject: &SubjectItem) {
        let id = SubjectId(self.graph.subjects.len() as u32);
        let probe = (!subject.depends.is_empty()).then(|| {
            let node = self.graph.nodes;
            self.graph.kinds.push(Kind::Probe(id));
            self.graph.nodes += 1;
            for handle in &subject.depends {
                self.parents.push((self.literal(*handle).node(), node));
            }
            node
        });
        let first = self.graph.nodes;
        let order = subject.sorted_tests();
        let mut nodes: SmallVec<[u32; 1]> = SmallVec::from_elem(0, subject.tests.len());
        for (place, test) in order.iter().enumerate() {
            nodes[*test] = first + place as u32;
            self.graph.kinds.push(Kind::Leaf);
        }
        self.graph.nodes += subject.tests.len() as u32;
        self.nodes[item] = nodes;
        let sorted = order.into_iter().map(|test| &subject.tests[test]);
        self.graph.subjects.push(sorted_subject(subject, probe, first, sorted));
    }

    fn finish(mut self) -> Graph {
        let builder = self.builder;
        let nodes = self.graph.nodes as usize;
        let mut decides = Vec::with_capacity(builder.segments.len());
        for (segment, handle) in builder.segments.iter().enumerate() {
            let literal = self.literal(*handle);
            let segment = crate::model::ids::SegmentId::from_index(segment);
            decides.push((literal.node(), (segment, literal.is_negated())));
            self.graph.segments.push(literal);
        }
        let conditions = builder.conditions.iter().map(|handle| self.literal(*handle)).collect();
        let held = builder.held.iter().map(|(key, handle)| (key.clone(), self.literal(*handle))).collect();
        let mut by_attribute = Vec::new();
        let mut by_source = Vec::new();
        let mut by_ids = Vec::new();
        for (place, subject) in self.graph.subjects.iter().enumerate() {
            let id = SubjectId(place as u32);
            by_attribute.extend(subject.reads.attributes.iter().map(|attribute| (attribute.0, id)));
            by_source.extend(subject.reads.sources.iter().map(|source| (source.0, id)));
            by_ids.extend(subject.reads.ids.then_some(id));
        }
        self.parents.sort_unstable();
        self.parents.dedup();
        let mut above = vec![Above::default(); nodes];
        for (node, block) in &self.primary_of {
            above[*node as usize].block.add(*block);
        }
        for (node, (segment, negated)) in &decides {
            above[*node as usize].segment.add(segment.0 * 2 + u32::from(*negated));
        }
        let mut has_parents = Bits::new(nodes);
        self.parents.iter().for_each(|(node, _)| has_parents.set(*node as usize, true));
        Graph {
            rest: Lists::from_pairs(nodes, &self.rest),
            parents: Lists::from_pairs(nodes, &self.parents),
            primary_of: Lists::from_pairs(nodes, &self.primary_of),
            above,
            has_parents,
            decides: Lists::from_pairs(nodes, &decides),
            by_attribute: Lists::from_pairs(builder.definitions.attributes.len(), &by_attribute),
            by_source: Lists::from_pairs(builder.definitions.sources.len(), &by_source),
            by_ids,
            conditions,
            held_by_condition: held,
            ..self.graph
        }
    }
}

fn sorted_subject<'a>(
    item: &SubjectItem,
    probe: Option<u32>,
    first: u32,
    tests: impl Iterator<Item = &'a Test>,
) -> Subject {
    let mut subject = Subject {
        expr: item.expr.clone(),
        probe,
        first,
        lower: Vec::new(),
        upper: Vec::new(),
        equal: AHashMap::new(),
        elements: AHashMap::new(),
        equalities: 0,
        truth: false,
        reads: Reads {
            attributes: item.inputs.attributes.clone(),
            sources: item.inputs.sources.clone(),
            ids: item.inputs.ids,
        },
    };
    for test in tests {
        match test {
            Test::AtLeast(key) => subject.lower.push(*key),
            Test::AtMost(key) => subject.upper.push(*key),
            Test::OneOf(values) => {
                for value in distinct(values) {
                    subject.equal.entry(value.clone()).or_default().push(subject.equalities);
                }
                subject.equalities += 1;
            }
            Test::Has(element) => {
                subject.elements.entry(element.clone()).or_default().push(subject.equalities);
                subject.equalities += 1;
            }
            Test::Truth => subject.truth = true,
            Test::Never => {}
        }
    }
    subject
}

fn distinct(values: &[Value]) -> impl Iterator<Item = &Value> {
    values
        .iter()
        .enumerate()
        .filter(|(place, value)| !values[..*place].contains(value))
        .map(|(_, value)| value)
}

impl SubjectItem {
    /// The places of the tests in their order as nodes.
    fn sorted_tests(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.tests.len()).collect();
        order.sort_by_key(|test| self.tests[*test].rank());
        order
    }
}

impl Test {
    /// The place of a test among those of its subject.
    fn rank(&self) -> (u8, i64) {
        match self {
            Test::AtLeast(key) => (0, *key),
            Test::AtMost(key) => (1, -(key.saturating_add(1))),
            Test::OneOf(_) | Test::Has(_) => (2, 0),
            Test::Truth | Test::Never => (3, 0),
        }
    }
}
