//! The sockets that have been opened and have not said hello: how many there are, in all and from each address.
//!
//! They cost the server memory before anybody has proved anything, so a client could open them for their own sake.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::proxy::subscriber;

/// The places for such sockets.
#[derive(Debug)]
pub(crate) struct Handshakes {
    max: usize,
    max_per_address: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    count: usize,
    /// Those of each address, which is here while it has any: no more entries than sockets.
    by_address: HashMap<IpAddr, usize>,
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The one for all.
    Server(usize),
    /// The one for each address.
    Address(usize),
}

/// A place, which is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Handshake {
    address: IpAddr,
    open: Arc<Mutex<Open>>,
}

impl Handshakes {
    /// Returns `max` places, of which one address may have `max_per_address`.
    pub(crate) fn new(max: usize, max_per_address: usize) -> Self {
        Self { max, max_per_address, open: Arc::default() }
    }

    /// Takes a place for a socket from `address`.
    pub(crate) fn begin(&self, address: IpAddr) -> Result<Handshake, Full> {
        let address = subscriber(address);
        let mut open = self.open.lock();
        if open.by_address.get(&address).is_some_and(|count| *count >= self.max_per_address) {
            return Err(Full::Address(self.max_per_address));
        }
        if open.count >= self.max {
            return Err(Full::Server(self.max));
        }
        open.count += 1;
        *open.by_address.entry(address).or_default() += 1;
        Ok(Handshake { address, open: Arc::clone(&self.open) })
    }

    /// Returns how many places are taken.
    pub(crate) fn count(&self) -> usize {
        self.open.lock().count
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        open.count -= 1;
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Full, Handshakes};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_more_than_the_limit_is_refused_until_a_place_is_free() {
        let places = Handshakes::new(3, 2);
        let first = places.begin(address("10.0.0.1")).unwrap();
        let _second = places.begin(address("10.0.0.1")).unwrap();
        assert_eq!(places.begin(address("10.0.0.1")).unwrap_err(), Full::Address(2));
        let _third = places.begin(address("10.0.0.2")).unwrap();
        assert_eq!(places.begin(address("10.0.0.3")).unwrap_err(), Full::Server(3));
        drop(first);
        let _fourth = places.begin(address("10.0.0.1")).unwrap();
        assert_eq!(places.count(), 3);
    }

    #[test]
    fn an_address_without_sockets_is_forgotten() {
        let places = Handshakes::new(3, 2);
        drop(places.begin(address("2001:db8::1")).unwrap());
        assert!(places.open.lock().by_address.is_empty());
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_address() {
        let places = Handshakes::new(3, 1);
        let _first = places.begin(address("2001:db8::1")).unwrap();
        assert_eq!(places.begin(address("2001:db8::2")).unwrap_err(), Full::Address(1));
        assert!(places.begin(address("2001:db8:0:1::1")).is_ok());
    }
}
