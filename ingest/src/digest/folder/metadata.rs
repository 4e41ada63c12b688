//! The metadata of downloaded objects, which S3 keeps beside them and a download loses.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use crate::digest::archive::Metadata;

/// What a file beside the download says of each object's metadata. Signatures cannot be forged, so this may come from
/// anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataFile {
    objects: BTreeMap<String, BTreeMap<String, String>>,
}

impl MetadataFile {
    /// Reads `{KEY: {NAME: VALUE}}`; a key may also be written `BUCKET/KEY` or `s3://BUCKET/KEY`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<MetadataFile, String> {
        let wrong = "write an object {KEY: {\"signature\": …, \"signature-algorithm\": …}}";
        let value: Map<String, Value> = serde_json::from_str(text).map_err(|error| format!("{error}; {wrong}"))?;
        let mut objects = BTreeMap::new();
        for (key, value) in value {
            let Value::Object(fields) = value else { return Err(format!("{key}: not an object; {wrong}")) };
            let key = key.strip_prefix("s3://").unwrap_or(&key).to_owned();
            objects.insert(key, fields_of(&fields));
        }
        Ok(MetadataFile { objects })
    }

    /// What is known of one object: from the file, or from the answer of `aws s3api head-object` in `PATH.metadata.json`.
    pub(super) fn of(&self, bucket: &str, key: &str, path: &Path) -> Metadata {
        let known = self.objects.get(key).or_else(|| self.objects.get(&format!("{bucket}/{key}")));
        known.cloned().or_else(|| beside(path)).map_or(Metadata::Lost, Metadata::Known)
    }
}

fn beside(path: &Path) -> Option<BTreeMap<String, String>> {
    let mut name = path.file_name()?.to_owned();
    name.push(".metadata.json");
    let text = std::fs::read(path.with_file_name(name)).ok()?;
    let fields: Map<String, Value> = serde_json::from_slice(&text).ok()?;
    match fields.get("Metadata") {
        Some(Value::Object(metadata)) => Some(fields_of(metadata)),
        _ => Some(fields_of(&fields)),
    }
}

/// Names as S3 gives them: lower case, with or without their prefix.
fn fields_of(fields: &Map<String, Value>) -> BTreeMap<String, String> {
    let name = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.strip_prefix("x-amz-meta-").map_or(name.clone(), str::to_owned)
    };
    fields.iter().filter_map(|(key, value)| Some((name(key), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_may_be_written_in_several_ways() {
        let text = r#"{"s3://b/k": {"X-Amz-Meta-Signature": "00"}, "l": {}}"#;
        let file = MetadataFile::parse(text).unwrap();
        let Metadata::Known(known) = file.of("b", "k", Path::new("/nowhere")) else { panic!("lost") };
        assert_eq!(known["signature"], "00");
        assert_eq!(file.of("b", "l", Path::new("/nowhere")), Metadata::Known(BTreeMap::new()));
        assert_eq!(file.of("b", "m", Path::new("/nowhere")), Metadata::Lost);
        assert!(MetadataFile::parse("[]").unwrap_err().contains("signature-algorithm"));
    }

    #[test]
    fn the_answer_of_head_object_may_lie_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"ContentLength": 3, "Metadata": {"signature": "00"}}"#;
        std::fs::write(folder.path().join("a.gz.metadata.json"), text).unwrap();
        let found = MetadataFile::default().of("b", "k", &folder.path().join("a.gz"));
        assert!(matches!(found, Metadata::Known(known) if known["signature"] == "00"));
    }
}
