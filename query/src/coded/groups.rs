//! Which group a row is of, by the codes of its keys. Knows dictionaries, and nothing of plans.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringViewBuilder};
use arrow::datatypes::Int32Type;
use datafusion::common::{Result, exec_datafusion_err};

use super::is_same;

/// Keys that a group can have: their numbers stand in one integer.
pub(super) const KEYS: usize = 4;

const NUMBER_BITS: u32 = 32;

/// A code whose text was not looked up yet.
const UNKNOWN: u32 = u32::MAX;

/// What a text costs beside its bytes: its place in the table and in the list.
const TEXT_BYTES: usize = 64;

/// What a group of several keys costs: its place in the table and in the list.
const GROUP_BYTES: usize = 64;

/// The groups that were met, in this order.
#[derive(Debug)]
pub(super) struct Groups {
    keys: Vec<Key>,
    /// Of several keys: the group of their numbers.
    together: HashMap<u128, usize, ahash::RandomState>,
    /// The numbers of each group.
    members: Vec<u128>,
}

impl Groups {
    /// No groups yet, of so many keys.
    pub(super) fn of(keys: usize) -> Groups {
        let keys = (0..keys).map(|_| Key::default()).collect();
        Groups { keys, together: HashMap::default(), members: Vec::new() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self.keys.as_slice() {
            [key] => key.texts.len(),
            _ => self.members.len(),
        }
    }

    /// Memory of all that was met, in bytes.
    pub(super) fn size(&self) -> usize {
        self.keys.iter().map(Key::size).sum::<usize>() + self.members.len() * GROUP_BYTES
    }

    /// The group of each row, by the columns of its keys, into `groups`.
    pub(super) fn of_rows(&mut self, columns: &[ArrayRef], groups: &mut Vec<usize>) -> Result<()> {
        groups.clear();
        if let ([key], [column]) = (self.keys.as_mut_slice(), columns) {
            return key.numbers(column, |number| number as usize, groups);
        }
        let mut rows = vec![0_u128; columns.first().map_or(0, Array::len)];
        let mut numbers = Vec::with_capacity(rows.len());
        for (key, column) in self.keys.iter_mut().zip(columns) {
            numbers.clear();
            key.numbers(column, u128::from, &mut numbers)?;
            rows.iter_mut().zip(&numbers).for_each(|(row, number)| *row = *row << NUMBER_BITS | number);
        }
        // Neighbours are often alike: files are sorted.
        let mut last = None;
        groups.extend(rows.into_iter().map(|row| match last {
            Some((before, group)) if before == row => group,
            _ => {
                let group = *self.together.entry(row).or_insert_with(|| {
                    self.members.push(row);
                    self.members.len() - 1
                });
                last = Some((row, group));
                group
            }
        }));
        Ok(())
    }

    /// The texts of each group, a column a key.
    pub(super) fn texts(&self) -> Vec<ArrayRef> {
        if let [key] = self.keys.as_slice() {
            return vec![key.column(0..key.texts.len())];
        }
        let column = |(place, key): (usize, &Key)| {
            let shift = NUMBER_BITS * u32::try_from(self.keys.len() - 1 - place).unwrap_or_default();
            key.column(self.members.iter().map(|member| (member >> shift) as u32 as usize))
        };
        self.keys.iter().enumerate().map(column).collect()
    }
}

/// The texts of one key, numbered as they are met.
#[derive(Debug, Default)]
struct Key {
    numbers: HashMap<Box<str>, u32, ahash::RandomState>,
    null: Option<u32>,
    texts: Vec<Option<Box<str>>>,
    bytes: usize,
    /// The dictionary that was met last, and the number of each of its codes.
    dictionary: Option<ArrayRef>,
    known: Vec<u32>,
}

impl Key {
    fn size(&self) -> usize {
        // Each text is kept twice: by number and to be found.
        2 * self.bytes + self.texts.len() * TEXT_BYTES + self.known.len() * size_of::<u32>()
    }

    /// Adds each row's number to `to`.
    fn numbers<N>(&mut self, column: &ArrayRef, number: impl Fn(u32) -> N, to: &mut Vec<N>) -> Result<()> {
        let coded = column.as_dictionary_opt::<Int32Type>();
        let coded = coded.ok_or_else(|| exec_datafusion_err!("a key is no dictionary: {}", column.data_type()))?;
        let texts = coded.values().as_string_opt::<i32>();
        let texts = texts.ok_or_else(|| exec_datafusion_err!("a key is no text: {}", coded.values().data_type()))?;
        self.turn_to(coded.values());
        let codes = coded.keys();
        match codes.null_count() {
            0 => to.extend(codes.values().iter().map(|&code| number(self.number(texts, Some(code))))),
            _ => to.extend(codes.iter().map(|code| number(self.number(texts, code)))),
        }
        Ok(())
    }

    fn turn_to(&mut self, dictionary: &ArrayRef) {
        if !self.dictionary.as_ref().is_some_and(|last| is_same(last, dictionary)) {
            self.known.clear();
            self.known.resize(dictionary.len(), UNKNOWN);
            self.dictionary = Some(dictionary.clone());
        }
    }

    fn number(&mut self, texts: &StringArray, code: Option<i32>) -> u32 {
        let Some(place) = code.and_then(|code| usize::try_from(code).ok()) else { return self.of_null() };
        match self.known.get(place) {
            Some(&UNKNOWN) | None => self.look_up(texts, place),
            Some(&number) => number,
        }
    }

    #[cold]
    fn look_up(&mut self, texts: &StringArray, place: usize) -> u32 {
        let number = match place < texts.len() && texts.is_valid(place) {
            true => self.of_text(texts.value(place)),
            false => self.of_null(),
        };
        if let Some(known) = self.known.get_mut(place) {
            *known = number;
        }
        number
    }

    fn of_text(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.next();
        self.numbers.insert(text.into(), number);
        self.texts.push(Some(text.into()));
        self.bytes += text.len();
        number
    }

    fn of_null(&mut self) -> u32 {
        if let Some(number) = self.null {
            return number;
        }
        let number = self.next();
        self.texts.push(None);
        self.null = Some(number);
        number
    }

    fn next(&self) -> u32 {
        // A text costs more than a byte of the memory that is given, so there are never as many.
        u32::try_from(self.texts.len()).unwrap_or(UNKNOWN)
    }

    /// A column of the texts of these numbers.
    fn column(&self, numbers: impl Iterator<Item = usize>) -> ArrayRef {
        let mut column = StringViewBuilder::new();
        for number in numbers {
            column.append_option(self.texts.get(number).and_then(Option::as_deref));
        }
        Arc::new(column.finish())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{DictionaryArray, Int32Array};

    use super::*;

    fn coded(texts: &[Option<&str>]) -> ArrayRef {
        Arc::new(texts.iter().copied().collect::<DictionaryArray<Int32Type>>())
    }

    /// The groups of rows, as texts.
    fn shown(groups: &Groups, of_rows: &[usize]) -> Vec<Vec<Option<String>>> {
        let texts = groups.texts();
        let text = |column: &ArrayRef, group: usize| {
            let column = column.as_string_view();
            column.is_valid(group).then(|| column.value(group).to_owned())
        };
        of_rows.iter().map(|&group| texts.iter().map(|column| text(column, group)).collect()).collect()
    }

    #[test]
    fn one_key_over_many_dictionaries() {
        let (mut groups, mut rows) = (Groups::of(1), Vec::new());
        for batch in [vec![Some("b"), Some("a"), Some("b")], vec![None, Some("a"), Some("")], vec![], vec![Some("b")]] {
            groups.of_rows(&[coded(&batch)], &mut rows).unwrap();
            let expected: Vec<_> = batch.iter().map(|text| vec![text.map(str::to_owned)]).collect();
            assert_eq!(shown(&groups, &rows), expected);
        }
        assert_eq!(groups.len(), 4, "b, a, null and the empty text");
    }

    #[test]
    fn several_keys_and_nulls_of_both_kinds() {
        // A null may be of the codes, or of the dictionary.
        let values = Arc::new(StringArray::from(vec![Some("x"), None]));
        let codes = Int32Array::from(vec![Some(0), Some(1), None, Some(0)]);
        let one: ArrayRef = Arc::new(DictionaryArray::new(codes, values));
        let other = coded(&[Some("p"), Some("p"), Some("p"), Some("q")]);
        let (mut groups, mut rows) = (Groups::of(2), Vec::new());
        groups.of_rows(&[one, other], &mut rows).unwrap();
        assert_eq!(rows, [0, 1, 1, 2]);
        let text = |text: &str| Some(text.to_owned());
        let expected =
            [vec![text("x"), text("p")], vec![None, text("p")], vec![None, text("p")], vec![text("x"), text("q")]];
        assert_eq!(shown(&groups, &rows), expected);
        assert_eq!(groups.len(), 3);
        assert!(groups.size() > 0);
    }
}
