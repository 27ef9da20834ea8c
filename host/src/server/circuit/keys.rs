//! A circuit's id and secrets.

use std::borrow::Borrow;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

/// The bytes of an id and of a secret: with 128 random bits neither is found by trying.
const RANDOM: usize = 16;

/// A circuit's public id: the name of its node, a dash, and 22 random characters. It is in logs and in the URL at which the circuit
/// resumes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CircuitId(Box<str>);

impl CircuitId {
    pub(crate) fn new(node: &str) -> Result<Self, getrandom::Error> {
        Ok(Self(format!("{node}-{}", random_text()?).into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for CircuitId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CircuitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What proves that a page belongs to a circuit. It changes with each resume. The former one stays good until the page has sent
/// something over the new connection: otherwise an answer that is lost with its socket would lock the page out.
pub(crate) struct Keys {
    current: String,
    former: Option<String>,
    /// The number of the page's last try to resume.
    attempt: u64,
}

impl Keys {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self { current: random_text()?, former: None, attempt: 0 })
    }

    /// The secret that the page is to use next.
    pub(crate) fn current(&self) -> &str {
        &self.current
    }

    /// Returns whether a secret is good. How long that takes says nothing about how much of it is right.
    pub(crate) fn fits(&self, secret: &str) -> bool {
        let equals = |key: &str| key.as_bytes().ct_eq(secret.as_bytes());
        let former = self.former.as_deref().map_or(0.into(), equals);
        (equals(&self.current) | former).into()
    }

    /// Returns whether a later try of the page has come before this one.
    pub(crate) fn is_overtaken(&self, attempt: u64) -> bool {
        attempt > 0 && attempt <= self.attempt
    }

    /// Takes a new secret, where `used` was good.
    pub(crate) fn rotate(&mut self, used: &str, attempt: u64) -> Result<(), getrandom::Error> {
        let next = random_text()?;
        self.attempt = self.attempt.max(attempt);
        self.former = Some(used.to_owned());
        self.current = next;
        Ok(())
    }

    /// The page has the current secret.
    pub(crate) fn confirm(&mut self) {
        self.former = None;
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// Returns 128 random bits as text.
fn random_text() -> Result<String, getrandom::Error> {
    let mut bytes = [0; RANDOM];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_node_and_nothing_else_twice() {
        let (one, other) = (CircuitId::new("n1").unwrap(), CircuitId::new("n1").unwrap());
        assert_ne!(one, other);
        let (node, random) = one.0.split_once('-').unwrap();
        assert_eq!((node, random.len()), ("n1", 22));
        assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }

    #[test]
    fn the_former_secret_is_good_until_the_new_one_is_known_to_have_arrived() {
        let mut keys = Keys::new().unwrap();
        let first = keys.current().to_owned();
        assert!(keys.fits(&first) && !keys.fits("") && !keys.fits(&first[1..]));

        keys.rotate(&first, 0).unwrap();
        let second = keys.current().to_owned();
        assert!(keys.fits(&first) && keys.fits(&second));
        // The answer was lost, and the page comes once more with what it has.
        keys.rotate(&first, 0).unwrap();
        assert!(keys.fits(&first) && !keys.fits(&second));

        // A try that another one has overtaken is none.
        keys.rotate(&first, 7).unwrap();
        assert!(keys.is_overtaken(6) && keys.is_overtaken(7) && !keys.is_overtaken(8) && !keys.is_overtaken(0));

        keys.confirm();
        assert!(!keys.fits(&first) && keys.fits(keys.current()));
    }
}
