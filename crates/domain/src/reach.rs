//! Which addresses the server connects to for somebody: public ones, and those that whoever runs the server named.
//!
//! A person who connects a git host chooses where the server goes. Without this rule they would reach through it what only the server
//! can: itself, its network, the metadata of its cloud. Absent: names and their resolution, which are the server's.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// What is reached although it is not public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// A host by its name, wherever that leads.
    Host(String),
    /// Every address that begins with the same bits.
    Network {
        /// One of its addresses.
        address: IpAddr,
        /// How many bits are the same, at most 32 or 128.
        bits: u8,
    },
}

impl FromStr for Allowed {
    type Err = String;

    /// Takes a host name, an address, or a network such as `10.0.0.0/8`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        if let Ok(address) = address.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            let all: u8 = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Ok(all), str::parse).ok().filter(|bits| *bits <= all);
            let bits =
                bits.ok_or_else(|| format!("a network of {address} has 0 to {all} bits, as in {address}/{all}"))?;
            return Ok(Self::Network { address, bits });
        }
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        match bits {
            None if text.len() <= 253 && plain(text).split('.').all(is_label) => Ok(Self::Host(plain(text))),
            _ => Err("give a host name, an address or a network such as 10.0.0.0/8, without scheme, port and path"
                .to_owned()),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => f.write_str(name),
            Self::Network { address, bits } => write!(f, "{address}/{bits}"),
        }
    }
}

impl Allowed {
    fn covers(&self, host: &str, of: IpAddr) -> bool {
        match self {
            Self::Host(name) => *name == plain(host),
            Self::Network { address, bits } => match (address, of) {
                (IpAddr::V4(address), IpAddr::V4(of)) => {
                    let rest = 32 - u32::from(*bits);
                    u32::from(*address).checked_shr(rest) == u32::from(of).checked_shr(rest)
                }
                (IpAddr::V6(address), IpAddr::V6(of)) => {
                    let rest = 128 - u32::from(*bits);
                    u128::from(*address).checked_shr(rest) == u128::from(of).checked_shr(rest)
                }
                _ => false,
            },
        }
    }
}

/// Whether a host is reached at an address that its name led to.
pub fn is_reached(allowed: &[Allowed], host: &str, address: IpAddr) -> bool {
    let address = canonical(address);
    is_public(address) || allowed.iter().any(|it| it.covers(host, address))
}

/// Whether an address is on the public network. Source: the special-purpose address registries of IANA (RFC 6890). An IPv6 address
/// that stands for an IPv4 address is as public as that.
pub fn is_public(address: IpAddr) -> bool {
    match canonical(address) {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

/// Of IPv6 only `2000::/3` is given out, and of that some parts are for other things.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let is_set_apart = (a == 0x2001 && (b < 0x200 || b == 0xdb8)) || (a == 0x3fff && b < 0x1000);
    a & 0xe000 == 0x2000 && !is_set_apart
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, of a translator (`64:ff9b::/96`), or of 6to4 (`2002::/16`).
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let four = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match six.segments() {
        // The unspecified address and loopback are not IPv4 addresses written otherwise.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => four(high, low),
        [0x2002, high, low, ..] => four(high, low),
        _ => address,
    }
}

/// A name as it is compared: without the dot of the root, in small letters.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_not_on_the_public_network_is_not_public_however_it_is_written() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address(text)), "{text}");
        }
        for text in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "140.82.121.4",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn what_was_named_is_reached_and_nothing_beside_it() {
        let allowed: Vec<Allowed> =
            ["Git.corp.example.", "10.20.0.0/16", "127.0.0.1", "fd00:1::/32"].map(|it| it.parse().unwrap()).into();
        let reached = |host: &str, at: &str| is_reached(&allowed, host, address(at));
        assert!(reached("git.corp.example", "192.168.0.9") && reached("GIT.corp.example.", "fd00:2::1"));
        assert!(reached("x", "10.20.255.1") && !reached("x", "10.21.0.1"));
        assert!(reached("x", "::ffff:10.20.0.1") && !reached("x", "::ffff:10.21.0.1"));
        assert!(reached("x", "127.0.0.1") && !reached("x", "127.0.0.2") && !reached("x", "::1"));
        assert!(reached("x", "fd00:1::7") && !reached("x", "fd00:2::7"));
        assert!(!reached("evil.git.corp.example", "10.0.0.1") && !reached("git.corp.example.evil", "10.0.0.1"));
        assert!(reached("x", "1.1.1.1"));
        assert!(is_reached(&["0.0.0.0/0".parse().unwrap()], "x", address("10.0.0.1")));
    }

    #[test]
    fn what_is_allowed_is_a_host_or_a_network_and_shown_as_it_is_written() {
        for (text, shown) in [
            ("git.corp", "git.corp"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.0.0.1", "10.0.0.1/32"),
            ("::1", "::1/128"),
            ("[::1]", "::1/128"),
        ] {
            assert_eq!(text.parse::<Allowed>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "https://git.corp",
            "git.corp:22",
            "10.0.0.0/33",
            "::/129",
            "git.corp/8",
            "a b",
            "*",
            "a..b",
            "10.0.0.0/x",
        ] {
            assert!(text.parse::<Allowed>().is_err(), "{text}");
        }
    }
}
