/**
 * The limits that this side of a call keeps, with their reasons. Exceeding a number fails with kind `too-many`, and a size with
 * `too-large`; nesting too deep fails as malformed arguments or results do.
 *
 * @module
 */

import { DotNetError } from './error.js';

/** Arguments of one call, in either direction. No method has that many, and the guest keeps the same limit. */
export const MAX_ARGUMENTS = 64;

/**
 * Calls between the page and one guest that have not ended, for each direction. Reaching it means a loop that awaits nothing; the error
 * comes while there is memory left.
 */
export const MAX_PENDING_CALLS = 10_000;

/**
 * Objects of the page that one guest holds, and objects of one guest that the page holds. Reaching it means that references are being
 * leaked.
 */
export const MAX_LIVE_REFERENCES = 100_000;

/** Open streams between the page and one guest, for each direction. */
export const MAX_OPEN_STREAMS = 1_000;

/**
 * Bytes of one array, and of a text in UTF-8: what a 32-bit guest can have in one piece. Its whole memory is at most 4 GiB, and what does
 * not fit into that fails with the same kind.
 */
export const MAX_BYTES = 2 ** 31 - 1;

/**
 * The limits of one guest. A server that runs guests has limits of its own, and says them when a page connects.
 *
 * @typedef {object} Limits
 * @property {number} arguments of one call
 * @property {number} pending calls, for each direction
 * @property {number} references for each direction
 * @property {number} streams for each direction
 */

/** @type {Limits} Those of a guest that runs with the page. */
export const LIMITS = { arguments: MAX_ARGUMENTS, pending: MAX_PENDING_CALLS, references: MAX_LIVE_REFERENCES, streams: MAX_OPEN_STREAMS };

/** @type {number | undefined} */
let longest;

/**
 * Returns the length of the longest text that this engine can hold: 2^29 - 24 in Chromium and Node, 2^30 - 2 in Firefox. It concatenates
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
 * Returns the error for one more than a limit allows, which names both numbers.
 *
 * @param {number} number
 * @param {number} limit
 * @param {string} what there is one too many of
 */
export function tooMany(number, limit, what) {
  return new DotNetError('too-many', `This would be number ${number} of ${what}, and ${limit} is the limit.`);
}

/**
 * Checks that a call does not have too many arguments.
 *
 * @param {unknown[] | null | undefined} args
 * @param {number} [limit]
 * @throws {DotNetError}
 */
export function checkCount(args, limit = MAX_ARGUMENTS) {
  if (args && args.length > limit) throw tooMany(args.length, limit, 'the arguments of a call');
}
