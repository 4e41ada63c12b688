//! All rules as one program: tests shared, fields found, rules indexed by the events they can match.
//!
//! Most rules need certain values of `eventSource` or `eventName`; those needs are read from the tree, and a rule is
//! not looked at in a row that lacks them. A test that several rules share is one [`Atom`]. Knows the table's fields
//! and no batch.

use hashbrown::HashMap;
use ingest::schema::{COLUMNS, Kind};

use crate::condition::Expr;
use crate::field::{Field, Place};
use crate::needles::Needles;
use crate::test::{Shape, Test, TextTest};

/// A test on a field.
#[derive(Debug)]
pub(crate) struct Atom {
    /// Position in [`Program::fields`].
    pub(crate) field: usize,
    /// For [`Test::SameAs`], the other field.
    pub(crate) other: usize,
    /// The test.
    pub(crate) test: Test,
    /// Worth answering once per distinct value: looking at the text costs more than looking up its code.
    pub(crate) by_value: bool,
}

/// A rule's tree over atoms.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// Every part holds.
    All(Vec<Node>),
    /// Some part holds.
    Any(Vec<Node>),
    /// The part does not hold.
    Not(Box<Node>),
    /// Position in [`Program::atoms`].
    Atom(usize),
    /// Position in [`Program::keywords`].
    Keyword(usize),
}

/// Values of one column of which a row must have one, lower case; `None` if any will do.
type Need = Option<Vec<String>>;

/// A rule ready to run.
#[derive(Debug)]
pub(crate) struct Runnable {
    /// Its tree.
    pub(crate) node: Node,
    /// Sources that it needs.
    pub(crate) source: Need,
    /// Names that it needs.
    pub(crate) name: Need,
}

/// All rules.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// Fields that the rules ask for.
    pub(crate) fields: Vec<Field>,
    /// Tests on them.
    pub(crate) atoms: Vec<Atom>,
    /// Tests on any leaf.
    pub(crate) keywords: Vec<Test>,
    /// The rules.
    pub(crate) rules: Vec<Runnable>,
    field_names: HashMap<String, usize>,
    atom_keys: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
    by_source: HashMap<String, Vec<usize>>,
    always: Vec<usize>,
}

impl Program {
    /// Adds a rule and gives its number; numbers count from 0 in order of addition.
    pub(crate) fn add(&mut self, expr: &Expr) -> Result<usize, String> {
        let node = self.node(expr)?;
        let (source, name) = (self.need(&node, "eventsource"), self.need(&node, "eventname"));
        let number = self.rules.len();
        match (&name, &source) {
            (Some(names), _) => names.iter().for_each(|n| self.by_name.entry_ref(n.as_str()).or_default().push(number)),
            (None, Some(sources)) => {
                sources.iter().for_each(|s| self.by_source.entry_ref(s.as_str()).or_default().push(number));
            }
            (None, None) => self.always.push(number),
        }
        self.rules.push(Runnable { node, source, name });
        Ok(number)
    }

    /// The number of a field.
    pub(crate) fn field(&mut self, name: &str) -> Result<usize, String> {
        // Case is kept: it counts inside JSON.
        if let Some(number) = self.field_names.get(name) {
            return Ok(*number);
        }
        let field = Field::find(name)?;
        let known = self.fields.iter().position(|f| *f == field);
        let number = known.unwrap_or_else(|| {
            self.fields.push(field);
            self.fields.len() - 1
        });
        self.field_names.insert(name.to_owned(), number);
        Ok(number)
    }

    /// A rule, by its number.
    pub(crate) fn rule(&self, number: usize) -> Option<&Runnable> {
        self.rules.get(number)
    }

    /// Rules that need no source and no name, in order.
    pub(crate) fn broad(&self) -> &[usize] {
        &self.always
    }

    /// Rules that a row with this source and name can match, in order.
    pub(crate) fn candidates(&self, source: Option<&str>, name: Option<&str>) -> Vec<usize> {
        let source = source.map(str::to_lowercase);
        let name = name.map(str::to_lowercase);
        let has = |need: &Need, value: &Option<String>| match (need, value) {
            (None, _) => true,
            (Some(values), Some(value)) => values.contains(value),
            (Some(_), None) => false,
        };
        let named = name.as_ref().and_then(|n| self.by_name.get(n)).into_iter().flatten();
        let sourced = source.as_ref().and_then(|s| self.by_source.get(s)).into_iter().flatten();
        let mut found: Vec<usize> = named
            .chain(sourced)
            .chain(&self.always)
            .copied()
            .filter(|rule| self.rules.get(*rule).is_some_and(|r| has(&r.source, &source) && has(&r.name, &name)))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn node(&mut self, expr: &Expr) -> Result<Node, String> {
        let mut nodes = |parts: &[Expr]| -> Result<Vec<Node>, String> {
            let mut nodes = parts.iter().map(|part| self.node(part)).collect::<Result<Vec<_>, _>>()?;
            // Cheap tests first: the order of parts does not change what holds.
            nodes.sort_by_key(|node| self.cost(node));
            Ok(nodes)
        };
        match expr {
            Expr::All(parts) => nodes(parts).map(Node::All),
            Expr::Any(parts) => match one_of(parts).or_else(|| has_any(parts)) {
                Some((name, test)) => self.atom(name, &test).map(Node::Atom),
                None => match any_keyword(parts) {
                    Some(test) => Ok(self.keyword(test)),
                    None => nodes(parts).map(Node::Any),
                },
            },
            Expr::Not(part) => Ok(Node::Not(Box::new(self.node(part)?))),
            Expr::Field(name, test) => self.atom(name, test).map(Node::Atom),
            Expr::Keyword(test) => Ok(self.keyword(Test::Text(test.clone()))),
        }
    }

    fn keyword(&mut self, test: Test) -> Node {
        self.keywords.push(test);
        Node::Keyword(self.keywords.len() - 1)
    }

    fn atom(&mut self, name: &str, test: &Test) -> Result<usize, String> {
        let field = self.field(name)?;
        let other = match test {
            Test::SameAs(other, ..) => self.field(other)?,
            _ => field,
        };
        // Tests are equal when they are written equal.
        let key = format!("{field} {other} {test:?}");
        if let Some(atom) = self.atom_keys.get(&key) {
            return Ok(*atom);
        }
        let by_value = !matches!(test, Test::Present | Test::NotNull);
        self.atoms.push(Atom { field, other, test: test.clone(), by_value });
        self.atom_keys.insert(key, self.atoms.len() - 1);
        Ok(self.atoms.len() - 1)
    }

    /// Cheapest first; only the order is meant.
    fn cost(&self, node: &Node) -> usize {
        match node {
            Node::All(parts) | Node::Any(parts) => parts.iter().map(|p| self.cost(p)).sum(),
            Node::Not(part) => self.cost(part),
            Node::Keyword(_) => 10_000,
            Node::Atom(atom) => match self.atoms.get(*atom).and_then(|a| self.fields.get(a.field)).map(|f| &f.place) {
                Some(Place::Text(path)) if is_dictionary(path) => 1,
                Some(Place::Text(_) | Place::Boolean(_) | Place::Nowhere) | None => 4,
                Some(Place::Time(_)) => 10,
                Some(Place::Json(..) | Place::List(..)) => 50,
                Some(Place::Object(..)) => 500,
            },
        }
    }

    /// Values of `column` of which every row that `node` holds for has one.
    fn need(&self, node: &Node, column: &str) -> Need {
        match node {
            Node::All(parts) => {
                // The smallest need of the parts will do: each of them is necessary.
                parts.iter().filter_map(|part| self.need(part, column)).min_by_key(Vec::len)
            }
            Node::Any(parts) => {
                let mut values = Vec::new();
                for part in parts {
                    values.extend(self.need(part, column)?);
                }
                values.sort_unstable();
                values.dedup();
                Some(values)
            }
            Node::Atom(atom) => {
                let atom = self.atoms.get(*atom)?;
                match (&self.fields.get(atom.field)?.place, &atom.test) {
                    (Place::Text(path), _) if path != column => None,
                    (Place::Text(_), Test::OneOf(values)) => Some(values.clone()),
                    (Place::Text(_), Test::Text(TextTest { shape: Shape::Is, needle, .. })) => {
                        Some(vec![needle.to_lowercase()])
                    }
                    _ => None,
                }
            }
            Node::Not(_) | Node::Keyword(_) => None,
        }
    }
}

fn is_dictionary(path: &str) -> bool {
    COLUMNS.iter().any(|column| column.name == path && column.kind == Kind::Dictionary)
}

/// Parts that all ask whether one field is one of several texts, as one test: a list of values.
fn one_of(parts: &[Expr]) -> Option<(&str, Test)> {
    let Expr::Field(name, _) = parts.first()? else { return None };
    let mut values = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Expr::Field(field, Test::Text(TextTest { shape: Shape::Is, cased: false, needle })) if field == name => {
                values.push(needle.clone());
            }
            _ => return None,
        }
    }
    values.sort_unstable();
    values.dedup();
    Some((name, Test::OneOf(values)))
}

/// Parts that all ask whether a text stands in one field, as one test.
fn has_any(parts: &[Expr]) -> Option<(&str, Test)> {
    let Expr::Field(name, _) = parts.first()? else { return None };
    let needle = |part: &Expr| match part {
        Expr::Field(field, Test::Text(test)) if field == name => contained(test),
        _ => None,
    };
    let needles = parts.iter().map(needle).collect::<Option<Vec<_>>>()?;
    (needles.len() > 1).then(|| Needles::new(needles)).flatten().map(|needles| (name.as_str(), Test::HasAny(needles)))
}

/// Parts that all ask whether a text stands in any field, as one test: the record is walked once.
fn any_keyword(parts: &[Expr]) -> Option<Test> {
    let needle = |part: &Expr| if let Expr::Keyword(test) = part { contained(test) } else { None };
    let needles = parts.iter().map(needle).collect::<Option<Vec<_>>>()?;
    (needles.len() > 1).then(|| Needles::new(needles)).flatten().map(Test::HasAny)
}

/// The text that a test looks for anywhere and in any case.
fn contained(test: &TextTest) -> Option<String> {
    match test {
        TextTest { shape: Shape::Contains, cased: false, needle } => Some(needle.clone()),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn is(field: &str, value: &str) -> Expr {
        Expr::Field(field.to_owned(), Test::Text(TextTest::new(Shape::Is, false, value)))
    }

    #[test]
    fn rules_are_found_by_what_they_need() {
        let mut program = Program::default();
        let both = Expr::All(vec![is("eventSource", "IAM.amazonaws.com"), is("eventName", "CreateUser")]);
        let either = Expr::Any(vec![is("eventName", "CreateUser"), is("eventName", "DeleteUser")]);
        let free = Expr::Any(vec![is("eventName", "CreateUser"), is("errorCode", "AccessDenied")]);
        let not = Expr::Not(Box::new(is("eventName", "CreateUser")));
        for expr in [&both, &either, &free, &not] {
            program.add(expr).unwrap();
        }
        assert_eq!(program.candidates(Some("iam.amazonaws.com"), Some("createuser")), [0, 1, 2, 3]);
        assert_eq!(program.candidates(Some("s3.amazonaws.com"), Some("CreateUser")), [1, 2, 3]);
        assert_eq!(program.candidates(None, Some("DeleteUser")), [1, 2, 3]);
        assert_eq!(program.candidates(None, None), [2, 3]);
    }

    #[test]
    fn equal_tests_are_one() {
        let mut program = Program::default();
        program.add(&is("eventName", "CreateUser")).unwrap();
        program.add(&Expr::Not(Box::new(is("EVENTNAME", "createuser")))).unwrap();
        assert_eq!((program.atoms.len(), program.fields.len()), (1, 1));
    }
}
