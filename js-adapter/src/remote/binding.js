/**
 * `RemoteBinding`, a guest that runs elsewhere: each call of it is a frame, and so is each of its calls of the page.
 *
 * It knows nothing of how frames travel. Results come later, and what has one is ended by a function of `Page`.
 *
 * @module
 */

/** @import { Binding, Page } from '../guest/binding.js' */
/** @import { Assembly, Message, Outcome } from '../wire/contract.js' */
/** @import { Frame } from './frames.js' */

/**
 * How frames travel to the guest.
 *
 * @typedef {object} Connection
 * @property {(frame: Frame) => void} send Takes copies of byte arrays. Throws with kind `too-large` when there is no room for them.
 * @property {() => number | undefined} live What the guest has reported last; `undefined` if it makes no reports.
 * @property {() => void} close Ends the guest. Does nothing a second time.
 */

/** @implements {Binding} */
export class RemoteBinding {
  #connection;
  #manifest;

  /** @type {Record<string, any>} */
  exports = {};

  /**
   * @param {string} elsewhere where the guest runs, for messages
   * @param {Binding['kind']} kind
   * @param {Outcome<Assembly[]>} manifest what it offers, or why it could not be started
   * @param {Connection} connection
   */
  constructor(elsewhere, kind, manifest, connection) {
    this.elsewhere = elsewhere;
    this.kind = kind;
    this.#manifest = manifest;
    this.#connection = connection;
  }

  /** @returns {Outcome<Message>} */
  invoke() {
    // Synchronous calls are refused before they come here.
    return { tag: 'err', val: { kind: 'unsupported', message: 'Use invokeMethodAsync.' } };
  }

  /** @type {Binding['beginInvoke']} */
  beginInvoke(call, target, method, args) {
    this.#connection.send(['beginInvoke', call, target, method, messageOf(args)]);
    return undefined;
  }

  /** @type {Binding['cancelInvoke']} */
  cancelInvoke(call) {
    this.#connection.send(['cancelInvoke', call]);
  }

  /** @type {Binding['endInvokeJs']} */
  endInvokeJs(call, outcome) {
    this.#connection.send(['endInvokeJs', call, outcome.tag === 'ok' ? { tag: 'ok', val: messageOf(outcome.val) } : outcome]);
  }

  /** Nothing: the alarm of the guest is where the guest is. */
  runReady() {}

  /** @type {Binding['release']} */
  release(object) {
    this.#connection.send(['release', object]);
  }

  /** @type {Binding['forget']} */
  forget(object, times) {
    this.#connection.send(['forget', object, times]);
  }

  live() {
    return this.#connection.live();
  }

  /** @type {Binding['read']} */
  read(call, stream, max) {
    this.#connection.send(['read', call, stream, max]);
    return undefined;
  }

  /** @type {Binding['close']} */
  close(stream) {
    this.#connection.send(['close', stream]);
  }

  /** @type {Binding['endReadJs']} */
  endReadJs(call, outcome) {
    this.#connection.send(['endReadJs', call, outcome]);
  }

  describe() {
    return this.#manifest;
  }

  dispose() {
    this.#connection.close();
  }
}

/**
 * Hands a frame of a guest that has started to the page.
 *
 * @param {Page} page
 * @param {Frame} frame which was checked
 */
export function deliver(page, [name, ...fields]) {
  /** @type {Record<string, (...fields: any[]) => void>} */ (/** @type {unknown} */ (page))[name](...fields);
}

/**
 * Returns what the guest gets of a message: what the page keeps beside it stays here.
 *
 * @param {Message} message
 * @returns {Message}
 */
function messageOf({ json, bytes }) {
  return { json, bytes };
}
