/**
 * `PulledSource`, bytes of the page that arrive in sequence: of a stream, the body of a response, or an asynchronous iterable.
 *
 * @module
 */

import { badArguments, describeValue, jsFailed, tooLarge } from '../error.js';

/**
 * A source that can be read once, from its beginning to its end.
 *
 * @typedef {ReadableStream<ArrayBufferView | ArrayBuffer> | AsyncIterable<ArrayBufferView | ArrayBuffer> | Response} StreamSource
 */

/**
 * Reads the pieces of a source.
 *
 * @typedef {object} Pieces
 * @property {() => Promise<{ value?: any, done?: boolean }>} next
 * @property {(() => unknown) | undefined} stop
 */

/** A source, and how far it has been read. */
export class PulledSource {
  #open;

  /** @type {Pieces | undefined} */
  #pieces;

  /** @type {Uint8Array} What has arrived and was not asked for yet. */
  #rest = new Uint8Array();

  #at = 0;
  #ended = false;

  /** @type {Promise<any>} The read that was begun last. */
  #last = Promise.resolve();

  /**
   * @param {() => Pieces} open
   * @param {number} length
   */
  constructor(open, length) {
    this.#open = open;
    this.length = length;
  }

  /**
   * Returns the source for a value, if the value can be one.
   *
   * @param {any} value
   * @param {{ length?: number }} [options]
   * @returns {PulledSource | undefined}
   * @throws {DotNetError} when it has been read, or its length is not known
   */
  static of(value, options) {
    const isResponse = typeof value?.headers?.get === 'function' && 'body' in value;
    const body = isResponse ? (value.body ?? noPieces()) : value;
    const isStream = typeof body?.getReader === 'function';
    if (!isStream && typeof body?.[Symbol.asyncIterator] !== 'function') return undefined;
    if (body.locked || value.bodyUsed) throw badArguments('The stream is being read already, or has been.');
    const length = options?.length ?? (isResponse ? lengthOfBody(value) : undefined);
    if (!Number.isSafeInteger(length) || /** @type {number} */ (length) < 0) {
      const got = length === undefined ? 'it is not known' : `it is ${describeValue(length)}`;
      throw badArguments(`A stream needs its length in bytes, as createJSStreamReference(stream, { length }): ${got}.`);
    }
    return new PulledSource(() => (isStream ? piecesOfStream(body) : piecesOfIterable(body)), /** @type {number} */ (length));
  }

  /**
   * Reads the next bytes. Reads that are begun meanwhile wait: a guest on a server asks for several pieces at once.
   *
   * @param {number} offset where they begin
   * @param {number} length
   * @returns {Promise<Uint8Array>}
   * @throws {DotNetError} when there are fewer or more bytes, or these are not the next ones; or what the source throws
   */
  read(offset, length) {
    const read = async () => {
      if (this.#ended || offset !== this.#at) {
        throw jsFailed(`The stream can be read once and in order: ${this.#at} bytes are read, ${offset} were asked for.`);
      }
      this.#at += length;
      try {
        const bytes = await this.#take(length);
        if (this.#at >= this.length) await this.#finish();
        return bytes;
      } catch (thrown) {
        this.cancel();
        throw thrown;
      }
    };
    return (this.#last = this.#last.then(read, read));
  }

  /** Stops the source. */
  cancel() {
    if (this.#ended) return;
    this.#ended = true;
    this.#rest = new Uint8Array();
    try {
      Promise.resolve((this.#pieces ?? this.#open()).stop?.()).catch(() => {});
    } catch {
      // An error of the page's own source, which nobody reads any more.
    }
  }

  /** @param {number} length */
  async #take(length) {
    const bytes = new Uint8Array(length);
    for (let taken = 0; taken < length; ) {
      if (this.#rest.length === 0 && !(await this.#next())) {
        const has = this.#at - length + taken;
        throw jsFailed(`The stream ended after ${has} bytes, and was to have ${this.length}.`);
      }
      const part = this.#rest.subarray(0, length - taken);
      bytes.set(part, taken);
      taken += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return bytes;
  }

  async #finish() {
    while (this.#rest.length === 0) {
      if (!(await this.#next())) {
        this.#ended = true;
        return;
      }
    }
    throw tooLarge(`The stream has ${this.length + this.#rest.length} bytes or more, and was to have ${this.length}.`);
  }

  /** Reads the next piece. Returns whether there was one. */
  async #next() {
    this.#pieces ??= this.#open();
    const { value, done } = await this.#pieces.next();
    if (done) return false;
    this.#rest = piece(value);
    return true;
  }
}

/**
 * @param {any} value
 * @returns {Uint8Array}
 */
function piece(value) {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value === 'object' && typeof value?.byteLength === 'number') return new Uint8Array(value);
  throw jsFailed(`A stream gives its bytes as typed arrays, and has given ${describeValue(value)}.`);
}

/**
 * @param {ReadableStream} stream
 * @returns {Pieces}
 */
function piecesOfStream(stream) {
  const reader = stream.getReader();
  return { next: () => reader.read(), stop: () => reader.cancel() };
}

/**
 * @param {AsyncIterable<any>} iterable
 * @returns {Pieces}
 */
function piecesOfIterable(iterable) {
  const iterator = iterable[Symbol.asyncIterator]();
  return { next: () => iterator.next(), stop: () => iterator.return?.() };
}

async function* noPieces() {}

/**
 * Returns the length of a response's body if its headers have it; a compressed body has another length.
 *
 * @param {Response} response
 */
function lengthOfBody({ headers, body }) {
  if (body === null) return 0;
  const length = headers.get('content-length');
  return length === null || headers.get('content-encoding') ? undefined : Number(length);
}
