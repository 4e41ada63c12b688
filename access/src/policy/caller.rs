//! Who asks: the principal of a request, read from its ARN.

use super::arn;
use super::context::Context;

/// What kind of principal asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `…:user/NAME`
    User,
    /// `…:role/NAME` itself, as policies and simulators name it.
    Role,
    /// `…:assumed-role/ROLE/SESSION`
    Session,
    /// `…:federated-user/NAME`
    Federated,
    /// `…:root`
    Root,
    /// A service: `lambda.amazonaws.com`.
    Service,
    /// Anything else: an identity provider, an unknown form.
    Other,
}

/// The principal of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// ARN, or a service's name.
    pub arn: String,
    /// What kind it is.
    pub kind: Kind,
    /// Its account; empty for a service.
    pub account: String,
    /// Name of the user, of the role behind a session, or of the role: without its path.
    pub name: String,
}

impl Caller {
    /// Reads a principal's ARN or a service's name.
    pub fn new(text: &str) -> Caller {
        let other = |kind| Caller { arn: text.to_owned(), kind, account: String::new(), name: text.to_owned() };
        let Some([_, _, service, _, account, resource]) = arn::split(text) else {
            return other(if text.contains('.') { Kind::Service } else { Kind::Other });
        };
        let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let (kind, name) = match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => (Kind::Root, resource.to_owned()),
            ("iam", Some(("user", path))) => (Kind::User, last(path)),
            ("iam", Some(("role", path))) => (Kind::Role, last(path)),
            ("sts", Some(("assumed-role", rest))) => {
                let role = rest.rsplit_once('/').map_or(rest, |(role, _)| role);
                (Kind::Session, last(role))
            }
            ("sts", Some(("federated-user", name))) => (Kind::Federated, name.to_owned()),
            _ => (Kind::Other, resource.to_owned()),
        };
        Caller { arn: text.to_owned(), kind, account: account.to_owned(), name }
    }

    /// Whether it is a role that a service made for itself, or a session of one: organisations do not restrict it.
    pub fn is_service_linked(&self) -> bool {
        match self.kind {
            Kind::Role => self.arn.contains(":role/aws-service-role/"),
            Kind::Session => self.name.starts_with("AWSServiceRoleFor"),
            _ => false,
        }
    }

    /// What its ARN alone says of the context of its requests. The ARN of a session does not say the path of its role, nor the id, which
    /// `aws:userid` begins with; root's id is its account. Source: "AWS global condition context keys", "Where you can use policy
    /// variables" in the IAM user guide.
    pub fn context(&self) -> Context {
        let mut context = Context::default();
        context.set("aws:PrincipalType", self.principal_type());
        context.set("aws:PrincipalIsAWSService", if self.kind == Kind::Service { "true" } else { "false" });
        if self.kind == Kind::Service {
            context.set("aws:PrincipalServiceName", &self.arn);
            return context;
        }
        context.set("aws:PrincipalAccount", &self.account);
        match self.kind {
            Kind::Session => {
                let partition = self.arn.split(':').nth(1).unwrap_or("aws");
                context.set("aws:PrincipalArn", &format!("arn:{partition}:iam::{}:role/{}", self.account, self.name));
            }
            Kind::Root => {
                context.set("aws:PrincipalArn", &self.arn);
                context.set("aws:userid", &self.account);
            }
            Kind::Federated => {
                context.set("aws:PrincipalArn", &self.arn);
                context.set("aws:userid", &format!("{}:{}", self.account, self.name));
            }
            _ => context.set("aws:PrincipalArn", &self.arn),
        }
        if self.kind == Kind::User {
            context.set("aws:username", &self.name);
        }
        context
    }

    /// `aws:PrincipalType` of its requests.
    pub fn principal_type(&self) -> &'static str {
        match self.kind {
            Kind::User => "User",
            Kind::Role | Kind::Session => "AssumedRole",
            Kind::Federated => "FederatedUser",
            Kind::Root => "Account",
            Kind::Service | Kind::Other => "Anonymous",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_what_is_in_the_context() {
        let of = |text: &str, key: &str| Caller::new(text).context().single(key).map(str::to_owned);
        let has =
            |text: &str, key: &str, value: &str| assert_eq!(of(text, key).as_deref(), Some(value), "{text} {key}");
        let user = "arn:aws:iam::111111111111:user/eng/bob";
        has(user, "aws:principalarn", user);
        has(user, "aws:principalaccount", "111111111111");
        has(user, "aws:username", "bob");
        has(user, "aws:principaltype", "User");
        assert_eq!(of(user, "aws:userid"), None, "an id that the ARN does not say");
        let session = "arn:aws-cn:sts::111111111111:assumed-role/app/i-0";
        has(session, "aws:principalarn", "arn:aws-cn:iam::111111111111:role/app");
        assert_eq!((of(session, "aws:username"), of(session, "aws:userid")), (None, None));
        has("arn:aws:iam::111111111111:root", "aws:userid", "111111111111");
        has("arn:aws:sts::111111111111:federated-user/bob", "aws:userid", "111111111111:bob");
        has("lambda.amazonaws.com", "aws:principalservicename", "lambda.amazonaws.com");
        has("lambda.amazonaws.com", "aws:principalisawsservice", "true");
        assert_eq!(of("lambda.amazonaws.com", "aws:principalarn"), None);
    }

    #[test]
    fn an_arn_says_who_it_is() {
        for (text, kind, account, name) in [
            ("arn:aws:iam::111111111111:user/eng/bob", Kind::User, "111111111111", "bob"),
            ("arn:aws:iam::111111111111:role/x/app", Kind::Role, "111111111111", "app"),
            ("arn:aws-cn:sts::111111111111:assumed-role/app/i-0", Kind::Session, "111111111111", "app"),
            ("arn:aws:sts::111111111111:federated-user/bob", Kind::Federated, "111111111111", "bob"),
            ("arn:aws:iam::111111111111:root", Kind::Root, "111111111111", "root"),
            ("lambda.amazonaws.com", Kind::Service, "", "lambda.amazonaws.com"),
            ("*", Kind::Other, "", "*"),
        ] {
            let caller = Caller::new(text);
            assert_eq!((caller.kind, caller.account.as_str(), caller.name.as_str()), (kind, account, name), "{text}");
        }
        assert!(
            Caller::new("arn:aws:iam::1:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX").is_service_linked()
        );
        assert!(Caller::new("arn:aws:sts::1:assumed-role/AWSServiceRoleForX/s").is_service_linked());
        assert!(!Caller::new("arn:aws:iam::1:role/app").is_service_linked());
    }
}
