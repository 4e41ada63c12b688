//! Shelf: the file that is being filled, until it is compressed and put where S3 would have it.
//!
//! Key layout and delivery delay follow "CloudTrail log file names" and "How CloudTrail works" in the AWS CloudTrail
//! user guide: a file is named by the time of its delivery, so that the last events of a day lie in the next day's
//! folder. A few records are delivered a second time, with a later file.

use std::fs;
use std::path::{Path, PathBuf};

use libdeflater::{CompressionLvl, Compressor};

use super::calendar::civil;
use super::dice::{Dice, push_alnum};
use super::organisation::World;
use super::template::Account;
use super::{Error, REGIONS};

/// CloudTrail delivers every five minutes.
const DELIVERY_S: i64 = 300;

/// What has been written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub events: u64,
    pub duplicates: u64,
    pub files: u64,
    pub bytes_gz: u64,
    pub bytes_json: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Tally) {
        self.events += other.events;
        self.duplicates += other.duplicates;
        self.files += other.files;
        self.bytes_gz += other.bytes_gz;
        self.bytes_json += other.bytes_json;
    }
}

/// Where a unit's files lie.
pub(super) struct Address<'a> {
    pub out: &'a Path,
    pub world: &'a World,
    pub account: &'a Account,
    pub region: usize,
}

/// The file that is being filled.
#[derive(Default)]
pub(super) struct Shelf {
    pub text: String,
    records: u32,
    last: i64,
    /// Copies that the next file delivers again.
    late: Vec<String>,
    gz: Vec<u8>,
    packer: Option<Compressor>,
    folder: PathBuf,
    name: String,
    made: String,
    dice: Option<Dice>,
    pub tally: Tally,
}

impl Shelf {
    pub(super) fn open(&mut self, address: &Address<'_>, dice: &mut Dice) {
        let region = REGIONS.get(address.region).copied().unwrap_or(REGIONS[0]);
        let account = &address.account.id;
        self.folder = address.out.join("AWSLogs");
        if let Some(organisation) = &address.world.organisation {
            self.folder.push(organisation);
        }
        self.folder.extend([account.as_str(), "CloudTrail", region]);
        self.name = format!("{account}_CloudTrail_{region}_");
        self.made.clear();
        self.dice = Some(Dice::new(&[dice.next()]));
    }

    /// Gets ready for a record and says where it will start.
    pub(super) fn begin(&mut self) -> usize {
        self.text.push_str(if self.records == 0 { "{\"Records\":[" } else { "," });
        self.text.len()
    }

    pub(super) fn keep_copy(&mut self, start: usize) {
        self.late.extend(self.text.get(start..).map(str::to_owned));
    }

    pub(super) fn finish(&mut self, time: i64, events_per_file: u32) -> Result<(), Error> {
        self.records += 1;
        self.last = time;
        self.tally.events += 1;
        // A copy that was kept from this very file waits for the next one.
        if self.records >= events_per_file { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.text.push_str("]}");
        let copies = std::mem::take(&mut self.late);
        self.put()?;
        self.text.clear();
        self.records = 0;
        for copy in copies {
            self.begin();
            self.text.push_str(&copy);
            self.records += 1;
            self.tally.duplicates += 1;
        }
        Ok(())
    }

    /// Writes what is left of a unit. Copies that no later file took go twice into the last.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        for copy in std::mem::take(&mut self.late) {
            self.begin();
            self.text.push_str(&copy);
            self.records += 1;
            self.tally.duplicates += 1;
        }
        if self.records > 0 { self.flush() } else { Ok(()) }
    }

    /// Compresses the text and says how long it is then. libdeflate writes no modification time and finds the same
    /// matches on every processor, so the bytes depend on the text alone; its level 1 packs as real files are packed.
    fn pack(&mut self) -> std::io::Result<usize> {
        let packer = self.packer.get_or_insert_with(|| Compressor::new(CompressionLvl::new(1).unwrap_or_default()));
        let bound = packer.gzip_compress_bound(self.text.len());
        if self.gz.len() < bound {
            self.gz.resize(bound, 0);
        }
        packer.gzip_compress(self.text.as_bytes(), &mut self.gz).map_err(std::io::Error::other)
    }

    fn put(&mut self) -> Result<(), Error> {
        let delivered = (self.last + DELIVERY_S).div_euclid(DELIVERY_S) * DELIVERY_S + DELIVERY_S;
        let (year, month, day, hour, minute, _) = civil(delivered);
        let date = format!("{year:04}/{month:02}/{day:02}");
        let folder = self.folder.join(&date);
        if self.made != date {
            fs::create_dir_all(&folder).map_err(|source| Error::write(&folder, source))?;
            self.made = date;
        }
        let mut name = format!("{}{year:04}{month:02}{day:02}T{hour:02}{minute:02}Z_", self.name);
        push_alnum(&mut name, self.dice.as_mut().map_or(0, Dice::next), 16);
        name.push_str(".json.gz");
        let path = folder.join(name);
        self.gz.clear();
        let length = self.pack().map_err(|source| Error::write(&path, source))?;
        let packed = self.gz.get(..length).unwrap_or_default();
        fs::write(&path, packed).map_err(|source| Error::write(&path, source))?;
        self.tally.files += 1;
        self.tally.bytes_gz += length as u64;
        self.tally.bytes_json += self.text.len() as u64;
        Ok(())
    }
}
