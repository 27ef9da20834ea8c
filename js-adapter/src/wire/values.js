/**
 * What JSON can express of a value, and what it cannot.
 *
 * @module
 */

import { badArguments } from '../error.js';
import { MAX_DEPTH } from '../limits.js';

/**
 * Whether plain JSON expresses a value: there is nothing in it that travels as a placeholder.
 *
 * @param {any} value
 * @param {number} depth
 * @returns {boolean}
 */
export function isPlain(value, depth) {
  if (isPrimitive(value)) return true;
  if (depth > MAX_DEPTH || typeof value === 'function') return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Array.prototype) {
    for (let index = 0; index < value.length; index++) {
      if (!isPlain(value[index], depth + 1)) return false;
    }
    return true;
  }
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) {
    if (!isPlain(value[key], depth + 1)) return false;
  }
  return true;
}

/**
 * Whether a value is an array of nothing but primitives, as the arguments of most calls are.
 *
 * @param {any} value
 */
export function isFlat(value) {
  if (!Array.isArray(value) || Object.getPrototypeOf(value) !== Array.prototype) return false;
  for (let index = 0; index < value.length; index++) {
    if (!isPrimitive(value[index])) return false;
  }
  return true;
}

/** @param {unknown} value */
export function isPrimitive(value) {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'bigint');
}

/**
 * Whether a value can be awaited.
 *
 * @param {any} value
 * @returns {value is PromiseLike<any>}
 */
export function isThenable(value) {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && typeof value.then === 'function';
}

/**
 * Refuses values that JSON writes as `{}`, which Blazor sends and no page means.
 *
 * @param {any} value
 * @throws {DotNetError}
 */
export function checkSendable(value) {
  if (isThenable(value)) throw badArguments('A promise cannot be sent, only what it resolves to: an await is missing.');
  // A node of a document, of any realm.
  if (typeof value.cloneNode === 'function' && typeof value.nodeType === 'number') {
    throw badArguments(
      'A node of a document has no JSON: send DotNet.createJSObjectReference(node), or return it where the guest asks for a JsObjectReference.',
    );
  }
}
