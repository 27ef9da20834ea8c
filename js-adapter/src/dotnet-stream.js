/**
 * `DotNetStream`, bytes that a guest offers to the page.
 *
 * @module
 */

import { DotNetError } from './error.js';

/** Bytes that come from a guest, which the page reads once. */
export class DotNetStream {
  #open;

  /** @type {Promise<ReadableStream<Uint8Array>> | undefined} */
  #stream;

  /**
   * Streams come out of calls; a page has no need to make one.
   *
   * @param {() => ReadableStream<Uint8Array> | Promise<ReadableStream<Uint8Array>>} open
   */
  constructor(open) {
    this.#open = open;
  }

  /**
   * The bytes, as they are read. It is the same stream each time.
   *
   * @returns {Promise<ReadableStream<Uint8Array>>}
   */
  stream() {
    return (this.#stream ??= Promise.resolve(this.#open()));
  }

  /**
   * All the bytes.
   *
   * @returns {Promise<ArrayBuffer>}
   */
  async arrayBuffer() {
    // A `Response` would do the same, several times slower. The reader is never released: the bytes are read once.
    const reader = (await this.stream()).getReader();
    const pieces = [];
    let length = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      pieces.push(value);
      length += value.length;
    }
    const bytes = new Uint8Array(length);
    for (const piece of pieces.reverse()) bytes.set(piece, (length -= piece.length));
    return bytes.buffer;
  }

  /** A name as the platform's own objects have one: frameworks leave those alone that they cannot wrap. */
  get [Symbol.toStringTag]() {
    return 'DotNetStream';
  }

  /** @returns {never} */
  toJSON() {
    throw new DotNetError('unsupported', 'A DotNetStream cannot be sent. Send its bytes instead.');
  }
}
