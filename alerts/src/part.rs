//! The parts of a thing that a rule remembers: fields, and two views of fields that repeat where the text does not.
//!
//! Addresses change within a network and user agents with every version, so a first use of either would be news every
//! day. Knows how a row is read and nothing of memory.

use std::net::IpAddr;

use crate::compile::Program;
use crate::run::Run;

/// One part of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A field, by its number in the program.
    Field(usize),
    /// The network of the address in a field.
    Network(usize),
    /// The program that the user agent in a field names, without its version.
    Family(usize),
}

impl Part {
    /// The part that a `trailhound:` block calls `name`.
    pub(crate) fn find(name: &str, program: &mut Program) -> Result<Part, String> {
        Ok(match name {
            "source_network" => Part::Network(program.field("sourceIPAddress")?),
            "user_agent_family" => Part::Family(program.field("userAgent")?),
            field => Part::Field(program.field(field)?),
        })
    }

    /// Appends the part to `out`, with a space before unless it is the first; false if the row has none.
    pub(crate) fn push(self, run: &mut Run<'_>, row: usize, out: &mut String) -> bool {
        let (Part::Field(field) | Part::Network(field) | Part::Family(field)) = self;
        let before = out.len();
        if !run.push_text(field, row, out) {
            return false;
        }
        let start = before + usize::from(before > 0);
        let text = out.get(start..).unwrap_or_default();
        let seen = match self {
            Part::Field(_) => return true,
            Part::Network(_) => network(text),
            Part::Family(_) => family(text).map(str::to_owned),
        };
        if let Some(seen) = seen {
            out.truncate(start);
            out.push_str(&seen);
        }
        true
    }
}

/// The /24 of an IPv4 address, the /48 of an IPv6 address; `None` for the name of a service.
fn network(text: &str) -> Option<String> {
    match text.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Some(format!("{a}.{b}.{c}.0/24"))
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(format!("{a:x}:{b:x}:{c:x}::/48"))
        }
    }
}

/// The first product that a user agent names, without its version. Terraform puts its partner's and its maker's first.
fn family(text: &str) -> Option<&str> {
    let mut products = text.split([' ', ',', ';']).map(|token| token.trim_matches(['[', ']', '(', ')']));
    let named = |token: &&str| !token.is_empty() && !token.starts_with("APN/") && !token.starts_with("HashiCorp/");
    products.find(named).and_then(|token| token.split('/').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_networks_and_services_have_none() {
        assert_eq!(network("203.0.113.7").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("::ffff:203.0.113.7").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("2001:db8:1:2::3").as_deref(), Some("2001:db8:1::/48"));
        assert_eq!(network("ec2.amazonaws.com"), None);
    }

    #[test]
    fn versions_are_no_part_of_a_family() {
        for (agent, product) in [
            ("aws-cli/2.15.0 Python/3.11.6 Linux/6.1", "aws-cli"),
            ("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11]", "S3Console"),
            ("APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io)", "Terraform"),
            ("console.amazonaws.com", "console.amazonaws.com"),
        ] {
            assert_eq!(family(agent), Some(product));
        }
    }
}
