//! Calls: the API calls that the organisation makes, as templates of their requests and responses.
//!
//! Shapes follow the AWS CloudTrail user guide and each service's page on logging with CloudTrail: names of
//! fields, which of them are null, which calls are data events, which services answer in us-east-1 only.
//! Who makes a call, and whether it succeeds, is not known here.

mod compute;
mod identity;
mod operations;
mod storage;

use super::template::Template;

/// One API call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// `eventSource` without `.amazonaws.com`.
    pub service: &'static str,
    /// `eventName`.
    pub name: &'static str,
    /// IAM action, as an error message names it; empty for calls that need none.
    pub action: &'static str,
    pub read_only: bool,
    /// A data event: recorded only where the trail has data events on.
    pub data: bool,
    /// A service with one endpoint, recorded in us-east-1.
    pub global: bool,
    pub form: Form,
    /// `requestParameters`, or `serviceEventDetails` of a service event.
    pub request: &'static str,
    pub response: &'static str,
    /// `additionalEventData`, or empty.
    pub additional: &'static str,
    /// `resources`, or empty.
    pub resources: &'static str,
    /// Resource that a denial names.
    pub target: &'static str,
    /// Error code and message of the call's own failure, or empty.
    pub failure: (&'static str, &'static str),
    pub api_version: &'static str,
}

/// What `eventType` a call is recorded under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `AwsApiCall`.
    Api,
    /// `AwsConsoleSignIn`.
    SignIn,
    /// `AwsServiceEvent`.
    Notice,
}

const fn call(service: &'static str, name: &'static str, action: &'static str, read_only: bool) -> Call {
    Call {
        service,
        name,
        action,
        read_only,
        data: false,
        global: false,
        form: Form::Api,
        request: "null",
        response: "null",
        additional: "",
        resources: "",
        target: "*",
        failure: ("", ""),
        api_version: "",
    }
}

const fn read(service: &'static str, name: &'static str, action: &'static str) -> Call {
    call(service, name, action, true)
}

const fn write(service: &'static str, name: &'static str, action: &'static str) -> Call {
    call(service, name, action, false)
}

impl Call {
    const fn request(mut self, text: &'static str) -> Call {
        self.request = text;
        self
    }

    const fn response(mut self, text: &'static str) -> Call {
        self.response = text;
        self
    }

    const fn additional(mut self, text: &'static str) -> Call {
        self.additional = text;
        self
    }

    const fn resources(mut self, text: &'static str) -> Call {
        self.resources = text;
        self
    }

    const fn target(mut self, text: &'static str) -> Call {
        self.target = text;
        self
    }

    const fn failure(mut self, code: &'static str, message: &'static str) -> Call {
        self.failure = (code, message);
        self
    }

    const fn api_version(mut self, text: &'static str) -> Call {
        self.api_version = text;
        self
    }

    const fn data(mut self) -> Call {
        self.data = true;
        self
    }

    const fn global(mut self) -> Call {
        self.global = true;
        self
    }

    const fn form(mut self, form: Form) -> Call {
        self.form = form;
        self
    }
}

/// A call with its templates cut into pieces.
#[derive(Debug)]
pub(super) struct Ready {
    pub call: Call,
    pub request: Template,
    pub response: Template,
    pub additional: Template,
    pub resources: Template,
    pub target: Template,
    pub failure: Template,
    /// Host that clients of this service name, within a region.
    pub host: Template,
    pub version: &'static str,
}

/// All calls, ready to be filled in.
#[derive(Debug)]
pub(super) struct Catalogue {
    ready: Vec<Ready>,
}

impl Catalogue {
    pub(super) fn new() -> Catalogue {
        let tables = [compute::CALLS, identity::CALLS, operations::CALLS, storage::CALLS];
        Catalogue { ready: tables.into_iter().flatten().map(|call| Ready::new(*call)).collect() }
    }

    /// Place of `service:Name`; personas name calls so.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let (service, name) = name.split_once(':')?;
        self.ready.iter().position(|ready| ready.call.service == service && ready.call.name == name)
    }

    pub(super) fn get(&self, at: usize) -> Option<&Ready> {
        self.ready.get(at)
    }

    /// The call `service:Name`.
    pub(super) fn named(&self, name: &str) -> Option<&Ready> {
        self.find(name).and_then(|at| self.get(at))
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> &[Ready] {
        &self.ready
    }
}

impl Ready {
    fn new(call: Call) -> Ready {
        Ready {
            request: Template::parse(call.request),
            response: Template::parse(call.response),
            additional: Template::parse(call.additional),
            resources: Template::parse(call.resources),
            target: Template::parse(call.target),
            failure: Template::parse(call.failure.1),
            host: Template::parse(host(&call)),
            version: version(&call),
            call,
        }
    }
}

/// Services write the record version they were built with: a trail holds several at any time.
fn version(call: &Call) -> &'static str {
    match call.service {
        "s3" | "iam" | "lambda" | "dynamodb" | "kms" | "ecs" => "1.11",
        "ec2" | "secretsmanager" | "cloudformation" | "athena" => "1.10",
        "logs" | "rds" | "signin" | "monitoring" | "glue" => "1.09",
        _ => "1.08",
    }
}

fn host(call: &Call) -> &'static str {
    match call.service {
        "s3" if call.data => "<bucket>.s3.<region>.amazonaws.com",
        "s3" => "s3.<region>.amazonaws.com",
        "iam" => "iam.amazonaws.com",
        "cloudfront" => "cloudfront.amazonaws.com",
        "route53" => "route53.amazonaws.com",
        "organizations" => "organizations.us-east-1.amazonaws.com",
        "ce" => "ce.us-east-1.amazonaws.com",
        "signin" => "signin.aws.amazon.com",
        "ec2" => "ec2.<region>.amazonaws.com",
        "sts" => "sts.<region>.amazonaws.com",
        "kms" => "kms.<region>.amazonaws.com",
        "lambda" => "lambda.<region>.amazonaws.com",
        "dynamodb" => "dynamodb.<region>.amazonaws.com",
        "logs" => "logs.<region>.amazonaws.com",
        "monitoring" => "monitoring.<region>.amazonaws.com",
        "ssm" => "ssm.<region>.amazonaws.com",
        "secretsmanager" => "secretsmanager.<region>.amazonaws.com",
        "cloudformation" => "cloudformation.<region>.amazonaws.com",
        "cloudtrail" => "cloudtrail.<region>.amazonaws.com",
        "ecr" => "api.ecr.<region>.amazonaws.com",
        "ecs" => "ecs.<region>.amazonaws.com",
        "rds" => "rds.<region>.amazonaws.com",
        "athena" => "athena.<region>.amazonaws.com",
        "glue" => "glue.<region>.amazonaws.com",
        "autoscaling" => "autoscaling.<region>.amazonaws.com",
        "elasticloadbalancing" => "elasticloadbalancing.<region>.amazonaws.com",
        _ => "api.<region>.amazonaws.com",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::template::{Account, Scene};
    use super::*;

    #[test]
    fn every_template_fills_to_json() {
        let account = Account { index: 0, id: "111122223333".into(), alias: "data".into(), seed: 5, data_events: true };
        let catalogue = Catalogue::new();
        for ready in catalogue.all() {
            for salt in 0..70 {
                let scene =
                    Scene { account: &account, region: "eu-west-1", time: 0, salt, own: "someone", session: "" };
                for template in [&ready.request, &ready.response, &ready.additional, &ready.resources] {
                    if template.is_empty() {
                        continue;
                    }
                    let mut text = String::new();
                    template.fill(&mut text, &scene);
                    let name = ready.call.name;
                    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{name}: {text}");
                    assert!(!text.contains('<'), "{name}: {text}");
                }
            }
        }
    }

    #[test]
    fn every_call_stands_once() {
        let catalogue = Catalogue::new();
        for (at, ready) in catalogue.all().iter().enumerate() {
            let name = format!("{}:{}", ready.call.service, ready.call.name);
            assert_eq!(catalogue.find(&name), Some(at), "{name} stands twice");
        }
    }
}
