/**
 * The limits that this side of a call keeps, and why they are what they are. All fail with kind `too-many`.
 *
 * @module
 */

/** Arguments of one call. No method that people write comes near, and the guest keeps the same limit. */
export const MAX_ARGUMENTS = 64;

/**
 * Calls that the page has made to one guest and that have not ended. A page that reaches it is in a loop that awaits
 * nothing; the error says so while there is memory left.
 */
export const MAX_PENDING_CALLS = 10_000;
