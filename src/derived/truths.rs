//! The truth of every node of the graph for one customer, in one piece of memory.

use std::ops::Range;

use smallvec::SmallVec;

use crate::base::bits::Bits;
use crate::derived::graph::Literal;

/// The truths: about two bits a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Truths {
    /// Whether each node is true; then, from a whole word on, of each gate whether all children but the
    /// primary are true.
    bits: Bits,
    /// The first word of the second half.
    rest: usize,
}

impl Default for Truths {
    fn default() -> Truths {
        Truths::new(1)
    }
}

impl Truths {
    /// Nothing is true but node 0.
    pub(crate) fn new(nodes: u32) -> Truths {
        let rest = (nodes as usize).div_ceil(64);
        let mut truths = Truths { bits: Bits::new(rest * 128), rest };
        truths.set_node(0, true);
        truths
    }

    /// The bits: the nodes', and from a whole word on those of the rests.
    pub(crate) fn words(&self) -> &[u64] {
        self.bits.words()
    }

    /// The truths of a graph of `nodes` nodes, from its words.
    pub(crate) fn from_words(nodes: u32, words: impl ExactSizeIterator<Item = u64>) -> Truths {
        let mut truths = Truths::new(nodes);
        debug_assert_eq!(words.len(), truths.words().len());
        truths.bits.fill(words);
        truths
    }

    /// Whether a literal is true.
    pub(crate) fn get(&self, literal: Literal) -> bool {
        self.node(literal.node() as usize) != literal.is_negated()
    }

    /// Whether all literals are true.
    pub(crate) fn all(&self, literals: &[Literal]) -> bool {
        literals.iter().all(|literal| self.get(*literal))
    }

    /// Whether a node is true.
    pub(crate) fn node(&self, node: usize) -> bool {
        self.bits.get(node)
    }

    /// Makes a node true or false.
    pub(crate) fn set_node(&mut self, node: usize, truth: bool) {
        self.bits.set(node, truth);
    }

    /// Turns a node over.
    pub(crate) fn flip_node(&mut self, node: usize) {
        self.bits.flip(node);
    }

    /// Says of a gate whether all children but the primary are true.
    pub(crate) fn set_rest(&mut self, gate: usize, truth: bool) {
        self.bits.set(self.rest * 64 + gate, truth);
    }

    /// How many nodes of a range are true.
    pub(crate) fn count_nodes(&self, range: Range<usize>) -> usize {
        self.bits.count_ones_in(range)
    }

    /// The nodes of a range that are true.
    pub(crate) fn true_nodes(&self, range: Range<usize>) -> SmallVec<[usize; 8]> {
        self.bits.ones_in(range)
    }

    /// Makes the gates of a word, among `members`, what their rests are, or all false; gives those that
    /// turned.
    pub(crate) fn set_gates(&mut self, word: usize, members: u64, primary: bool) -> u64 {
        let target = if primary { self.bits.word(self.rest + word) & members } else { 0 };
        let turned = (self.bits.word(word) & members) ^ target;
        self.bits.flip_in_word(word, turned);
        turned
    }
}
