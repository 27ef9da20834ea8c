//! The headers in which proxies say for whom they ask: `Forwarded` (RFC 7239), and the customary `X-Forwarded-*`.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;

/// What one proxy says about the connection that it got.
#[derive(Debug, Default)]
pub(super) struct Hop {
    /// The address at the other end, unless the proxy hides it.
    pub(super) client: Option<IpAddr>,
    /// Whether it was encrypted, if the proxy says so.
    pub(super) secure: Option<bool>,
    /// The host that was asked for, if the proxy says so.
    pub(super) host: Option<String>,
}

const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const NAME: &str = "x-forwarded-host";

/// Returns whether there is any of the customary headers.
pub(super) fn has_customary(headers: &HeaderMap) -> bool {
    [FOR, PROTO, NAME].iter().any(|name| headers.contains_key(*name))
}

/// Reads the customary headers, the nearest proxy last. Each is a list of its own, and may be shorter than the addresses': a proxy
/// that sets one value for the whole chain means the client's.
pub(super) fn customary(headers: &HeaderMap) -> Vec<Hop> {
    let (clients, protos, hosts) = (list(headers, FOR), list(headers, PROTO), list(headers, NAME));
    let hops = clients.len().max(1);
    (0..hops)
        .map(|hop| {
            let beside = |values: &[&str]| {
                let index = (values.len() + hop).checked_sub(hops)?;
                values.get(index).filter(|value| !value.is_empty()).map(|value| (*value).to_owned())
            };
            Hop {
                client: clients.get(hop).and_then(|client| address(client)),
                secure: beside(&protos).map(|proto| is_secure(&proto)),
                host: beside(&hosts),
            }
        })
        .collect()
}

/// Returns all values of a header that is a list, however many lines it has.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| line.split(',')).map(str::trim).collect()
}

/// Reads `Forwarded`, the nearest proxy last, or returns `None` if any part of it is malformed: a client could hide what its proxy
/// appends with a quote that it leaves open.
pub(super) fn standard(headers: &HeaderMap) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    for line in headers.get_all(FORWARDED) {
        let mut rest = line.to_str().ok()?;
        loop {
            let mut hop = Hop::default();
            rest = read_hop(rest, &mut hop)?;
            hops.push(hop);
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
    }
    Some(hops)
}

/// Reads the pairs of one element up to a comma or the end, and returns the rest.
fn read_hop<'a>(mut rest: &'a str, hop: &mut Hop) -> Option<&'a str> {
    loop {
        rest = rest.trim_start();
        let name_length = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(name_length);
        rest = after;
        if !name.is_empty() {
            let (value, after) = read_value(rest.strip_prefix('=')?)?;
            rest = after;
            match name.to_ascii_lowercase().as_str() {
                "for" => hop.client = address(&value),
                "proto" => hop.secure = Some(is_secure(&value)),
                "host" => hop.host = Some(value),
                _ => {}
            }
        }
        rest = rest.trim_start();
        match rest.bytes().next() {
            Some(b';') => rest = &rest[1..],
            Some(b',') | None => return Some(rest),
            Some(_) => return None,
        }
    }
}

/// Reads a token or a quoted string, and returns the rest.
fn read_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        // Not all proxies quote the colons and brackets of addresses and ports.
        let length = text.find(|c: char| !is_token(c) && !":[]".contains(c)).unwrap_or(text.len());
        return (length > 0).then(|| (text[..length].to_owned(), &text[length..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[index + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// Returns whether a character may be part of a token (RFC 9110, section 5.6.2).
fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

/// Returns the address of a node, which may have brackets and a port, or none if it is hidden.
fn address(node: &str) -> Option<IpAddr> {
    let bare = node.strip_prefix('[').and_then(|node| node.strip_suffix(']')).unwrap_or(node);
    let address = bare.parse().or_else(|_| node.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// Returns whether a scheme is encrypted.
fn is_secure(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss")
}
