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
}

/// Compresses, and keeps its memory from page to page: making it anew costs more than compressing a small page.
pub(super) struct Press {
    zstd: Compressor<'static>,
    level: ZstdLevel,
    raw: Vec<u8>,
}

impl Press {
    pub(super) fn new(level: i32) -> Result<Press> {
        let zstd = Compressor::new(level).map_err(|error| ParquetError::External(Box::new(error)))?;
        Ok(Press { zstd, level: ZstdLevel::try_new(level)?, raw: Vec::new() })
    }

    /// The bytes that `fill` writes, compressed or not, and their number before.
    fn page(&mut self, is_compressed: bool, fill: impl FnOnce(&mut Vec<u8>)) -> Result<(Bytes, usize)> {
        self.raw.clear();
        fill(&mut self.raw);
        if !is_compressed {
            return Ok((Bytes::copy_from_slice(&self.raw), self.raw.len()));
        }
        let pressed = self.zstd.compress(&self.raw).map_err(|error| ParquetError::External(Box::new(error)))?;
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
    let is_compressed = size(&leaf) + dictionary.as_ref().map_or(0, Vec::len) >= COMPRESSED_BYTES;
    let mut bytes = TrackedWrite::new(Vec::new());
    let mut writer = SerializedPageWriter::new(&mut bytes);
    let mut uncompressed = 0;
    let mut first_data = 0;
    if let (Some(entries), Values::Codes(_, texts)) = (&dictionary, &leaf.values) {
        let (buf, before) = press.page(is_compressed, |raw| raw.extend_from_slice(entries))?;
        let num_values = texts.all.len() as u32;
        let page = Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
        let spec = writer.write_page(CompressedPage::new(page, before))?;
        uncompressed += spec.uncompressed_size;
        first_data = spec.bytes_written;
    }
    let mut start = 0;
    for page in &leaf.pages {
        let (buf, before) = press.page(is_compressed, |raw| {
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
    let compression = if is_compressed { Compression::ZSTD(press.level) } else { Compression::UNCOMPRESSED };
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
        Values::Plain(bytes) => bytes.len(),
        Values::Numbers(numbers) => numbers.len() * 8,
        Values::Bits(bits) => bits.len() / 8,
    };
    values + leaf.pages.iter().map(|page| page.levels.len()).sum::<usize>()
}

/// The page of distinct texts; `None` where there is none.
fn dictionary(values: &Values<'_>) -> Option<Vec<u8>> {
    let Values::Codes(_, texts) = values else { return None };
    let mut bytes = Vec::with_capacity(texts.all.iter().map(|text| text.len() + 4).sum());
    for text in &texts.all {
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend_from_slice(text);
    }
    Some(bytes)
}

/// The values of a page.
fn body(values: &Values<'_>, start: usize, end: usize, raw: &mut Vec<u8>) {
    match values {
        Values::Codes(codes, texts) => {
            let width = width(texts.all.len().saturating_sub(1));
            let mut hybrid = Hybrid::new(width);
            codes.get(start..end).unwrap_or_default().iter().for_each(|code| hybrid.put(*code, 1));
            raw.push(width);
            raw.extend_from_slice(&hybrid.take());
        }
        Values::Plain(bytes) => raw.extend_from_slice(bytes.get(start..end).unwrap_or_default()),
        Values::Numbers(numbers) => {
            raw.extend(numbers.get(start..end).unwrap_or_default().iter().flat_map(|number| number.to_le_bytes()));
        }
        Values::Bits(bits) => pack(bits.get(start..end).unwrap_or_default().iter().map(|bit| u32::from(*bit)), 1, raw),
    }
}

/// Every text of a column that a reader would find, some more than once.
fn texts<'a>(values: &'a Values<'a>) -> Box<dyn Iterator<Item = &'a [u8]> + 'a> {
    match values {
        Values::Codes(_, texts) => Box::new(texts.all.iter().copied()),
        Values::Plain(bytes) => {
            let mut rest = bytes.as_slice();
            Box::new(std::iter::from_fn(move || {
                let (length, after) = rest.split_first_chunk::<4>()?;
                let (text, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
                rest = after;
                Some(text)
            }))
        }
        Values::Numbers(_) | Values::Bits(_) => Box::new(std::iter::empty()),
    }
}

/// Smallest and greatest value, where they are wanted; and how many nulls.
fn statistics(leaf: &Leaf<'_>, range: bool) -> Statistics {
    let nulls = Some(leaf.nulls as u64);
    match &leaf.values {
        Values::Numbers(numbers) => {
            let range = numbers.iter().filter(|_| range);
            Statistics::int64(range.clone().min().copied(), range.max().copied(), None, nulls, false)
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
