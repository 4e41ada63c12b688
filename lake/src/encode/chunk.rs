//! A column of a row group to bytes: pages, compressed; and what the file's footer says of them.

use std::cmp::{max, min};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::hybrid::{Hybrid, pack, width};
use super::leaf::{Leaf, Values};

/// A column of fewer bytes is not worth a compression.
const COMPRESSED_BYTES: usize = 256;
/// A smallest or greatest text longer than this is not kept.
const RANGE_BYTES: usize = 128;
/// How often a filter may say that a text is there which is not.
const WRONG: f64 = 0.01;

/// What is kept of a column beside its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keep {
    /// Its smallest and greatest value.
    pub(super) range: bool,
    /// A filter that says which texts are not in it.
    pub(super) filter: bool,
    /// Its texts are random identifiers.
    pub(super) random: bool,
}

/// Compresses, and keeps its memory from page to page: making it anew costs more than compressing a small page.
pub(super) struct Press {
    zstd: Compressor<'static>,
    /// For random identifiers, where looking for what came before is in vain: their few letters alone make them shorter.
    letters: Compressor<'static>,
    level: ZstdLevel,
    raw: Vec<u8>,
}

/// How a column's pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Not,
    Repeats,
    Letters,
}

impl Press {
    pub(super) fn new(level: i32) -> Result<Press> {
        let zstd = Compressor::new(level).map_err(external)?;
        let mut letters = Compressor::new(level).map_err(external)?;
        // The smallest table there is, and only long matches: the search soon takes large steps.
        for parameter in [CParameter::HashLog(6), CParameter::MinMatch(7)] {
            letters.set_parameter(parameter).map_err(external)?;
        }
        Ok(Press { zstd, letters, level: ZstdLevel::try_new(level)?, raw: Vec::new() })
    }

    /// The bytes that `fill` writes, compressed or not, and their number before.
    fn page(&mut self, way: Way, fill: impl FnOnce(&mut Vec<u8>)) -> Result<(Bytes, usize)> {
        self.raw.clear();
        fill(&mut self.raw);
        let zstd = match way {
            Way::Not => return Ok((Bytes::copy_from_slice(&self.raw), self.raw.len())),
            Way::Repeats => &mut self.zstd,
            Way::Letters => &mut self.letters,
        };
        let pressed = zstd.compress(&self.raw).map_err(external)?;
        Ok((pressed.into(), self.raw.len()))
    }
}

/// A column's bytes, and what the footer says of them.
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    pub(super) close: ColumnCloseResult,
}

/// Writes a column whose last page is closed.
pub(super) fn write(
    leaf: Leaf<'_>,
    column: &ColumnDescPtr,
    keep: Keep,
    rows: usize,
    press: &mut Press,
) -> Result<Chunk> {
    let encoding = match leaf.values {
        Values::Codes(..) => Encoding::RLE_DICTIONARY,
        _ => Encoding::PLAIN,
    };
    let dictionary = dictionary(&leaf.values);
    let size = size(&leaf) + dictionary.as_ref().map_or(0, Vec::len);
    let way = match size {
        ..COMPRESSED_BYTES => Way::Not,
        _ if keep.random && matches!(leaf.values, Values::Plain(_)) => Way::Letters,
        _ => Way::Repeats,
    };
    // Most columns become smaller than half.
    let mut bytes = TrackedWrite::new(Vec::with_capacity(size / 2));
    let mut writer = SerializedPageWriter::new(&mut bytes);
    let mut uncompressed = 0;
    let mut first_data = 0;
    if let (Some(entries), Values::Codes(_, texts)) = (&dictionary, &leaf.values) {
        let (buf, before) = press.page(way, |raw| raw.extend_from_slice(entries))?;
        let num_values = texts.all.len() as u32;
        let page = Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
        let spec = writer.write_page(CompressedPage::new(page, before))?;
        uncompressed += spec.uncompressed_size;
        first_data = spec.bytes_written;
    }
    let mut start = 0;
    for page in &leaf.pages {
        let (buf, before) = press.page(way, |raw| {
            raw.extend_from_slice(&page.levels);
            body(&leaf.values, start, page.end, raw);
        })?;
        start = page.end;
        let page = Page::DataPage {
            buf,
            num_values: page.slots as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        uncompressed += writer.write_page(CompressedPage::new(page, before))?.uncompressed_size;
    }
    let bytes: Bytes = bytes.into_inner()?.into();
    let compression = if way == Way::Not { Compression::UNCOMPRESSED } else { Compression::ZSTD(press.level) };
    let metadata = ColumnChunkMetaData::builder(column.clone())
        .set_compression(compression)
        .set_encodings(Vec::from_iter(
            dictionary.as_ref().map(|_| Encoding::PLAIN).into_iter().chain([Encoding::RLE, encoding]),
        ))
        .set_total_compressed_size(bytes.len() as i64)
        .set_total_uncompressed_size(uncompressed as i64)
        .set_num_values(leaf.pages.iter().map(|page| page.slots as i64).sum())
        .set_dictionary_page_offset(dictionary.as_ref().map(|_| 0))
        .set_data_page_offset(first_data as i64)
        .set_statistics(statistics(&leaf, keep.range))
        .build()?;
    let close = ColumnCloseResult {
        bytes_written: bytes.len() as u64,
        rows_written: rows as u64,
        metadata,
        bloom_filter: if keep.filter { filter(&leaf.values)? } else { None },
        column_index: None,
        offset_index: None,
    };
    Ok(Chunk { bytes, close })
}

/// Bytes before compression, roughly.
fn size(leaf: &Leaf<'_>) -> usize {
    let values = match &leaf.values {
        Values::Codes(codes, texts) if texts.all.len() < 2 => usize::from(!codes.is_empty()),
        Values::Codes(codes, _) => codes.len(),
        Values::Plain(texts) => texts.bytes,
        Values::Numbers(numbers) => numbers.len() * 8,
        Values::Days(days) => days.len() * 4,
        Values::Bits(bits) => bits.len() / 8,
    };
    values + leaf.pages.iter().map(|page| page.levels.len()).sum::<usize>()
}

/// The page of distinct texts; `None` where there is none.
fn dictionary(values: &Values<'_>) -> Option<Vec<u8>> {
    let Values::Codes(_, texts) = values else { return None };
    let mut bytes = Vec::with_capacity(texts.all.iter().map(|text| text.len() + 4).sum());
    texts.all.iter().for_each(|text| put(text, &mut bytes));
    Some(bytes)
}

fn external(error: std::io::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// A text after its length.
fn put(text: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text);
}

/// The values of a page.
fn body(values: &Values<'_>, start: usize, end: usize, raw: &mut Vec<u8>) {
    match values {
        Values::Codes(codes, texts) => {
            let width = width(texts.all.len().saturating_sub(1));
            let mut hybrid = Hybrid::new(width);
            hybrid.put_all(codes.get(start..end).unwrap_or_default());
            raw.push(width);
            raw.extend_from_slice(&hybrid.take());
        }
        Values::Plain(texts) => texts.all.get(start..end).unwrap_or_default().iter().for_each(|text| put(text, raw)),
        Values::Numbers(numbers) => {
            raw.extend(numbers.get(start..end).unwrap_or_default().iter().flat_map(|number| number.to_le_bytes()));
        }
        Values::Days(days) => {
            raw.extend(days.get(start..end).unwrap_or_default().iter().flat_map(|day| day.to_le_bytes()));
        }
        Values::Bits(bits) => pack(bits.get(start..end).unwrap_or_default().iter().map(|bit| u32::from(*bit)), 1, raw),
    }
}

/// Every text of a column that a reader would find, some more than once.
fn texts<'a>(values: &'a Values<'a>) -> impl Iterator<Item = &'a [u8]> {
    let texts = match values {
        Values::Codes(_, texts) => texts.all.as_slice(),
        Values::Plain(texts) => texts.all.as_slice(),
        Values::Numbers(_) | Values::Days(_) | Values::Bits(_) => &[],
    };
    texts.iter().copied()
}

/// Smallest and greatest value, where they are wanted; and how many nulls.
fn statistics(leaf: &Leaf<'_>, range: bool) -> Statistics {
    let nulls = Some(leaf.nulls as u64);
    match &leaf.values {
        Values::Numbers(numbers) => {
            let range = numbers.iter().filter(|_| range);
            Statistics::int64(range.clone().min().copied(), range.max().copied(), None, nulls, false)
        }
        Values::Days(days) => {
            let range = days.iter().filter(|_| range);
            Statistics::int32(range.clone().min().copied(), range.max().copied(), None, nulls, false)
        }
        Values::Bits(_) => Statistics::boolean(None, None, None, nulls, false),
        values => {
            let all = range.then(|| texts(values)).into_iter().flatten();
            let found = all.fold(None, |found: Option<(&[u8], &[u8])>, text| {
                Some(found.map_or((text, text), |(least, most)| (min(least, text), max(most, text))))
            });
            let found = found.filter(|(least, most)| least.len().max(most.len()) <= RANGE_BYTES);
            let text = |text: &[u8]| ByteArray::from(text.to_vec());
            Statistics::byte_array(found.map(|f| text(f.0)), found.map(|f| text(f.1)), None, nulls, false)
        }
    }
}

/// A filter for the texts of a column; one without texts needs none.
fn filter(values: &Values<'_>) -> Result<Option<Sbbf>> {
    let distinct = texts(values).count() as u64;
    if distinct == 0 {
        return Ok(None);
    }
    let mut filter = Sbbf::new_with_ndv_fpp(distinct, WRONG)?;
    texts(values).for_each(|text| filter.insert(text));
    Ok(Some(filter))
}
