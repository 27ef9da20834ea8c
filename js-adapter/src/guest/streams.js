/**
 * `GuestStreams`, the streams of one guest that the page has open.
 *
 * @module
 */

import { DotNetError, errorOf } from '../error.js';
import { tooMany } from '../limits.js';
import { DotNetStream } from '../proxy/dotnet-stream.js';

/** @import { CallError, Outcome } from '../wire/contract.js' */
/** @import { GuestInstance } from './instance.js' */

/** How many bytes are asked for at once: enough for the cost of a crossing not to count. */
const PIECE = 128 * 1024;

/** The streams of one guest. A stream that fails fails alone. */
export class GuestStreams {
  #guest;

  /** @type {Set<number>} */
  #open = new Set();

  /** @type {FinalizationRegistry<number>} Closes streams that nobody can read any more. */
  #forgotten = new FinalizationRegistry((id) => this.close(id));

  /** @type {Map<number, (outcome: Outcome<Uint8Array>) => void>} What ends the pending reads. */
  #reads = new Map();

  /** @param {GuestInstance} guest */
  constructor(guest) {
    this.#guest = guest;
  }

  /** How many are open. */
  get size() {
    return this.#open.size;
  }

  /**
   * Returns a stream that a message names. It is open once it was added.
   *
   * @param {number} id
   * @param {string} [contentType]
   * @returns {DotNetStream}
   */
  create(id, contentType) {
    const stream = new DotNetStream(() => {
      const readable = this.#readable(id);
      this.#forgotten.register(readable, id);
      this.#forgotten.unregister(stream);
      return readable;
    }, contentType);
    ids.set(stream, id);
    return stream;
  }

  /**
   * @param {DotNetStream} stream
   * @throws {DotNetError} when there are too many
   */
  add(stream) {
    const { streams } = this.#guest.limits;
    if (this.#open.size >= streams) {
      throw tooMany(this.#open.size + 1, streams, "the guest's streams that are open");
    }
    const id = /** @type {number} */ (ids.get(stream));
    this.#open.add(id);
    this.#forgotten.register(stream, id, stream);
  }

  /**
   * Closes a stream. One that has ended is left alone.
   *
   * @param {number} id
   */
  close(id) {
    if (this.#open.has(id)) this.refuse(id);
  }

  /**
   * Closes a stream that nobody reads, whether it was added or not.
   *
   * @param {number} id
   */
  refuse(id) {
    this.#open.delete(id);
    this.#guest.deliver((binding) => binding.close(id));
  }

  /**
   * Ends a read. One that is not pending is left alone.
   *
   * @param {number} call
   * @param {Outcome<Uint8Array>} outcome
   */
  endRead(call, outcome) {
    const end = this.#reads.get(call);
    this.#reads.delete(call);
    end?.(outcome);
  }

  /**
   * Ends all reads: the guest is gone.
   *
   * @param {CallError} reason
   */
  clear(reason) {
    for (const call of [...this.#reads.keys()]) this.endRead(call, { tag: 'err', val: reason });
    this.#open.clear();
  }

  /**
   * @param {number} stream
   * @param {number} max
   * @param {(outcome: Outcome<Uint8Array>) => void} end
   */
  #read(stream, max, end) {
    const guest = this.#guest;
    if (guest.end) {
      end({ tag: 'err', val: guest.end });
      return;
    }
    const call = guest.nextCall();
    this.#reads.set(call, end);
    guest.enqueue(() => {
      try {
        const outcome = guest.enter((binding) => binding.read(call, stream, max));
        if (outcome) this.endRead(call, outcome);
      } catch {
        // A trap, which has ended all reads.
      }
    });
  }

  /**
   * @param {number} id
   * @returns {ReadableStream<Uint8Array>}
   */
  #readable(id) {
    return byteStream({
      pull: (controller) =>
        new Promise((resolve, reject) => {
          const view = controller.byobRequest?.view;
          const max = view?.byteLength ?? PIECE;
          this.#read(id, max, (outcome) => {
            try {
              this.#supply(id, controller, outcome);
              resolve();
            } catch (error) {
              this.close(id);
              reject(error);
            }
          });
        }),
      cancel: () => this.close(id),
    });
  }

  /**
   * @param {number} id
   * @param {ReadableByteStreamController} controller
   * @param {Outcome<Uint8Array>} outcome
   */
  #supply(id, controller, outcome) {
    if (outcome.tag === 'err') throw errorOf(outcome.val);
    // The reader has cancelled meanwhile.
    if (!this.#open.has(id)) return;
    const bytes = outcome.val;
    const request = controller.byobRequest;
    if (bytes.length === 0) {
      this.#open.delete(id);
      controller.close();
      request?.respond(0);
    } else if (request) {
      const view = /** @type {ArrayBufferView} */ (request.view);
      if (bytes.length > view.byteLength) {
        throw new DotNetError('protocol', `The guest has sent ${bytes.length} bytes of its stream where ${view.byteLength} were asked for.`);
      }
      new Uint8Array(view.buffer, view.byteOffset).set(bytes);
      request.respond(bytes.length);
    } else {
      controller.enqueue(/** @type {Uint8Array<ArrayBuffer>} */ (bytes));
    }
  }
}

/**
 * Returns a stream of bytes that reads nothing before it is asked. Safari before 26.4 has no byte streams, and gets one that cannot be
 * read into the reader's own arrays.
 *
 * @param {Omit<UnderlyingByteSource, 'type'>} source
 * @returns {ReadableStream<Uint8Array>}
 */
function byteStream(source) {
  const strategy = { highWaterMark: 0 };
  try {
    return new ReadableStream({ ...source, type: 'bytes' }, strategy);
  } catch {
    return new ReadableStream(/** @type {UnderlyingDefaultSource} */ (source), strategy);
  }
}

/** @type {WeakMap<DotNetStream, number>} */
const ids = new WeakMap();
