//! The limits that both sides of a call keep. A host may set its own; a guest has these.

/// How many arguments a call may have. Blazor has no limit; a function with more parameters is better served by an object.
pub const MAX_ARGUMENTS: usize = 64;

/// How deep the JSON of a message may nest, the array of the arguments included (the `MaxDepth` of Blazor's host).
pub const MAX_DEPTH: usize = 32;

/// How many calls may be under way at once, in each direction.
pub const MAX_PENDING_CALLS: usize = 10_000;

/// How many objects of one side the other may hold references to at once. A side that never releases them would otherwise fill
/// the other's memory.
pub const MAX_LIVE_REFERENCES: usize = 100_000;

/// How many streams may be open at once, in each direction.
pub const MAX_OPEN_STREAMS: usize = 1_000;
