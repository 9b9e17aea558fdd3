//! The truth of every node of the graph for one customer.

use crate::base::bits::Bits;
use crate::derived::graph::Literal;

/// The truths: about two bits a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Truths {
    /// Whether each node is true.
    pub(crate) nodes: Bits,
    /// Of each gate, whether all children but the primary are true.
    pub(crate) rest: Bits,
}

impl Default for Truths {
    fn default() -> Truths {
        Truths::new(1)
    }
}

impl Truths {
    /// Nothing is true but node 0.
    pub(crate) fn new(nodes: u32) -> Truths {
        let mut truths = Truths { nodes: Bits::new(nodes as usize), rest: Bits::new(nodes as usize) };
        truths.nodes.set(0, true);
        truths
    }

    /// Whether a literal is true.
    pub(crate) fn get(&self, literal: Literal) -> bool {
        self.nodes.get(literal.node() as usize) != literal.is_negated()
    }

    /// Whether all literals are true.
    pub(crate) fn all(&self, literals: &[Literal]) -> bool {
        literals.iter().all(|literal| self.get(*literal))
    }
}
