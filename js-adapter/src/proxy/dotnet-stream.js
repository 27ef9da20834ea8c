/**
 * `DotNetStream`, bytes that a guest offers to the page.
 *
 * @module
 */

import { DotNetError, messageOf, tooLarge } from '../error.js';

/** Bytes that come from a guest, which the page reads once. */
export class DotNetStream {
  #open;

  /** @type {Promise<ReadableStream<Uint8Array>> | undefined} */
  #stream;

  /**
   * Calls return streams; a page has no need to make one.
   *
   * @param {() => ReadableStream<Uint8Array> | Promise<ReadableStream<Uint8Array>>} open
   * @param {string} [contentType]
   */
  constructor(open, contentType = '') {
    this.#open = open;

    /** The type of the bytes, such as `image/png`, if the guest gives one; otherwise empty. */
    this.contentType = contentType;
  }

  /**
   * Returns the bytes as a stream, the same one each time.
   *
   * @returns {Promise<ReadableStream<Uint8Array>>}
   */
  stream() {
    return (this.#stream ??= Promise.resolve(this.#open()));
  }

  /**
   * Reads all bytes.
   *
   * @returns {Promise<ArrayBuffer>}
   */
  async arrayBuffer() {
    const pieces = await this.#pieces();
    let length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const bytes = arrayOf(length);
    for (const piece of pieces.reverse()) bytes.set(piece, (length -= piece.length));
    return bytes.buffer;
  }

  /**
   * Reads all bytes as a blob of the stream's content type, for `URL.createObjectURL` and the like.
   *
   * @returns {Promise<Blob>}
   */
  async blob() {
    return new Blob(/** @type {BlobPart[]} */ (await this.#pieces()), { type: this.contentType });
  }

  async #pieces() {
    const stream = await this.stream();
    if (stream.locked) throw new DotNetError('unsupported', 'The stream can be read once.');
    // A `Response` does the same, several times slower. The reader is never released: the bytes are read once.
    const reader = stream.getReader();
    const pieces = [];
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return pieces;
      pieces.push(value);
    }
  }

  /** A name like those of the platform's own objects: frameworks do not wrap what has one. */
  get [Symbol.toStringTag]() {
    return 'DotNetStream';
  }

  /** @returns {never} */
  toJSON() {
    throw new DotNetError('unsupported', 'A DotNetStream cannot be sent. Send its bytes instead.');
  }
}

/** @param {number} length */
function arrayOf(length) {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw tooLarge(`The page has no room for the ${length} bytes of the stream in one piece: ${messageOf(cause)}`, cause);
  }
}
