//! The syntax tree of a condition as it was written: names unresolved, types unknown, every part
//! with its place.

use std::ops::Range;

use crate::model::value::Value;

/// A part of a condition and the bytes of the text it was written in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) at: Range<usize>,
}

impl Node {
    /// Visits the parts this one is made of, from left to right.
    pub(crate) fn for_each_part<'n>(&'n self, visit: &mut dyn FnMut(&'n Node)) {
        match &self.kind {
            Kind::Literal(_) | Kind::Null | Kind::Name(_) => {}
            Kind::Select(a, _) | Kind::Not(a) | Kind::Negate(a) => visit(a),
            Kind::Binary(_, a, b) | Kind::Index(a, b) | Kind::Quantified { list: a, condition: b, .. } => {
                visit(a);
                visit(b);
            }
            Kind::Conditional(a, b, c) => {
                visit(a);
                visit(b);
                visit(c);
            }
            Kind::List(elements) => elements.iter().for_each(visit),
            Kind::Call { target, arguments, .. } => {
                target.as_deref().into_iter().chain(arguments).for_each(visit);
            }
        }
    }
}

/// What a [`Node`] is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A literal; never a list or map.
    Literal(Value),
    /// `null`.
    Null,
    Name(String),
    /// `operand.field`.
    Select(Box<Node>, String),
    /// `function(arguments)`, or with a target `target.function(arguments)`. Also `has(x)`.
    Call {
        function: String,
        target: Option<Box<Node>>,
        arguments: Vec<Node>,
    },
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    Conditional(Box<Node>, Box<Node>, Box<Node>),
    Index(Box<Node>, Box<Node>),
    List(Vec<Node>),
    /// `list.exists(variable, condition)`, or `all`.
    Quantified {
        exists: bool,
        list: Box<Node>,
        variable: String,
        condition: Box<Node>,
    },
}

/// An infix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// What is wrong with a condition, and which of its bytes show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// A stable name of the kind of problem, such as `unknown_name`.
    pub(crate) code: &'static str,
    /// What is wrong: lower case, no full stop.
    pub(crate) message: String,
    /// What to do about it, if that can be said.
    pub(crate) help: Option<String>,
    /// Where in the condition's text.
    pub(crate) at: Range<usize>,
}

impl Problem {
    /// A problem at the bytes `at`.
    pub(crate) fn new(code: &'static str, at: &Range<usize>, message: impl Into<String>) -> Problem {
        Problem { code, message: message.into(), help: None, at: at.clone() }
    }

    /// The same problem, with a word on what to do.
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }
}
