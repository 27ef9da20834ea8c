//! What the gate lets in and what it refuses, by the heads of requests alone.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::request::{Builder, Parts};
use axum::http::{Request, StatusCode, header};

use super::{Denied, Gate, Refused};
use crate::server::metrics::Metrics;
use crate::server::options::CircuitOptions;
use crate::server::origin::Origin;

/// Returns a gate.
fn gate(options: CircuitOptions) -> Gate {
    Gate::new(Arc::new(options), Arc::new(Metrics::new()))
}

/// Returns a request for a WebSocket as browsers make it, but for the origin and the host.
fn request() -> Builder {
    Request::builder()
        .uri("/_dotwit/circuit")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "dotwit.v2, dotwit.v1")
}

/// Returns the head of a request from an address.
fn from(peer: &str, request: Builder) -> Parts {
    let peer: SocketAddr = peer.parse().unwrap();
    request.extension(ConnectInfo(peer)).body(()).unwrap().into_parts().0
}

/// Returns the origin that is let in, or the refusal.
fn check(gate: &Gate, host: &str, origin: &str) -> Result<Option<Origin>, Denied> {
    let request = request().header("host", host).header("origin", origin);
    gate.check(&from("127.0.0.1:50000", request)).map(|(_, origin)| origin)
}

#[track_caller]
fn denies<T: std::fmt::Debug>(checked: Result<T, Denied>, status: StatusCode, reason: Refused, part: &str) {
    let denied = checked.unwrap_err();
    assert_eq!((denied.status, denied.reason), (status, reason), "{denied:?}");
    assert!(denied.message.contains(part), "{denied:?}");
}

#[test]
fn pages_of_the_server_itself_are_let_in() {
    let gate = gate(CircuitOptions::new());
    for (host, origin) in [
        ("localhost:8080", "http://localhost:8080"),
        ("LOCALHOST", "http://localhost"),
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("192.168.1.7:8080", "http://192.168.1.7:8080"),
    ] {
        assert_eq!(check(&gate, host, origin).unwrap().unwrap(), origin.parse().unwrap(), "{origin}");
    }
}

#[test]
fn pages_of_others_are_refused_with_the_flag_that_allows_them() {
    let gate = gate(CircuitOptions::new());
    for origin in [
        "http://example.com",
        "https://localhost:8080",
        "http://localhost",
        "http://localhost:8081",
        "http://127.0.0.1:8080",
        "http://evil.localhost:8080",
        "http://localhost.evil.example:8080",
    ] {
        let flag = format!("`--origin {origin}`");
        denies(check(&gate, "localhost:8080", origin), StatusCode::FORBIDDEN, Refused::Origin, &flag);
    }
    for origin in
        ["null", "", "localhost:8080", "http://localhost:8080/", "file://", "http://*", "http://localhost:8080 "]
    {
        denies(check(&gate, "localhost:8080", origin), StatusCode::FORBIDDEN, Refused::Origin, "of the origin");
    }
}

#[test]
fn listed_origins_are_let_in_in_place_of_the_servers_own() {
    let options = CircuitOptions::new().origin("https://example.com".parse().unwrap());
    let gate = gate(options);
    for host in ["localhost:8080", "example.com", "example.com:8443"] {
        assert!(check(&gate, host, "https://example.com").is_ok());
        assert!(check(&gate, host, "https://EXAMPLE.com:443").is_ok());
        let own = format!("http://{host}");
        denies(check(&gate, host, &own), StatusCode::FORBIDDEN, Refused::Origin, "--origin");
    }
}

#[test]
fn a_rule_of_the_program_decides() {
    struct Subdomains;
    impl crate::server::Origins for Subdomains {
        fn allows(&self, origin: &Origin, own: &Origin) -> bool {
            origin.as_str().ends_with(".example.com") && own.as_str() == "http://localhost"
        }
    }
    let gate = gate(CircuitOptions::new().origins(Subdomains));
    assert!(check(&gate, "localhost", "https://app.example.com").is_ok());
    assert!(check(&gate, "localhost", "http://localhost").is_err());
}

#[test]
fn a_name_that_somebody_resolves_to_this_server_is_refused() {
    let gate_of = |options| gate(options);
    let gate = gate_of(CircuitOptions::new());
    let denied = check(&gate, "rebound.example:8080", "http://rebound.example:8080");
    denies(denied, StatusCode::MISDIRECTED_REQUEST, Refused::Host, "'rebound.example:8080': `--host`");
    for host in ["", "user@localhost", "localhost/", "a b"] {
        let denied = check(&gate, host, "http://localhost");
        denies(denied, StatusCode::MISDIRECTED_REQUEST, Refused::Host, "--host");
    }
    let gate = gate_of(CircuitOptions::new().host("Example.com"));
    assert!(check(&gate, "example.com:8080", "http://example.com:8080").is_ok());
    assert!(check(&gate, "www.example.com", "http://www.example.com").is_err());
}

#[test]
fn a_client_without_an_origin_needs_the_operators_word() {
    let head = || from("127.0.0.1:50000", request().header("host", "localhost"));
    let strict = gate(CircuitOptions::new());
    denies(strict.check(&head()), StatusCode::FORBIDDEN, Refused::Origin, "`--allow-no-origin`");
    let lenient = gate(CircuitOptions::new().allow_no_origin(true));
    assert_eq!(lenient.check(&head()).unwrap().1, None);
    // One that names an origin is still held to it.
    assert!(check(&lenient, "localhost", "http://evil.example").is_err());
    let two =
        request().header("host", "localhost").header("origin", "http://localhost").header("origin", "http://evil");
    denies(lenient.check(&from("127.0.0.1:1", two)), StatusCode::FORBIDDEN, Refused::Origin, "more than one");
}

#[test]
fn the_scheme_is_that_of_the_clients_connection() {
    let secure = gate(CircuitOptions::new().secure(true));
    assert!(check(&secure, "localhost:8443", "https://localhost:8443").is_ok());
    assert!(check(&secure, "localhost:8443", "http://localhost:8443").is_err());

    let options = CircuitOptions::new().host("example.com").trusted_proxy("10.0.0.0/8".parse().unwrap());
    let behind = gate(options);
    let through = |peer: &str| {
        let request = request()
            .header("host", "inner:8080")
            .header("x-forwarded-for", "203.0.113.9")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "example.com")
            .header("origin", "https://example.com");
        behind.check(&from(peer, request))
    };
    let (source, origin) = through("10.0.0.1:50000").unwrap();
    assert_eq!(source.address.to_string(), "203.0.113.9");
    assert_eq!(origin.unwrap().as_str(), "https://example.com");
    denies(through("192.0.2.1:50000"), StatusCode::MISDIRECTED_REQUEST, Refused::Host, "'inner:8080'");
}

#[test]
fn what_does_not_ask_for_this_protocol_is_refused() {
    let gate = gate(CircuitOptions::new());
    let checked = |change: &dyn Fn(&mut Parts)| {
        let request = request().header("host", "localhost").header("origin", "http://localhost");
        let mut head = from("127.0.0.1:50000", request);
        change(&mut head);
        gate.check(&head)
    };
    assert!(checked(&|_| {}).is_ok());
    let plain = checked(&|head| drop(head.headers.remove(header::UPGRADE)));
    denies(plain, StatusCode::UPGRADE_REQUIRED, Refused::Protocol, "'Upgrade: websocket'");
    let post = checked(&|head| head.method = axum::http::Method::POST);
    denies(post, StatusCode::UPGRADE_REQUIRED, Refused::Protocol, "a GET request");
    let none = checked(&|head| drop(head.headers.remove(header::SEC_WEBSOCKET_PROTOCOL)));
    denies(none, StatusCode::BAD_REQUEST, Refused::Version, "'dotwit.v1'");
    let other = checked(&|head| {
        head.headers.insert(header::SEC_WEBSOCKET_PROTOCOL, header::HeaderValue::from_static("dotwit.v2, dotwit.v11"));
    });
    denies(other, StatusCode::BAD_REQUEST, Refused::Version, "'dotwit.v1'");
}

#[test]
fn a_gate_that_is_closed_lets_nobody_in() {
    let gate = gate(CircuitOptions::new());
    gate.close();
    let refused = check(&gate, "localhost", "http://localhost");
    denies(refused, StatusCode::SERVICE_UNAVAILABLE, Refused::Draining, "stopping");
}

#[test]
fn a_router_that_does_not_know_its_clients_says_so() {
    let head =
        request().header("host", "localhost").header("origin", "http://localhost").body(()).unwrap().into_parts().0;
    let refused = gate(CircuitOptions::new()).check(&head);
    denies(refused, StatusCode::INTERNAL_SERVER_ERROR, Refused::Host, "into_make_service_with_connect_info");
}

#[test]
fn origins_are_compared_as_browsers_mean_them() {
    let origin = |text: &str| text.parse::<Origin>();
    assert_eq!(origin("HTTPS://Example.com:443").unwrap().as_str(), "https://example.com");
    assert_eq!(origin("http://example.com:8080").unwrap().as_str(), "http://example.com:8080");
    assert_eq!(origin("http://[::1]:80").unwrap().host(), "[::1]");
    for text in [
        "null",
        "",
        "example.com",
        "http://",
        "http://example.com/",
        "http://example.com?x",
        "http://user@example.com",
        "http://example.com:",
        "http://example.com:99999",
        "http://*.example.com",
        "ftp://example.com",
        "http://a b",
    ] {
        let error = origin(text).unwrap_err();
        assert!(error.message().contains("'https://example.com:8443'"), "{error}");
    }
}
