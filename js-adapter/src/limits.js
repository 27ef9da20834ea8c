/**
 * The limits that this side of a call keeps, and why they are what they are. Numbers fail with kind `too-many`, sizes with
 * `too-large`, and the depth with that of what nests too deep.
 *
 * @module
 */

import { DotNetError } from './error.js';

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

/**
 * Bytes of one array, and of a text as UTF-8: what a guest of 32 bits can have in one piece. Its whole memory is 4 GiB at the
 * most, and what does not fit into it fails with the same kind.
 */
export const MAX_BYTES = 2 ** 31 - 1;

/** @type {number | undefined} */
let longest;

/**
 * The length of the longest text that this engine can hold: 2^29 - 24 in Chromium and Node, 2^30 - 2 in Firefox. Found by adding
 * texts, which no engine copies for that.
 */
export function longestText() {
  if (longest !== undefined) return longest;
  const pieces = [' '];
  let text = '';
  const append = (/** @type {string} */ piece) => {
    try {
      return text + piece;
    } catch {
      return undefined;
    }
  };
  for (let next; (next = append((text = pieces[0]))) !== undefined; ) pieces.unshift(next);
  for (text = ''; pieces.length > 0; ) text = append(/** @type {string} */ (pieces.shift())) ?? text;
  return (longest = text.length);
}

/** How deep JSON nests, the array of the arguments included: the `MaxDepth` of Blazor's host. */
export const MAX_DEPTH = 32;

/**
 * The error for one more than a limit allows, which names both numbers.
 *
 * @param {number} number
 * @param {number} limit
 * @param {string} what there is one too many of
 */
export function tooMany(number, limit, what) {
  return new DotNetError('too-many', `This would be number ${number} of ${what}, and ${limit} is the limit.`);
}

/**
 * Makes sure that a call has no more arguments than one may have.
 *
 * @param {unknown[] | null | undefined} args
 * @throws {DotNetError}
 */
export function checkCount(args) {
  if (args && args.length > MAX_ARGUMENTS) throw tooMany(args.length, MAX_ARGUMENTS, 'the arguments of a call');
}
