//! `trailhound inventory`: who has what, asked of AWS and kept.

use std::io;
use std::path::Path;

use aws::inventory::{self, Asked, Inventory};
use chrono::Utc;
use lake::Lake;
use serde_json::{Value, json};

use crate::cli::{Global, InventoryArgs};
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output};

pub(crate) fn run(args: &InventoryArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let failed = |error: aws::Error| Failure::Io(error.to_string());
    // A lake that cannot be written to is told before an account is asked a thousand times.
    let lake = args.lake.as_deref().map(|place| Lake::open_for_writing(place, &args.aws.to_lake())).transpose()?;
    let connection = aws::Connection::open(&args.aws.to_options()).map_err(failed)?;
    let asked = Asked { organization: !args.no_organization, accessed: args.service_last_accessed };
    let now = Utc::now();
    let taken = inventory::take(&connection, asked, now).map_err(failed)?;
    let mut kept = Vec::new();
    if let Some(folder) = &args.out {
        kept.extend(write(&taken, folder)?);
    }
    if let Some(lake) = &lake {
        let name =
            lake::inventory::Name { account: taken.account.clone(), taken: now.format("%Y%m%dT%H%M%SZ").to_string() };
        let bytes = serde_json::to_vec(&taken).map_err(|error| Failure::Io(error.to_string()))?;
        if !lake.keep_inventory(&name, bytes)? {
            words.note(&format!("{} is there already, of the same second, and stays", name.path()));
        }
        kept.push(format!("{}/{}", lake.location().name(), name.path()));
    }
    print(&taken, &kept, &connection, global)?;
    for missing in &taken.missing {
        words.warning(missing);
    }
    if taken.scps.is_none() && taken.missing.is_empty() && !args.no_organization {
        words.note("the account is in no organisation: there are no service control policies");
    }
    Ok(if taken.missing.is_empty() { Outcome::Done } else { Outcome::Rejected })
}

/// The parts, each as its command of the AWS command line would print it, and all in one file.
fn write(taken: &Inventory, folder: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error: io::Error| Failure::Io(format!("{}: {error}; check the folder", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default() + "\n";
    let whole = serde_json::to_string(taken).map_err(|error| Failure::Io(error.to_string()))? + "\n";
    let mut files = vec![("inventory.json", whole), ("grants.json", pretty(&taken.authorization_details))];
    let parts = [
        ("users.json", &taken.users),
        ("instance-profiles.json", &taken.instance_profiles),
        ("virtual-mfa-devices.json", &taken.virtual_mfa_devices),
        ("password-policy.json", &taken.password_policy),
        ("service-last-accessed.json", &taken.service_last_accessed),
        ("scps.json", &taken.scps),
        ("rcps.json", &taken.rcps),
    ];
    files.extend(parts.into_iter().filter_map(|(name, value)| Some((name, pretty(value.as_ref()?)))));
    files.extend(taken.credential_report.clone().map(|report| ("credential-report.csv", report)));
    let mut written = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(failed)?;
        written.push(path.display().to_string());
    }
    Ok(written)
}

fn print(taken: &Inventory, kept: &[String], connection: &aws::Connection, global: &Global) -> Result<(), Failure> {
    let count = |name: &str| taken.authorization_details.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    let levels = |levels: &Option<Value>| levels.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
    let accessed = taken.service_last_accessed.as_ref().and_then(Value::as_object).map_or(0, serde_json::Map::len);
    let value = json!({
        "account": taken.account, "taken": taken.taken, "users": count("UserDetailList"), "groups": count("GroupDetailList"),
        "roles": count("RoleDetailList"), "policies": count("Policies"), "scp_levels": levels(&taken.scps),
        "rcp_levels": levels(&taken.rcps), "service_last_accessed": accessed, "credential_report": taken.credential_report.is_some(), "missing": taken.missing,
        "written": kept, "requests": connection.meter().requests(),
    });
    let mut out = io::stdout();
    let settled = match global.output {
        Output::Json => render::json::document(&value, &mut out),
        Output::Jsonl => render::json::document_line(&value, &mut out),
        Output::Table => tell(&value, kept, &mut Report::new(&mut out, Terminal::stdout(global.no_color))),
        Output::Csv | Output::Parquet | Output::Arrow => {
            return Err(Failure::Usage("an inventory is not rows: use --output table or json".to_owned()));
        }
    };
    Ok(render::settle(settled)?)
}

fn tell(value: &Value, kept: &[String], report: &mut Report<'_>) -> io::Result<()> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let count = |name: &str| number(value.get(name).and_then(Value::as_u64).unwrap_or_default());
    report.title(&format!("Inventory of {}, {}", text("account"), text("taken")))?;
    let facts = ["users", "groups", "roles", "policies", "scp_levels", "rcp_levels", "requests"];
    report.facts(&facts.map(|name| (name, count(name))))?;
    report.heading("Written")?;
    kept.iter().try_for_each(|place| report.prose(place))
}
