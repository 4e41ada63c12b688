//! What `policy simulate` is asked, before it is answered: a question that IAM could not be asked is refused, and names that the
//! service reference does not have are told.

use ::access::policy::caller::Kind;
use ::access::policy::key::{self, Type};
use ::access::policy::{Caller, Context};
use ingest::action::{self, Mapping};

use crate::outcome::Failure;

/// Names that differ by more are no misspelling.
const TYPOS: usize = 3;

fn usage(text: String) -> Failure {
    Failure::Usage(text)
}

/// An action as the simulator of AWS takes it: `service:Name`, without wildcards.
pub(super) fn action(text: &str) -> Result<(), Failure> {
    let fits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if text.split_once(':').is_some_and(|(service, name)| fits(service) && fits(name)) {
        return Ok(());
    }
    let why = if text.contains(['*', '?']) {
        "a simulation asks about one action, not a pattern"
    } else {
        "no action, which is a service, a colon and a name"
    };
    Err(usage(format!("--action-names {text:?}: {why}; give one such as s3:GetObject")))
}

/// What is odd about an action's name; IAM may be newer than the catalogue.
pub(super) fn hint(text: &str) -> Option<String> {
    if action::is_known(text) {
        return None;
    }
    let (service, name) = text.split_once(':')?;
    let known = action::actions_of(&service.to_lowercase());
    if known.is_empty() {
        return Some(format!("{text}: no service of that name is known: misspelt, or newer than the catalogue"));
    }
    if let Mapping::Actions(needed) = action::map(&format!("{service}.amazonaws.com"), name, "") {
        return Some(format!("{text} is the name of a call, not of an action: it needs {}", needed.join(" and ")));
    }
    let lower = text.to_lowercase();
    let near = known.iter().map(|one| (distance(&lower, &one.name.to_lowercase()), one.name));
    let near = near.filter(|(far, _)| *far <= TYPOS).min();
    let next =
        near.map_or_else(|| "misspelt, or newer than the catalogue".to_owned(), |(_, name)| format!("is it {name}?"));
    Some(format!("{text}: the service has no action of that name: {next}"))
}

/// Letters to change, add or take away (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, byte) in one.bytes().enumerate() {
        let mut before = at;
        let mut left = at + 1;
        for (cell, theirs) in row.iter_mut().skip(1).zip(other.bytes()) {
            let changed = before + usize::from(byte != theirs);
            before = *cell;
            left = changed.min(before + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Who asks: a user, a role, a session, root or a service.
pub(super) fn caller(flag: &str, text: &str) -> Result<Caller, Failure> {
    let caller = Caller::new(text);
    let good = match caller.kind {
        Kind::Other => false,
        Kind::Service => text.contains(".amazonaws.com") || text.ends_with(".amazon.com"),
        _ => Type::Account.takes(&caller.account) && !caller.name.is_empty(),
    };
    if good {
        return Ok(caller);
    }
    let form =
        "give the ARN of a user, a role or a session, such as arn:aws:iam::111122223333:role/app, or a service's name";
    Err(usage(format!("{flag} {text:?}: nobody who could ask; {form}")))
}

/// Whose policy it is: a user or a role, not a session of one.
pub(super) fn holder(text: &str) -> Result<(), Failure> {
    match caller("--principal", text)?.kind {
        Kind::User | Kind::Role => Ok(()),
        Kind::Session => {
            Err(usage(format!("--principal {text:?}: a session; give the ARN of its role, with its path")))
        }
        _ => Err(usage(format!("--principal {text:?}: has no policies; give the ARN of a user or a role"))),
    }
}

/// A resource: its ARN, or `*`.
pub(super) fn resource(text: &str) -> Result<(), Failure> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_arn = matches!(parts.as_slice(), ["arn", partition, service, _, _, resource]
        if partition.starts_with("aws") && !service.is_empty() && !resource.is_empty());
    if is_arn || text == "*" {
        return Ok(());
    }
    let form = "give one such as arn:aws:s3:::bucket/key, or `*` where the action has none";
    Err(usage(format!("--resource-arns {text:?}: no ARN; {form}")))
}

/// The account of a resource: its number, or the ARN of its root as AWS' simulator takes it.
pub(super) fn owner(text: &str) -> Result<String, Failure> {
    let caller = Caller::new(text);
    let account = if caller.kind == Kind::Root { &caller.account } else { text };
    if Type::Account.takes(account) {
        return Ok(account.to_owned());
    }
    Err(usage(format!("--resource-owner {text:?}: no account; give its twelve digits")))
}

/// Keys of the context, as `KEY=VALUE`, `KEY=[A,B]`, or `ContextKeyName=…,ContextKeyValues=…,ContextKeyType=…` as the AWS command line
/// has them. What is odd comes back.
pub(super) fn entries(entries: &[String], context: &mut Context) -> Result<Vec<String>, Failure> {
    let mut hints = Vec::new();
    for entry in entries {
        let wrong = |why: String| usage(format!("--context-entries {entry:?}: {why}"));
        let one = Entry::read(entry).map_err(wrong)?;
        one.check().map_err(wrong)?;
        if key::is_unknown_global(&one.name) {
            let next = "misspelt, or newer than this program";
            hints.push(format!("--context-entries: {} is no global key that is known: {next}", one.name));
        }
        match one.values.as_slice() {
            [value] if !one.several => context.set(&one.name, value),
            values => context.set_many(&one.name, values.iter().map(String::as_str)),
        }
    }
    Ok(hints)
}

/// One key and its values.
struct Entry {
    name: String,
    values: Vec<String>,
    several: bool,
    of_type: Type,
}

impl Entry {
    fn read(entry: &str) -> Result<Entry, String> {
        if entry.starts_with("ContextKey") {
            return Entry::as_aws(entry);
        }
        let (name, value) = entry.split_once('=').ok_or("give KEY=VALUE, or KEY=[A,B]")?;
        let list = value.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
        let values = match list {
            Some(list) => list.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect(),
            None => vec![value.to_owned()],
        };
        let several = list.is_some() || key::is_several(name);
        Ok(Entry { name: name.to_owned(), values, several, of_type: Type::of_key(name) })
    }

    fn as_aws(entry: &str) -> Result<Entry, String> {
        let (mut name, mut values, mut of_type) = (None, Vec::new(), None);
        let mut in_values = false;
        for part in entry.split(',') {
            if let Some(text) = part.strip_prefix("ContextKeyName=") {
                (name, in_values) = (Some(text), false);
            } else if let Some(text) = part.strip_prefix("ContextKeyType=") {
                (of_type, in_values) = (Some(text), false);
            } else if let Some(text) = part.strip_prefix("ContextKeyValues=") {
                in_values = true;
                values.push(text);
            } else if in_values {
                values.push(part);
            } else {
                return Err(format!("{part:?} is none of ContextKeyName=, ContextKeyValues= and ContextKeyType="));
            }
        }
        let bare = |text: &str| text.trim_matches(['\'', '"']).to_owned();
        let name = bare(name.ok_or("give ContextKeyName= too")?);
        let (mut is_of, mut several) = (Type::of_key(&name), values.len() > 1 || key::is_several(&name));
        if let Some(text) = of_type {
            let known = || Type::names().collect::<Vec<_>>().join(", ");
            let (found, list) = Type::of_name(text).ok_or_else(|| format!("type {text:?} is none of {}", known()))?;
            if is_of == Type::Text {
                is_of = found;
            }
            several |= list;
        }
        let values = values.iter().map(|value| bare(value.trim_matches(['[', ']']))).collect();
        Ok(Entry { name, values, several, of_type: is_of })
    }

    fn check(&self) -> Result<(), String> {
        if !key::is_name(&self.name) {
            return Err(format!("{:?} is no key; give one such as aws:SourceIp", self.name));
        }
        if self.several && Type::of_key(&self.name) != Type::Text {
            return Err(format!("{} has one value in a request; give {}", self.name, self.of_type.form()));
        }
        match self.values.iter().find(|value| !self.of_type.takes(value)) {
            Some(value) => Err(format!("{} cannot be {value:?}; give {}", self.name, self.of_type.form())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_iam_could_not_be_asked_is_refused() {
        for bad in ["", "s3", "s3:", ":GetObject", "foo", "s3:Get*", "s3:Get Object", "s3:a:b", "*"] {
            assert!(action(bad).is_err(), "{bad}");
        }
        assert!(action("execute-api:Invoke").is_ok());
        for bad in ["", "ann", "arn:aws:iam::1:user/ann", "arn:aws:s3:::b", "arn:aws:iam::111122223333:user/", "a.b"] {
            assert!(caller("--caller-arn", bad).is_err(), "{bad}");
        }
        for good in
            ["arn:aws:iam::111122223333:root", "ec2.amazonaws.com", "arn:aws:sts::111122223333:assumed-role/r/s"]
        {
            assert!(caller("--caller-arn", good).is_ok(), "{good}");
        }
        assert!(holder("arn:aws:iam::111122223333:role/x/app").is_ok());
        for bad in
            ["app", "arn:aws:s3:::b", "arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:assumed-role/r/s"]
        {
            assert!(holder(bad).is_err(), "{bad}");
        }
        assert!(resource("*").is_ok() && resource("arn:aws:s3:::b/*").is_ok());
        for bad in ["", "bucket/key", "arn:aws:s3", "arn:aws:s3:::", "arn::s3:::b"] {
            assert!(resource(bad).is_err(), "{bad}");
        }
        assert_eq!(owner("arn:aws:iam::111122223333:root").unwrap(), "111122223333");
        assert!(owner("1111").is_err());
    }

    #[test]
    fn names_that_nobody_knows_get_a_hint() {
        assert_eq!((hint("s3:GetObject"), hint("S3:getobject")), (None, None));
        assert!(hint("s3:GetObjekt").unwrap().contains("is it s3:GetObject?"));
        assert!(hint("s3:HeadObject").unwrap().contains("needs s3:GetObject"));
        assert!(hint("nope:GetObject").unwrap().contains("no service"));
        assert!(hint("s3:Zzzzzzzzzz").unwrap().contains("newer"));
        assert_eq!((distance("kitten", "sitting"), distance("", "ab"), distance("a", "a")), (3, 2, 0));
    }

    #[test]
    fn a_context_has_keys_and_values_of_their_types() {
        let read = |entry: &str| {
            let mut context = Context::default();
            entries(&[entry.to_owned()], &mut context).map(|hints| (context, hints.len()))
        };
        let one = |key: &str, value: &str| {
            let mut context = Context::default();
            context.set(key, value);
            context
        };
        let many = |key: &str, values: &[&str]| {
            let mut context = Context::default();
            context.set_many(key, values.iter().copied());
            context
        };
        assert_eq!(read("aws:SourceIp=192.0.2.1").unwrap(), (one("aws:SourceIp", "192.0.2.1"), 0));
        assert_eq!(read("aws:TagKeys=a").unwrap(), (many("aws:TagKeys", &["a"]), 0));
        assert_eq!(read("my:key=[a, b]").unwrap(), (many("my:key", &["a", "b"]), 0));
        assert_eq!(read("aws:Sourceip4=x").unwrap().1, 1);
        let aws = "ContextKeyName='aws:SourceIp',ContextKeyValues='192.0.2.1',ContextKeyType=ip";
        assert_eq!(read(aws).unwrap().0, one("aws:SourceIp", "192.0.2.1"));
        let list = "ContextKeyName=my:n,ContextKeyValues=1,2,ContextKeyType=numericList";
        assert_eq!(read(list).unwrap().0, many("my:n", &["1", "2"]));
        for bad in [
            "x",
            "=v",
            "key=v",
            "aws:SourceIp=home",
            "aws:SourceIp=[192.0.2.1,192.0.2.2]",
            "aws:SecureTransport=yes",
            "ContextKeyName=aws:x,ContextKeyValues=1,ContextKeyType=number",
            "ContextKeyName=my:n,ContextKeyValues=a,ContextKeyType=numeric",
            "ContextKeyValues=1",
            "ContextKeyNom=1",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
