//! The credential report: passwords, MFA and access keys of an account's users.
//!
//! Source: "Getting credential reports for your AWS account" in the IAM user guide. Columns are found by header name;
//! unknown ones are passed over. Values: `true`/`false`/`not_supported`, times, `N/A`, `no_information`.

use super::Error;
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

pub(super) fn parse(text: &str, source_name: &str) -> Result<Vec<Credentials>, Error> {
    let mut rows = rows(text.trim_start_matches('\u{feff}')).into_iter();
    let Some(header) = rows.next() else {
        return Err(Error::new(source_name, "is empty: expected a credential report with its header line"));
    };
    for needed in ["user", "arn", "user_creation_time"] {
        if !header.iter().any(|name| name == needed) {
            let reason = format!("no credential report: the header has no column {needed:?}");
            return Err(Error::new(
                source_name,
                format!("{reason} (decode the Content of get-credential-report first)"),
            ));
        }
    }
    Ok(rows.filter(|row| row.iter().any(|value| !value.is_empty())).map(|row| credentials(&header, &row)).collect())
}

fn credentials(header: &[String], row: &[String]) -> Credentials {
    let value = |name: &str| {
        let at = header.iter().position(|column| column == name)?;
        let value = row.get(at)?.as_str();
        (!matches!(value, "" | "N/A" | "no_information" | "not_supported")).then_some(value)
    };
    let time = |name: &str| value(name).and_then(instant::parse);
    let flag = |name: &str| value(name).map(|text| text.eq_ignore_ascii_case("true"));
    let key = |slot: u8| {
        let named = |what: &str| format!("access_key_{slot}_{what}");
        let key = ReportedKey {
            slot,
            active: flag(&named("active")).unwrap_or(false),
            last_rotated: time(&named("last_rotated")),
            last_used: time(&named("last_used_date")),
            last_used_region: value(&named("last_used_region")).map(str::to_owned),
            last_used_service: value(&named("last_used_service")).map(str::to_owned),
        };
        (key.active || key.last_rotated.is_some()).then_some(key)
    };
    Credentials {
        user: value("user").unwrap_or_default().to_owned(),
        arn: value("arn").unwrap_or_default().to_owned(),
        created: time("user_creation_time"),
        password_enabled: flag("password_enabled"),
        password_last_used: time("password_last_used"),
        password_last_changed: time("password_last_changed"),
        mfa_active: flag("mfa_active"),
        keys: [1, 2].into_iter().filter_map(key).collect(),
    }
}

/// Rows of a CSV text (RFC 4180): quoted values may hold commas, quotes and line ends.
fn rows(text: &str) -> Vec<Vec<String>> {
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
    rows
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
        let found = parse(&text, "report.csv").unwrap();
        assert_eq!(found[0].user, "a,\"b");
        assert_eq!(
            (found[0].password_enabled, found[0].password_last_used, found[0].mfa_active),
            (Some(true), None, Some(false))
        );
        assert_eq!((found[0].keys.len(), found[0].keys[0].last_used), (1, None));
        assert_eq!((found[1].password_enabled, found[1].keys.len()), (None, 0));
    }

    #[test]
    fn what_is_no_report_is_told() {
        assert!(parse("a,b\n1,2", "x.csv").unwrap_err().to_string().contains("no column \"user\""));
        assert!(parse("", "x.csv").unwrap_err().to_string().contains("is empty"));
    }
}
