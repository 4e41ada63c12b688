//! All rules over one batch: which rule holds in which row.
//!
//! The rules that a pair of source and name can match are looked up once a batch, with what is left to ask of them
//! (`fold`); rules for every event are asked column by column (`broad`). Tests on text that repeats are answered once per
//! distinct value. Pure: the same batch gives the same answer. Knows the
//! program and the batch, and nothing of what a match means.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::buffer::BooleanBuffer;
use hashbrown::HashMap;
use ingest::batch;

use crate::codes::Coded;
use crate::compile::{Atom, Node, Program};
use crate::document::{Ask, Documents};
use crate::fold::{Folds, Ready};
use crate::sighting::keyed;
use crate::test::{Leaf, Test};
use crate::view::{self, View};
use crate::wildcard::Place;

/// A rule that holds in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Match {
    /// Number of the rule: its place in the list given to the engine.
    pub rule: usize,
    /// Row of the batch.
    pub row: usize,
}

/// A batch opened for a program.
pub(crate) struct Run<'p> {
    program: &'p Program,
    batch: RecordBatch,
    views: Vec<Option<View>>,
    /// Answers of an atom by code of the value: unknown, false, true.
    answers: Vec<Vec<u8>>,
    documents: Documents,
    extra: usize,
    /// False where the whole batch has nothing in `extra`, as most have.
    any_extra_at_all: bool,
    /// Views of every column of the record, for keywords.
    record: Option<Vec<View>>,
}

const FALSE: u8 = 1;
const TRUE: u8 = 2;

impl<'p> Run<'p> {
    /// Opens a batch.
    pub(crate) fn new(program: &'p Program, batch: &RecordBatch) -> Self {
        let mut documents = Documents::default();
        let extra = documents.slot(batch, "extra");
        let any_extra_at_all = batch.column_by_name("extra").is_some_and(|c| c.null_count() < c.len());
        Run {
            program,
            batch: batch.clone(),
            views: program.fields.iter().map(|_| None).collect(),
            answers: program.atoms.iter().map(|_| Vec::new()).collect(),
            documents,
            extra,
            any_extra_at_all,
            record: None,
        }
    }

    /// Appends every match, row by row, in order of rules.
    pub(crate) fn matches(&mut self, folds: &mut Folds, out: &mut Vec<Match>) {
        let program = self.program;
        let mut sources = Coded::new(batch::text(&self.batch, "eventsource"));
        let mut names = Coded::new(batch::text(&self.batch, "eventname"));
        let mut places: HashMap<(Option<usize>, Option<usize>), usize, ahash::RandomState> = HashMap::default();
        let mut lists: Vec<Arc<[Ready]>> = Vec::new();
        // A record whose source or name is no text keeps it in `extra`, where no index looks.
        let every: Vec<usize> = (0..program.rules.len()).collect();
        let mut odd: HashMap<(usize, usize), Vec<usize>, ahash::RandomState> = HashMap::default();
        let broad = self.broad();
        for row in 0..self.rows() {
            let pair = (sources.code(row), names.code(row));
            if self.has_extra(row) {
                let (source, name) = (sources.column().get(row), names.column().get(row));
                let pair = pair.0.zip(pair.1).filter(|_| ![source, name].into_iter().flatten().any(is_list));
                let list = || program.candidates(source, name);
                let rules = pair.map_or(&every, |pair| odd.entry(pair).or_insert_with(list));
                self.odd(rules, row, out);
                continue;
            }
            let place = *places.entry(pair).or_insert_with(|| {
                lists.push(folds.of(program, sources.column().get(row), names.column().get(row)));
                lists.len() - 1
            });
            for ready in lists.get(place).into_iter().flat_map(|list| list.iter()) {
                let holds = match (ready.broad.and_then(|place| broad.get(place)), &ready.rest) {
                    (Some(rows), _) => rows.value(row),
                    (None, Some(rest)) => self.holds(rest, row),
                    (None, None) => true,
                };
                if holds {
                    out.push(Match { rule: ready.rule, row });
                }
            }
        }
    }

    /// The matches of a record that keeps something in `extra`: what is there may be asked for too.
    fn odd(&mut self, rules: &[usize], row: usize, out: &mut Vec<Match>) {
        let program = self.program;
        for &rule in rules {
            if program.rule(rule).is_some_and(|runnable| self.holds(&runnable.node, row)) {
                out.push(Match { rule, row });
            }
        }
    }

    /// The program.
    pub(crate) fn program(&self) -> &'p Program {
        self.program
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// The rows whose column passes a test; `None` where the field is no column of text.
    pub(crate) fn column(&mut self, number: usize) -> Option<BooleanBuffer> {
        let atom = self.program.atoms.get(number).filter(|atom| !matches!(atom.test, Test::SameAs(..)))?;
        self.open(atom.field);
        let Some(Some(View::Text(column))) = self.views.get_mut(atom.field) else { return None };
        let answers = self.answers.get_mut(number)?;
        Some(BooleanBuffer::collect_bool(self.batch.num_rows(), |row| passes(atom, column, answers, row)))
    }

    /// The text of a field in a row: its first leaf that has one.
    pub(crate) fn text(&mut self, field: usize, row: usize) -> Option<String> {
        let mut found = None;
        self.any(field, row, &mut |leaf| match leaf {
            Leaf::Text(text) => {
                found = Some(keyed(text).into_owned());
                true
            }
            _ => false,
        });
        found
    }

    /// Appends the text of a field to `out`, with a space before unless it is the first; false if it has none.
    pub(crate) fn push_text(&mut self, field: usize, row: usize, out: &mut String) -> bool {
        self.any(field, row, &mut |leaf| match leaf {
            Leaf::Text(text) if !text.is_empty() => {
                if !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(&keyed(text));
                true
            }
            _ => false,
        })
    }

    /// Whether a tree holds in a row.
    pub(crate) fn holds(&mut self, node: &Node, row: usize) -> bool {
        match node {
            Node::All(parts) => parts.iter().all(|part| self.holds(part, row)),
            Node::Any(parts) => parts.iter().any(|part| self.holds(part, row)),
            Node::Not(part) => !self.holds(part, row),
            Node::Atom(atom) => self.atom(*atom, row),
            Node::Keyword(keyword) => match self.program.keywords.get(*keyword) {
                Some(test) => self.keyword(test, row),
                None => false,
            },
        }
    }

    fn atom(&mut self, number: usize, row: usize) -> bool {
        let program = self.program;
        let Some(atom) = program.atoms.get(number) else { return false };
        if let Test::SameAs(_, place, cased) = &atom.test {
            return self.same(atom.field, atom.other, (*place, *cased), row);
        }
        self.open(atom.field);
        if self.is_in_extra(atom.field, row) {
            return self.any_extra(atom.field, row, &mut |leaf| atom.test.passes(leaf));
        }
        let Some(Some(View::Text(column))) = self.views.get_mut(atom.field) else {
            return self.any(atom.field, row, &mut |leaf| atom.test.passes(leaf));
        };
        let Some(answers) = self.answers.get_mut(number) else { return false };
        let held = passes(atom, column, answers, row);
        held || self.any_extra(atom.field, row, &mut |leaf| atom.test.passes(leaf))
    }

    fn same(&mut self, field: usize, other: usize, (place, cased): (Place, bool), row: usize) -> bool {
        let fold = |text: &str| if cased { text.to_owned() } else { text.to_lowercase() };
        let mut others = Vec::new();
        self.any(other, row, &mut |leaf| {
            if let Leaf::Text(text) = leaf {
                others.push(fold(text));
            }
            false
        });
        if others.is_empty() {
            return false;
        }
        self.any(field, row, &mut |leaf| {
            let Leaf::Text(text) = leaf else { return false };
            let text = fold(text);
            others.iter().any(|other| match place {
                Place::Whole => text == *other,
                Place::Within => text.contains(other.as_str()),
                Place::Start => text.starts_with(other.as_str()),
                Place::End => text.ends_with(other.as_str()),
            })
        })
    }

    /// Whether a row keeps something in `extra`.
    #[inline]
    pub(crate) fn has_extra(&self, row: usize) -> bool {
        self.any_extra_at_all && self.documents.has(self.extra, row)
    }

    fn open(&mut self, field: usize) {
        if let (Some(view @ None), Some(found)) = (self.views.get_mut(field), self.program.fields.get(field)) {
            *view = Some(View::new(found, &self.batch, &mut self.documents));
        }
    }

    fn any(&mut self, field: usize, row: usize, ask: Ask<'_>) -> bool {
        self.open(field);
        if self.is_in_extra(field, row) {
            return self.any_extra(field, row, ask);
        }
        match self.views.get(field) {
            Some(Some(view)) if view.any(row, &mut self.documents, ask) => true,
            _ => self.any_extra(field, row, ask),
        }
    }

    /// Whether what a column says of a row is told better by `extra`: a list where a text belongs is its JSON text in the
    /// column, and its elements are what rules ask about; a list with an odd element is whole there only.
    fn is_in_extra(&mut self, field: usize, row: usize) -> bool {
        let is_odd = self.has_extra(row)
            && match self.views.get(field) {
                Some(Some(View::Text(column))) => column.column().get(row).is_some_and(is_list),
                Some(Some(View::List(_))) => true,
                _ => false,
            };
        is_odd && self.any_extra(field, row, &mut |_| true)
    }

    fn any_extra(&mut self, field: usize, row: usize, ask: Ask<'_>) -> bool {
        if !self.has_extra(row) {
            return false;
        }
        let Some(keys) = self.program.fields.get(field).map(|f| f.extra.as_slice()) else { return false };
        self.documents.any_extra(self.extra, row, keys, ask)
    }

    fn keyword(&mut self, test: &Test, row: usize) -> bool {
        if self.record.is_none() {
            self.record = Some(view::record(&self.batch, &mut self.documents));
        }
        let mut ask = |leaf: Leaf<'_>| matches!(leaf, Leaf::Text(_)) && test.passes(leaf);
        let documents = &mut self.documents;
        let found = self.record.iter().flatten().any(|view| match view {
            View::Json(slot, keys) if keys.is_empty() => documents.any_leaf(*slot, row, &mut ask),
            view => view.any(row, documents, &mut ask),
        });
        found || self.documents.any_leaf(self.extra, row, &mut ask)
    }
}

/// Whether a text may be the JSON text of a list.
fn is_list(text: &str) -> bool {
    text.starts_with('[')
}

/// Whether the text in a row passes a test; answered once per distinct value where that is worth it.
fn passes(atom: &Atom, column: &mut Coded, answers: &mut Vec<u8>, row: usize) -> bool {
    let asked = |column: &Coded| column.column().get(row).is_some_and(|text| atom.test.passes(Leaf::Text(text)));
    if !atom.by_value {
        return asked(column);
    }
    let Some(code) = column.code(row) else { return false };
    if answers.len() <= code {
        answers.resize(code + 1, 0);
    }
    if answers[code] == 0 {
        answers[code] = if asked(column) { TRUE } else { FALSE };
    }
    answers[code] == TRUE
}
