//! A catalog file as a tree of values, each with its place: what TOML and JSON have in common.
//!
//! Both languages are read into this tree, and everything after it is the same for both. Entries of a
//! table keep the order they were written in, because the order of offers has a meaning and findings
//! are easiest to follow from top to bottom.
//!
//! Invariants:
//! 1. The keys of a table are distinct.
//! 2. The tree is at most [`MAX_TREE_DEPTH`] levels deep, so that every walk over it may recurse.

use crate::base::source_text::{Span, Spanned, Text};

/// Deepest nesting of a catalog file, levels. What a catalog has to say needs about 20.
pub(super) const MAX_TREE_DEPTH: usize = 64;

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Table(Vec<Entry>),
    Array(Vec<Node>),
    String(Text),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A TOML date, time, or both, as RFC 3339 writes it.
    Date(String),
    /// JSON's `null`.
    Null,
}

/// A key of a table and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Spanned<String>,
    pub(super) value: Node,
}

impl Node {
    /// What it is, in the words of an error message.
    pub(super) fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Table(_) => "a table",
            Kind::Array(_) => "a list",
            Kind::String(_) => "a string",
            Kind::Int(_) => "an integer",
            Kind::Float(_) => "a float",
            Kind::Bool(_) => "a bool",
            Kind::Date(_) => "a date",
            Kind::Null => "null",
        }
    }
}
