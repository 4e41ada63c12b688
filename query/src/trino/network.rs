//! Addresses and networks: Trino's IPADDRESS and IPPREFIX, which are texts here in their usual form.
//!
//! Source: Trino documentation, "IP address functions" and "Data types" (network address). What is no address, such as the
//! name of a service, is NULL and in no network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use datafusion::common::{Result, exec_err};

use super::function::{Entry, Kernel, Memo};

/// The functions, by name.
pub(super) static FUNCTIONS: &[Entry] = &[
    Entry {
        name: "ip_address",
        arity: 1..=1,
        kernel: Kernel::Text(ip_address),
        about: "an IP address in its usual form; NULL for a service name: what CAST(x AS ipaddress) becomes",
        example: ("ip_address('2001:DB8:0::1')", "2001:db8::1"),
    },
    Entry {
        name: "ip_order",
        arity: 1..=1,
        kernel: Kernel::Text(ip_order),
        about: "a text that sorts as addresses do: what an address that is compared becomes",
        example: ("ip_order('9.0.0.0') < ip_order('10.0.0.0')", "true"),
    },
    Entry {
        name: "ip_prefix",
        arity: 2..=2,
        kernel: Kernel::Text(ip_prefix),
        about: "the network of so many bits that an address is in",
        example: ("ip_prefix('10.1.2.3', 8)", "10.0.0.0/8"),
    },
    Entry {
        name: "ip_subnet_min",
        arity: 1..=1,
        kernel: Kernel::Text(|args, _, out| Ok(bound(args, false, out))),
        about: "the first address of a network",
        example: ("ip_subnet_min('10.1.2.3/8')", "10.0.0.0"),
    },
    Entry {
        name: "ip_subnet_max",
        arity: 1..=1,
        kernel: Kernel::Text(|args, _, out| Ok(bound(args, true, out))),
        about: "the last address of a network",
        example: ("ip_subnet_max('10.1.2.3/8')", "10.255.255.255"),
    },
    Entry {
        name: "ip_subnet_range",
        arity: 1..=1,
        kernel: Kernel::Texts(range),
        about: "the first and the last address of a network",
        example: ("ip_subnet_range('10.1.2.3/8')", "[10.0.0.0, 10.255.255.255]"),
    },
    Entry {
        name: "is_subnet_of",
        arity: 2..=2,
        kernel: Kernel::Truth(is_subnet_of),
        about: "whether a network (10.0.0.0/8) holds an address or a network",
        example: ("is_subnet_of('10.0.0.0/8', '10.1.2.3')", "true"),
    },
];

fn ip_address(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let address = args.first().and_then(|text| text.parse::<IpAddr>().ok()).map(|address| address.to_canonical());
    out.extend(address.map(|address| address.to_string()));
    Ok(address.is_some())
}

/// Trino keeps addresses of IPv4 as those of IPv6 that stand for them, and sorts them so.
fn ip_order(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let bits = match args.first().and_then(|text| text.parse::<IpAddr>().ok()) {
        Some(IpAddr::V4(address)) => address.to_ipv6_mapped().to_bits(),
        Some(IpAddr::V6(address)) => address.to_bits(),
        None => return Ok(false),
    };
    out.push_str(&format!("{bits:032x}"));
    Ok(true)
}

/// A network: its bits, left in 128, how many of them count, and whether it is one of IPv4.
#[derive(Clone, Copy)]
struct Network {
    bits: u128,
    length: u32,
    old: bool,
}

impl Network {
    fn parse(text: &str) -> Option<Network> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let written: IpAddr = address.parse().ok()?;
        let (bits, most, old) = match written.to_canonical() {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32, true),
            IpAddr::V6(address) => (address.to_bits(), 128, false),
        };
        let length = length.map_or(Some(most), |length| match length.parse::<u32>() {
            // Written as IPv6, so counted from there.
            Ok(length) if old && written.is_ipv6() => length.checked_sub(96),
            length => length.ok(),
        })?;
        (length <= most).then_some(Network { bits, length, old })
    }

    /// The first or the last address.
    fn bound(self, last: bool) -> IpAddr {
        let rest = u128::MAX.checked_shr(self.length).unwrap_or(0);
        let bits = if last { self.bits | rest } else { self.bits & !rest };
        match self.old {
            true => IpAddr::V4(Ipv4Addr::from_bits((bits >> 96) as u32)),
            false => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        }
    }
}

fn ip_prefix(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[address, length] = args else { return Ok(false) };
    let Some(network) = Network::parse(address) else { return Ok(false) };
    let most = if network.old { 32 } else { 128 };
    match length.parse() {
        Ok(length) if length <= most => {
            out.push_str(&format!("{}/{length}", Network { length, ..network }.bound(false)));
            Ok(true)
        }
        _ => exec_err!("ip_prefix: `{length}` is no number of bits up to {most}"),
    }
}

fn bound(args: &[&str], last: bool, out: &mut String) -> bool {
    let network = args.first().and_then(|text| Network::parse(text));
    out.extend(network.map(|network| network.bound(last).to_string()));
    network.is_some()
}

fn range(args: &[&str], _memo: &mut Memo, out: &mut Vec<Option<String>>) -> Result<bool> {
    let network = args.first().and_then(|text| Network::parse(text));
    out.extend(network.into_iter().flat_map(|n| [n.bound(false), n.bound(true)]).map(|a| Some(a.to_string())));
    Ok(network.is_some())
}

fn is_subnet_of(args: &[&str], _memo: &mut Memo) -> Result<Option<bool>> {
    let &[outer, inner] = args else { return Ok(None) };
    Ok(Some(holds_address(outer, inner)))
}

/// Whether a network holds an address or a network. A service name is in no network.
pub(super) fn holds_address(outer: &str, inner: &str) -> bool {
    let (Some(outer), Some(inner)) = (Network::parse(outer), Network::parse(inner)) else { return false };
    let differs = (outer.bits ^ inner.bits).leading_zeros();
    outer.old == inner.old && outer.length <= inner.length && (outer.length == 0 || differs >= outer.length)
}
