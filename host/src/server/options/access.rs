//! Who may open a circuit, under which names the server is reached, and what it tells about itself.

use std::sync::Arc;

use ipnet::IpNet;

use super::CircuitOptions;
use crate::engine::access::SystemAccess;
use crate::server::auth::Auth;
use crate::server::origin::{Origin, Origins};

impl CircuitOptions {
    /// Sets who decides for whom there is a circuit. By default there is one for everybody.
    #[must_use]
    pub fn auth(mut self, auth: impl Auth) -> Self {
        self.auth = Arc::new(auth);
        self
    }

    /// Sets the rule for which pages may open circuits. The default is [`SameOrigin`](super::super::SameOrigin). It counts where
    /// no [`origin`](Self::origin) is listed.
    #[must_use]
    pub fn origins(mut self, origins: impl Origins) -> Self {
        self.origins = Arc::new(origins);
        self
    }

    /// Allows the pages of one more origin, in place of the server's own.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.listed_origins.0.push(origin);
        self
    }

    /// Lets in clients that name no origin, as programs do and browsers never. The default is not to: they need a word of the one who
    /// runs the server, since for them nothing but [`auth`](Self::auth) stands in the way.
    #[must_use]
    pub fn allow_no_origin(mut self, allow: bool) -> Self {
        self.allow_no_origin = allow;
        self
    }

    /// Adds a name under which the server is reached, without a port. Circuits are opened under the names that are listed here,
    /// those of the origins that are listed, `localhost` and addresses. A site that resolves its own name to this server would
    /// otherwise be of the server's own origin (DNS rebinding).
    #[must_use]
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into().to_ascii_lowercase());
        self
    }

    /// Says that connections reach this program encrypted, so that its own origin is one of `https`. The default is not to. A
    /// [`Server`](super::super::Server) with a certificate knows it, and a trusted proxy says it of each request.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Adds the addresses of a proxy that is believed what it says about its clients (`Forwarded`, `X-Forwarded-For`, `-Proto`,
    /// `-Host` and `-Prefix`). By default none is, as any client can send such headers.
    #[must_use]
    pub fn trusted_proxy(mut self, addresses: IpNet) -> Self {
        self.trusted_proxies.push(addresses);
        self
    }

    /// Sets the path below which the server is reached, such as `/app`. The default is empty, the root.
    #[must_use]
    pub fn base_path(mut self, path: impl Into<String>) -> Self {
        self.base_path = path.into();
        self
    }

    /// Sets the name of this node, 1 to 16 of the characters a-z and 0-9. It begins the id of each circuit here, so a balancer can
    /// route those who come back. The default is made of the machine's name.
    #[must_use]
    pub fn node(mut self, name: impl Into<String>) -> Self {
        self.node = name.into();
        self
    }

    /// Sets a WebSocket URL at which a page reaches this node past all balancers, to resume there. There is none by default.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Sends the details of errors and the text of panics to the page. The default is not to: they tell about the inside of the
    /// server. The log has them in either case.
    #[must_use]
    pub fn detailed_errors(mut self, detailed: bool) -> Self {
        self.detailed_errors = detailed;
        self
    }

    /// Sets what guests may use of the machine beside clocks, random numbers and their output. The default is nothing.
    #[must_use]
    pub fn access(mut self, access: SystemAccess) -> Self {
        self.access = Arc::new(access);
        self
    }
}
