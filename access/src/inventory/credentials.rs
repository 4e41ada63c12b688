//! The credential report: passwords, MFA and access keys of an account's users.
//!
//! Source: "Getting credential reports for your AWS account" in the IAM user guide. Columns are found by header name;
//! unknown ones are passed over. Values: `true`/`false`/`not_supported`, times, `N/A`, `no_information`.

use super::strangers::Strangers;
use super::{Error, Given, Inventory};
use crate::instant;

/// One access key slot of the report, which tells no key id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportedKey {
    /// 1 or 2.
    pub slot: u8,
    /// Whether it can be used.
    pub active: bool,
    /// When it was made or last activated anew, microseconds.
    pub last_rotated: Option<i64>,
    /// Last signed request, microseconds; `None` where there was none since 2015-04-22.
    pub last_used: Option<i64>,
    /// Region of that request.
    pub last_used_region: Option<String>,
    /// Service of that request.
    pub last_used_service: Option<String>,
}

/// One row of the report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// User name; `<root_account>` for root.
    pub user: String,
    /// ARN.
    pub arn: String,
    /// When the user was made, microseconds.
    pub created: Option<i64>,
    /// Whether there is a console password; `None` where the report does not say (root).
    pub password_enabled: Option<bool>,
    /// Last sign-in, microseconds; `None` is "no information", not "never".
    pub password_last_used: Option<i64>,
    /// Last change of the password, microseconds.
    pub password_last_changed: Option<i64>,
    /// Whether MFA is on.
    pub mfa_active: Option<bool>,
    /// Access keys that exist: those that are active or have a date.
    pub keys: Vec<ReportedKey>,
}

/// Columns without which nothing can be said of passwords, MFA or keys.
const NEEDED: [&str; 4] = ["password_enabled", "mfa_active", "access_key_1_active", "access_key_2_active"];

/// Adds a report to the inventories of the accounts that its rows are of. What cannot be read of it is warned of.
pub(super) fn add(found: &mut [Inventory], text: &str, source_name: &str) -> Result<(), Error> {
    let Parsed { rows, mut warnings } = parse(text, source_name)?;
    let mut strangers = Strangers::default();
    for mut row in rows {
        let Some(inventory) = strangers.place(found, &row.arn) else { continue };
        inventory.given.insert(Given::CredentialReport);
        // What a list of users said before stays.
        let known = inventory.credentials.get(&row.arn).and_then(|known| known.password_last_used);
        row.password_last_used = row.password_last_used.max(known);
        inventory.credentials.insert(row.arn.clone(), row);
    }
    if let Some(first) = found.first_mut() {
        first.warnings.append(&mut warnings);
    }
    strangers.warn(found, "users", source_name);
    Ok(())
}

/// A report, and what of it could not be read.
#[derive(Debug)]
struct Parsed {
    rows: Vec<Credentials>,
    warnings: Vec<String>,
}

fn parse(text: &str, source_name: &str) -> Result<Parsed, Error> {
    let (rows, is_open) = rows(text.trim_start_matches('\u{feff}'));
    let last = rows.len();
    let mut rows = rows.into_iter();
    let Some(header) = rows.next() else {
        return Err(Error::new(source_name, "is empty: expected a credential report with its header line"));
    };
    let has = |needed: &str| header.iter().any(|name| name == needed);
    for needed in ["user", "arn", "user_creation_time"] {
        if !has(needed) {
            let reason = format!("no credential report: the header has no column {needed:?}");
            return Err(Error::new(
                source_name,
                format!("{reason} (decode the Content of get-credential-report first)"),
            ));
        }
    }
    let next = "fetch the report again: aws iam get-credential-report";
    let mut warnings: Vec<String> = Vec::new();
    let lacks: Vec<&str> = NEEDED.into_iter().filter(|needed| !has(needed)).collect();
    if !lacks.is_empty() {
        let lacks = lacks.join(", ");
        warnings.push(format!("{source_name}: no column {lacks}, so nothing is known of what they tell; {next}"));
    }
    let mut found = Vec::new();
    for (at, row) in rows.enumerate().filter(|(_, row)| row.iter().any(|value| !value.is_empty())) {
        let line = at + 2;
        // Half a row says "no key" where the other half would have named one.
        if is_open && line == last {
            let why = "begins a quoted value that does not end, so neither it nor what follows is counted";
            warnings.push(format!("{source_name}: row {line} {why}; {next}"));
            continue;
        }
        if row.len() != header.len() {
            let (has, of) = (row.len(), header.len());
            let why = format!("has {has} of {of} columns and is not counted, so nothing is known of its user");
            warnings.push(format!("{source_name}: row {line} {why}; {next}"));
            continue;
        }
        let one = Row { header: &header, row: &row };
        for (name, value) in one.strange() {
            let why = format!("{name} is {value:?}, which is no value of a credential report and is taken for absent");
            warnings.push(format!("{source_name}: row {line}: {why}; {next}"));
        }
        found.push(one.credentials());
    }
    if found.is_empty() && warnings.is_empty() {
        let why = "has no rows, and every account's report has one of its root";
        warnings.push(format!("{source_name}: {why}; {next}"));
    }
    Ok(Parsed { rows: found, warnings })
}

/// One row and its header.
struct Row<'a> {
    header: &'a [String],
    row: &'a [String],
}

impl<'a> Row<'a> {
    fn value(&self, name: &str) -> Option<&'a str> {
        let at = self.header.iter().position(|column| column == name)?;
        let value = self.row.get(at)?.as_str();
        (!matches!(value, "" | "N/A" | "no_information" | "not_supported")).then_some(value)
    }

    fn time(&self, name: &str) -> Option<i64> {
        self.value(name).and_then(instant::parse)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.value(name).and_then(flag)
    }

    fn key(&self, slot: u8) -> Option<ReportedKey> {
        let named = |what: &str| format!("access_key_{slot}_{what}");
        let key = ReportedKey {
            slot,
            active: self.flag(&named("active")).unwrap_or(false),
            last_rotated: self.time(&named("last_rotated")),
            last_used: self.time(&named("last_used_date")),
            last_used_region: self.value(&named("last_used_region")).map(str::to_owned),
            last_used_service: self.value(&named("last_used_service")).map(str::to_owned),
        };
        (key.active || key.last_rotated.is_some()).then_some(key)
    }

    /// Values that are neither of their kind nor absent.
    fn strange(&self) -> Vec<(&'a str, &'a str)> {
        let is_time = |name: &str| {
            ["_time", "_date", "_last_rotated", "_last_used", "_last_changed"].iter().any(|end| name.ends_with(end))
        };
        let is_flag = |name: &str| {
            name == "password_enabled"
                || name == "mfa_active"
                || (name.starts_with("access_key_") && name.ends_with("_active"))
        };
        let wrong = |name: &&'a String| {
            let value = self.value(name)?;
            let bad = (is_time(name) && instant::parse(value).is_none()) || (is_flag(name) && flag(value).is_none());
            bad.then_some((name.as_str(), value))
        };
        self.header.iter().filter_map(|name| wrong(&name)).collect()
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            user: self.value("user").unwrap_or_default().to_owned(),
            arn: self.value("arn").unwrap_or_default().to_owned(),
            created: self.time("user_creation_time"),
            password_enabled: self.flag("password_enabled"),
            password_last_used: self.time("password_last_used"),
            password_last_changed: self.time("password_last_changed"),
            mfa_active: self.flag("mfa_active"),
            keys: [1, 2].into_iter().filter_map(|slot| self.key(slot)).collect(),
        }
    }
}

fn flag(text: &str) -> Option<bool> {
    ["false", "true"].iter().position(|flag| text.eq_ignore_ascii_case(flag)).map(|at| at == 1)
}

/// Rows of a CSV text (RFC 4180): quoted values may hold commas, quotes and line ends. And whether the last one ends within one.
fn rows(text: &str) -> (Vec<Vec<String>>, bool) {
    let (mut rows, mut row, mut value) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                value.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut value)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut value));
                rows.push(std::mem::take(&mut row));
            }
            other => value.push(other),
        }
    }
    if !value.is_empty() || !row.is_empty() {
        row.push(value);
        rows.push(row);
    }
    (rows, quoted)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HEADER: &str = "user,arn,additional_credentials_info,user_creation_time,password_enabled,password_last_used,\
        mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active";

    #[test]
    fn values_are_found_by_the_header_and_read_as_they_are_meant() {
        let text = format!(
            "{HEADER}\r\n\"a,\"\"b\",arn:aws:iam::1:user/a,x,2024-01-01T00:00:00+00:00,true,no_information,false,true,2025-01-01T00:00:00+00:00,N/A,false\r\n\
            <root_account>,arn:aws:iam::1:root,,2020-01-01T00:00:00+00:00,not_supported,N/A,true,false,N/A,N/A,false\n"
        );
        let Parsed { rows: found, warnings } = parse(&text, "report.csv").unwrap();
        assert_eq!(warnings, [] as [&str; 0]);
        assert_eq!(found[0].user, "a,\"b");
        assert_eq!(
            (found[0].password_enabled, found[0].password_last_used, found[0].mfa_active),
            (Some(true), None, Some(false))
        );
        assert_eq!((found[0].keys.len(), found[0].keys[0].last_used), (1, None));
        assert_eq!((found[1].password_enabled, found[1].keys.len()), (None, 0));
    }

    #[test]
    fn rows_that_cannot_be_trusted_are_told() {
        let good = "ann,arn:aws:iam::111111111111:user/ann,,2024-01-01T00:00:00Z,true,N/A,false,false,N/A,N/A,false";
        let cut = "eve,arn:aws:iam::111111111111:user/eve,,2024-01-01T00:00:00Z,tr";
        let odd = "dan,arn:aws:iam::111111111111:user/dan,,yesterday,perhaps,N/A,false,false,N/A,N/A,false";
        let Parsed { rows, warnings } = parse(&format!("{HEADER}\n{good}\n{odd}\n{cut}"), "r.csv").unwrap();
        assert_eq!(rows.iter().map(|row| row.user.as_str()).collect::<Vec<_>>(), ["ann", "dan"]);
        assert!(warnings[0].starts_with("r.csv: row 3: user_creation_time is \"yesterday\""), "{warnings:?}");
        assert!(warnings[1].contains("password_enabled is \"perhaps\""), "{warnings:?}");
        assert!(warnings[2].starts_with("r.csv: row 4 has 5 of 11 columns and is not counted"), "{warnings:?}");
        assert_eq!(warnings.len(), 3);
        let open = parse(&format!("{HEADER}\n\"{good}\n{good}"), "r.csv").unwrap();
        assert!(open.rows.is_empty() && open.warnings[0].contains("row 2 begins a quoted value"), "{open:?}");
        let none = parse(HEADER, "r.csv").unwrap().warnings;
        assert!(none[0].contains("no rows"), "{none:?}");
        let short = parse("user,arn,user_creation_time,mfa_active\n", "r.csv").unwrap().warnings;
        assert!(short[0].contains("no column password_enabled, access_key_1_active, access_key_2_active"), "{short:?}");
    }

    #[test]
    fn rows_go_to_the_inventory_of_their_account() {
        let of = |account: &str| {
            let role = format!("{{\"RoleDetailList\": [{{\"Arn\": \"arn:aws:iam::{account}:role/r\"}}]}}");
            Inventory::parse(&role, "gaad.json").unwrap()
        };
        let row = |account: &str| {
            format!("a,arn:aws:iam::{account}:user/a,,2024-01-01T00:00:00Z,true,N/A,false,false,N/A,N/A,false")
        };
        let report = format!("{HEADER}\n{}\n{}\n", row("222222222222"), row("333333333333"));
        let mut found = [of("111111111111"), of("222222222222")];
        add(&mut found, &report, "r.csv").unwrap();
        assert_eq!((found[0].credentials.len(), found[1].credentials.len()), (0, 1));
        assert_eq!(found[0].warnings.len(), 1);
        assert!(
            found[0].warnings[0].contains("1 users of account 333333333333 not counted"),
            "{:?}",
            found[0].warnings
        );
        assert!(
            !found[0].given.contains(&Given::CredentialReport) && found[1].given.contains(&Given::CredentialReport)
        );
    }

    #[test]
    fn what_is_no_report_is_told() {
        assert!(parse("a,b\n1,2", "x.csv").unwrap_err().to_string().contains("no column \"user\""));
        assert!(parse("", "x.csv").unwrap_err().to_string().contains("is empty"));
    }
}
