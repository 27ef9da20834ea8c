//! Targets of calls.

/// What a method is called on: the name of an assembly, for a static method, or a [`DotNetObject`](crate::DotNetObject).
pub trait IntoTarget: sealed::IntoTarget {}

impl<T: sealed::IntoTarget> IntoTarget for T {}

pub(crate) mod sealed {
    use crate::contract::message::Target;
    use crate::error::Error;
    use crate::session::Session;

    /// A value that is a target in some session.
    pub trait IntoTarget {
        /// # Errors
        ///
        /// [`ErrorKind::NoSuchObject`](crate::ErrorKind::NoSuchObject), where it is an object of another session.
        fn into_target(self, session: &Session) -> Result<Target, Error>;
    }

    impl IntoTarget for &str {
        fn into_target(self, _: &Session) -> Result<Target, Error> {
            Ok(Target::Assembly(self.to_owned()))
        }
    }

    impl IntoTarget for &String {
        fn into_target(self, session: &Session) -> Result<Target, Error> {
            self.as_str().into_target(session)
        }
    }

    impl IntoTarget for Target {
        fn into_target(self, _: &Session) -> Result<Target, Error> {
            Ok(self)
        }
    }
}
