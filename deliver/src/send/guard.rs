//! Which addresses may be called: public ones, and what the configuration allows by name of network.
//!
//! A webhook's URL can name a host whose address is inside: the metadata service, which hands out credentials, a router, a
//! database. What a name resolves to is looked at, and the connection goes to the very address that was looked at, so a
//! name that changes its mind in between gains nothing. Redirects are not followed at all (`http`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Addresses that no configuration can allow: "this network", link-local (instance and task credentials, by IPv6 too),
/// multicast, reserved. Source: IANA IPv4 and IPv6 Special-Purpose Address Registries; AWS EC2 user guide, "IMDS".
const NEVER: &[&str] =
    &["0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/128", "fd00:ec2::/32", "fe80::/10", "ff00::/8"];

/// Addresses that are not public, from the same registries, and need to be allowed.
const INSIDE: &[&str] = &[
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    // Of IPv6 only 2000::/3 is public.
    "::/3",
    "4000::/2",
    "8000::/1",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
];

/// Why an address is not called. It goes through layers that know only `dyn Error`, and is looked for in them.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{host} is at {address}, which {why}")]
pub(crate) struct Refused {
    host: String,
    address: IpAddr,
    why: &'static str,
}

/// Looks at addresses before they are called.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    allow: Vec<IpNet>,
    /// Without TLS only what is allowed by name may be called.
    only_allowed: bool,
}

fn parsed(networks: &[&str]) -> Vec<IpNet> {
    networks.iter().filter_map(|network| network.parse().ok()).collect()
}

fn within(networks: &[&str], address: IpAddr) -> bool {
    parsed(networks).iter().any(|network| network.contains(&address))
}

/// Whether a network holds an address that can never be allowed.
pub(crate) fn never(network: &IpNet) -> bool {
    parsed(NEVER).iter().any(|never| network.contains(never) || never.contains(network))
}

impl Guard {
    pub(crate) fn new(allow: &[IpNet], only_allowed: bool) -> Guard {
        Guard { allow: allow.to_vec(), only_allowed }
    }

    /// Whether this address may be called.
    pub(crate) fn check(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        let real = unwrapped(address);
        let refused = |why| Err(Refused { host: host.to_owned(), address, why });
        if within(NEVER, real) || within(NEVER, address.to_canonical()) {
            return refused("is never called (link-local, metadata, multicast or reserved)");
        }
        if self.allow.iter().any(|network| network.contains(&real) || network.contains(&address)) {
            return Ok(());
        }
        if within(INSIDE, real) {
            return refused("is not public; if it is meant, name its network in allow_addresses");
        }
        if self.only_allowed {
            return refused("is called without TLS; use https://, or name its network in allow_addresses");
        }
        Ok(())
    }

    /// Checks a URL whose host is an address: no name is resolved then.
    pub(crate) fn check_url(&self, url: &Url) -> Result<(), Refused> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.check(&address.to_string(), IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => self.check(&address.to_string(), IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    /// All addresses of a name, or none: a name with one address inside is not to be trusted with the others.
    pub(crate) fn check_all(&self, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refused> {
        for address in &found {
            self.check(host, address.ip())?;
        }
        Ok(found)
    }
}

/// The IPv4 address inside an IPv6 one that leads to it: mapped, NAT64 (RFC 6052), 6to4 (RFC 3056).
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address.to_canonical() else { return address.to_canonical() };
    let [a, b, c, d, e, f, g, h] = six.segments();
    let four = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match [a, b, c, d, e, f] {
        [0x64, 0xff9b, 0, 0, 0, 0] => four(g, h),
        // The deprecated "IPv4-compatible" form; ::1 and :: are themselves.
        [0, 0, 0, 0, 0, 0] if g != 0 => four(g, h),
        [0x2002, high, low, ..] => four(high, low),
        _ => IpAddr::V6(Ipv6Addr::from(six.octets())),
    }
}

/// Resolves names for the HTTP client.
pub(super) struct Resolver(pub(super) Arc<Guard>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            // The port is the client's to set.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let checked = guard.check_all(&host, found)?;
            Ok(Box::new(checked.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(guard: &Guard, address: &str) -> Result<(), Refused> {
        guard.check("host", address.parse().unwrap())
    }

    #[test]
    fn every_network_is_one() {
        assert_eq!(parsed(NEVER).len(), NEVER.len());
        assert_eq!(parsed(INSIDE).len(), INSIDE.len());
    }

    #[test]
    fn inside_is_refused() {
        let guard = Guard::new(&[], false);
        for address in [
            "10.0.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.169.254",
            "169.254.170.2",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::0a00:0001",
            "2002:a9fe:a9fe::1",
            "2002:7f00:1::",
            "2001:db8::1",
            "::10.0.0.1",
            "2001::1",
            "64:ff9b:1::1",
            "198.18.0.1",
        ] {
            assert!(check(&guard, address).is_err(), "{address}");
        }
        for address in ["54.239.28.85", "172.32.0.1", "2600:1f18::1", "2a05:d014::1", "64:ff9b::36ef:1c55"] {
            assert!(check(&guard, address).is_ok(), "{address}");
        }
    }

    #[test]
    fn what_is_allowed_is_called_and_metadata_never() {
        let allow: Vec<IpNet> =
            ["10.1.0.0/16", "127.0.0.1/32", "169.254.0.0/16"].iter().map(|n| n.parse().unwrap()).collect();
        let guard = Guard::new(&allow, false);
        assert!(check(&guard, "10.1.2.3").is_ok());
        assert!(check(&guard, "::ffff:10.1.2.3").is_ok());
        assert!(check(&guard, "10.2.2.3").is_err());
        assert!(check(&guard, "169.254.169.254").is_err());
        for network in ["0.0.0.0/0", "169.254.169.254/32", "::/0", "169.0.0.0/8", "fe80::/64"] {
            assert!(never(&network.parse().unwrap()), "{network}");
        }
        assert!(!never(&"10.0.0.0/8".parse().unwrap()));
    }

    #[test]
    fn without_tls_only_what_is_allowed() {
        let guard = Guard::new(&["127.0.0.1/32".parse().unwrap()], true);
        assert!(check(&guard, "127.0.0.1").is_ok());
        assert!(check(&guard, "54.239.28.85").is_err());
    }

    #[test]
    fn addresses_in_urls_are_looked_at_however_they_are_written() {
        let guard = Guard::new(&[], false);
        for url in [
            "https://169.254.169.254/latest",
            "https://2852039166/",
            "https://0xa9fea9fe/",
            "https://0251.0376.0251.0376/",
            "https://[::ffff:169.254.169.254]/",
            "https://127.1/",
            "https://[fd00:ec2::254]/",
        ] {
            assert!(guard.check_url(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
    }

    /// A name that is public at one look and inside at the next: each look is checked, and what was checked is called.
    #[test]
    fn one_address_inside_spoils_the_name() {
        let guard = Guard::new(&[], false);
        let addresses = |list: &[&str]| list.iter().map(|a| SocketAddr::new(a.parse().unwrap(), 0)).collect::<Vec<_>>();
        assert!(guard.check_all("rebind.example", addresses(&["54.239.28.85"])).is_ok());
        assert!(guard.check_all("rebind.example", addresses(&["54.239.28.85", "169.254.169.254"])).is_err());
    }
}
