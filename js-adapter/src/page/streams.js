/**
 * What guests read as streams of the page: bytes in arrays and blobs, and sources that are pulled.
 *
 * Values are recognized by their members and not by their classes: pages have objects of other realms, and blobs of libraries.
 *
 * @module
 */

import { badArguments, describeValue, messageOf } from '../error.js';
import { bytesOf } from '../wire/bytes.js';
import { PulledSource } from './pulled-source.js';

/** @type {((this: unknown) => number)[]} Getters that throw unless they are called on a buffer. */
const BYTE_LENGTHS = [ArrayBuffer, globalThis.SharedArrayBuffer].flatMap(
  (kind) => /** @type {any} */ (kind && Object.getOwnPropertyDescriptor(kind.prototype, 'byteLength'))?.get ?? [],
);

/** @type {WeakMap<object, PulledSource>} Sources that have a reference, by their values: how far each has been read. */
export const pulled = new WeakMap();

/**
 * Returns what is read for a value that gets a reference.
 *
 * @param {any} source
 * @param {{ length?: number }} [options]
 * @returns {object}
 * @throws {import('../error.js').DotNetError} when it cannot be read as a stream
 */
export function streamable(source, options) {
  if (isBuffer(source)) return viewOf(source);
  if (ArrayBuffer.isView(source)) bytesOf(source);
  else if (!isBlob(source)) pull(source, options);
  return source;
}

/**
 * @param {any} source
 * @param {{ length?: number }} [options]
 */
function pull(source, options) {
  const found = PulledSource.of(source, options);
  if (!found) throw notStreamable(source);
  pulled.set(source, found);
}

/** @param {any} source */
export function notStreamable(source) {
  const what = typeof source?.then === 'function' ? 'a promise: an await is missing' : describeValue(source);
  return badArguments(`Supplied value is not a typed array or blob, but ${what}.`);
}

/**
 * Returns how many bytes a stream has.
 *
 * @param {any} source
 * @returns {number}
 */
export function lengthOf(source) {
  return pulled.get(source)?.length ?? (isBlob(source) ? source.size : source.byteLength);
}

/**
 * Stops a source that nobody will read further.
 *
 * @param {object} source
 */
export function abandon(source) {
  pulled.get(source)?.cancel();
}

/**
 * @param {unknown} source
 * @returns {source is ArrayBuffer}
 */
export function isBuffer(source) {
  return BYTE_LENGTHS.some((byteLength) => {
    try {
      byteLength.call(source);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Whether a value is a blob of the browser, of Node or of a library.
 *
 * @param {any} source
 * @returns {source is Blob}
 */
export function isBlob(source) {
  try {
    return (
      typeof source?.slice === 'function' &&
      typeof source.size === 'number' &&
      (typeof source.arrayBuffer === 'function' || /^(?:Blob|File)$/.test(source[Symbol.toStringTag]))
    );
  } catch {
    // A revoked proxy.
    return false;
  }
}

/** @param {ArrayBuffer} buffer */
export function viewOf(buffer) {
  try {
    return new Uint8Array(buffer);
  } catch (cause) {
    throw badArguments(`The bytes of an array cannot be read: ${messageOf(cause)}`, cause);
  }
}
