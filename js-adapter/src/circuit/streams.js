/**
 * `CreditStreams`, the streams of a guest on a server: the page gives credit in bytes, the server sends what there is credit for, and the
 * page reads from what has come.
 *
 * So a read costs one round trip for each window and not for each piece. The sizes of windows are fixed.
 *
 * @module
 */

import { DotNetError } from '../error.js';

/** @import { Outcome } from '../wire/contract.js' */

/**
 * How many bytes may be under way or wait to be read, for each stream. Half of them are given again at once: with less, a fast stream waits
 * for its page, and the page sends a message for every other piece.
 */
export const WINDOW = 512 * 1024;

/**
 * @typedef {object} CreditStream
 * @property {Uint8Array[]} pieces What has come and was not read.
 * @property {number} credit How many bytes may still come.
 * @property {number} taken How many bytes were read since credit was given last.
 * @property {Outcome<undefined>} [end]
 * @property {{ call: number, max: number }} [read] The read that waits.
 */

/** The streams of one guest that the page reads. */
export class CreditStreams {
  #send;
  #endRead;

  /** @type {Map<number, CreditStream>} Streams that were read from and have not ended. Bounded by the guest's open streams. */
  #streams = new Map();

  /**
   * @param {(frame: ['credit', stream: number, bytes: number] | ['close', stream: number]) => void} send
   * @param {(call: number, outcome: Outcome<Uint8Array>) => void} endRead
   */
  constructor(send, endRead) {
    this.#send = send;
    this.#endRead = endRead;
  }

  /**
   * Reads the next bytes: at once if there are some, or else `endRead` is called when some have come.
   *
   * @param {number} call
   * @param {number} id
   * @param {number} max
   * @returns {Outcome<Uint8Array> | undefined}
   */
  read(call, id, max) {
    let stream = this.#streams.get(id);
    if (!stream) {
      stream = { pieces: [], credit: WINDOW, taken: 0 };
      this.#streams.set(id, stream);
      this.#send(['credit', id, WINDOW]);
    }
    const outcome = this.#next(id, stream, max);
    if (!outcome) stream.read = { call, max };
    return outcome;
  }

  /**
   * Bytes have come. Those of a stream that the page has closed are dropped: they were under way.
   *
   * @param {number} id
   * @param {Uint8Array} bytes
   * @throws {DotNetError} when there was no credit for them
   */
  data(id, bytes) {
    const stream = this.#streams.get(id);
    if (!stream) return;
    if (bytes.length > stream.credit || stream.end) {
      const credit = stream.end ? 0 : stream.credit;
      throw new DotNetError('protocol', `The server has sent ${bytes.length} bytes of a stream, and has credit for ${credit}.`);
    }
    stream.credit -= bytes.length;
    // An empty piece would read as the end.
    if (bytes.length > 0) stream.pieces.push(bytes);
    this.#answer(id, stream);
  }

  /**
   * A stream has ended, behind what has come of it. Its first end is the one that counts: credit that was on its way when the stream ended
   * asks the server for more of a stream that is no longer there, and it says so.
   *
   * @param {number} id
   * @param {Outcome<undefined>} outcome
   */
  end(id, outcome) {
    const stream = this.#streams.get(id);
    if (!stream || stream.end) return;
    stream.end = outcome;
    this.#answer(id, stream);
  }

  /**
   * The page reads a stream no further.
   *
   * @param {number} id
   */
  close(id) {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    if (!stream?.end) this.#send(['close', id]);
    // Its reader is gone, and each read has an end.
    if (stream?.read) this.#endRead(stream.read.call, { tag: 'ok', val: new Uint8Array() });
  }

  /**
   * @param {number} id
   * @param {CreditStream} stream
   */
  #answer(id, stream) {
    const { read } = stream;
    const outcome = read && this.#next(id, stream, read.max);
    if (!outcome) return;
    stream.read = undefined;
    this.#endRead(read.call, outcome);
  }

  /**
   * @param {number} id
   * @param {CreditStream} stream
   * @param {number} max
   * @returns {Outcome<Uint8Array> | undefined}
   */
  #next(id, stream, max) {
    const bytes = take(stream.pieces, max);
    if (bytes) {
      stream.taken += bytes.length;
      this.#topUp(id, stream);
      return { tag: 'ok', val: bytes };
    }
    if (!stream.end) return undefined;
    this.#streams.delete(id);
    return stream.end.tag === 'ok' ? { tag: 'ok', val: new Uint8Array() } : stream.end;
  }

  /**
   * @param {number} id
   * @param {CreditStream} stream
   */
  #topUp(id, stream) {
    if (stream.end || stream.taken < WINDOW / 2) return;
    this.#send(['credit', id, stream.taken]);
    stream.credit += stream.taken;
    stream.taken = 0;
  }
}

/**
 * Takes at most so many bytes of the pieces, in one array.
 *
 * @param {Uint8Array[]} pieces
 * @param {number} max
 * @returns {Uint8Array | undefined} `undefined` when there are none
 */
function take(pieces, max) {
  const [first] = pieces;
  if (!first) return undefined;
  // One piece as it is: no copy, and a reader gets the size that the guest has sent.
  if (first.length <= max) return pieces.shift();
  pieces[0] = first.subarray(max);
  return first.slice(0, max);
}
