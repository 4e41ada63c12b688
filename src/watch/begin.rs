//! Whether this can be begun: what can be known of folders, rules and routes before anything is made or asked.

use std::path::{Path, PathBuf};

use ::deliver::Config;

use super::trouble;
use crate::config::nearest::nearest;
use crate::outcome::Failure;
use crate::rulebook::Rulebook;

/// A folder that will be made, or is there; a file of that name is neither.
///
/// # Errors
/// What it is, and what to name instead.
pub(crate) fn folder(place: &Path, what: &str) -> Result<(), Failure> {
    // Of a folder that will be made, the nearest above it that is there.
    let whole = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
    let found = whole.ancestors().find_map(|above| std::fs::metadata(above).ok().map(|there| (above, there)));
    match found {
        Some((above, there)) if !there.is_dir() && above == whole => {
            Err(Failure::Usage(format!("{}: {what} is a folder, and this is a file; name another", place.display())))
        }
        Some((above, there)) if !there.is_dir() => Err(Failure::Usage(format!(
            "{}: {what} is a folder, and {} above it is a file; name another",
            place.display(),
            above.display()
        ))),
        _ => Ok(()),
    }
}

/// Whether a lake can be at a place, as far as its name tells.
///
/// # Errors
/// As [`folder`]; for a bucket, what is wrong with its name.
pub(super) fn lake(place: &str) -> Result<(), Failure> {
    match ::aws::Place::parse(place) {
        Some(Ok(_)) => Ok(()),
        Some(Err(why)) => Err(Failure::Usage(why)),
        None if place.contains("://") => {
            Err(Failure::Usage(format!("{place}: a lake lives in a folder or in s3://BUCKET/PREFIX; name one")))
        }
        None => folder(Path::new(place), "a lake"),
    }
}

/// Where an outbox says which lake its alerts went to.
const LAKE_FILE: &str = "lake";

/// What to say where an outbox served another lake before: alerts that it knows are not told again, and what it has not
/// noted yet becomes rows of this lake. Notes the lake for the next time.
pub(super) fn other_lake(outbox: &Path, lake: &str) -> Option<String> {
    let lake = match crate::remote::is_remote(Path::new(lake)) {
        true => lake.to_owned(),
        false => one_name(Path::new(lake)).display().to_string(),
    };
    let file = outbox.join(LAKE_FILE);
    let before = std::fs::read_to_string(&file).ok();
    let before = before.as_deref().map(str::trim).filter(|before| !before.is_empty());
    if before != Some(&lake) && std::fs::write(&file, format!("{lake}\n")).is_err() {
        // A hint is all that is lost.
        return None;
    }
    before.filter(|before| *before != lake).map(|before| {
        format!(
            "the outbox {} served the lake {before} before: alerts that it knows are not told again; give each lake an \
             outbox of its own with --outbox",
            outbox.display()
        )
    })
}

/// One name of a folder that has many, also before it is made.
fn one_name(folder: &Path) -> PathBuf {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let of_parent = || Some(whole.parent()?.canonicalize().ok()?.join(whole.file_name()?));
    whole.canonicalize().ok().or_else(of_parent).unwrap_or(whole)
}

/// A route that names rules of which there are none takes nothing, for ever. While a rule cannot be read nobody knows its
/// names: then routes are believed, or a slip in a rule would leave an account unwatched.
///
/// # Errors
/// The route, the name, and the one that may be meant.
pub(crate) fn routes(config: &Config, rules: &Rulebook) -> Result<(), Failure> {
    if !rules.errors.is_empty() {
        return Ok(());
    }
    let mut names: Vec<&str> = trouble::RULES.to_vec();
    for rule in &rules.rules {
        let about = &rule.about;
        names.extend([about.name.as_str(), about.id.as_str(), about.title.as_str()]);
        names.extend(about.handle.as_deref());
    }
    for (number, route) in config.routes.iter().enumerate() {
        if let Some(pattern) = route.unknown_rule(&names) {
            let meant = nearest(&pattern.to_lowercase(), names.iter().copied()).map_or_else(
                || "`trailhound rules list` names them".to_owned(),
                |name| format!("did you mean `{name}`?"),
            );
            return Err(Failure::Usage(format!("route {}: there is no rule `{pattern}`; {meant}", number + 1)));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn folders_beneath_files_and_places_without_a_name_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "").unwrap();
        let said = |place: &str| match lake(place) {
            Ok(()) => String::new(),
            Err(Failure::Usage(said)) => said,
            Err(other) => panic!("{other}"),
        };
        let within = |name: &str| said(&dir.path().join(name).display().to_string());
        assert!(within("f").contains("this is a file") && within("f/a/lake").contains("above it is a file"));
        assert_eq!((within("a/b/lake"), said("s3://b/lake")), (String::new(), String::new()));
        assert!(said("s3://").contains("no bucket") && said("gs://b/x").contains("s3://BUCKET/PREFIX"));
    }

    #[test]
    fn an_outbox_of_another_lake_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(other_lake(dir.path(), "s3://logs/lake"), None);
        assert_eq!(other_lake(dir.path(), "s3://logs/lake"), None);
        let said = other_lake(dir.path(), "./lake").unwrap();
        assert!(said.contains("s3://logs/lake before") && said.contains("--outbox"), "{said}");
        for same in ["lake/", "src/../lake", &std::path::absolute("lake").unwrap().display().to_string()] {
            assert_eq!(other_lake(dir.path(), same), None, "{same}");
        }
    }
}
