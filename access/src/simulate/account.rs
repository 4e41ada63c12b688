//! A case that brings an account's authorization details and asks whether one principal can, or who can.
//!
//! Without word to the contrary, conditions on keys that the query does not give are open: it asks what is possible.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, document};
use crate::inventory::{Entity, Inventory};
use crate::policy::caller::Caller;
use crate::policy::evaluate::Explained;
use crate::policy::{ActionName, Context, Document, Guards, Mode, Principal, Request};

#[derive(Deserialize)]
struct RawPolicy {
    #[serde(rename = "Resource")]
    resource: String,
    #[serde(rename = "Policy")]
    policy: Value,
    #[serde(rename = "Account")]
    account: Option<String>,
}

/// The policy of a resource, and whose it is.
struct Owned {
    resource: String,
    document: Document,
    account: Option<String>,
}

struct World {
    inventories: Vec<Inventory>,
    owned: Vec<Owned>,
}

/// What is asked of each principal.
struct Query {
    action: ActionName,
    resources: Vec<String>,
    context: Context,
    mode: Mode,
}

pub(super) fn answer(case: &Value, id: &Value) -> Result<Answer, String> {
    let world = World::read(case)?;
    let query = case.get("query").ok_or("the case has no query")?;
    if let Some(args) = query.get("args").and_then(Value::as_array) {
        let asked = Query::of(args.first(), args.get(1), args.get(2), args.get(4))?;
        let pairs = args.get(1).is_some_and(Value::is_array);
        let principals = world.who_can(&asked, pairs);
        return Ok(Answer { id: id.clone(), principals: Some(principals), ..Answer::default() });
    }
    let extra = query.get("extra").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let asked = Query::of(query.get("action"), query.get("resource"), extra.first(), extra.get(2))?;
    let arn = query.get("principal").and_then(Value::as_str).ok_or("the query names no principal")?;
    let caller = Caller::new(arn);
    let found = world.inventories.iter().find_map(|inventory| Some((inventory, inventory.behind(&caller)?)));
    let resource = asked.resources.first().map_or("*", String::as_str);
    let explained = match found {
        Some((inventory, entity)) => world.explain(inventory, entity, caller, &asked, resource),
        // A principal that the account does not have has no policies.
        None => world.ask(&Principal::new(caller, &Vec::new()), Context::default(), &asked, resource),
    };
    Ok(Answer::of(id.clone(), explained))
}

impl Query {
    fn of(
        action: Option<&Value>,
        resource: Option<&Value>,
        conditions: Option<&Value>,
        strict: Option<&Value>,
    ) -> Result<Query, String> {
        let action = action.and_then(Value::as_str).ok_or("the query names no action")?;
        let resources = match resource {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => return Err("the query names no resource".to_owned()),
        };
        let mut context = Context::default();
        for text in conditions.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            let (key, value) = text.split_once('=').ok_or_else(|| format!("condition {text:?}: give KEY=VALUE"))?;
            context.set(key, value);
        }
        let mode = if strict.and_then(Value::as_bool) == Some(true) { Mode::Strict } else { Mode::Possible };
        Ok(Query { action: ActionName::new(action), resources, context, mode })
    }
}

impl World {
    fn read(case: &Value) -> Result<World, String> {
        let details = match case.get("gaad") {
            Some(Value::Array(list)) => list.iter().collect::<Vec<_>>(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let mut inventories = Vec::new();
        for (at, page) in details.into_iter().enumerate() {
            let name = format!("gaad[{at}]");
            let mut inventory = Inventory::parse(&page.to_string(), &name).map_err(|reason| reason.to_string())?;
            if let Some(tree) = case.get("scps").filter(|tree| tree.as_array().is_none_or(|list| !list.is_empty())) {
                inventory.add_scps(&tree.to_string(), "scps").map_err(|reason| reason.to_string())?;
            }
            inventories.push(inventory);
        }
        let mut owned = Vec::new();
        // A list of files, each a list of policies; or one such list.
        let files = case.get("resource_policies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for entry in files.iter().flat_map(|file| file.as_array().map_or(std::slice::from_ref(file), Vec::as_slice)) {
            let raw = RawPolicy::deserialize(entry).map_err(|reason| format!("resource_policies: {reason}"))?;
            let document = document(&raw.policy, &raw.resource)?;
            owned.push(Owned { resource: raw.resource, document, account: raw.account });
        }
        Ok(World { inventories, owned })
    }

    fn explain(
        &self,
        inventory: &Inventory,
        entity: &Entity,
        caller: Caller,
        query: &Query,
        resource: &str,
    ) -> Explained {
        let context = inventory.principal_context(entity, &caller);
        self.ask(&inventory.principal(entity, caller), context, query, resource)
    }

    fn ask(&self, principal: &Principal, mut context: Context, query: &Query, resource: &str) -> Explained {
        context.merge(&query.context);
        let owned = self.owned.iter().find(|owned| covers(&owned.resource, resource));
        let guards =
            owned.map_or_else(Guards::none, |owned| Guards::none().with_policy(&owned.document, &owned.resource));
        let in_arn = resource.split(':').nth(4).filter(|account| !account.is_empty());
        let account = in_arn.or(owned.and_then(|owned| owned.account.as_deref())).unwrap_or_default();
        let request = Request {
            action: &query.action,
            resource,
            resource_account: account,
            context: &context,
            mode: &query.mode,
        };
        principal.explain(&request, &guards)
    }

    fn who_can(&self, query: &Query, pairs: bool) -> Vec<Value> {
        let mut found = Vec::new();
        for inventory in &self.inventories {
            for entity in &inventory.entities {
                for resource in &query.resources {
                    let explained = self.explain(inventory, entity, Caller::new(&entity.arn), query, resource);
                    if explained.outcome == crate::policy::Outcome::Allowed {
                        found.push((entity.arn.as_str(), resource.as_str()));
                    }
                }
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(arn, resource)| if pairs { json!([arn, resource]) } else { json!(arn) }).collect()
    }
}

/// Whether a policy's resource is the one, or the bucket around it.
fn covers(owner: &str, resource: &str) -> bool {
    resource.strip_prefix(owner).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
