/**
 * `IncomingCalls`, the calls of Microsoft's package to a guest.
 *
 * @module
 */

import { DotNetError, errorOf, messageOf } from '../src/error.js';
import { MAX_PENDING_CALLS, checkCount, tooMany } from '../src/limits.js';

/** @import { CallError, Message, Outcome, Target } from '../src/wire/contract.js' */
/** @import { GuestInstance } from '../src/guest/instance.js' */
/** @import { MessageBridge } from './message-bridge.js' */

/** The call by which a page disposes of an object. */
const DISPOSE = '__Dispose';

/** The calls to one guest. */
export class IncomingCalls {
  #guest;
  #bridge;

  /** @type {Map<number, number>} The package's numbers of the calls that are pending, by the guest's. */
  #pending = new Map();

  /**
   * @param {GuestInstance} guest
   * @param {MessageBridge} bridge
   */
  constructor(guest, bridge) {
    this.#guest = guest;
    this.#bridge = bridge;
  }

  /**
   * Calls a method and returns its result at once.
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
    guest.drain();
    const message = this.#messageOf(json);
    const target = targetOf(assembly, method, object && this.#bridge.ownId(object));
    try {
      const outcome = guest.enter((binding) => binding.invoke(target, method, message));
      if (outcome.tag === 'err') throw errorOf(outcome.val, { method });
      return this.#bridge.toPage(outcome.val);
    } finally {
      guest.drain();
    }
  }

  /**
   * Begins a call of a method. A throw rejects the call.
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
      const id = this.#bridge.ownId(object);
      guest.deliver((binding) => binding.release(id));
      this.#end(callId, true, 'null');
      return;
    }
    const message = this.#messageOf(json);
    const target = targetOf(assembly, method, object && this.#bridge.ownId(object));
    if (this.#pending.size >= MAX_PENDING_CALLS) throw tooMany(this.#pending.size + 1, MAX_PENDING_CALLS, 'the calls that are pending');
    guest.detach(message);
    const call = guest.nextCall();
    this.#pending.set(call, callId);
    guest.enqueue(() => {
      try {
        const outcome = guest.enter((binding) => binding.beginInvoke(call, target, method, message));
        if (outcome) this.settle(call, outcome);
      } catch (cause) {
        // A trap has ended this call with all the others; otherwise there was no room on the stack to enter.
        this.settle(call, { tag: 'err', val: { kind: 'failed', message: messageOf(cause) } });
      }
    });
  }

  /**
   * Ends a call. A call that is not pending is left alone.
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
      this.#end(callId, true, this.#bridge.toPage(outcome.val));
    } catch (thrown) {
      // The result could not be read, and the package still waits for the end.
      this.#end(callId, false, messageOf(thrown));
    }
  }

  /**
   * Ends all calls: the guest is gone.
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
    this.#bridge.dispatcher.endInvokeDotNetFromJS(String(callId), succeeded, text);
  }

  /** @param {string} json */
  #messageOf(json) {
    const message = this.#bridge.toGuest(json);
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
