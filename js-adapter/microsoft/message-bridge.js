/**
 * `MessageBridge`, the messages between a guest and Microsoft's package, which passes byte arrays and streams apart from them.
 *
 * @module
 */

import { DotNetError, describeValue, errorOf } from '../src/error.js';
import { findInexact, inexactMessage, withFloats } from '../src/wire/integers.js';
import { numbersOf } from '../src/wire/numbers.js';
import { findReferences } from '../src/wire/references.js';
import { bytesBeside } from '../src/wire/write.js';

/** @import { Message } from '../src/wire/contract.js' */
/** @import { GuestStreams } from '../src/guest/streams.js' */
/** @import { CallDispatcher } from './attached-guest.js' */

/**
 * How far apart the ids of two guests' objects are on the page: the package writes an object as its id alone, whichever guest gets it. The
 * lowest ids are left to other hosts.
 */
const SPAN = 2 ** 40;

/** The placeholder of a guest's object. */
const OBJECT = /("__dotNetObject"\s*:\s*)(\d+)/g;

let guests = 0;

/** The messages of one guest. */
export class MessageBridge {
  #offset = ++guests * SPAN;
  #streams;
  #dispatcher;

  /** @type {Uint8Array[]} What the package has sent for the message that follows. */
  #collected = [];
  #lastArray = 0;

  /**
   * @param {GuestStreams} streams
   * @param {() => CallDispatcher} dispatcher
   */
  constructor(streams, dispatcher) {
    this.#streams = streams;
    this.#dispatcher = dispatcher;
  }

  /** The package's dispatcher for the guest. */
  get dispatcher() {
    return this.#dispatcher();
  }

  /**
   * Returns the guest's id of an object that the page names.
   *
   * @param {number} id
   * @throws {DotNetError} when it is of another guest
   */
  ownId(id) {
    const own = id - this.#offset;
    if (own > 0 && own < SPAN) return own;
    throw new DotNetError('bad-arguments', 'This DotNetObject is of another guest: it can be passed only to the guest that it came from.');
  }

  /**
   * Takes a byte array of the message that follows; each message counts from 0.
   *
   * @param {number} index
   * @param {Uint8Array} data
   */
  collect(index, data) {
    if (index === 0) this.#collected = [];
    this.#collected[index] = data;
  }

  /**
   * Returns the message for a text of the package, with the arrays that were sent for it.
   *
   * @param {string} json
   * @returns {Message}
   * @throws {DotNetError} when it names an object of another guest
   */
  toGuest(json) {
    if (json.includes('"__dotNetObject"')) json = json.replace(OBJECT, (_all, key, id) => key + this.ownId(Number(id)));
    const collected = this.#collected;
    this.#collected = [];
    return { json: withFloats(json), bytes: json.includes('"__byte[]"') ? collected.map(bytesBeside) : [] };
  }

  /**
   * Hands the package what a message of the guest has beside its text. The package must read the text at once.
   *
   * @param {Message} message
   * @returns {string} the text for the package
   * @throws {DotNetError}
   */
  toPage({ json, bytes, failure }) {
    if (failure) {
      for (const id of findReferences(json).streams) this.#streams.refuse(id);
      throw errorOf(failure);
    }
    const inexact = findInexact(json);
    if (inexact !== undefined) throw new DotNetError('too-large', inexactMessage(inexact));
    for (const id of findReferences(json).streams) {
      const stream = this.#streams.create(id);
      this.#streams.add(stream);
      this.dispatcher.supplyDotNetStream(id, stream.stream());
    }
    if (json.includes('"__dotNetObject"')) json = json.replace(OBJECT, (_all, key, id) => key + (Number(id) + this.#offset));
    return bytes.length > 0 ? this.#withArrays(json, bytes) : json;
  }

  /**
   * Passes the arrays of a message to the package. It hands out each array once, so each place in the text gets a number of its own.
   *
   * @param {string} json
   * @param {Uint8Array[]} bytes
   */
  #withArrays(json, bytes) {
    const value = JSON.parse(json, (_key, value) => {
      if (value === null || typeof value !== 'object' || !Object.hasOwn(value, '__byte[]')) return value;
      const array = bytes[value['__byte[]']];
      if (!array) {
        throw new DotNetError('protocol', `The text names byte array ${describeValue(value['__byte[]'])}, which did not come with it.`);
      }
      this.dispatcher.receiveByteArray(++this.#lastArray, array);
      const placeholder = { '__byte[]': this.#lastArray };
      // `reviveNumbers` makes numbers of them: by then the package has revived the inner object.
      return Object.hasOwn(value, '__as') ? { __as: value.__as, bytes: placeholder } : placeholder;
    });
    return JSON.stringify(value);
  }
}

/**
 * A reviver for the package: revives numbers that travel as bytes.
 *
 * @param {string} _key
 * @param {any} value
 * @returns {any}
 */
export function reviveNumbers(_key, value) {
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, '__as') || !(value.bytes instanceof Uint8Array)) return value;
  return numbersOf(value.__as, value.bytes) ?? value;
}
