/**
 * The limits that this side of a call keeps, and why they are what they are. All fail with kind `too-many`, but for the
 * depth.
 *
 * @module
 */

/** Arguments of one call, either way. No method that people write comes near, and the guest keeps the same limit. */
export const MAX_ARGUMENTS = 64;

/**
 * Calls between the page and one guest that have not ended, for each direction. Who reaches it is in a loop that awaits
 * nothing; the error says so while there is memory left.
 */
export const MAX_PENDING_CALLS = 10_000;

/**
 * Objects of the page that one guest holds, and objects of one guest that the page holds. Who reaches it does not give
 * back what it gets.
 */
export const MAX_LIVE_REFERENCES = 100_000;

/** Streams between the page and one guest that are open, for each direction. */
export const MAX_OPEN_STREAMS = 1_000;

/** How deep JSON nests, the array of the arguments included: the `MaxDepth` of Blazor's host. */
export const MAX_DEPTH = 32;
