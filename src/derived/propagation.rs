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
use crate::derived::graph::{Block, Few, Graph, HeldGate, Kind};
use crate::derived::subject::{Subject, SubjectId};
use crate::derived::truths::Truths;
use crate::derived::view::{Compiled, Live, View};
use crate::derived::watches::Watched;
use crate::derived::work::Work;
use crate::facts::customer::Customer;
use crate::facts::stamp::{MessageOrder, NoMessages};
use crate::facts::units::Identity;
use crate::model::ids::SegmentId;
use crate::model::value::Value;
use crate::rules::at_call::AtCall;
use crate::rules::evaluate::{Reading, evaluate};

/// Memory used while propagating, reused from message to message.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Tests that differ from before this instant.
    changed: BitQueue,
    /// What has to be visited: a node as twice its number, blocks that follow one another as one more
    /// than twice the last node of the last one.
    dirty: BitQueue,
    /// By the last one of blocks that are to be visited, the first one.
    first_blocks: Vec<u32>,
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
        self.first_blocks.resize(self.first_blocks.len().max(graph.blocks.len()), u32::MAX);
    }

    fn visit_later(&mut self, graph: &Graph, first: u32, last: u32) {
        let known = &mut self.first_blocks[last as usize];
        *known = first.min(*known);
        let last = graph.blocks[last as usize].end - 1;
        self.dirty.insert(last as usize * 2 + 1);
    }
}

impl<'a> Propagation<'a> {
    fn graph(&self) -> &'a Graph {
        self.compiled.graph
    }

    /// Brings the conclusions of a customer who just became known to this instant.
    pub(crate) fn begin(&mut self, identity: &dyn Identity) {
        let graph = self.graph();
        for subject in graph.by_clock.iter().chain(&graph.by_ids) {
            self.touch(*subject);
        }
        for (segment, node) in &graph.listed {
            self.set_leaf(*node, identity.is_listed(*segment));
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
                Kind::Gate(block) if number % 2 == 1 => self.visit_blocks(block),
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
            known: Live { customer: self.customer, truths: Some(&self.conclusions.truths) },
            order: self.order,
            now: self.now,
            call: AtCall::default(),
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
        let wanted = value.map(|value| subject.equalities(value)).unwrap_or_default();
        let range = first as usize..(first + subject.equalities) as usize;
        let before = self.conclusions.truths.true_nodes(range);
        for node in &before {
            if !wanted.contains(&(*node as u32 - first)) {
                self.flip_leaf(*node);
            }
        }
        for place in wanted {
            self.set_leaf(first + place, true);
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

    /// Announces the tests that changed. Neighbours that turned the same way mostly have blocks that are
    /// neighbours, too, and these are visited as one.
    fn drain_changed(&mut self) {
        let graph = self.graph();
        let mut run: Option<(u32, u32)> = None;
        while let Some(node) = self.scratch.changed.pop() {
            self.scratch.work.predicates += 1;
            let block = self.announce(node as u32);
            run = match (run, block) {
                (Some((first, last)), Some(block)) if self.continues(last, block) => Some((first, block)),
                (before, _) => {
                    before.into_iter().for_each(|(first, last)| self.scratch.visit_later(graph, first, last));
                    block.map(|block| (block, block))
                }
            };
        }
        run.into_iter().for_each(|(first, last)| self.scratch.visit_later(graph, first, last));
    }

    /// Whether a block follows another one, and all their gates have the same truth below them.
    fn continues(&self, last: u32, block: u32) -> bool {
        let [last, next] = [last, block].map(|block| self.graph().blocks[block as usize]);
        let truths = &self.conclusions.truths;
        next.first == last.end
            && next.level == last.level
            && truths.get(last.primary) == truths.get(next.primary)
    }

    /// Tells everything above a node that it turned, but for the block that it is the only primary of,
    /// which is the caller's to visit.
    fn announce(&mut self, node: u32) -> Option<u32> {
        let graph = self.graph();
        let index = node as usize;
        let above = graph.above[index];
        if above.block == Few::MANY {
            for block in graph.primary_of.get(index) {
                self.scratch.visit_later(graph, *block, *block);
            }
        }
        if graph.has_parents.get(index) {
            for parent in graph.parents.get(index) {
                self.scratch.dirty.insert(*parent as usize * 2);
            }
        }
        let truth = self.conclusions.truths.node(index);
        if let Some(segment) = above.segment.one() {
            self.scratch.turned.push((SegmentId(segment / 2), truth != (segment % 2 == 1)));
        } else if above.segment == Few::MANY {
            let decides = graph.decides.get(index).iter();
            self.scratch.turned.extend(decides.map(|(segment, negated)| (*segment, truth != *negated)));
        }
        above.block.one()
    }

    /// Tells everything above a gate that it turned.
    fn announce_gate(&mut self, node: u32) {
        if let Some(block) = self.announce(node) {
            self.scratch.visit_later(self.compiled.graph, block, block);
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
            self.announce_gate(node);
        }
    }

    /// The primaries of blocks changed. They come after the visits to the blocks' gates, so that their
    /// rests are up to date and each gate turns at most once.
    fn visit_blocks(&mut self, last: u32) {
        let graph = self.graph();
        let first = std::mem::replace(&mut self.scratch.first_blocks[last as usize], u32::MAX);
        let Block { primary, first, .. } = graph.blocks[first as usize];
        let (first, end) = (first as usize, graph.blocks[last as usize].end as usize);
        self.scratch.work.gates += (end - first) as u64;
        let primary = self.conclusions.truths.get(primary);
        for word in first / 64..end.div_ceil(64) {
            let members = mask(word, &(first..end));
            let mut turned = self.conclusions.truths.set_gates(word, members, primary);
            while turned != 0 {
                self.announce_gate((word * 64) as u32 + turned.trailing_zeros());
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
            self.announce_gate(node);
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
