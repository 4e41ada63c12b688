//! A lake that is there, as commands open it that only read; and what all must be told of it.
//!
//! Knows flags and warnings. Must not know what is asked of the lake.

use lake::Lake;

use crate::cli::Input;
use crate::outcome::Failure;
use crate::render::words::Words;

/// [`open`], and says where the lake knows of events that it has lost.
///
/// # Errors
/// As [`open`].
pub(crate) fn lake(input: &Input, is_wanted: &dyn Fn(&str) -> bool, words: Words) -> Result<Option<Lake>, Failure> {
    let Some(lake) = open(input, is_wanted)? else { return Ok(None) };
    if let Some(lost) = lake.lost()? {
        let next = match lost.is_mendable {
            true => "`trailhound lake repair` puts the commit back",
            false => "put the commit back from a copy (`trailhound lake check` says the rest)",
        };
        words.warning(&format!("{}: {}; the answer is without those events: {next}", lost.file, lost.why));
    }
    Ok(Some(lake))
}

/// Opens the lake that a command line names, if it names one: its events, and the other tables that are wanted.
///
/// # Errors
/// Flags that do not fit together; there is no lake, or it cannot be read.
pub(crate) fn open(input: &Input, is_wanted: &dyn Fn(&str) -> bool) -> Result<Option<Lake>, Failure> {
    let place = input.lake.place(&input.paths).map_err(Failure::Usage)?;
    if let (Some(_), Some(flag)) = (place, input.source.given()) {
        return Err(Failure::Usage(format!("{flag} prunes the keys of a bucket, not a lake: leave it out")));
    }
    Ok(place.map(|place| Lake::open_tables(place, &input.lake.aws.to_lake(), is_wanted)).transpose()?)
}

/// Says so where two writers at once would lose events: the store of the lake does not keep conditional writes.
pub(crate) fn warn_of_its_store(lake: &Lake, words: Words) {
    if lake.is_for_one_writer() {
        words.warning(&format!("{}: {ONE_WRITER}", lake.location().name()));
    }
}

/// What is to be known of such a lake.
pub(crate) const ONE_WRITER: &str = "the store ignores `If-None-Match`, so two writers at once would take each other's commits away: \
                                     let one process at a time write, or keep the lake in a folder or in Amazon S3";
