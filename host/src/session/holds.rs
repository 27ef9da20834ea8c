//! The page's objects whose release is deferred, because something that has not been read yet names them.

use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use parking_lot::Mutex;

/// What keeps objects of the page from being released: page tasks that have not run, and results that have not been read.
///
/// A guest may give up a reference as soon as it has sent it. Without a hold, what was sent would name nothing when it is read.
#[derive(Default)]
pub(crate) struct Holds {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    objects: HashMap<i64, Hold>,
    /// The page of a guest that is gone, kept while anything is held.
    page: Option<Box<dyn Any + Send>>,
}

/// What holds one object, and what it defers.
#[derive(Default)]
struct Hold {
    holders: usize,
    deferred_releases: usize,
}

/// What remains to be done when holds have ended.
pub(crate) struct Ended {
    /// The objects whose releases were deferred, once for each release.
    pub(crate) releases: Vec<i64>,
    /// The page, if nothing needs it any longer. It is to be dropped without a lock.
    pub(crate) page: Option<Box<dyn Any + Send>>,
}

impl Holds {
    pub(crate) fn hold(&self, objects: &[i64]) {
        let held = &mut *self.inner.lock();
        objects.iter().for_each(|object| held.objects.entry(*object).or_default().holders += 1);
    }

    /// Ends what one call of [`hold`](Self::hold) began.
    pub(crate) fn end(&self, objects: &[i64]) -> Ended {
        let held = &mut *self.inner.lock();
        let mut releases = Vec::new();
        for object in objects {
            let Entry::Occupied(mut hold) = held.objects.entry(*object) else { continue };
            hold.get_mut().holders -= 1;
            if hold.get().holders == 0 {
                releases.extend(std::iter::repeat_n(*object, hold.remove().deferred_releases));
            }
        }
        Ended { releases, page: if held.objects.is_empty() { held.page.take() } else { None } }
    }

    /// Defers the release of an object that is held. Returns whether it is.
    pub(crate) fn defer_release(&self, object: i64) -> bool {
        let held = &mut *self.inner.lock();
        held.objects.get_mut(&object).is_some_and(|hold| {
            hold.deferred_releases += 1;
            true
        })
    }

    /// Keeps the page of a guest that is gone, if anything is held. Returns it if nothing is.
    pub(crate) fn keep_page<P: Any + Send>(&self, page: P) -> Option<P> {
        let held = &mut *self.inner.lock();
        if held.objects.is_empty() {
            return Some(page);
        }
        held.page = Some(Box::new(page));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Ended, Holds};

    /// The releases and the page that are left when holds end.
    fn end(holds: &Holds, objects: &[i64]) -> (Vec<i64>, Option<&'static str>) {
        let Ended { releases, page } = holds.end(objects);
        (releases, page.map(|page| *page.downcast().unwrap()))
    }

    #[test]
    fn releases_are_deferred_until_the_last_hold_ends() {
        let holds = Holds::default();
        holds.hold(&[7, 7, 8]);
        holds.hold(&[7]);
        assert!(holds.defer_release(7) && holds.defer_release(7));
        assert!(!holds.defer_release(9));
        assert_eq!(end(&holds, &[7, 7, 8]), (vec![], None));
        assert_eq!(end(&holds, &[7]), (vec![7, 7], None));
        assert!(!holds.defer_release(7));
    }

    #[test]
    fn a_page_is_kept_until_nothing_is_held() {
        let holds = Holds::default();
        assert_eq!(holds.keep_page("not needed"), Some("not needed"));
        holds.hold(&[7, 8]);
        assert_eq!(holds.keep_page("kept"), None);
        assert_eq!(end(&holds, &[8]), (vec![], None));
        assert_eq!(end(&holds, &[9]), (vec![], None));
        assert_eq!(end(&holds, &[7]), (vec![], Some("kept")));
        assert_eq!(end(&holds, &[]), (vec![], None));
    }
}
