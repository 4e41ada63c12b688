//! The JSON of `aws iam list-users`: when each password was last used.
//!
//! Source: "ListUsers" and "User" in the IAM API reference. `PasswordLastUsed` is absent where there is no password, or
//! none was used since 2014-10-20: that is no information, not "never".

use serde::Deserialize;
use serde_json::Value;

use super::strangers::Strangers;
use super::{Credentials, Entity, Error, Given, Inventory, pages};
use crate::instant;
use crate::usage::Kind;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    users: Vec<User>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct User {
    user_name: String,
    #[serde(default)]
    user_id: String,
    arn: String,
    create_date: Option<Value>,
    password_last_used: Option<Value>,
}

/// Adds the users of a list to the inventories of their accounts: those that are lacking, and of each the last use of the
/// password.
pub(super) fn add(found: &mut [Inventory], text: &str, source_name: &str) -> Result<(), Error> {
    let mut strangers = Strangers::default();
    for page in pages::parse::<Page>(text, source_name, "aws iam list-users")? {
        for user in page.users {
            if let Some(inventory) = strangers.place(found, &user.arn) {
                one(inventory, user);
            }
        }
    }
    strangers.warn(found, "users", source_name);
    Ok(())
}

fn one(inventory: &mut Inventory, user: User) {
    inventory.given.insert(Given::Users);
    let created = user.create_date.as_ref().and_then(instant::parse_json);
    let used = user.password_last_used.as_ref().and_then(instant::parse_json);
    if inventory.entity(&user.arn).is_none() {
        inventory.entities.push(Entity::bare(&user.arn, &user.user_name, &user.user_id, Kind::IamUser, created));
    }
    let known = inventory.credentials.entry(user.arn.clone()).or_insert_with(|| Credentials {
        user: user.user_name,
        arn: user.arn,
        created,
        ..Credentials::default()
    });
    known.password_last_used = known.password_last_used.max(used);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_adds_users_and_their_last_sign_in() {
        let list = json!({"Users": [
            {"UserName": "haams", "UserId": "AIDA1", "Arn": "arn:aws:iam::111111111111:user/haams", "Path": "/",
             "CreateDate": "2022-01-01T00:00:00+00:00", "PasswordLastUsed": "2022-07-01T00:00:00+00:00"},
            {"UserName": "s3_user", "UserId": "AIDA2", "Arn": "arn:aws:iam::111111111111:user/s3_user", "CreateDate": "2022-02-01T00:00:00Z"}]});
        let mut inventory = Inventory::default();
        inventory.add_users(&list.to_string(), "users.json").unwrap();
        assert_eq!(inventory.entities.len(), 2);
        let of = |name: &str| inventory.credentials[&format!("arn:aws:iam::111111111111:user/{name}")].clone();
        assert_eq!(of("haams").password_last_used, instant::parse("2022-07-01T00:00:00Z"));
        assert_eq!((of("s3_user").password_last_used, of("s3_user").password_enabled), (None, None));
        let other = json!({"Users": [{"UserName": "x", "Arn": "arn:aws:iam::222222222222:user/x"}]});
        inventory.add_users(&other.to_string(), "users.json").unwrap();
        assert_eq!(inventory.entities.len(), 2);
        assert!(inventory.warnings[0].starts_with("users.json: 1 users of account 222222222222 not counted"));
        for text in ["", "{}", "[1]", "{\"Users\": [{}]}"] {
            assert!(inventory.add_users(text, "users.json").unwrap_err().to_string().starts_with("users.json: "));
        }
    }
}
