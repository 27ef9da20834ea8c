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
    return new Response(/** @type {ReadableStream<any>} */ (await this.stream())).arrayBuffer();
  }

  /** @returns {never} */
  toJSON() {
    throw new DotNetError('unsupported', 'A DotNetStream cannot be sent: its bytes flow from the guest to the page. Send them as bytes instead.');
  }
}
