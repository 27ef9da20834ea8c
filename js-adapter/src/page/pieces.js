/**
 * Pieces of the page's streams, as a guest reads them.
 *
 * @module
 */

import { DotNetError, jsFailed } from '../error.js';
import { bytesOf } from '../wire/bytes.js';
import { failureOf } from './failure.js';
import { isBlob, isBuffer, notStreamable, pulled, viewOf } from './streams.js';

/** @import { Outcome } from '../wire/contract.js' */

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

/**
 * Returns what a guest is told of bytes that it has asked for.
 *
 * @param {() => Uint8Array} piece
 * @returns {Outcome<Uint8Array>}
 */
export function outcomeOf(piece) {
  try {
    return { tag: 'ok', val: piece() };
  } catch (thrown) {
    return { tag: 'err', val: failureOf(thrown, true) };
  }
}
