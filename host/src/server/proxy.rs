//! From where a request comes and for which server it is meant, where it may have passed through proxies.
//!
//! Only a proxy that the options trust is believed. It appends to what it got, so its headers are read from their end, back to the
//! first address that is not trusted: everything before that is the client's own invention.

mod forwarded;

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::{FORWARDED, HOST, VIA};
use axum::http::request::Parts;
use ipnet::IpNet;

use self::forwarded::Hop;

/// How many hops are looked at: more proxies than anybody has one behind the other.
const MAX_HOPS: usize = 16;

/// Marks a request whose connection to this server is encrypted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encrypted;

/// From where a request comes, and what the one who made it takes this server for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The client's address: the first that no trusted proxy has.
    pub(crate) address: IpAddr,
    /// Whether the client's connection is encrypted.
    pub(crate) secure: bool,
    /// The host to which the client has sent the request, with its port if it named one. Empty if the request names none or two.
    pub(crate) host: String,
    /// The path below which the client sees this server, such as `/app`. Empty for the root.
    pub(crate) prefix: String,
}

impl Source {
    /// Returns the source of a request that came from `peer`. `secure` says that all connections are encrypted.
    pub(crate) fn of(request: &Parts, peer: IpAddr, secure: bool, trusted: &[IpNet]) -> Self {
        let secure = secure || request.extensions.get::<Encrypted>().is_some();
        let mut source = Self { address: peer.to_canonical(), secure, host: host(request), prefix: String::new() };
        if !is_trusted(trusted, source.address) {
            return source;
        }
        let standard = request.headers.contains_key(FORWARDED).then(|| forwarded::standard(&request.headers));
        let customary = forwarded::has_customary(&request.headers).then(|| forwarded::customary(&request.headers));
        let (hops, prefix) = match (standard, customary) {
            (Some(Some(hops)), None) => (hops, ""),
            (None, Some(hops)) => (hops, last(&request.headers, "x-forwarded-prefix")),
            // Most proxies write one kind and pass the other on: a client could name any address with it.
            (Some(Some(hops)), Some(other)) if client(&hops, trusted) == client(&other, trusted) => {
                (hops, last(&request.headers, "x-forwarded-prefix"))
            }
            _ => return source,
        };
        source.take(&hops, trusted);
        if prefix.starts_with('/') && !prefix.starts_with("//") && prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            source.prefix = prefix.trim_end_matches('/').to_owned();
        }
        source
    }

    /// Takes over what the trusted proxies say, the nearest first.
    fn take(&mut self, hops: &[Hop], trusted: &[IpNet]) {
        for hop in hops.iter().rev().take(MAX_HOPS) {
            if let Some(secure) = hop.secure {
                self.secure = secure;
            }
            if let Some(host) = &hop.host {
                self.host.clone_from(host);
            }
            let Some(address) = hop.client else { return };
            self.address = address;
            if !is_trusted(trusted, address) {
                return;
            }
        }
    }
}

/// Returns the address to which limits for each client apply: one subscriber has a whole /64 of IPv6.
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

/// Returns the host that a request names: the one in its line, or else its only `Host` (RFC 9112, section 3.2.2).
pub(crate) fn host(request: &Parts) -> String {
    let mut names = request.headers.get_all(HOST).iter().map(|name| name.to_str().unwrap_or_default());
    let name = match (request.uri.authority(), names.next(), names.next()) {
        (Some(authority), ..) => authority.as_str(),
        (None, Some(name), None) => name,
        _ => "",
    };
    name.to_owned()
}

/// Returns whether a request says that it has passed through a proxy, trusted or not.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    // Some name the client in a way of their own, or only themselves.
    let has_others = [VIA.as_str(), "x-real-ip", "x-forwarded-prefix"].iter().any(|name| headers.contains_key(*name));
    has_others || headers.contains_key(FORWARDED) || forwarded::has_customary(headers)
}

fn is_trusted(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// Returns the address of the client that the hops name.
fn client(hops: &[Hop], trusted: &[IpNet]) -> Option<IpAddr> {
    let hops = hops.iter().rev().take(MAX_HOPS).map(|hop| hop.client);
    hops.take_while(Option::is_some).flatten().find(|address| !is_trusted(trusted, *address))
}

/// Returns the last value of a header that may be a list.
fn last<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.rsplit(',').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::Request;

    use super::{Source, subscriber};

    /// Returns the source of a request from `peer` with some headers, with 10.0.0.0/8 and fd00::/8 trusted.
    fn source(peer: &str, headers: &[(&str, &str)]) -> Source {
        let mut request = Request::builder().uri("/").header("host", "inner:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        Source::of(&parts, peer.parse().unwrap(), false, &trusted)
    }

    fn address(peer: &str, headers: &[(&str, &str)]) -> String {
        source(peer, headers).address.to_string()
    }

    #[test]
    fn a_client_that_is_not_trusted_is_not_believed() {
        let headers = [
            ("forwarded", "for=1.1.1.1;proto=https;host=evil.example"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-prefix", "/evil"),
        ];
        let source = source("203.0.113.9", &headers);
        assert_eq!((source.address.to_string().as_str(), source.secure), ("203.0.113.9", false));
        assert_eq!((source.host.as_str(), source.prefix.as_str()), ("inner:8080", ""));
    }

    #[test]
    fn a_trusted_proxy_names_the_client_scheme_host_and_prefix() {
        let customary = source(
            "10.0.0.1",
            &[
                ("x-forwarded-for", "203.0.113.9"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "example.com"),
                ("x-forwarded-prefix", "/app/"),
            ],
        );
        let expected = Source {
            address: "203.0.113.9".parse().unwrap(),
            secure: true,
            host: "example.com".to_owned(),
            prefix: "/app".to_owned(),
        };
        assert_eq!(customary, expected);
        let standard = source("::ffff:10.0.0.1", &[("forwarded", "For=203.0.113.9;Proto=HTTPS;host=\"example.com\"")]);
        assert_eq!(standard, Source { prefix: String::new(), ..expected });
    }

    #[test]
    fn what_a_client_wrote_before_its_proxy_counts_for_nothing() {
        assert_eq!(address("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 203.0.113.9")]), "203.0.113.9");
        assert_eq!(
            address("10.0.0.1", &[("x-forwarded-for", "nonsense"), ("x-forwarded-for", "203.0.113.9")]),
            "203.0.113.9"
        );
        assert_eq!(
            address("10.0.0.1", &[("forwarded", "for=1.1.1.1"), ("forwarded", "for=203.0.113.9")]),
            "203.0.113.9"
        );
        let source = source(
            "10.0.0.1",
            &[("forwarded", "for=1.1.1.1;proto=https;host=evil, for=203.0.113.9;proto=http;host=real")],
        );
        assert_eq!((source.secure, source.host.as_str()), (false, "real"));
    }

    #[test]
    fn trusted_proxies_behind_each_other_are_passed() {
        assert_eq!(
            address("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.2.2.2, fd00::7")]),
            "203.0.113.9"
        );
        let chain = "for=203.0.113.9;proto=https;host=outer, for=\"[fd00::7]:4711\";proto=http;host=inner";
        let source = source("10.0.0.1", &[("forwarded", chain)]);
        assert_eq!((source.address.to_string().as_str(), source.secure), ("203.0.113.9", true));
        assert_eq!(source.host, "outer");
        let all_trusted = vec!["10.1.1.1"; 20].join(",");
        assert_eq!(address("10.0.0.1", &[("x-forwarded-for", &all_trusted)]), "10.1.1.1");
    }

    #[test]
    fn a_client_that_nobody_names_has_the_address_of_the_last_proxy() {
        for headers in [
            [("x-forwarded-for", "unknown")],
            [("x-forwarded-for", "")],
            [("forwarded", "for=_hidden")],
            [("forwarded", "for=unknown;proto=https")],
            [("x-forwarded-proto", "https")],
        ] {
            assert_eq!(address("10.0.0.1", &headers), "10.0.0.1", "{headers:?}");
        }
    }

    #[test]
    fn a_quote_that_swallows_what_the_proxy_appends_is_not_believed() {
        for header in
            ["for=1.1.1.1;x=\", for=203.0.113.9", "for=1.1.1.1;x=\", for=\"[2001:db8::1]:1\"", "for=1.1.1.1 2"]
        {
            assert_eq!(address("10.0.0.1", &[("forwarded", header)]), "10.0.0.1", "{header}");
        }
    }

    #[test]
    fn two_kinds_of_headers_that_disagree_are_not_believed() {
        let both = |standard: &str, customary: &str| {
            address("10.0.0.1", &[("forwarded", standard), ("x-forwarded-for", customary)])
        };
        assert_eq!(both("for=203.0.113.9", "203.0.113.9"), "203.0.113.9");
        assert_eq!(both("for=1.1.1.1", "203.0.113.9"), "10.0.0.1");
        assert_eq!(both("for=\"", "203.0.113.9"), "10.0.0.1");
    }

    #[test]
    fn ports_and_brackets_are_no_part_of_an_address() {
        for (named, expected) in [
            ("203.0.113.9:80", "203.0.113.9"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(address("10.0.0.1", &[("x-forwarded-for", named)]), expected, "{named}");
        }
    }

    #[test]
    fn a_request_with_two_hosts_has_none() {
        assert_eq!(source("203.0.113.9", &[("host", "other")]).host, "");
    }

    #[test]
    fn a_subscriber_has_64_bits_of_ipv6() {
        let subscriber = |address: &str| subscriber(address.parse::<IpAddr>().unwrap()).to_string();
        assert_eq!(subscriber("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(subscriber("203.0.113.9"), "203.0.113.9");
        assert_eq!(subscriber("::ffff:203.0.113.9"), "203.0.113.9");
    }
}
