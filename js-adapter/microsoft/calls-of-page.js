/**
 * `CallsOfPage`, the calls that Microsoft's package makes to a guest.
 *
 * @module
 */

import { DotNetError, checkCount, errorOf, messageOf, tooMany } from '../src/error.js';
import { MAX_PENDING_CALLS } from '../src/limits.js';

/** @import { CallError, Message, Outcome, Target } from '../src/contract.js' */
/** @import { Guest } from '../src/guest.js' */
/** @import { Traffic } from './traffic.js' */

/** The call by which a page disposes of an object. */
const DISPOSE = '__Dispose';

/** The calls of one guest. */
export class CallsOfPage {
  #guest;
  #traffic;

  /** @type {Map<number, number>} The package's numbers of the calls that are pending, by the guest's. */
  #pending = new Map();

  /**
   * @param {Guest} guest
   * @param {Traffic} traffic
   */
  constructor(guest, traffic) {
    this.#guest = guest;
    this.#traffic = traffic;
  }

  /**
   * Calls a method that answers at once.
   *
   * @param {string | null} assembly
   * @param {string} method
   * @param {number | null} object
   * @param {string} json
   * @returns {string | null}
   * @throws {DotNetError}
   */
  invoke(assembly, method, object, json) {
    const guest = this.#guest;
    // What the page asked for earlier goes first, unless it has to wait anyway.
    guest.admit();
    const message = this.#messageOf(json);
    const target = targetOf(assembly, method, object && this.#traffic.ownId(object));
    try {
      const outcome = guest.enter((binding) => binding.invoke(target, method, message));
      if (outcome.tag === 'err') throw errorOf(outcome.val, { method });
      return this.#traffic.toPage(outcome.val);
    } finally {
      guest.admit();
    }
  }

  /**
   * Begins a call of a method. What is thrown rejects it.
   *
   * @param {number} callId
   * @param {string | null} assembly
   * @param {string} method
   * @param {number | null} object
   * @param {string} json
   * @throws {DotNetError}
   */
  begin(callId, assembly, method, object, json) {
    const guest = this.#guest;
    if (object && method === DISPOSE) {
      const id = this.#traffic.ownId(object);
      guest.deliver((binding) => binding.release(id));
      this.#end(callId, true, 'null');
      return;
    }
    const message = this.#messageOf(json);
    const target = targetOf(assembly, method, object && this.#traffic.ownId(object));
    if (this.#pending.size >= MAX_PENDING_CALLS) throw tooMany(this.#pending.size + 1, MAX_PENDING_CALLS, 'the calls that are pending');
    guest.detach(message);
    const call = guest.nextCall();
    this.#pending.set(call, callId);
    guest.whenFree(() => {
      try {
        const outcome = guest.enter((binding) => binding.beginInvoke(call, target, method, message));
        if (outcome) this.settle(call, outcome);
      } catch (cause) {
        // A trap has ended this call with all the others; without one, there was no room on the stack to enter.
        this.settle(call, { tag: 'err', val: { kind: 'failed', message: messageOf(cause) } });
      }
    });
  }

  /**
   * Ends a call. One that is not pending is left alone.
   *
   * @param {number} call
   * @param {Outcome<Message>} outcome
   */
  settle(call, outcome) {
    const callId = this.#pending.get(call);
    if (callId === undefined) return;
    this.#pending.delete(call);
    if (outcome.tag === 'err') {
      this.#end(callId, false, outcome.val.message);
      return;
    }
    try {
      this.#end(callId, true, this.#traffic.toPage(outcome.val));
    } catch (thrown) {
      // The text could not be read; the package still waits for an end.
      this.#end(callId, false, messageOf(thrown));
    }
  }

  /**
   * The guest is gone.
   *
   * @param {CallError} end
   */
  finish(end) {
    for (const call of [...this.#pending.keys()]) this.settle(call, { tag: 'err', val: end });
  }

  /**
   * @param {number} callId
   * @param {boolean} succeeded
   * @param {string} text
   */
  #end(callId, succeeded, text) {
    this.#traffic.dispatcher.endInvokeDotNetFromJS(String(callId), succeeded, text);
  }

  /** @param {string} json */
  #messageOf(json) {
    const message = this.#traffic.toGuest(json);
    const { end } = this.#guest;
    if (end) throw errorOf(end);
    checkCount(JSON.parse(json));
    return message;
  }
}

/**
 * @param {string | null} assembly
 * @param {string} method
 * @param {number | null} object
 * @returns {Target}
 */
function targetOf(assembly, method, object) {
  if (object) return { tag: 'object', val: object };
  if (typeof assembly === 'string') return { tag: 'assembly', val: assembly };
  throw new DotNetError('bad-arguments', `The call of '${method}' names neither an assembly nor an object.`, { method });
}
