//! The host names for which a server at a loopback address answers: those of this machine.
//!
//! Another site can make its own name resolve to a loopback address, and would then be of the same origin as the server
//! (DNS rebinding). Its requests carry its name in `Host`.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses requests for another host with 421 Misdirected Request (RFC 9110, section 15.5.20).
pub(crate) async fn only_loopback(request: Request, next: Next) -> Response {
    // HTTP/1.1 has one `Host`, or a whole URI in the request line, which then counts (RFC 9112, section 3.2.2).
    let mut names = request.headers().get_all(header::HOST).iter().map(|name| name.to_str().unwrap_or_default());
    let name = match (request.uri().authority(), names.next(), names.next()) {
        (Some(authority), ..) => authority.as_str(),
        (None, Some(name), None) => name,
        _ => "",
    };
    if is_loopback(name) {
        return next.run(request).await;
    }
    let what = format!(
        "This server answers at a loopback address, to requests for 'localhost' or that address, and not for '{name}'. To be \
         reached by other names, it must listen at another address.\n"
    );
    (StatusCode::MISDIRECTED_REQUEST, what).into_response()
}

/// Returns whether a host, with or without a port, is a name or an address of the loopback interface.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
    match address.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        // RFC 6761, section 6.3: the names that resolve to the loopback address and nowhere else.
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

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
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "notlocalhost",
            "127.0.0.1.example.com",
            "10.0.0.1:8080",
            "0.0.0.0",
            "[::]",
            "user@localhost",
            "localhost, example.com",
            "localhost/",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
