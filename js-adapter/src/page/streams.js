/**
 * What guests read as streams of the page: bytes in arrays and blobs, and sources that are pulled.
 *
 * Values are recognized by their members and not by their classes: pages have objects of other realms, and blobs of libraries.
 *
 * @module
 */

import { DotNetError, badArguments, describeValue, jsFailed, messageOf } from '../error.js';
import { bytesOf } from '../wire/bytes.js';
import { PulledSource } from './pulled-source.js';

/** @type {((this: unknown) => number)[]} Getters that throw unless they are called on a buffer. */
const BYTE_LENGTHS = [ArrayBuffer, globalThis.SharedArrayBuffer].flatMap(
  (kind) => /** @type {any} */ (kind && Object.getOwnPropertyDescriptor(kind.prototype, 'byteLength'))?.get ?? [],
);

/** @type {WeakMap<object, PulledSource>} Sources that have a reference, by their values: how far each has been read. */
const pulled = new WeakMap();

/**
 * Returns what is read for a value that gets a reference.
 *
 * @param {any} source
 * @param {{ length?: number }} [options]
 * @returns {object}
 * @throws {DotNetError} when it cannot be read as a stream
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
function notStreamable(source) {
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
function isBuffer(source) {
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
function isBlob(source) {
  try {
    return (
      typeof source?.slice === 'function' &&
      typeof source.size === 'number' &&
      (typeof source.arrayBuffer === 'function' || /^(?:Blob|File)$/.test(source[Symbol.toStringTag]))
    );
  } catch {
    // A proxy that was revoked.
    return false;
  }
}

/**
 * Reads a piece of a stream, and calls `end` once. The bytes of an array are not copied: they are those of the moment in which
 * `end` takes the piece.
 *
 * @param {unknown} source or the error that stands in its place
 * @param {number} offset
 * @param {number} length
 * @param {(piece: () => Uint8Array) => void} end gets a function that returns the piece, or throws why there is none
 */
export function readPiece(source, offset, length, end) {
  if (ArrayBuffer.isView(source)) {
    end(() => bytesOf(source, offset, length));
  } else {
    pieceOf(source, offset, length).then(
      (piece) => end(() => piece),
      (thrown) =>
        end(() => {
          throw thrown;
        }),
    );
  }
}

/**
 * @param {any} source
 * @param {number} offset
 * @param {number} length
 */
async function pieceOf(source, offset, length) {
  if (source instanceof DotNetError) throw source;
  const found = pulled.get(source);
  if (found) return found.read(offset, length);
  if (isBuffer(source)) return bytesOf(viewOf(source), offset, length);
  if (!isBlob(source)) throw notStreamable(source);
  const buffer = await bufferOf(source.slice(offset, offset + length));
  if (buffer.byteLength === length) return new Uint8Array(buffer);
  throw jsFailed(`The blob has ${buffer.byteLength} of the ${length} bytes that were asked for.`);
}

/**
 * Returns the bytes of a blob. A blob of jsdom can be read only by jsdom's own `FileReader`.
 *
 * @param {Blob} blob
 * @returns {Promise<ArrayBuffer>}
 */
function bufferOf(blob) {
  if (typeof blob.arrayBuffer === 'function') return blob.arrayBuffer();
  return new Promise((resolve, reject) => {
    const reader = new (globalThis.document?.defaultView ?? globalThis).FileReader();
    reader.onload = () => resolve(/** @type {ArrayBuffer} */ (reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsArrayBuffer(blob);
  });
}

/** @param {ArrayBuffer} buffer */
function viewOf(buffer) {
  try {
    return new Uint8Array(buffer);
  } catch (cause) {
    throw badArguments(`The bytes of an array cannot be read: ${messageOf(cause)}`, cause);
  }
}
