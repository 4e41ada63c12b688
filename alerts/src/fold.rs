//! What is left to ask of a rule where the source and the name of an event are known.
//!
//! Most rules ask for a source and names first. For each pair that comes by, those tests are answered once and taken out
//! of the tree; of many rules nothing is left, and they hold or never hold. Knows the program and no batch.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::compile::{Node, Program};
use crate::field::Place;
use crate::test::{Leaf, Test};

/// Pairs that are remembered: AWS has some twenty thousand calls, and attackers invent more.
const MAX_PAIRS: usize = 16_384;
/// Longest text of a remembered pair, in bytes.
const MAX_TEXT_BYTES: usize = 256;

/// A rule that a row with some source and name can match.
#[derive(Debug)]
pub(crate) struct Ready {
    /// Its number.
    pub(crate) rule: usize,
    /// Its place among the rules that need no source and no name.
    pub(crate) broad: Option<usize>,
    /// What else must hold; `None` where nothing else must.
    pub(crate) rest: Option<Node>,
}

/// A source and a name.
type Call = (Option<String>, Option<String>);

/// The rules by source and name, over all batches.
#[derive(Debug, Default)]
pub(crate) struct Folds {
    known: HashMap<Call, Arc<[Ready]>, ahash::RandomState>,
}

impl Folds {
    /// Rules that a row with this source and name can match, in order. True of what is in the columns: a record that keeps
    /// fields in `extra` may match more.
    pub(crate) fn of(&mut self, program: &Program, source: Option<&str>, name: Option<&str>) -> Arc<[Ready]> {
        let key = (source.map(str::to_owned), name.map(str::to_owned));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let ready: Arc<[Ready]> = fold(program, source, name).into();
        if [source, name].into_iter().flatten().all(|text| text.len() <= MAX_TEXT_BYTES) {
            if self.known.len() >= MAX_PAIRS {
                self.known.clear();
            }
            self.known.insert(key, ready.clone());
        }
        ready
    }
}

fn fold(program: &Program, source: Option<&str>, name: Option<&str>) -> Vec<Ready> {
    let mut ready = Vec::new();
    for rule in program.candidates(source, name) {
        let Some(runnable) = program.rule(rule) else { continue };
        let rest = match left(program, &runnable.node, source, name) {
            Left::Known(false) => continue,
            Left::Known(true) => None,
            Left::Open(node) => Some(node),
        };
        ready.push(Ready { rule, broad: program.broad().binary_search(&rule).ok(), rest });
    }
    ready
}

/// A tree of which some answers are known.
enum Left {
    Known(bool),
    Open(Node),
}

fn left(program: &Program, node: &Node, source: Option<&str>, name: Option<&str>) -> Left {
    let part = |node| left(program, node, source, name);
    match node {
        Node::All(parts) => join(parts.iter().map(part), false, Node::All),
        Node::Any(parts) => join(parts.iter().map(part), true, Node::Any),
        Node::Not(inner) => match part(inner) {
            Left::Known(holds) => Left::Known(!holds),
            Left::Open(node) => Left::Open(Node::Not(Box::new(node))),
        },
        Node::Atom(number) => {
            let Some(atom) = program.atoms.get(*number) else { return Left::Known(false) };
            let text = match program.fields.get(atom.field).map(|field| &field.place) {
                Some(Place::Text(path)) if path == "eventsource" => source,
                Some(Place::Text(path)) if path == "eventname" => name,
                _ => return Left::Open(node.clone()),
            };
            match atom.test {
                Test::SameAs(..) => Left::Open(node.clone()),
                _ => Left::Known(text.is_some_and(|text| atom.test.passes(Leaf::Text(text)))),
            }
        }
        Node::Keyword(_) => Left::Open(node.clone()),
    }
}

/// Parts of which one that is `decisive` decides all, and the others say nothing.
fn join(parts: impl Iterator<Item = Left>, decisive: bool, make: fn(Vec<Node>) -> Node) -> Left {
    let mut open = Vec::new();
    for part in parts {
        match part {
            Left::Known(holds) if holds == decisive => return Left::Known(decisive),
            Left::Known(_) => {}
            Left::Open(node) => open.push(node),
        }
    }
    match open.len() {
        0 => Left::Known(!decisive),
        1 => Left::Open(open.swap_remove(0)),
        _ => Left::Open(make(open)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::Expr;
    use crate::test::{Shape, TextTest};

    fn is(field: &str, value: &str) -> Expr {
        Expr::Field(field.to_owned(), Test::Text(TextTest::new(Shape::Is, false, value)))
    }

    #[test]
    fn what_is_known_is_asked_no_more() {
        let mut program = Program::default();
        let call = || is("eventName", "CreateUser");
        let failed = || is("errorCode", "AccessDenied");
        for expr in [
            call(),
            Expr::All(vec![call(), failed()]),
            Expr::Any(vec![call(), failed()]),
            Expr::All(vec![Expr::Not(Box::new(call())), failed()]),
            failed(),
        ] {
            assert!(program.add(&expr).is_ok());
        }
        let rest = |name: Option<&str>| -> Vec<(usize, bool)> {
            fold(&program, Some("iam.amazonaws.com"), name).iter().map(|r| (r.rule, r.rest.is_some())).collect()
        };
        assert_eq!(rest(Some("createuser")), [(0, false), (1, true), (2, false), (4, true)]);
        assert_eq!(rest(Some("ListUsers")), [(2, true), (3, true), (4, true)]);
        assert_eq!(rest(None), [(2, true), (3, true), (4, true)]);
    }

    #[test]
    fn pairs_are_forgotten_before_they_are_too_many() {
        let (program, mut folds) = (Program::default(), Folds::default());
        for at in 0..MAX_PAIRS + 10 {
            folds.of(&program, Some("s"), Some(&at.to_string()));
        }
        assert_eq!(folds.known.len(), 10);
        folds.of(&program, Some("s"), Some(&"x".repeat(MAX_TEXT_BYTES + 1)));
        assert_eq!(folds.known.len(), 10);
    }
}
