//! The recorded scenarios of the official client, and a trail of our own that everything is done to.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod recorded;
mod trail;

use std::num::NonZeroUsize;
use std::path::Path;

use super::folder::{Known, MetadataFile};
use super::verdict::Remark;
use super::{Before, Finding, Findings, Folder, Options, PublicKeys, Span, Summary, Verdict, verify};
use trail::{Trail, hour};

/// Everything that was found.
#[derive(Default)]
struct All(Vec<Finding>);

impl Findings for All {
    fn found(&mut self, finding: Finding) {
        self.0.push(finding);
    }
}

impl All {
    /// Names of files that are not valid, with their verdicts.
    fn bad(&self) -> Vec<(String, Verdict)> {
        let file = |finding: &Finding| match finding {
            Finding::File(file) if file.verdict != Verdict::Valid => {
                Some((file.key.rsplit('/').next().unwrap().to_owned(), file.verdict.clone()))
            }
            _ => None,
        };
        self.0.iter().filter_map(file).collect()
    }

    fn remarks(&self) -> Vec<Remark> {
        let mut remarks: Vec<_> = self
            .0
            .iter()
            .filter_map(|finding| if let Finding::Remark(remark, ..) = finding { Some(*remark) } else { None })
            .filter(|remark| *remark != Remark::Late)
            .collect();
        remarks.sort_unstable();
        remarks
    }
}

fn options() -> Options {
    Options {
        span: Span::default(),
        before: Before::Demanded,
        bucket: None,
        read_logs: true,
        threads: NonZeroUsize::new(3).unwrap(),
        inflated_bytes: 1 << 20,
    }
}

fn run(folder: &Path, metadata: MetadataFile, keys: &PublicKeys) -> (Summary, All) {
    let folder = Folder::open(&[folder], metadata, &Known::default()).unwrap();
    let chains: Vec<_> = folder.chains().cloned().collect();
    let mut all = All::default();
    let summary = verify(&folder, keys, &chains, &options(), &mut all).unwrap();
    (summary, all)
}

fn figures(summary: &Summary) -> [u64; 4] {
    [summary.digests.valid, summary.digests.invalid, summary.digests.unproven, summary.logs.valid]
}

#[test]
fn a_whole_trail_is_valid_however_it_lies() {
    let trail = Trail::of(6);
    let root = trail.path();
    let layouts = ["bucket/AWSLogs", "bucket/AWSLogs/123456789012", "AWSLogs-copy", "heap"];
    for layout in layouts {
        let copy = tempfile::tempdir().unwrap();
        for (key, bytes) in trail.objects() {
            let name = key.rsplit('/').next().unwrap();
            let within = match layout {
                "heap" => name.to_owned(),
                "AWSLogs-copy" => key.strip_prefix("AWSLogs/123456789012/").unwrap().to_owned(),
                _ => format!("bucket/{key}"),
            };
            trail::write(&copy.path().join(within), &bytes);
        }
        let given = if layout.starts_with("bucket") { copy.path().join(layout) } else { copy.path().to_owned() };
        let (summary, all) = run(&given, trail.metadata(), trail.keys());
        assert_eq!((figures(&summary), all.bad(), all.remarks()), ([6, 0, 0, 12], vec![], vec![]), "{layout}");
    }
    let (summary, all) = run(root, trail.metadata(), trail.keys());
    assert_eq!((figures(&summary), all.bad(), all.remarks()), ([6, 0, 0, 12], vec![], vec![]));
    assert_eq!(summary.found, Some((hour(0), hour(6))));
}

/// Each digest keeps the signature of the one before, so that a download without metadata proves all but the newest.
#[test]
fn without_metadata_only_the_newest_is_unproven() {
    let trail = Trail::of(5);
    let (summary, all) = run(trail.path(), MetadataFile::default(), trail.keys());
    assert_eq!(figures(&summary), [4, 0, 1, 8]);
    assert_eq!((summary.logs.unproven, all.bad().len()), (2, 3), "{:?}", all.bad());
    // A forged newest digest then takes nothing with it but itself.
    let newest = trail.digest(4);
    let text = trail.text(&newest).replace("previousDigestSignature\":\"", "previousDigestSignature\":\"00");
    trail.put(&newest, &trail::gzip(text.as_bytes()));
    let (summary, _) = run(trail.path(), MetadataFile::default(), trail.keys());
    assert_eq!(figures(&summary), [3, 0, 2, 6]);
}

#[test]
fn a_part_of_a_chain_begins_where_it_begins() {
    let trail = Trail::of(6);
    for hour in 0..3 {
        trail.remove(&trail.digest(hour));
    }
    let (summary, all) = run(trail.path(), trail.metadata(), trail.keys());
    assert_eq!(figures(&summary), [3, 0, 0, 6]);
    assert_eq!((all.bad(), all.remarks()), (vec![], vec![Remark::ChainStart]));
    // With a start every digest since then has to be there.
    let folder = Folder::open(&[trail.path()], trail.metadata(), &Known::default()).unwrap();
    let chains: Vec<_> = folder.chains().cloned().collect();
    let options = Options { span: Span { start: Some(hour(1)), end: None }, ..options() };
    let mut all = All::default();
    verify(&folder, trail.keys(), &chains, &options, &mut all).unwrap();
    assert_eq!(all.bad().iter().map(|(_, verdict)| verdict.clone()).collect::<Vec<_>>(), [Verdict::NotFound]);
    // Where nobody has looked before, older ones may have gone in their time; where somebody has, they may not.
    for (before, bad) in [(Before::Open, 0), (Before::Walked, 1)] {
        let (options, mut all) = (Options { before, ..options.clone() }, All::default());
        verify(&folder, trail.keys(), &chains, &options, &mut all).unwrap();
        assert_eq!(all.bad().len(), bad, "{before:?}: {:?}", all.bad());
    }
}

#[test]
fn what_the_official_client_does_not_look_at_is_remarked() {
    let trail = Trail::of(4);
    let log = |hour: u32, minute: u32| trail.log(hour, minute);
    // A forged log file, in the name of an hour that a digest speaks of.
    let forged = log(1, 10).replace("Z_", "Z_f");
    trail.put(&forged, &trail::gzip(b"{\"Records\":[]}"));
    // One whose gzip trailer is cut off: its text is whole.
    let cut = trail.bytes(&log(2, 10));
    trail.put(&log(2, 10), &cut[..cut.len() - 3]);
    // A digest with bytes behind its end, and one that was copied.
    let digest = trail.digest(2);
    trail.put(&digest, &[trail.bytes(&digest), b"more".to_vec()].concat());
    trail.put(&trail.digest(1).replace("T020000Z", "T020001Z"), &trail.bytes(&trail.digest(1)));
    let (summary, all) = run(trail.path(), trail.metadata(), trail.keys());
    assert_eq!((figures(&summary), all.bad()), ([4, 0, 0, 8], vec![]));
    let expected = [Remark::UnlistedLog, Remark::DigestTrailingData, Remark::CutTrailer, Remark::StrayDigest];
    assert_eq!(all.remarks(), expected);
    assert_eq!(summary.suspicious, 4);
}

#[test]
fn what_is_done_to_log_files_is_told_apart() {
    let trail = Trail::of(3);
    trail.put(&trail.log(0, 10), b"{\"Records\":[]}");
    trail.put(&trail.log(0, 40), b"");
    trail.put(&trail.log(1, 10), &[trail.bytes(&trail.log(1, 10)), vec![0; 512]].concat());
    let whole = trail.bytes(&trail.log(1, 40));
    trail.put(&trail.log(1, 40), &whole[..whole.len() / 2]);
    let mut flipped = trail.bytes(&trail.log(2, 10));
    let checksum = flipped.len() - 6;
    flipped[checksum] ^= 1;
    trail.put(&trail.log(2, 10), &flipped);
    trail.put(&trail.log(2, 40), &trail::gzip(&vec![b' '; 2 << 20]));
    let (_, all) = run(trail.path(), trail.metadata(), trail.keys());
    let verdicts: Vec<_> = all.bad().into_iter().map(|(_, verdict)| verdict).collect();
    let expected = [
        Verdict::InvalidFormat,
        Verdict::HashMismatch,
        Verdict::TrailingData,
        Verdict::HashMismatch,
        Verdict::InvalidFormat,
        Verdict::HashMismatch,
    ];
    assert_eq!(verdicts, expected);
}

#[test]
fn digests_that_are_signed_and_do_not_fit_are_remarked() {
    let mut trail = Trail::of(4);
    trail.edit(2, |text| text.replace("T02:00:00Z\",\"digestEnd", "T01:59:00Z\",\"digestEnd"));
    trail.edit(3, |text| {
        let at = text.find("previousDigestHashValue\":\"").unwrap() + 26;
        format!("{}{}{}", &text[..at], "0".repeat(64), &text[at + 64..])
    });
    let (summary, all) = run(trail.path(), trail.metadata(), trail.keys());
    assert_eq!((figures(&summary), all.bad()), ([4, 0, 0, 8], vec![]));
    assert!(
        all.remarks().contains(&Remark::PreviousHash) && all.remarks().contains(&Remark::Hole),
        "{:?}",
        all.remarks()
    );
}

/// Who takes the newest digest away leaves log files that nothing proves.
#[test]
fn log_files_after_the_newest_digest_are_told_of() {
    let trail = Trail::of(3);
    trail.remove(&trail.digest(2));
    let (_, all) = run(trail.path(), trail.metadata(), trail.keys());
    assert_eq!(all.remarks().iter().filter(|remark| **remark == Remark::UncoveredLog).count(), 2);
}

/// A key in a digest is followed only within what was given, and a chain that bites its tail ends.
#[test]
fn signed_nonsense_ends() {
    let mut trail = Trail::of(3);
    let newest = trail.digest(2);
    let log = trail.log(0, 10);
    trail.edit(0, |text| {
        let text = text.replace("\"previousDigestS3Object\":null", &format!("\"previousDigestS3Object\":\"{newest}\""));
        let text = text.replace("\"previousDigestS3Bucket\":null", "\"previousDigestS3Bucket\":\"trail-bucket\"");
        text.replace(&log, "../../../../../etc/passwd")
    });
    let (_, all) = run(trail.path(), trail.metadata(), trail.keys());
    let expected =
        [("passwd".to_owned(), Verdict::NotFound), (newest.rsplit('/').next().unwrap().to_owned(), Verdict::Loop)];
    assert_eq!(all.bad(), expected);
}
