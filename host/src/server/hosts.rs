//! The names under which the server is reached.
//!
//! Another site can make its own name resolve to this server, and would then be of the same origin as it (DNS rebinding). Its requests
//! carry its name in `Host`. An address or `localhost` cannot be taken over like that.

use std::net::IpAddr;

use axum::http::uri::Authority;

/// What the host of a request is to this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// A name or an address of the loopback interface.
    Loopback,
    /// An address.
    Address,
    /// A name that resolves to whatever its owner says.
    Name,
    /// Neither.
    Malformed,
}

impl Host {
    /// Returns what a host is, with or without a port.
    pub(crate) fn of(host: &str) -> Self {
        let Some(name) = bare(host) else { return Self::Malformed };
        match address(&name) {
            Some(address) if address.to_canonical().is_loopback() => Self::Loopback,
            Some(_) => Self::Address,
            // RFC 6761, section 6.3: the names that resolve to the loopback address and nowhere else.
            None if name == "localhost" || name.ends_with(".localhost") => Self::Loopback,
            None => Self::Name,
        }
    }
}

/// Returns whether a host is one of some names, whatever its port.
pub(crate) fn is_listed<'a>(host: &str, names: impl IntoIterator<Item = &'a str>) -> bool {
    bare(host).is_some_and(|host| names.into_iter().any(|name| bare(name).is_some_and(|name| name == host)))
}

/// Returns a host in lower case, without a port and the dot at its end.
fn bare(host: &str) -> Option<String> {
    let authority = host.parse::<Authority>().ok()?;
    let name = authority.host();
    let is_plain = !authority.as_str().contains('@') && !name.is_empty();
    is_plain.then(|| name.trim_end_matches('.').to_ascii_lowercase())
}

fn address(name: &str) -> Option<IpAddr> {
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Host, is_listed};

    #[test]
    fn names_of_this_machine_are_known_from_others() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "localhost.",
            "app.localhost:1",
            "127.0.0.1",
            "127.1.2.3:80",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:8080",
        ] {
            assert_eq!(Host::of(host), Host::Loopback, "{host}");
        }
        for (host, expected) in [
            ("", Host::Malformed),
            ("example.com", Host::Name),
            ("localhost.example.com", Host::Name),
            ("notlocalhost", Host::Name),
            ("127.0.0.1.example.com", Host::Name),
            ("10.0.0.1:8080", Host::Address),
            ("0.0.0.0", Host::Address),
            ("[::]", Host::Address),
            ("user@localhost", Host::Malformed),
            ("localhost, example.com", Host::Malformed),
            ("localhost/", Host::Malformed),
        ] {
            assert_eq!(Host::of(host), expected, "{host}");
        }
    }

    #[test]
    fn a_listed_name_counts_with_any_port_and_in_any_case() {
        let names = ["example.com", "other.example:8443"];
        for host in ["example.com", "Example.COM:8080", "example.com.", "other.example"] {
            assert!(is_listed(host, names), "{host}");
        }
        for host in ["", "www.example.com", "example.com.evil", "user@example.com", "example"] {
            assert!(!is_listed(host, names), "{host}");
        }
    }
}
