/**
 * Objects of the page that are read as streams.
 *
 * @module
 */

import { DotNetError } from './error.js';
import { bytesOf, notStreamable } from './page-objects.js';

/**
 * Reads a piece of a blob or of an array, and ends once. The bytes of an array are those of the moment in which the piece is
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
 * @param {unknown} source
 * @param {number} offset
 * @param {number} length
 */
async function pieceOf(source, offset, length) {
  if (source instanceof DotNetError) throw source;
  if (source instanceof ArrayBuffer) return bytesOf(new Uint8Array(source), offset, length);
  if (!(source instanceof Blob)) throw notStreamable(source);
  const buffer = await source.slice(offset, offset + length).arrayBuffer();
  if (buffer.byteLength === length) return new Uint8Array(buffer);
  throw new DotNetError('js-failed', `The blob has ${buffer.byteLength} of the ${length} bytes that were asked for.`);
}
