//! The shared graph of all conditions of a catalog.
//!
//! Nodes are numbered so that a node's children have lower numbers. Everything is a conjunction: a
//! literal is a node or its complement, and a disjunction is the complement of a conjunction of
//! complements. Equal conjunctions are one node, so conditions that share a part share its work.
//!
//! A conjunction has one *primary* child, the one expected to change most often and to be shared most;
//! gates with the same primary lie side by side as a *block*. Beside its truth a gate keeps whether the
//! *rest* of its children are all true. When a primary flips, the truths of its whole block become
//! either the rest bits or zero, 64 gates in one operation.
//!
//! Invariants:
//! 1. Children of node `n` are less than `n`; node 0 is always true.
//! 2. The nodes of a block are contiguous, each gate is in exactly one block, and no gate of a block
//!    depends on another one of it.
//! 3. `template` holds the truths of a known profile without facts at the beginning of time.

use ahash::AHashMap;

use crate::base::bits::Bits;
use crate::base::time::Duration;
use crate::derived::subject::{Subject, SubjectId};
use crate::derived::truths::Truths;
use crate::model::ids::{AttributeId, SegmentId, SourceId};
use crate::rules::expression::Expr;

/// A node, or its complement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Literal(u32);

/// The graph.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: u32,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) held: Vec<HeldGate>,
    /// What each node is.
    pub(crate) kinds: Vec<Kind>,
    /// For each gate, its children without the primary.
    pub(crate) rest: Lists<Literal>,
    /// For each node, the gates that have it among the rest, the held gates over it, and the probes of
    /// subjects that read it.
    pub(crate) parents: Lists<u32>,
    /// For each node, the blocks whose primary it is.
    pub(crate) primary_of: Lists<u32>,
    /// For each node, the segments that it decides, and whether by its complement.
    pub(crate) decides: Lists<(SegmentId, bool)>,
    /// For each node, what stands above it, as far as it fits in one place.
    pub(crate) above: Vec<Above>,
    /// Whether each node has parents.
    pub(crate) has_parents: Bits,
    /// For each segment, the literal that decides it.
    pub(crate) segments: Vec<Literal>,
    /// For conditions that are no segments, such as offers': the literal that decides each.
    pub(crate) conditions: Vec<Literal>,
    /// Where each `held` of the catalog is.
    pub(crate) held_by_condition: AHashMap<(Expr, Duration), Literal>,
    /// Static segments and their nodes.
    pub(crate) listed: Vec<(SegmentId, u32)>,
    /// Subjects to measure anew when an attribute changes, and when a source takes an event.
    pub(crate) by_attribute: Lists<SubjectId>,
    pub(crate) by_source: Lists<SubjectId>,
    /// Subjects that the clock moves even without facts.
    pub(crate) by_clock: Vec<SubjectId>,
    /// Subjects that read who the customer is.
    pub(crate) by_ids: Vec<SubjectId>,
    pub(crate) template: Truths,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Node 0.
    True,
    /// A test on a subject, or the membership in a static segment: set from below.
    Leaf,
    /// A place in the order at which a subject that reads nodes is measured; its bit means nothing.
    Probe(SubjectId),
    /// A conjunction, and its block.
    Gate(u32),
    /// A `held`, by its place in [`Graph::held`].
    Held(u32),
}

/// Gates with the same primary child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) primary: Literal,
    /// How many levels of gates its gates stand on.
    pub(crate) level: u32,
    pub(crate) first: u32,
    /// One past the last.
    pub(crate) end: u32,
}

/// What stands above a node. Nearly all nodes have one thing above them at most, which is found here in
/// one look; only what does not fit is looked up in the lists.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Above {
    /// The block whose primary it is.
    pub(crate) block: Few,
    /// The segment that it decides, twice, and one more if by its complement.
    pub(crate) segment: Few,
}

/// No number, one, or more than one, in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Few(u32);

/// A `held(condition, duration)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldGate {
    pub(crate) node: u32,
    pub(crate) condition: Literal,
    pub(crate) duration: Duration,
}

/// Lists of varying length, in one piece of memory.
#[derive(Debug)]
pub(crate) struct Lists<T> {
    /// Where each list begins; one more than there are lists.
    starts: Vec<u32>,
    items: Vec<T>,
}

impl Literal {
    /// What is always true.
    pub(crate) const TRUE: Literal = Literal(0);

    /// The truth of a node.
    pub(crate) fn of(node: u32) -> Literal {
        Literal(node << 1)
    }

    /// The complement if `negated`.
    pub(crate) fn not_if(self, negated: bool) -> Literal {
        Literal(self.0 ^ u32::from(negated))
    }

    /// The node.
    pub(crate) fn node(self) -> u32 {
        self.0 >> 1
    }

    /// Whether it is the complement of the node.
    pub(crate) fn is_negated(self) -> bool {
        self.0 & 1 == 1
    }
}

impl Default for Few {
    fn default() -> Few {
        Few::NONE
    }
}

impl Few {
    pub(crate) const NONE: Few = Few(u32::MAX);
    pub(crate) const MANY: Few = Few(u32::MAX - 1);

    /// One more.
    pub(crate) fn add(&mut self, number: u32) {
        *self = if *self == Few::NONE { Few(number) } else { Few::MANY };
    }

    /// The number, if there is just one.
    pub(crate) fn one(self) -> Option<u32> {
        (self.0 < Few::MANY.0).then_some(self.0)
    }
}

impl<T> Default for Lists<T> {
    fn default() -> Lists<T> {
        Lists { starts: vec![0], items: Vec::new() }
    }
}

impl<T: Copy> Lists<T> {
    /// `len` lists from pairs of (list, item); the order of a list's items is kept.
    pub(crate) fn from_pairs(len: usize, pairs: &[(u32, T)]) -> Lists<T> {
        let mut starts = vec![0_u32; len + 1];
        for (list, _) in pairs {
            starts[*list as usize + 1] += 1;
        }
        for index in 0..len {
            starts[index + 1] += starts[index];
        }
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by_key(|index| pairs[*index].0);
        Lists { starts, items: order.into_iter().map(|index| pairs[index].1).collect() }
    }

    /// One list.
    pub(crate) fn get(&self, list: usize) -> &[T] {
        &self.items[self.starts[list] as usize..self.starts[list + 1] as usize]
    }
}

impl Graph {
    /// The subjects that an attribute is read by.
    pub(crate) fn subjects_of_attribute(&self, attribute: AttributeId) -> &[SubjectId] {
        self.by_attribute.get(attribute.index())
    }

    /// The subjects that a source is read by.
    pub(crate) fn subjects_of_source(&self, source: SourceId) -> &[SubjectId] {
        self.by_source.get(source.index())
    }

    /// A subject.
    pub(crate) fn subject(&self, id: SubjectId) -> &Subject {
        &self.subjects[id.0 as usize]
    }
}
