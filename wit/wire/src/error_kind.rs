//! Why a call fails.

use std::fmt;

/// Makes the enum, the names, and the macro that converts from and to what a binding generator makes of the WIT.
macro_rules! kinds {
    ($dollar:tt $($(#[$docs:meta])* $kind:ident $name:literal,)*) => {
        /// Why a call failed: the `error-kind` of `dotwit:interop/types`, and [`InvalidGuest`](Self::InvalidGuest), which only
        /// hosts have.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$docs])* $kind,)*
            /// The file or the bytes are not a guest that the host can run.
            InvalidGuest,
        }

        impl ErrorKind {
            /// The kinds of the WIT, in its order.
            #[doc(hidden)]
            pub const OF_THE_WIT: &[Self] = &[$(Self::$kind,)*];

            /// The kind's name as JavaScript sees it in `DotNetError.kind`: `"no-such-method"`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                    Self::InvalidGuest => "invalid-guest",
                }
            }
        }

        /// Converts between [`ErrorKind`] and what a binding generator makes of the WIT's `error-kind`. A kind that the WIT
        /// does not have becomes its `failed`.
        #[doc(hidden)]
        #[macro_export]
        macro_rules! error_kind_conversions {
            ($dollar wit:ty) => {
                impl From<$dollar wit> for $dollar crate::ErrorKind {
                    fn from(kind: $dollar wit) -> Self {
                        match kind {
                            $(<$dollar wit>::$kind => Self::$kind,)*
                        }
                    }
                }

                impl From<$dollar crate::ErrorKind> for $dollar wit {
                    fn from(kind: $dollar crate::ErrorKind) -> Self {
                        match kind {
                            $($dollar crate::ErrorKind::$kind => Self::$kind,)*
                            _ => Self::Failed,
                        }
                    }
                }
            };
        }
    };
}

kinds! { $
    /// No guest has an assembly with that name.
    NoSuchAssembly "no-such-assembly",
    /// The assembly or the object has no invokable method with that id, or the page no such function.
    NoSuchMethod "no-such-method",
    /// The object id names nothing: it was never handed out, or was released.
    NoSuchObject "no-such-object",
    /// The arguments do not fit the method: their number, their types, or their JSON. In a host also: the result does not fit
    /// the type that was asked for.
    BadArguments "bad-arguments",
    /// The method ran and failed, or its result could not be sent.
    Failed "failed",
    /// The guest is gone: it panicked, or ran out of memory, stack or time, and can no longer be called.
    GuestTrapped "guest-trapped",
    /// The caller cancelled the call.
    Cancelled "cancelled",
    /// The call took longer than its timeout.
    TimedOut "timed-out",
    /// A message or a stream is larger than its limit.
    TooLarge "too-large",
    /// There are more arguments, calls, references, streams or sessions than their limit.
    TooMany "too-many",
    /// The connection to the other side is gone.
    Disconnected "disconnected",
    /// This host or this version cannot do that.
    Unsupported "unsupported",
    /// A synchronous call came while the guest was on the stack, in a host that does not nest calls.
    Reentrant "reentrant",
    /// The function of the page threw, or its promise was rejected.
    JsFailed "js-failed",
    /// The other side broke the contract.
    Protocol "protocol",
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
