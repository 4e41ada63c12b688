//! How the ARN of a resource is made: the templates of the service authorization reference, by prefix and resource type.
//!
//! One embedded table, inflated once when it is first asked for. Knows nothing of policies or events.

use std::collections::HashMap;
use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

static PACKED: &[u8] = include_bytes!("../../data/resource_arns.tsv.gz");

/// Prefix and resource type in lower case → templates.
type Templates = HashMap<(&'static str, String), Vec<&'static str>>;

fn templates() -> &'static Templates {
    static TEXT: OnceLock<String> = OnceLock::new();
    static TEMPLATES: OnceLock<Templates> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let text = TEXT.get_or_init(|| {
            let mut text = String::new();
            // The table is part of the binary, so this cannot fail; a test counts the rows.
            if GzDecoder::new(PACKED).read_to_string(&mut text).is_err() {
                text.clear();
            }
            text
        });
        let mut templates = Templates::new();
        for line in text.lines() {
            if let [prefix, kind, arn] = line.split('\t').collect::<Vec<_>>().as_slice() {
                templates.entry((prefix, kind.to_ascii_lowercase())).or_default().push(arn);
            }
        }
        templates
    })
}

/// The ARN templates of a resource type (`arn:${Partition}:s3:::${BucketName}`): of an IAM prefix and a type as
/// [`super::Action::resource_types`] names it, in any case. Empty where the reference does not say.
pub fn arns_of(prefix: &str, resource_type: &str) -> &'static [&'static str] {
    // The key borrows for as long as the program lives, so the prefix is the table's own.
    let Some(prefix) = super::actions_of(prefix).first().map(super::Action::service) else { return &[] };
    templates().get(&(prefix, resource_type.to_ascii_lowercase())).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_tells_how_its_arn_is_made() {
        assert!(templates().values().map(Vec::len).sum::<usize>() > 2_000);
        assert_eq!(arns_of("s3", "bucket"), ["arn:${Partition}:s3:::${BucketName}"]);
        assert_eq!(arns_of("ec2", "Instance").len(), 1);
        assert!(arns_of("s3", "nothing").is_empty() && arns_of("nothing", "bucket").is_empty());
    }
}
