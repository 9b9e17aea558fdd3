//! The order in which computed attributes, segments and experiments are checked, and the cycles among them.
//!
//! A definition is checked after those it names, because a computed attribute's expression is put in
//! its place. The walk keeps its own stack: catalogs are large and chains of definitions long.

use std::ops::Range;

use crate::model::value::Value;
use crate::rules::syntax::{Kind, Node};

use super::aggregate;

/// A definition named by another, and where.
pub(super) type Mention = (usize, Range<usize>);

/// A cycle: the definition whose text closes it, where, and the definitions on it in order.
pub(super) struct Cycle {
    pub(super) closed_by: usize,
    pub(super) at: Range<usize>,
    pub(super) path: Vec<usize>,
}

/// A name in a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'n> {
    /// Of an attribute, a computed attribute, or a segment.
    Bare(&'n str),
    /// Of an experiment, in `variant("…")`.
    Experiment(&'n str),
}

/// Visits the names in a condition that mean something of the profile, with their places.
pub(super) fn names<'n>(node: &'n Node, visit: &mut dyn FnMut(Name<'n>, &Range<usize>)) {
    walk(node, &mut Vec::new(), visit);
}

fn walk<'n>(node: &'n Node, variables: &mut Vec<&'n str>, visit: &mut dyn FnMut(Name<'n>, &Range<usize>)) {
    match &node.kind {
        Kind::Name(name) => {
            if !variables.contains(&name.as_str()) {
                visit(Name::Bare(name), &node.at);
            }
        }
        Kind::Call { target: Some(target), .. } if let Some(chain) = aggregate::chain(target) => {
            aggregate::profile_parts(&chain).for_each(|part| walk(part, variables, visit));
        }
        Kind::Call { function, target: None, arguments } if function == "variant" => {
            if let [Node { kind: Kind::Literal(Value::String(name)), at }] = &arguments[..] {
                visit(Name::Experiment(name), at);
            }
        }
        Kind::Quantified { list, variable, condition, .. } => {
            walk(list, variables, visit);
            variables.push(variable);
            walk(condition, variables, visit);
            variables.pop();
        }
        _ => node.for_each_part(&mut |part| walk(part, variables, visit)),
    }
}

/// All definitions, each after those it mentions, and the cycles that prevent that.
pub(super) fn order(mentions: &[Vec<Mention>]) -> (Vec<usize>, Vec<Cycle>) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; mentions.len()];
    let mut ordered = Vec::with_capacity(mentions.len());
    let mut cycles = Vec::new();
    for start in 0..mentions.len() {
        // Each entry is a definition and how many of its mentions have been followed.
        let mut path = Vec::new();
        if states[start] == State::New {
            states[start] = State::Open;
            path.push((start, 0));
        }
        while let Some((definition, followed)) = path.last_mut() {
            let definition = *definition;
            let Some((next, at)) = mentions[definition].get(*followed) else {
                states[definition] = State::Done;
                ordered.push(definition);
                path.pop();
                continue;
            };
            *followed += 1;
            match states[*next] {
                State::Done => {}
                State::New => {
                    states[*next] = State::Open;
                    path.push((*next, 0));
                }
                State::Open => {
                    let from = path.iter().position(|(open, _)| open == next).unwrap_or(0);
                    let members = path[from..].iter().map(|(open, _)| *open).collect();
                    cycles.push(Cycle { closed_by: definition, at: at.clone(), path: members });
                }
            }
        }
    }
    (ordered, cycles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_after_those_it_names() {
        let to = |next: usize| (next, 0..1);
        let (ordered, cycles) = order(&[vec![to(1), to(2)], vec![to(2)], vec![]]);
        assert_eq!(ordered, [2, 1, 0]);
        assert!(cycles.is_empty());
        let (ordered, cycles) = order(&[vec![to(1)], vec![to(0)], vec![to(2)]]);
        assert_eq!(ordered.len(), 3);
        assert_eq!(cycles.iter().map(|cycle| cycle.path.clone()).collect::<Vec<_>>(), [vec![0, 1], vec![2]]);
    }

    #[test]
    fn long_chains_need_no_stack() {
        let forward: Vec<Vec<Mention>> =
            (0..200_000).map(|n| if n + 1 < 200_000 { vec![(n + 1, 0..1)] } else { vec![] }).collect();
        let (ordered, cycles) = order(&forward);
        assert_eq!((ordered[0], ordered.len(), cycles.len()), (199_999, 200_000, 0));
    }
}
