/**
 * The bytes of the page's own arrays.
 *
 * @module
 */

import { badArguments, messageOf } from '../error.js';

/**
 * The bytes of a typed array or a part of them, not copied.
 *
 * @param {ArrayBufferView} view
 * @param {number} [offset]
 * @param {number} [length]
 * @returns {Uint8Array}
 * @throws {DotNetError} when the array is detached
 */
export function bytesOf(view, offset = 0, length) {
  try {
    return new Uint8Array(view.buffer, view.byteOffset + offset, length ?? view.byteLength - offset);
  } catch (cause) {
    throw badArguments(`The bytes of an array cannot be read: ${messageOf(cause)}`, cause);
  }
}
