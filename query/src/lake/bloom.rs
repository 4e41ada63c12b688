//! Asking a bloom filter of a Parquet file by reading one block of it.
//!
//! A split block bloom filter is a header and blocks of 32 bytes, and a value can only have set bits of one block
//! (Apache Parquet, "Bloom Filter"). A filter for a quarter of a million event ids takes half a megabyte: a question
//! for one id reads 32 bytes of it.

use std::ops::Range;

use datafusion::parquet::bloom_filter::Sbbf;
use datafusion::parquet::file::metadata::ColumnChunkMetaData;

const BLOCK_BYTES: u64 = 32;
/// A larger filter is none of ours, and its probe would take as much memory.
const LARGEST_BYTES: u64 = 16 << 20;

/// A bloom filter in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filter {
    /// Where its blocks begin.
    blocks: u64,
    /// Bytes of its blocks.
    bits: u64,
}

/// The bits that a value sets, in a filter of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probe {
    block: u64,
    bits: Vec<u8>,
}

impl Filter {
    /// The filter of a column chunk, if it has one of a size that we know how to ask.
    pub(super) fn of(column: &ColumnChunkMetaData) -> Option<Filter> {
        let start = u64::try_from(column.bloom_filter_offset()?).ok()?;
        let length = u64::try_from(column.bloom_filter_length()?).ok()?;
        if !(BLOCK_BYTES..LARGEST_BYTES).contains(&length) {
            return None;
        }
        // A footer tells the length of header and blocks together. The header is a few numbers, less than a block, and
        // blocks are a power of two in number: where they are not, what is over is more than a header can be.
        let bits = 1 << length.ilog2();
        let header = length - bits;
        (1..BLOCK_BYTES).contains(&header).then_some(Filter { blocks: start + header, bits })
    }

    /// Bytes of the blocks together: filters of one size have the same probes.
    pub(super) fn size(&self) -> u64 {
        self.bits
    }

    /// Where a probe's block is.
    pub(super) fn block(&self, probe: &Probe) -> Range<u64> {
        let start = self.blocks + probe.block;
        start..start + BLOCK_BYTES
    }
}

impl Probe {
    /// The probe of a text in filters of this size; `None` where the size is no filter's.
    pub(super) fn new(text: &str, size: u64) -> Option<Probe> {
        let mut filter = Sbbf::new_with_num_of_bytes(usize::try_from(size).ok()?);
        filter.insert(text);
        let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?);
        filter.write_bitset(&mut bytes).ok()?;
        if bytes.len() as u64 != size {
            return None;
        }
        let block = bytes.chunks_exact(BLOCK_BYTES as usize).position(|block| block.iter().any(|byte| *byte != 0))?;
        let start = block * BLOCK_BYTES as usize;
        let bits = bytes.get(start..start + BLOCK_BYTES as usize)?.to_vec();
        Some(Probe { block: start as u64, bits })
    }

    /// Whether a block may hold the value.
    pub(super) fn may_be_in(&self, block: &[u8]) -> bool {
        block.len() != self.bits.len() || self.bits.iter().zip(block).all(|(bits, block)| bits & block == *bits)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use datafusion::parquet::{basic, schema};

    use super::*;

    fn filter_at(offset: i64, length: usize) -> Option<Filter> {
        let column = schema::types::Type::primitive_type_builder("c", basic::Type::BYTE_ARRAY).build().unwrap();
        let column = schema::types::ColumnDescriptor::new(Arc::new(column), 0, 0, vec!["c".to_owned()].into());
        let chunk = ColumnChunkMetaData::builder(Arc::new(column))
            .set_bloom_filter_offset(Some(offset))
            .set_bloom_filter_length(Some(length as i32));
        Filter::of(&chunk.build().unwrap())
    }

    #[test]
    fn one_block_says_what_the_filter_says() {
        for size in [32_u64, 64, 4096, 1 << 19] {
            let mut filter = Sbbf::new_with_num_of_bytes(size as usize);
            for n in 0..size / 32 {
                filter.insert(format!("in-{n}").as_str());
            }
            let mut bytes = Vec::new();
            filter.write(&mut bytes).unwrap();
            let place = Filter { blocks: bytes.len() as u64 - size, bits: size };
            assert_eq!(filter_at(7, bytes.len()), Some(Filter { blocks: place.blocks + 7, ..place }));
            for n in 0..2 * size.min(4096) / 32 {
                for text in [format!("in-{n}"), format!("out-{n}")] {
                    let probe = Probe::new(&text, size).unwrap();
                    let block = place.block(&probe);
                    let block = &bytes[block.start as usize..block.end as usize];
                    assert_eq!(probe.may_be_in(block), filter.check(text.as_str()), "{text} in {size}");
                }
            }
        }
    }

    #[test]
    fn a_size_that_we_cannot_tell_is_not_asked() {
        // 96 bytes of blocks behind a header, a filter without blocks, one that is too large.
        for length in [96 + 15, 15, 0, (16 << 20) + 15] {
            assert_eq!(filter_at(7, length), None, "{length}");
        }
    }

    #[test]
    fn sizes_that_are_no_powers_of_two_have_no_probe() {
        assert_eq!(Probe::new("x", 96), None);
    }
}
