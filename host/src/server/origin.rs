//! Which pages may open a circuit: the origin that a browser names in its request, and the rule for it.
//!
//! A browser lets a page of any site open a WebSocket to any server, and sends the server's cookies with it. So the origin must be
//! checked here: nothing else keeps a page of another site from acting as the user (cross-site WebSocket hijacking).

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;

use crate::error::{Error, ErrorKind};

/// The origin of a page: scheme, host and port (RFC 6454), in lower case and without a port that its scheme implies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// Returns the origin of a page at `host`, with or without a port, by `scheme`.
    pub(crate) fn new(scheme: &str, host: &str) -> Result<Self, Error> {
        format!("{scheme}://{host}").parse()
    }

    /// The origin as a browser writes it, such as `https://example.com:8443`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, with its port if there is one.
    pub(crate) fn host(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, host)| host)
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || {
            let what =
                format!("'{text}' is not an origin: expected a scheme and a host, such as 'https://example.com:8443'.");
            Err(Error::new(ErrorKind::BadArguments, what))
        };
        let Some((_, rest)) = text.split_once("://") else { return refused() };
        let Ok(uri) = text.parse::<Uri>() else { return refused() };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return refused() };
        // The parsed URI has '/' where the text has no path.
        if rest.contains(['/', '?', '#', '@', '*']) || authority.host().is_empty() {
            return refused();
        }
        let (scheme, host) = (scheme.to_ascii_lowercase(), authority.host().to_ascii_lowercase());
        let implied = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return refused(),
        };
        let port = match authority.port() {
            Some(port) => Some(port.as_str().parse::<u16>().or_else(|_| refused().map(|_: Self| 0))?),
            None if authority.as_str().len() > authority.host().len() => return refused(),
            None => None,
        };
        Ok(match port.filter(|port| *port != implied) {
            Some(port) => Self(format!("{scheme}://{host}:{port}")),
            None => Self(format!("{scheme}://{host}")),
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Decides whose pages may open circuits.
///
/// The default, [`SameOrigin`], lets in the pages that this server itself serves. A list of others is
/// [`CircuitOptions::origin`](super::CircuitOptions::origin).
pub trait Origins: Send + Sync + 'static {
    /// Returns whether pages of `origin` may open circuits at a server that they reach as `own`.
    fn allows(&self, origin: &Origin, own: &Origin) -> bool;
}

/// Allows the pages of the server's own origin.
#[derive(Clone, Copy, Debug, Default)]
pub struct SameOrigin;

impl Origins for SameOrigin {
    fn allows(&self, origin: &Origin, own: &Origin) -> bool {
        origin == own
    }
}

/// Allows the pages of the origins in a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed(pub(crate) Vec<Origin>);

impl Origins for Listed {
    fn allows(&self, origin: &Origin, _own: &Origin) -> bool {
        self.0.contains(origin)
    }
}
