//! How a change of facts, or the clock, becomes changed truths: once through the graph, upwards.
//!
//! First all subjects that changed are measured and their tests set ([`Propagation::touch`]); a test
//! that is set back within the same instant counts as unchanged. Then what lies above is visited in the
//! order of the nodes' numbers ([`Propagation::settle`]), so each gate is visited once, after all that
//! it depends on, and no intermediate state is ever seen.
//!
//! Invariants:
//! 1. After `settle` every node's truth is that of its definition over the leaves, and both queues of
//!    the scratch are empty.

use crate::base::bit_queue::BitQueue;
use crate::base::bits::mask;
use crate::base::time::Time;
use crate::derived::conclusions::Conclusions;
use crate::derived::graph::{Block, Graph, HeldGate, Kind};
use crate::derived::subject::{Subject, SubjectId};
use crate::derived::truths::Truths;
use crate::derived::view::{Compiled, View};
use crate::derived::watches::Watched;
use crate::derived::work::Work;
use crate::facts::customer::Customer;
use crate::facts::stamp::{MessageOrder, NoMessages};
use crate::model::ids::SegmentId;
use crate::model::value::Value;
use crate::rules::evaluate::{Reading, evaluate};

/// Memory used while propagating, reused from message to message.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Tests that differ from before this instant.
    changed: BitQueue,
    /// What has to be visited: a node as twice its number, a block as one more than twice its last node.
    dirty: BitQueue,
    /// Memberships that turned, in the order they did: the segment, and whether it was entered.
    pub(crate) turned: Vec<(SegmentId, bool)>,
    pub(crate) due: Vec<Watched>,
    pub(crate) work: Work,
}

/// One instant of one customer.
pub(crate) struct Propagation<'a> {
    pub(crate) compiled: Compiled<'a>,
    pub(crate) customer: &'a Customer,
    pub(crate) order: &'a dyn MessageOrder,
    pub(crate) now: Time,
    pub(crate) conclusions: &'a mut Conclusions,
    pub(crate) scratch: &'a mut Scratch,
}

impl Scratch {
    /// Makes room for a graph.
    pub(crate) fn reserve(&mut self, graph: &Graph) {
        self.changed.reserve(graph.nodes as usize);
        self.dirty.reserve(graph.nodes as usize * 2);
    }
}

impl<'a> Propagation<'a> {
    fn graph(&self) -> &'a Graph {
        self.compiled.graph
    }

    /// Brings the conclusions of a customer who just became known to this instant.
    pub(crate) fn begin(&mut self, is_listed: impl Fn(SegmentId) -> bool) {
        let graph = self.graph();
        for subject in &graph.by_clock {
            self.touch(*subject);
        }
        for (segment, node) in &graph.listed {
            self.set_leaf(*node, is_listed(*segment));
        }
        for held in &graph.held {
            self.scratch.dirty.insert(held.node as usize * 2);
        }
    }

    /// Something that a subject reads has changed, or its time has come. One that also reads nodes is
    /// measured later, in their order.
    pub(crate) fn touch(&mut self, id: SubjectId) {
        match self.graph().subject(id).probe {
            Some(probe) => self.scratch.dirty.insert(probe as usize * 2),
            None => self.measure(id),
        }
    }

    /// Measures one subject and sets its tests.
    fn measure(&mut self, id: SubjectId) {
        self.scratch.work.subjects += 1;
        let subject = self.graph().subject(id);
        let reading = evaluate(&subject.expr, &self.view());
        let deadline = subject.deadline(&reading, self.now);
        debug_assert!(deadline > self.now, "a deadline lies ahead");
        self.conclusions.watches.set(Watched::Subject(id), deadline);
        self.set_tests(subject, &reading);
    }

    /// Visits all that depends on what was changed. The memberships that turn are left in the scratch.
    pub(crate) fn settle(&mut self) {
        self.drain_changed();
        while let Some(number) = self.scratch.dirty.pop() {
            let node = (number / 2) as u32;
            match self.graph().kinds[node as usize] {
                Kind::Gate(block) if number % 2 == 1 => self.visit_block(self.graph().blocks[block as usize]),
                Kind::Gate(block) => self.visit_gate(node, self.graph().blocks[block as usize]),
                Kind::Held(place) => self.visit_held(place),
                Kind::Probe(subject) => {
                    self.measure(subject);
                    self.drain_changed();
                }
                Kind::True | Kind::Leaf => debug_assert!(false, "leaves have nothing below them"),
            }
        }
    }

    /// Computes every truth anew, without telling anybody: the template of new customers, and the
    /// yardstick that incremental results are checked against. `held` gates keep what they are.
    pub(crate) fn recompute(&mut self) {
        let graph = self.graph();
        for (place, subject) in graph.subjects.iter().enumerate() {
            if subject.probe.is_none() {
                self.measure(SubjectId(place as u32));
            }
        }
        for node in 0..graph.nodes {
            match graph.kinds[node as usize] {
                Kind::Gate(block) => {
                    let truths = &mut self.conclusions.truths;
                    let rest = truths.all(graph.rest.get(node as usize));
                    truths.set_rest(node as usize, rest);
                    let truth = rest && truths.get(graph.blocks[block as usize].primary);
                    truths.set_node(node as usize, truth);
                }
                Kind::Probe(subject) => self.measure(subject),
                Kind::True | Kind::Leaf | Kind::Held(_) => {}
            }
        }
        while self.scratch.changed.pop().is_some() {}
    }

    /// Looks again at a `held` whose time has come.
    pub(crate) fn wake_held(&mut self, place: u32) {
        let node = self.graph().held[place as usize].node;
        self.scratch.dirty.insert(node as usize * 2);
    }

    fn view(&self) -> View<'_> {
        View {
            compiled: self.compiled,
            customer: self.customer,
            truths: Some(&self.conclusions.truths),
            order: self.order,
            now: self.now,
            trigger: &[],
        }
    }

    fn set_tests(&mut self, subject: &Subject, reading: &Reading) {
        let (lower, upper) = subject.satisfied(reading.value.as_ref());
        let mut first = subject.first;
        self.set_prefix(first, subject.lower.len(), lower);
        first += subject.lower.len() as u32;
        self.set_prefix(first, subject.upper.len(), upper);
        first += subject.upper.len() as u32;
        if subject.equalities > 0 {
            self.set_equalities(first, subject, reading.value.as_ref());
        }
        if subject.truth {
            self.set_leaf(first + subject.equalities, reading.is_true());
        }
    }

    /// Makes the first `satisfied` of `len` tests true, and the others false.
    fn set_prefix(&mut self, first: u32, len: usize, satisfied: usize) {
        if len == 0 {
            return;
        }
        let first = first as usize;
        let before = self.conclusions.truths.count_nodes(first..first + len);
        for place in before.min(satisfied)..before.max(satisfied) {
            self.flip_leaf(first + place);
        }
    }

    fn set_equalities(&mut self, first: u32, subject: &Subject, value: Option<&Value>) {
        let wanted = value.and_then(|value| subject.equal.get(value)).map_or(&[][..], |tests| &tests[..]);
        let range = first as usize..(first + subject.equalities) as usize;
        let before = self.conclusions.truths.true_nodes(range);
        for node in &before {
            if !wanted.contains(&(*node as u32 - first)) {
                self.flip_leaf(*node);
            }
        }
        for place in wanted {
            let node = (first + place) as usize;
            if !before.contains(&node) {
                self.flip_leaf(node);
            }
        }
    }

    fn set_leaf(&mut self, node: u32, truth: bool) {
        if self.conclusions.truths.node(node as usize) != truth {
            self.flip_leaf(node as usize);
        }
    }

    fn flip_leaf(&mut self, node: usize) {
        self.conclusions.truths.flip_node(node);
        self.scratch.changed.toggle(node);
    }

    fn drain_changed(&mut self) {
        while let Some(node) = self.scratch.changed.pop() {
            self.scratch.work.predicates += 1;
            self.announce(node as u32);
        }
    }

    /// Tells everything above a node that it turned.
    fn announce(&mut self, node: u32) {
        let graph = self.graph();
        let index = node as usize;
        let above = graph.above[index];
        if above & Graph::PRIMARY != 0 {
            for block in graph.primary_of.get(index) {
                let last = graph.blocks[*block as usize].end - 1;
                self.scratch.dirty.insert(last as usize * 2 + 1);
            }
        }
        if above & Graph::PARENT != 0 {
            for parent in graph.parents.get(index) {
                self.scratch.dirty.insert(*parent as usize * 2);
            }
        }
        for (segment, negated) in graph.decides.get(index) {
            let entered = self.conclusions.truths.node(index) != *negated;
            self.scratch.turned.push((*segment, entered));
        }
    }

    /// The rest of a gate's children changed.
    fn visit_gate(&mut self, node: u32, block: Block) {
        self.scratch.work.gates += 1;
        let truths = &mut self.conclusions.truths;
        let rest = truths.all(self.compiled.graph.rest.get(node as usize));
        truths.set_rest(node as usize, rest);
        let truth = rest && truths.get(block.primary);
        if truths.node(node as usize) != truth {
            truths.set_node(node as usize, truth);
            self.announce(node);
        }
    }

    /// The primary of a block changed. It comes after the visits to its gates, so that their rests are
    /// up to date and each gate turns at most once.
    fn visit_block(&mut self, block: Block) {
        let (first, end) = (block.first as usize, block.end as usize);
        self.scratch.work.gates += (end - first) as u64;
        let primary = self.conclusions.truths.get(block.primary);
        for word in first / 64..end.div_ceil(64) {
            let members = mask(word, &(first..end));
            let mut turned = self.conclusions.truths.set_gates(word, members, primary);
            while turned != 0 {
                self.announce((word * 64) as u32 + turned.trailing_zeros());
                turned &= turned - 1;
            }
        }
    }

    fn visit_held(&mut self, place: u32) {
        self.scratch.work.gates += 1;
        let HeldGate { node, condition, duration } = self.graph().held[place as usize];
        let condition = self.conclusions.truths.get(condition);
        let streak = &mut self.conclusions.streaks[place as usize];
        streak.turn(condition, self.now);
        let due = streak.due(duration);
        let truth = due.is_some_and(|due| due <= self.now);
        let deadline = due.filter(|due| *due > self.now).unwrap_or(Time::NEVER);
        self.conclusions.watches.set(Watched::Held(place), deadline);
        if self.conclusions.truths.node(node as usize) != truth {
            self.conclusions.truths.set_node(node as usize, truth);
            self.announce(node);
        }
    }
}

impl Compiled<'_> {
    /// The truths of a known customer without facts, before all time, and the subjects that the clock
    /// moves from there.
    pub(crate) fn template(self) -> (Truths, Vec<SubjectId>) {
        let mut conclusions = Conclusions::new(self.graph);
        conclusions.truths = Truths::new(self.graph.nodes);
        let mut scratch = Scratch::default();
        scratch.reserve(self.graph);
        let mut propagation = Propagation {
            compiled: self,
            customer: &Customer::default(),
            order: &NoMessages,
            now: Time::MIN,
            conclusions: &mut conclusions,
            scratch: &mut scratch,
        };
        propagation.recompute();
        let mut due = Vec::new();
        conclusions.watches.due(Time::MAX, &mut due);
        let moved = due.into_iter().filter_map(|watched| match watched {
            Watched::Subject(subject) => Some(subject),
            Watched::Held(_) => None,
        });
        let moved = moved.collect();
        (conclusions.truths, moved)
    }
}
