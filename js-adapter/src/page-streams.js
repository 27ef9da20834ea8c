/**
 * What of the page is read as a stream: bytes that are there, in arrays and blobs, and sources that are pulled.
 *
 * What something is, it is asked itself and not its class: pages have objects of other realms, and blobs of other makers.
 *
 * @module
 */

import { DotNetError, badArguments, describeValue, jsFailed, messageOf } from './error.js';
import { PulledSource } from './pulled-source.js';

/** @type {((this: unknown) => number)[]} What throws unless it is called for a buffer. */
const BYTE_LENGTHS = [ArrayBuffer, globalThis.SharedArrayBuffer].flatMap(
  (kind) => /** @type {any} */ (kind && Object.getOwnPropertyDescriptor(kind.prototype, 'byteLength'))?.get ?? [],
);

/** @type {WeakMap<object, PulledSource>} How far the sources have been read, whatever references there are to them. */
const pulled = new WeakMap();

/**
 * What can be read of a value, which has a reference from then on.
 *
 * @param {any} source
 * @param {{ length?: number }} [options]
 * @returns {object}
 * @throws {DotNetError} when nothing can
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
 * How many bytes something has that is read as a stream.
 *
 * @param {any} source
 * @returns {number}
 */
export function lengthOf(source) {
  return pulled.get(source)?.length ?? (isBlob(source) ? source.size : source.byteLength);
}

/**
 * Nobody will read further.
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
 * Whether something is a blob, be it of the browser, of Node or of a library that stands in for either.
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
 * Reads a piece of what can be read, and ends once. The bytes of an array are those of the moment in which the piece is
 * taken, and are not copied.
 *
 * @param {unknown} source or the error that there is in its place
 * @param {number} offset
 * @param {number} length
 * @param {(piece: () => Uint8Array) => void} end gets what gives the piece, or throws why it cannot
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
 * The bytes of a blob. That of jsdom can be read by its own `FileReader` alone.
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
    throw unreadable(cause);
  }
}

/**
 * The bytes of a typed array or a part of them, not copied.
 *
 * @param {ArrayBufferView} view
 * @param {number} [offset]
 * @param {number} [length]
 * @returns {Uint8Array}
 * @throws {DotNetError} when they are gone
 */
export function bytesOf(view, offset = 0, length) {
  try {
    return new Uint8Array(view.buffer, view.byteOffset + offset, length ?? view.byteLength - offset);
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** @param {unknown} cause */
function unreadable(cause) {
  return badArguments(`The bytes of an array cannot be read: ${messageOf(cause)}`, cause);
}
