//! Where git goes: a host's name is resolved once, each address is judged, and git connects to those and no others.
//!
//! Whoever connects a host chooses its name, and may change what it leads to at any moment; so what was judged is what git is given.
//! Where the environment names a proxy, names that only the proxy can resolve are left to it.

use std::io;
use std::net::IpAddr;

use domain::reach;
use domain::vcs::{Base, Scheme};
use domain::{Fault, Problem};
use futures::future::BoxFuture;

use super::{Git, Remote};

/// Leads from names to addresses.
pub trait Names: Send + Sync + std::fmt::Debug {
    /// The addresses of a host.
    fn addresses<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The names that this machine knows.
#[derive(Debug)]
pub struct SystemNames;

impl Names for SystemNames {
    fn addresses<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.map(|found| found.ip()).collect()) })
    }
}

/// Where git is to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pinned {
    host: String,
    port: u16,
    addresses: Vec<IpAddr>,
}

impl Pinned {
    /// The setting that keeps curl from resolving the name again.
    pub(super) fn resolved(&self) -> (String, String) {
        let shown: Vec<String> = self.addresses.iter().map(bracketed).collect();
        ("http.curloptResolve".to_owned(), format!("{}:{}:{}", self.host, self.port, shown.join(",")))
    }

    /// The options that keep SSH from resolving the name again, and let it know the host's key by its name.
    pub(super) fn ssh_options(&self) -> Option<String> {
        let address = self.addresses.first()?;
        let alias = if self.port == 22 { self.host.clone() } else { format!("[{}]:{}", self.host, self.port) };
        // A shell reads it, to which brackets are a pattern; an address has no quote in it.
        Some(format!("-o 'HostName={address}' -o 'HostKeyAlias={alias}'"))
    }
}

fn bracketed(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

impl Git {
    /// Whether this server reads repositories below that address at all, as far as the address alone tells: folders only inside of the
    /// roots it was given, addresses only where they are public or allowed. What a name leads to is judged when it is asked.
    ///
    /// # Errors
    /// `git/local`, `git/address`.
    pub fn may_reach(&self, base: &Base) -> Result<(), Problem> {
        if base.scheme == Scheme::File {
            return self.may_read(base);
        }
        let (host, _) = host_and_port(base)?;
        let known = match host.parse::<IpAddr>() {
            Ok(address) => Some(address),
            Err(_) => (host == "localhost").then_some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
        };
        known.map_or(Ok(()), |address| self.judge(&host, address))
    }

    /// Resolves a host and judges every address; `None` for a folder, and for a name that is left to a proxy.
    pub(super) async fn pinned(&self, remote: &Remote) -> Result<Option<Pinned>, Problem> {
        if remote.base.scheme == Scheme::File {
            return Ok(None);
        }
        let (host, port) = host_and_port(&remote.base)?;
        let found = match host.parse::<IpAddr>() {
            Ok(address) => Ok(vec![address]),
            Err(_) => tokio::time::timeout(self.0.limits.ask, self.0.names.addresses(&host, port))
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        };
        match found {
            Ok(addresses) if !addresses.is_empty() => {
                addresses.iter().try_for_each(|address| self.judge(&host, *address))?;
                Ok(Some(Pinned { host, port, addresses }))
            }
            _ if self.has_proxy(remote.base.scheme) => Ok(None),
            found => {
                let message = format!("The name {host} leads to no address.");
                let problem = Problem::new(Fault::Unavailable, "git/unreachable", message);
                Err(problem.advice("Correct the connection's http-url, or try again.").because(match found {
                    Ok(_) => "no address".to_owned(),
                    Err(error) => error.to_string(),
                }))
            }
        }
    }

    fn judge(&self, host: &str, address: IpAddr) -> Result<(), Problem> {
        if reach::is_reached(&self.0.allowed, host, address) {
            return Ok(());
        }
        let message = match host.parse::<IpAddr>() {
            Ok(_) => {
                format!("The address {address} is not on the public network, and the server was not told to go there.")
            }
            Err(_) => format!("The host {host} is not on the public network, and the server was not told to go there."),
        };
        let allow = if host.parse::<IpAddr>().is_ok() { address.to_string() } else { host.to_owned() };
        // The address behind a name stays in the log: who may connect a host need not learn what the server's network looks like.
        Err(Problem::new(Fault::Invalid, "git/address", message)
            .advice(format!("Whoever runs the server can allow it: multispace serve --allow-fetch {allow}"))
            .attribute("http-url")
            .because(address))
    }

    /// Whether the environment has a proxy for this kind of address.
    fn has_proxy(&self, scheme: Scheme) -> bool {
        let names: &[&str] = match scheme {
            Scheme::Https => &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
            Scheme::Http => &["http_proxy", "ALL_PROXY", "all_proxy"],
            Scheme::Ssh | Scheme::File => &[],
        };
        self.0.environment.iter().any(|(name, value)| names.contains(&name.as_str()) && !value.is_empty())
    }
}

/// Host and port of an address, the port of its scheme when it names none.
fn host_and_port(base: &Base) -> Result<(String, u16), Problem> {
    let usual = match base.scheme {
        Scheme::Https => 443,
        Scheme::Http => 80,
        Scheme::Ssh => 22,
        Scheme::File => 0,
    };
    let authority = base.authority.rsplit_once('@').map_or(base.authority.as_str(), |(_, host)| host);
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let port = port.filter(|port| !port.is_empty()).map_or(Ok(usual), str::parse);
    // Curl and SSH take the dot of the root away, so a name with it would be pinned under another.
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match port {
        Ok(port) if !host.is_empty() => Ok((host, port)),
        _ => Err(Problem::invalid("oauth_client/address", "The address names no host.")
            .advice("Give the base URL of the host, such as https://github.com or ssh://git@git.example.com.")
            .attribute("http-url")),
    }
}

#[cfg(test)]
mod tests;
