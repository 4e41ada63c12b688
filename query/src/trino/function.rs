//! Functions of texts: one Rust function each, in tables with their names, sentences and examples.
//!
//! Every argument comes as text (numbers and dictionaries are cast before), NULL in is NULL out, and what a function
//! makes of a literal (a pattern, a path) is kept from row to row in [`Memo`]. An example of each stands in its table:
//! the tests run it and the manual prints it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, BooleanBuilder, Int64Builder, ListBuilder, StringArray, StringBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use regex::{Regex, RegexBuilder};

use super::room::Room;
use crate::error::{self, Error};
use crate::json::path::{Step, parse};

/// Most bytes of one text that a function makes: more is an error of the query, not of the machine.
pub(crate) const MAX_TEXT_BYTES: usize = 64 << 20;

/// Most bytes of a compiled pattern.
const MAX_PATTERN_BYTES: usize = 4 << 20;

/// Appends the texts of a list; `false` is NULL.
pub(super) type ListKernel = fn(&[&str], &mut Memo, &mut Vec<Option<String>>) -> Result<bool>;

/// How a function computes a row. `false` and `None` are NULL.
#[derive(Clone, Copy)]
pub(super) enum Kernel {
    /// Appends a text.
    Text(fn(&[&str], &mut Memo, &mut String) -> Result<bool>),
    /// Gives a number.
    Number(fn(&[&str], &mut Memo) -> Result<Option<i64>>),
    /// Gives a truth value.
    Truth(fn(&[&str], &mut Memo) -> Result<Option<bool>>),
    /// Gives a list of texts.
    Texts(ListKernel),
}

/// A function of texts.
pub(super) struct Entry {
    /// Its name in SQL.
    pub(super) name: &'static str,
    /// How many arguments it takes.
    pub(super) arity: RangeInclusive<usize>,
    /// How it computes a row.
    pub(super) kernel: Kernel,
    /// One line of meaning.
    pub(super) about: &'static str,
    /// An expression, and the text of its value.
    pub(super) example: (&'static str, &'static str),
}

/// What was made of an argument that is the same for many rows.
#[derive(Default)]
pub(super) struct Memo {
    pattern: Option<(String, Regex)>,
    path: Option<(String, Vec<Step>)>,
}

impl Memo {
    /// The compiled pattern, of the `regex` crate's syntax: Java's without look-around and back-references.
    pub(super) fn pattern(&mut self, text: &str) -> Result<&Regex> {
        if self.pattern.as_ref().is_none_or(|(kept, _)| kept != text) {
            let regex = RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).build();
            let regex = regex.map_err(|e| exec_datafusion_err!("the pattern `{text}` cannot be used: {e}"))?;
            self.pattern = Some((text.to_owned(), regex));
        }
        self.pattern.as_ref().map(|(_, regex)| regex).ok_or_else(lost)
    }

    /// The parsed JSON path.
    pub(super) fn path(&mut self, text: &str) -> Result<&[Step]> {
        if self.path.as_ref().is_none_or(|(kept, _)| kept != text) {
            self.path = Some((text.to_owned(), parse(text).map_err(DataFusionError::Execution)?));
        }
        self.path.as_ref().map(|(_, steps)| steps.as_slice()).ok_or_else(lost)
    }
}

fn lost() -> DataFusionError {
    DataFusionError::Internal("a memo without its value".into())
}

/// An [`Entry`] as the engine takes it.
struct TextFunction {
    entry: &'static Entry,
    signature: Signature,
}

impl std::fmt::Debug for TextFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextFunction").field("name", &self.entry.name).finish()
    }
}

impl PartialEq for TextFunction {
    fn eq(&self, other: &Self) -> bool {
        self.entry.name == other.entry.name
    }
}

impl Eq for TextFunction {}

impl std::hash::Hash for TextFunction {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.entry.name.hash(state);
    }
}

/// The engine's function for an entry.
pub(super) fn udf(entry: &'static Entry) -> ScalarUDF {
    ScalarUDF::from(TextFunction { entry, signature: Signature::user_defined(Volatility::Immutable) })
}

/// Whether a value of this type can be given as text.
pub(super) fn is_like_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_like_text(values),
        other => other.is_string() || other.is_null() || other.is_numeric() || *other == DataType::Boolean,
    }
}

/// Says that the number of arguments is wrong.
pub(super) fn wrong_count<T>(name: &str, arity: &RangeInclusive<usize>, given: usize) -> Result<T> {
    match arity.start() == arity.end() {
        true => plan_err!("{name} takes {} arguments, and {given} are given", arity.start()),
        false => plan_err!("{name} takes {} to {} arguments, and {given} are given", arity.start(), arity.end()),
    }
}

/// An argument, for all rows.
pub(super) enum Argument {
    /// One value for all.
    Same(Option<String>),
    /// A value for each.
    Each(StringArray),
}

impl Argument {
    /// The argument as text, whatever type it has.
    pub(super) fn new(value: &ColumnarValue) -> Result<Argument> {
        let text =
            |array: &ArrayRef| -> Result<StringArray> { Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone()) };
        Ok(match value {
            ColumnarValue::Array(array) => Argument::Each(text(array)?),
            ColumnarValue::Scalar(scalar) => {
                let array = text(&scalar.to_array()?)?;
                Argument::Same(array.iter().next().flatten().map(str::to_owned))
            }
        })
    }

    /// The value of a row.
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        match self {
            Argument::Same(value) => value.as_deref(),
            Argument::Each(array) => (row < array.len() && array.is_valid(row)).then(|| array.value(row)),
        }
    }
}

/// The arguments of a call as texts, and how many rows must be computed: one where all arguments are constant.
pub(super) fn arguments(args: &ScalarFunctionArgs) -> Result<(Vec<Argument>, usize, bool)> {
    let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let texts = args.args.iter().map(Argument::new).collect::<Result<_>>()?;
    Ok((texts, if constant { 1 } else { args.number_rows }, constant))
}

/// An array as the value of a call: of one value where all arguments were constant.
pub(super) fn answer(array: ArrayRef, constant: bool) -> Result<ColumnarValue> {
    match constant {
        true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)),
        false => Ok(ColumnarValue::Array(array)),
    }
}

/// What a value of a query may not grow beyond: a limit, whatever memory there is.
pub(crate) fn beyond(reason: String) -> DataFusionError {
    DataFusionError::External(Box::new(Error::Memory(format!("{reason}; cut the values or lists down before"))))
}

/// Whether a limit was met, which nothing is to get around.
pub(super) fn is_limit(error: &DataFusionError) -> bool {
    matches!(error::of(error), Error::Memory(_))
}

/// Refuses a text that is too long to be meant.
pub(super) fn bounded(name: &str, bytes: usize) -> Result<()> {
    if bytes > MAX_TEXT_BYTES {
        return Err(beyond(format!("{name} would make a text of {bytes} bytes; {MAX_TEXT_BYTES} is the most")));
    }
    Ok(())
}

/// Refuses texts that are too long together, for the rows of one batch.
pub(super) fn bounded_batch(name: &str, bytes: usize, config: &ConfigOptions) -> Result<()> {
    let most = Room::of(config);
    if bytes > most {
        return Err(beyond(format!("{name} would make texts of {bytes} bytes at once; {most} is the most")));
    }
    Ok(())
}

impl TextFunction {
    fn compute(&self, texts: &[Argument], rows: usize, config: &ConfigOptions) -> Result<ArrayRef> {
        let mut memo = Memo::default();
        let mut row_texts: Vec<&str> = Vec::with_capacity(texts.len());
        let mut builder = Builder::new(self.entry.kernel, rows);
        for row in 0..rows {
            row_texts.clear();
            row_texts.extend(texts.iter().map_while(|text| text.get(row)));
            match row_texts.len() == texts.len() {
                true => builder.push(&row_texts, &mut memo)?,
                false => builder.push_null(),
            }
            bounded(self.entry.name, builder.text.len())?;
            bounded_batch(self.entry.name, builder.bytes(), config)?;
        }
        Ok(builder.finish())
    }
}

/// Collects the values of a function.
struct Builder {
    kernel: Kernel,
    text: String,
    list: Vec<Option<String>>,
    texts: StringBuilder,
    numbers: Int64Builder,
    truths: BooleanBuilder,
    lists: ListBuilder<StringBuilder>,
}

impl Builder {
    fn new(kernel: Kernel, rows: usize) -> Self {
        let room = |wanted: bool| if wanted { rows } else { 0 };
        Builder {
            text: String::new(),
            list: Vec::new(),
            texts: StringBuilder::with_capacity(room(matches!(kernel, Kernel::Text(_))), 0),
            numbers: Int64Builder::with_capacity(room(matches!(kernel, Kernel::Number(_)))),
            truths: BooleanBuilder::with_capacity(room(matches!(kernel, Kernel::Truth(_)))),
            lists: ListBuilder::new(StringBuilder::new()),
            kernel,
        }
    }

    /// What the texts take that were made, those of lists with their places.
    fn bytes(&mut self) -> usize {
        const PLACE_BYTES: usize = 5;
        let listed = self.lists.values();
        let listed = listed.values_slice().len().saturating_add(listed.len() * PLACE_BYTES);
        self.texts.values_slice().len().saturating_add(listed)
    }

    fn push(&mut self, texts: &[&str], memo: &mut Memo) -> Result<()> {
        match self.kernel {
            Kernel::Text(compute) => {
                self.text.clear();
                match compute(texts, memo, &mut self.text)? {
                    true => self.texts.append_value(&self.text),
                    false => self.texts.append_null(),
                }
            }
            Kernel::Number(compute) => self.numbers.append_option(compute(texts, memo)?),
            Kernel::Truth(compute) => self.truths.append_option(compute(texts, memo)?),
            Kernel::Texts(compute) => {
                self.list.clear();
                let there = compute(texts, memo, &mut self.list)?;
                for text in self.list.drain(..) {
                    self.lists.values().append_option(text);
                }
                self.lists.append(there);
            }
        }
        Ok(())
    }

    fn push_null(&mut self) {
        match self.kernel {
            Kernel::Text(_) => self.texts.append_null(),
            Kernel::Number(_) => self.numbers.append_null(),
            Kernel::Truth(_) => self.truths.append_null(),
            Kernel::Texts(_) => self.lists.append(false),
        }
    }

    fn finish(mut self) -> ArrayRef {
        match self.kernel {
            Kernel::Text(_) => Arc::new(self.texts.finish()),
            Kernel::Number(_) => Arc::new(self.numbers.finish()),
            Kernel::Truth(_) => Arc::new(self.truths.finish()),
            Kernel::Texts(_) => Arc::new(self.lists.finish()),
        }
    }
}

impl ScalarUDFImpl for TextFunction {
    fn name(&self) -> &str {
        self.entry.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(match self.entry.kernel {
            Kernel::Text(_) => DataType::Utf8,
            Kernel::Number(_) => DataType::Int64,
            Kernel::Truth(_) => DataType::Boolean,
            Kernel::Texts(_) => DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
        })
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        if !self.entry.arity.contains(&arg_types.len()) {
            return wrong_count(self.entry.name, &self.entry.arity, arg_types.len());
        }
        match arg_types.iter().find(|data_type| !is_like_text(data_type)) {
            Some(other) => plan_err!("{} takes text, not {other}", self.entry.name),
            None => Ok(vec![DataType::Utf8; arg_types.len()]),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (texts, rows, constant) = arguments(&args)?;
        answer(self.compute(&texts, rows, &args.config_options)?, constant)
    }
}
