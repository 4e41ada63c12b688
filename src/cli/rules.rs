//! `trailhound rules …`, and the flags that say which rules a command runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) const EXAMPLES: &str = "\
Examples:
  trailhound rules
  trailhound rules show root-console-login
  trailhound rules check ./our-rules --output json
  trailhound rules test ./our-rules
  trailhound rules lint ./our-rules ./sigma";

/// Which rules are run.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RuleFlags {
    /// Run the Sigma rules under this folder beside the shipped ones; may be given again
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,

    /// Run only the rules of --rules
    #[arg(long, requires = "rules")]
    pub(crate) no_shipped_rules: bool,

    #[command(flatten)]
    pub(crate) lists: ListFlags,
}

/// Values for placeholders in rules.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ListFlags {
    /// What `%NAME%` stands for in rules that use `expand`: a file with one value a line; may be given again
    #[arg(long = "list", value_name = "NAME=FILE", value_parser = list)]
    pub(crate) lists: Vec<(String, PathBuf)>,
}

/// `trailhound rules`
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) command: Option<RulesCommand>,
}

/// What to do with rules.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum RulesCommand {
    /// List rules with severity and tags [default: the shipped ones]
    List {
        /// Folders or files of rules
        #[arg(value_name = "DIR")]
        paths: Vec<PathBuf>,

        #[command(flatten)]
        lists: ListFlags,
    },
    /// Show all that one rule says of itself
    Show {
        /// Its name, id or title
        #[arg(value_name = "RULE")]
        rule: String,

        /// Folders or files of rules to look in [default: the shipped ones]
        #[arg(value_name = "DIR")]
        paths: Vec<PathBuf>,

        #[command(flatten)]
        lists: ListFlags,
    },
    /// Say which rules load, and why the others do not, with file and line
    Check {
        /// Folders or files of rules
        #[arg(value_name = "DIR", required = true)]
        paths: Vec<PathBuf>,

        #[command(flatten)]
        lists: ListFlags,
    },
    /// Run each rule on the events beside it: NAME.events.jsonl for NAME.yml
    Test {
        /// Folders or files of rules
        #[arg(value_name = "DIR", required = true)]
        paths: Vec<PathBuf>,

        #[command(flatten)]
        lists: ListFlags,
    },
    /// Remark what is odd: misspelt fields, calls that no service has, rules that say the same as others
    Lint {
        /// Folders or files of rules [default: the shipped ones]
        #[arg(value_name = "DIR")]
        paths: Vec<PathBuf>,

        #[command(flatten)]
        lists: ListFlags,
    },
}

fn list(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.trim_matches('%').to_owned(), PathBuf::from(file)))
        }
        _ => Err("give NAME=FILE, such as admins=./admins.txt".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_a_name_and_a_file() {
        assert_eq!(list("%admins%=a=b.txt"), Ok(("admins".to_owned(), PathBuf::from("a=b.txt"))));
        assert!(list("admins").is_err() && list("=x").is_err() && list("a=").is_err());
    }
}
