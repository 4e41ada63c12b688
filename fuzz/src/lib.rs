//! What the fuzz targets check, as plain functions of bytes: each panics where trailhound broke a promise.
//!
//! [`inflate_split`]: gzip and the splitter. [`record_row`]: one record to a row and back. [`envelope`]: any bytes
//! through the whole pipeline. [`plain`] is the slow twin of the JSON scanner, [`gathered`] what a scan gave.
//! Nothing here is shipped, and nothing here reads ingest's private parts: what is promised is promised in public.

pub mod envelope;
pub mod gathered;
pub mod inflate_split;
pub mod plain;
pub mod record_row;
