/**
 * Frames on a `MessagePort`.
 *
 * @module
 */

import { messageOf, tooLarge } from '../error.js';

/** @import { Frame } from '../remote/frames.js' */

/**
 * The version of this protocol. Page and worker may have come with different copies of this package.
 */
export const VERSION = 1;

/**
 * What a page sends to a worker to have a guest run there. It goes to the worker itself, and everything else through the port in it.
 *
 * @typedef {object} Request
 * @property {number} dotwit The version of the protocol.
 * @property {MessagePort} port
 * @property {string | undefined} component The URL of the guest's `index.js`; without one, the worker's script has the guest.
 * @property {'auto' | 'direct' | 'wrapper'} binding
 * @property {boolean} timed Whether the page wants to know when the guest is entered and left.
 * @property {string} lock The name of a lock to hold as long as the guest may run.
 */

/**
 * Posts frames. The byte arrays in them are moved, where they have a buffer of their own, or else copied and the copies moved.
 *
 * @param {MessagePort} port
 * @param {Frame | Frame[]} frames
 * @param {boolean} owned whether the byte arrays may be moved
 * @throws {import('../error.js').DotNetError} of kind `too-large` when there is no room for copies
 */
export function post(port, frames, owned) {
  /** @type {ArrayBuffer[]} */
  const buffers = [];
  const message = detached(frames, buffers, owned);
  port.postMessage(message, buffers);
}

/**
 * Returns a value with byte arrays that can be moved.
 *
 * @param {any} value
 * @param {ArrayBuffer[]} buffers gets the buffers to move
 * @param {boolean} owned
 * @returns {any}
 */
function detached(value, buffers, owned) {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) {
    const own = owned && value.byteLength === value.buffer.byteLength ? value : copyOf(value);
    buffers.push(/** @type {ArrayBuffer} */ (own.buffer));
    return own;
  }
  if (Array.isArray(value)) return value.map((element) => detached(element, buffers, owned));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, detached(member, buffers, owned)]));
}

/** @param {Uint8Array} array */
function copyOf(array) {
  try {
    return array.slice();
  } catch (cause) {
    throw tooLarge(`There is no room for a copy of ${array.length} bytes: ${messageOf(cause)}`, cause);
  }
}
