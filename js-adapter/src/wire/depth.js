/**
 * How deep a JSON text nests, found without parsing it.
 *
 * @module
 */

import { MAX_DEPTH } from '../limits.js';
import { endOfString } from './integers.js';

/** @import { DotNetError } from '../error.js' */
/** @import { ErrorKind } from './contract.js' */

/**
 * Makes the error for a text that cannot be read.
 *
 * @typedef {(message: string, more?: { cause?: unknown, kind?: ErrorKind }) => DotNetError} Fail
 */

/** The shortest text that can nest deeper than the limit: brackets and nothing else. */
export const SHORTEST_TOO_DEEP = 2 * (MAX_DEPTH + 1);

/**
 * @param {string} json
 * @param {Fail} fail
 * @throws {DotNetError} what `fail` makes, when a text nests deeper than the limit
 */
export function checkDepth(json, fail) {
  if (json.length < SHORTEST_TOO_DEEP) return;
  const depth = depthOf(json);
  if (depth > MAX_DEPTH) throw fail(`The JSON nests ${depth} deep, and ${MAX_DEPTH} is the limit.`);
}

/**
 * Returns how deep a text nests: 0 for a scalar, 1 for a flat array or object.
 *
 * @param {string} json
 */
export function depthOf(json) {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case 0x22: // "
        at = endOfString(json, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > deepest) deepest = depth;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
    }
  }
  return deepest;
}
