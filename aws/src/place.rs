//! Places in S3, as users write them: `s3://BUCKET[/PREFIX]`.

/// A bucket and what keys in it begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// What the wanted keys begin with; empty for all.
    pub prefix: String,
}

impl Place {
    /// Reads `s3://BUCKET[/PREFIX]`; `None` where it is another kind of place.
    ///
    /// # Errors
    /// It begins as one and names no bucket.
    pub fn parse(text: &str) -> Option<Result<Place, String>> {
        let rest = text.strip_prefix("s3://").or_else(|| text.strip_prefix("s3a://"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let sound = !bucket.is_empty()
            && bucket.len() <= 255
            && !bucket.contains(|c: char| c.is_whitespace() || c.is_control());
        Some(match sound {
            true => Ok(Place { bucket: bucket.to_owned(), prefix: prefix.to_owned() }),
            false => Err(format!("{text}: no bucket in it; write s3://BUCKET/PREFIX")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let place =
            |bucket: &str, prefix: &str| Some(Ok(Place { bucket: bucket.to_owned(), prefix: prefix.to_owned() }));
        assert_eq!(Place::parse("s3://b"), place("b", ""));
        assert_eq!(Place::parse("s3://b/"), place("b", ""));
        assert_eq!(Place::parse("s3://b/p/q+%2F r"), place("b", "p/q+%2F r"));
        assert_eq!(Place::parse("./s3"), None);
        assert!(matches!(Place::parse("s3:///x"), Some(Err(_))));
    }
}
