//! The rules of evaluation by name, and the cases that the product's seeds tell.

#![allow(clippy::unwrap_used)]

use serde_json::{Value as Json, json};

use super::*;

const ACCOUNT: &str = "111111111111";
const OTHER: &str = "222222222222";
const USER: &str = "arn:aws:iam::111111111111:user/dev";
const ROLE: &str = "arn:aws:iam::111111111111:role/app";
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/app/s1";
const STRANGER: &str = "arn:aws:iam::222222222222:user/carol";
const OBJECT: &str = "arn:aws:s3:::bucket/key";

fn document(statements: Json) -> Document {
    Document::parse(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap()
}

fn allow(action: &str, resource: &str) -> Json {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn deny(action: &str, resource: &str) -> Json {
    json!({"Effect": "Deny", "Action": action, "Resource": resource})
}

fn to(principal: Json, mut statement: Json) -> Json {
    statement["Principal"] = principal;
    statement
}

/// A world to ask in: layers as lists of statements, `null` where there is none.
struct World {
    principal: &'static str,
    identity: Json,
    boundary: Json,
    session: Json,
    scps: Vec<Json>,
    rcps: Vec<Json>,
    policy: Json,
    endpoint: Json,
    context: Json,
}

impl World {
    fn of(principal: &'static str, identity: Json) -> World {
        let null = || Json::Null;
        let (scps, rcps) = (Vec::new(), Vec::new());
        let context = json!({});
        World {
            principal,
            identity,
            boundary: null(),
            session: null(),
            scps,
            rcps,
            policy: null(),
            endpoint: null(),
            context,
        }
    }

    fn ask(&self, action: &str, resource: &str) -> (Outcome, String) {
        let identity = document(self.identity.clone());
        let mut principal = Principal::new(Caller::new(self.principal), &[("identity", &identity)]);
        if !self.boundary.is_null() {
            principal = principal.with_boundary(&[("boundary", &document(self.boundary.clone()))]);
        }
        if !self.session.is_null() {
            principal = principal.with_session(&document(self.session.clone()));
        }
        for level in &self.scps {
            principal = principal.with_scp_level(&[("scp", &document(level.clone()))]);
        }
        let mut guards = Guards::none();
        if !self.policy.is_null() {
            guards = guards.with_policy(&document(self.policy.clone()), "policy");
        }
        for level in &self.rcps {
            guards = guards.with_rcp_level(&[("rcp", &document(level.clone()))]);
        }
        if !self.endpoint.is_null() {
            guards = guards.with_endpoint(&[("endpoint", &document(self.endpoint.clone()))]);
        }
        let context = Context::of_json(self.context.as_object().unwrap()).unwrap();
        let action = ActionName::new(action);
        let request =
            Request { action: &action, resource, resource_account: ACCOUNT, context: &context, mode: &Mode::Strict };
        let decision = principal.decide(&request, &guards);
        let explained = principal.explain(&request, &guards);
        assert_eq!((explained.outcome, explained.blocked_by), (decision.outcome, decision.blocked_by));
        let blocked: Vec<_> = decision.blocked_by.iter().map(LayerKind::as_str).collect();
        (decision.outcome, blocked.join(","))
    }
}

fn allowed() -> (Outcome, String) {
    (Outcome::Allowed, String::new())
}

fn implicit(blocked: &str) -> (Outcome, String) {
    (Outcome::ImplicitlyDenied, blocked.to_owned())
}

fn explicit(blocked: &str) -> (Outcome, String) {
    (Outcome::ExplicitlyDenied, blocked.to_owned())
}

#[test]
fn deny_beats_allow() {
    let world = World::of(USER, json!([deny("sqs:*", "*"), allow("sqs:DeleteQueue", "*")]));
    let queue = "arn:aws:sqs:us-east-1:111111111111:q";
    assert_eq!(world.ask("sqs:CreateQueue", queue).0, Outcome::ExplicitlyDenied);
    assert_eq!(world.ask("sqs:DeleteQueue", queue).0, Outcome::ExplicitlyDenied);
    assert_eq!(world.ask("ec2:DescribeInstances", "*"), implicit(""));
}

#[test]
fn the_boundary_that_leaves_nothing() {
    let mut world = World::of(USER, allow("iam:CreateUser", "*"));
    world.boundary = json!({"Effect": "Allow", "Action": ["s3:*", "cloudwatch:*", "ec2:*"], "Resource": "*"});
    assert_eq!(world.ask("iam:CreateUser", "arn:aws:iam::111111111111:user/new"), implicit("pb"));
    assert_eq!(world.ask("s3:GetObject", OBJECT), implicit(""));
}

#[test]
fn the_bucket_arn_without_objects() {
    let world = World::of(USER, allow("s3:*", "arn:aws:s3:::my_bucket"));
    assert_eq!(world.ask("s3:ListBucket", "arn:aws:s3:::my_bucket"), allowed());
    assert_eq!(world.ask("s3:GetObject", "arn:aws:s3:::my_bucket/key"), implicit(""));
}

/// Account A's user copies from its DynamoDB table to a bucket of account B. By a role of B it gives up what it has in
/// A; by the bucket's policy it keeps both.
#[test]
fn the_dynamodb_to_other_account_copy() {
    const TABLE: &str = "arn:aws:dynamodb:us-east-1:222222222222:table/data";
    let ask = |world: &World, action: &str, resource: &str, account: &str| {
        let identity = document(world.identity.clone());
        let principal = Principal::new(Caller::new(world.principal), &[("identity", &identity)]);
        let mut guards = Guards::none();
        if !world.policy.is_null() {
            guards = guards.with_policy(&document(world.policy.clone()), "policy");
        }
        let (action, context) = (ActionName::new(action), Context::default());
        let request =
            Request { action: &action, resource, resource_account: account, context: &context, mode: &Mode::Strict };
        principal.decide(&request, &guards).outcome
    };
    let by_role =
        World::of("arn:aws:sts::111111111111:assumed-role/copy/carol", allow("s3:PutObject", "arn:aws:s3:::bucket/*"));
    assert_eq!(ask(&by_role, "dynamodb:Scan", TABLE, OTHER), Outcome::ImplicitlyDenied);
    assert_eq!(ask(&by_role, "s3:PutObject", OBJECT, ACCOUNT), Outcome::Allowed);
    let mut by_bucket =
        World::of(STRANGER, json!([allow("dynamodb:Scan", TABLE), allow("s3:PutObject", "arn:aws:s3:::bucket/*")]));
    assert_eq!(ask(&by_bucket, "dynamodb:Scan", TABLE, OTHER), Outcome::Allowed);
    assert_eq!(ask(&by_bucket, "s3:PutObject", OBJECT, ACCOUNT), Outcome::ImplicitlyDenied);
    by_bucket.policy = to(json!({"AWS": STRANGER}), allow("s3:PutObject", "arn:aws:s3:::bucket/*"));
    assert_eq!(ask(&by_bucket, "s3:PutObject", OBJECT, ACCOUNT), Outcome::Allowed);
}

/// A group with EC2's full access, a user with an inline policy for one bucket, and `role_1` of an instance.
#[test]
fn the_ec2_group_with_an_inline_s3_policy_and_role_1() {
    let user = World::of(
        USER,
        json!([allow("ec2:*", "*"), {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]}]),
    );
    assert_eq!(user.ask("ec2:RunInstances", "*"), allowed());
    assert_eq!(user.ask("s3:GetObject", OBJECT), allowed());
    assert_eq!(user.ask("s3:GetObject", "arn:aws:s3:::other/key"), implicit(""));
    let role = World::of("arn:aws:sts::111111111111:assumed-role/role_1/i-0abc", allow("s3:*", "*"));
    assert_eq!(role.ask("s3:GetObject", OBJECT), allowed());
    assert_eq!(role.ask("ec2:DescribeInstances", "*"), implicit(""));
}

#[test]
fn only_two_ranges_may_come_in() {
    let elsewhere = json!({"Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]}}});
    let mut world = World::of(USER, json!([allow("*", "*"), elsewhere]));
    for (address, expected) in [
        ("192.0.2.7", Outcome::Allowed),
        ("198.51.100.1", Outcome::ExplicitlyDenied),
        ("2001:db8::1", Outcome::ExplicitlyDenied),
    ] {
        world.context = json!({"aws:SourceIp": address});
        assert_eq!(world.ask("s3:GetObject", OBJECT).0, expected, "{address}");
    }
}

#[test]
fn mfa_is_forced_only_with_if_exists() {
    let without = |operator: &str| {
        let rule = json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {operator: {"aws:MultiFactorAuthPresent": "false"}}});
        World::of(USER, json!([allow("*", "*"), rule])).ask("s3:GetObject", OBJECT).0
    };
    // A long-term key sends no such key: the plain form lets it pass.
    assert_eq!((without("Bool"), without("BoolIfExists")), (Outcome::Allowed, Outcome::ExplicitlyDenied));
}

#[test]
fn tags_of_principal_resource_and_request_decide() {
    let mut statement = allow("ec2:*", "*");
    statement["Condition"] = json!({"StringEquals": {
        "aws:ResourceTag/team": "${aws:PrincipalTag/team}", "aws:RequestTag/cost": ["1", "2"]}});
    let mut world = World::of(USER, json!([statement]));
    let mut ask = |context: Json| {
        world.context = context;
        world.ask("ec2:CreateVolume", "arn:aws:ec2:eu-west-1:111111111111:volume/*")
    };
    let tags = |principal: &str, resource: &str, cost: &str| json!({"aws:PrincipalTag/team": principal, "aws:ResourceTag/team": resource, "aws:RequestTag/cost": cost});
    assert_eq!(ask(tags("red", "red", "2")), allowed());
    assert_eq!(ask(tags("red", "blue", "2")), implicit(""));
    assert_eq!(ask(tags("red", "red", "3")), implicit(""));
    // What is inserted is no pattern, and what is missing matches nothing.
    assert_eq!(ask(tags("*", "red", "2")), implicit(""));
    assert_eq!(ask(json!({"aws:ResourceTag/team": "red", "aws:RequestTag/cost": "1"})), implicit(""));
}

#[test]
fn every_level_of_the_organisation_must_allow() {
    let full = || allow("*", "*");
    let mut world = World::of(USER, full());
    world.scps = vec![full(), json!([full(), deny("iam:*", "*")])];
    assert_eq!(world.ask("s3:GetObject", OBJECT), allowed());
    assert_eq!(world.ask("iam:GetUser", USER), explicit("scp"));
    world.scps.push(allow("ec2:*", "*"));
    assert_eq!(world.ask("s3:GetObject", OBJECT), implicit("scp"));
    world.principal = "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    assert_eq!(world.ask("iam:GetUser", USER), allowed());
    world.principal = "arn:aws:iam::111111111111:root";
    assert_eq!(world.ask("iam:GetUser", USER), explicit("scp"));
}

#[test]
fn resource_control_holds_for_its_services_alone() {
    let mut world = World::of(USER, allow("*", "*"));
    world.rcps = vec![to(json!("*"), deny("*", "*"))];
    assert_eq!(world.ask("s3:GetObject", OBJECT), explicit("rcp"));
    assert_eq!(world.ask("iam:GetUser", USER), allowed());
}

#[test]
fn a_resource_policy_grants_by_the_way_it_names_the_principal() {
    let ec2 = || allow("ec2:*", "*");
    for (principal, named, bounded, expected) in [
        (USER, json!({"AWS": USER}), true, allowed()),
        (USER, json!("*"), true, allowed()),
        (USER, json!({"AWS": ACCOUNT}), false, implicit("")),
        (ROLE, json!({"AWS": ROLE}), false, allowed()),
        (ROLE, json!({"AWS": ROLE}), true, implicit("pb")),
        (SESSION, json!({"AWS": ROLE}), true, implicit("pb")),
        (SESSION, json!({"AWS": SESSION}), true, allowed()),
        (SESSION, json!({"AWS": STRANGER}), false, implicit("")),
    ] {
        let mut world = World::of(principal, ec2());
        world.policy = to(named.clone(), allow("s3:*", "*"));
        if bounded {
            world.boundary = ec2();
        }
        assert_eq!(world.ask("s3:GetObject", OBJECT), expected, "{principal} {named}");
    }
}

#[test]
fn across_accounts_both_sides_must_allow() {
    let mut world = World::of(STRANGER, allow("s3:*", "*"));
    assert_eq!(world.ask("s3:GetObject", OBJECT), implicit(""));
    world.policy = to(json!({"AWS": OTHER}), allow("s3:*", "*"));
    assert_eq!(world.ask("s3:GetObject", OBJECT), allowed());
    world.identity = json!([]);
    assert_eq!(world.ask("s3:GetObject", OBJECT), implicit(""));
}

#[test]
fn keys_and_roles_have_policies_of_their_own() {
    const KEY: &str = "arn:aws:kms:us-east-1:111111111111:key/1";
    let mut world = World::of(USER, allow("*", "*"));
    assert_eq!(world.ask("kms:Decrypt", KEY), implicit(""));
    assert_eq!(world.ask("kms:CreateKey", "*"), allowed());
    world.policy = to(json!({"AWS": ACCOUNT}), allow("kms:*", "*"));
    assert_eq!(world.ask("kms:Decrypt", KEY), allowed());
    world.identity = json!([]);
    assert_eq!(world.ask("kms:Decrypt", KEY), implicit(""));
    world.policy = json!([{"Effect": "Allow", "Principal": {"AWS": USER}, "Action": "sts:AssumeRole"}]);
    assert_eq!(world.ask("sts:AssumeRole", ROLE), allowed());
    world.policy = json!([{"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": "sts:AssumeRole"}]);
    world.identity = allow("sts:*", "*");
    assert_eq!(world.ask("sts:AssumeRole", ROLE), implicit(""));
}

#[test]
fn sessions_endpoints_services_and_root() {
    let mut session = World::of(SESSION, allow("*", "*"));
    session.session = allow("ec2:*", "*");
    assert_eq!(session.ask("s3:GetObject", OBJECT), implicit("session"));
    let mut endpoint = World::of(USER, allow("*", "*"));
    endpoint.endpoint = to(json!("*"), allow("ec2:*", "*"));
    assert_eq!(endpoint.ask("s3:GetObject", OBJECT), implicit("vpce"));
    let mut service = World::of("lambda.amazonaws.com", json!([]));
    assert_eq!(service.ask("s3:GetObject", OBJECT), implicit(""));
    service.policy = to(json!({"Service": "lambda.amazonaws.com"}), allow("s3:*", "*"));
    assert_eq!(service.ask("s3:GetObject", OBJECT), allowed());
    assert_eq!(World::of("arn:aws:iam::111111111111:root", json!([])).ask("s3:GetObject", OBJECT), allowed());
    let federated = "arn:aws:sts::111111111111:federated-user/bob";
    assert_eq!(World::of(federated, allow("*", "*")).ask("s3:GetObject", OBJECT), implicit("session"));
}

#[test]
fn blocks_are_told_only_where_something_is_granted() {
    let mut world = World::of(USER, json!([allow("*", "*")]));
    world.scps = vec![json!([])];
    world.boundary = json!([allow("*", "*"), deny("s3:*", "*")]);
    assert_eq!(world.ask("s3:GetObject", OBJECT), explicit("scp,pb"));
    world.identity = json!([]);
    assert_eq!(world.ask("s3:GetObject", OBJECT), explicit(""));
    let mut resource = World::of(USER, deny("s3:*", "*"));
    resource.policy = to(json!({"AWS": USER}), allow("s3:*", "*"));
    assert_eq!(resource.ask("s3:GetObject", OBJECT), explicit("identity"));
}

#[test]
fn calls_that_need_no_permission() {
    let world = World::of(USER, deny("*", "*"));
    assert_eq!(world.ask("sts:GetCallerIdentity", "*"), allowed());
    assert_eq!(world.ask("sts:GetSessionToken", "*").0, Outcome::ExplicitlyDenied);
    assert_eq!(World::of(USER, json!([])).ask("sts:GetSessionToken", "*"), allowed());
}

#[test]
fn an_explanation_names_statements_layers_and_missing_keys() {
    let document = document(
        json!([{"Sid": "Tagged", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/${aws:username}",
        "Condition": {"StringEquals": {"aws:ResourceTag/env": "dev"}}}]),
    );
    let principal = Principal::new(Caller::new(USER), &[("inline", &document)]);
    let ask = |context: Json| {
        let context = Context::of_json(context.as_object().unwrap()).unwrap();
        let action = ActionName::new("s3:GetObject");
        let request = Request {
            action: &action,
            resource: "arn:aws:s3:::b/dev",
            resource_account: "",
            context: &context,
            mode: &Mode::Strict,
        };
        principal.explain(&request, &Guards::none())
    };
    assert_eq!(ask(json!({})).missing, ["aws:username"]);
    assert_eq!(ask(json!({"aws:username": "dev"})).missing, ["aws:resourcetag/env"]);
    let found = ask(json!({"aws:username": "dev", "aws:resourcetag/ENV": "dev"}));
    assert_eq!((found.outcome, found.missing.len()), (Outcome::Allowed, 0));
    let (layer, origin) = found.statement.unwrap();
    assert_eq!(
        (layer, &*origin.policy, origin.index, origin.sid.as_deref()),
        (LayerKind::Identity, "inline", 0, Some("Tagged"))
    );
}

#[test]
fn a_deny_with_not_principal_always_denies_who_has_a_boundary() {
    let not_me = json!([{"Effect": "Deny", "NotPrincipal": {"AWS": [USER, "arn:aws:iam::111111111111:root"]}, "Action": "s3:*", "Resource": "*"}]);
    let mut world = World::of(USER, json!([allow("s3:*", "*")]));
    world.policy = not_me;
    assert_eq!(world.ask("s3:GetObject", OBJECT), allowed());
    world.boundary = json!([allow("*", "*")]);
    assert_eq!(world.ask("s3:GetObject", OBJECT), explicit("resource"));
}

#[test]
fn a_key_needs_its_policy_and_an_alias_has_none() {
    let world = World::of(USER, json!([allow("kms:*", "*")]));
    assert_eq!(world.ask("kms:Decrypt", "arn:aws:kms:us-east-1:111111111111:key/1"), implicit(""));
    assert_eq!(world.ask("kms:CreateAlias", "arn:aws:kms:us-east-1:111111111111:alias/a"), allowed());
}
