//! `trailhound iam-policy`: the least that trailhound must be allowed.

use std::io;

use aws::Place;
use aws::policy::{Needs, policy};

use crate::cli::IamPolicyArgs;
use crate::outcome::{Failure, Outcome};
use crate::render;

pub(crate) fn run(args: &IamPolicyArgs) -> Result<Outcome, Failure> {
    let lake = match args.lake.as_deref().map(Place::parse) {
        None => None,
        Some(Some(Ok(place))) => Some((place.bucket, place.prefix)),
        Some(Some(Err(why))) => return Err(Failure::Usage(why)),
        Some(None) => {
            return Err(Failure::Usage("--lake: a folder needs no permission; give s3://BUCKET/PREFIX".to_owned()));
        }
    };
    let needs = Needs {
        bucket: args.bucket.clone(),
        prefix: args.s3_prefix.clone(),
        queue: args.queue.clone(),
        key: args.kms_key.clone(),
        lookup: args.lookup,
        inventory: args.inventory,
        lake,
        partition: args.partition.clone(),
    };
    render::settle(render::json::document(&policy(&needs), &mut io::stdout()))?;
    Ok(Outcome::Done)
}
