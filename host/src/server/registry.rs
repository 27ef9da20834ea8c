//! All circuits of a server: their ids, how many there may be, and which of those that wait is given up.
//!
//! Its lock is held for a look or an entry, and never while anything else happens.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::server::circuit::handle::{Command, Ending, Handle, Place};
use crate::server::circuit::keys::CircuitId;
use crate::server::circuit::state::End;
use crate::server::options::CircuitOptions;
use crate::server::proxy::subscriber;
use crate::server::wire::Goodbye;

/// Why there is no room for one more circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The server takes no more.
    Draining,
    /// There are as many as there may be, of whom it says.
    Limit(String),
}

/// All circuits of a server.
#[derive(Debug)]
pub(crate) struct Registry {
    max_waiting: usize,
    max_per_address: Option<usize>,
    max_per_subject: Option<usize>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    circuits: HashMap<CircuitId, Arc<Handle>>,
    by_address: HashMap<IpAddr, usize>,
    by_subject: HashMap<String, usize>,
    /// The circuits that have waited for longer than the grace, the eldest first.
    waiting: BTreeMap<u64, (CircuitId, IpAddr)>,
    /// The number of the next that waits.
    next_waiting: u64,
    /// Circuits that the server has ended, the last ones last.
    ended: VecDeque<(Arc<Handle>, Goodbye)>,
    is_draining: bool,
}

/// How many circuits are remembered that the server has ended, so that a page whose socket was lost with the goodbye is told why. Each
/// is some hundred bytes, and a page comes back within seconds.
const MAX_ENDED: usize = 1_000;

/// A place among the circuits. Dropping it makes room, and forgets the circuit.
#[derive(Debug)]
pub(crate) struct Slot {
    registry: Arc<Registry>,
    address: IpAddr,
    subject: String,
    id: Option<CircuitId>,
    /// Its number among those that wait.
    waiting: Option<u64>,
}

impl Registry {
    pub(crate) fn new(options: &CircuitOptions) -> Self {
        Self {
            max_waiting: options.max_waiting,
            max_per_address: options.max_circuits_per_address,
            max_per_subject: options.max_circuits_per_subject,
            inner: Mutex::default(),
        }
    }

    /// Takes a place for a circuit, before it has an instance. An empty `subject` is everybody's, and has no limit of its own.
    ///
    /// # Errors
    ///
    /// Where there is no room.
    pub(crate) fn reserve(self: &Arc<Self>, address: IpAddr, subject: &str) -> Result<Slot, Full> {
        let address = subscriber(address);
        let inner = &mut *self.inner.lock();
        if inner.is_draining {
            return Err(Full::Draining);
        }
        let of_address = inner.by_address.get(&address).copied().unwrap_or(0);
        if self.max_per_address.is_some_and(|limit| of_address >= limit) {
            return Err(Full::Limit(format!(
                "There are {of_address} circuits of this address, and {of_address} is the limit."
            )));
        }
        let of_subject = inner.by_subject.get(subject).copied().unwrap_or(0);
        if !subject.is_empty() && self.max_per_subject.is_some_and(|limit| of_subject >= limit) {
            return Err(Full::Limit(format!(
                "There are {of_subject} circuits of this user, and {of_subject} is the limit."
            )));
        }
        *inner.by_address.entry(address).or_default() += 1;
        *inner.by_subject.entry(subject.to_owned()).or_default() += 1;
        Ok(Slot { registry: Arc::clone(self), address, subject: subject.to_owned(), id: None, waiting: None })
    }

    /// Returns a circuit.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Handle>> {
        self.inner.lock().circuits.get(id).cloned()
    }

    /// Returns a circuit that the server has ended, and why.
    pub(crate) fn ended(&self, id: &str) -> Option<(Arc<Handle>, Goodbye)> {
        self.inner.lock().ended.iter().rev().find(|(circuit, _)| circuit.id().as_str() == id).cloned()
    }

    /// Returns all circuits.
    pub(crate) fn all(&self) -> Vec<Arc<Handle>> {
        self.inner.lock().circuits.values().cloned().collect()
    }

    /// How many circuits there are.
    pub(crate) fn len(&self) -> usize {
        self.inner.lock().circuits.len()
    }

    /// Takes no more circuits from now on.
    pub(crate) fn begin_draining(&self) {
        self.inner.lock().is_draining = true;
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.inner.lock().is_draining
    }
}

impl Slot {
    /// Enters a circuit that has started.
    ///
    /// # Errors
    ///
    /// If the server has begun to stop meanwhile, and would not know of it.
    pub(crate) fn enter(&mut self, handle: Arc<Handle>) -> Result<(), Full> {
        let inner = &mut *self.registry.inner.lock();
        if inner.is_draining {
            return Err(Full::Draining);
        }
        self.id = Some(handle.id().clone());
        inner.circuits.insert(handle.id().clone(), handle);
        Ok(())
    }
}

impl Place for Slot {
    fn count_waiting(&mut self) -> bool {
        let Some(evicted) = self.wait() else { return false };
        let what = "Too many circuits wait for their pages.";
        // One that does not take it is ending.
        let _ = evicted.send(Command::End(Ending::new(End::Evicted, what)));
        true
    }

    fn stop_waiting(&mut self) {
        if let Some(number) = self.waiting.take() {
            self.registry.inner.lock().waiting.remove(&number);
        }
    }

    fn end(&mut self, goodbye: Goodbye) {
        let inner = &mut *self.registry.inner.lock();
        let Some(circuit) = self.id.as_ref().and_then(|id| inner.circuits.remove(id)) else { return };
        if inner.ended.len() >= MAX_ENDED {
            inner.ended.pop_front();
        }
        inner.ended.push_back((circuit, goodbye));
    }
}

impl Slot {
    /// Enters the circuit among those that wait. Returns the one that is given up, if there are now too many: the eldest of the address
    /// that has most of them, so that nobody pushes others out.
    fn wait(&mut self) -> Option<Arc<Handle>> {
        let id = self.id.clone().filter(|_| self.waiting.is_none())?;
        let inner = &mut *self.registry.inner.lock();
        let number = inner.next_waiting;
        inner.next_waiting += 1;
        self.waiting = Some(number);
        inner.waiting.insert(number, (id, self.address));
        if inner.waiting.len() <= self.registry.max_waiting {
            return None;
        }
        // Beyond the limit only, of which there are a hundred or so to look at.
        let mut counts = HashMap::<IpAddr, usize>::new();
        inner.waiting.values().for_each(|(_, address)| *counts.entry(*address).or_default() += 1);
        let most = counts.values().copied().max()?;
        let (&number, (id, _)) = inner.waiting.iter().find(|(_, (_, address))| counts.get(address) == Some(&most))?;
        let evicted = inner.circuits.get(id).cloned();
        inner.waiting.remove(&number);
        evicted
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let inner = &mut *self.registry.inner.lock();
        if let Some(number) = self.waiting {
            inner.waiting.remove(&number);
        }
        if let Some(id) = &self.id {
            inner.circuits.remove(id);
        }
        take_one(&mut inner.by_address, &self.address);
        take_one(&mut inner.by_subject, &self.subject);
    }
}

/// Counts one less, and forgets who has none.
fn take_one<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
