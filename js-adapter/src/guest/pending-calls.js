/**
 * `PendingCalls`, the calls of a guest that have begun and not ended.
 *
 * A call ends exactly once: by its result, its signal, its timeout or the end of the guest. Whatever takes it out of the table first
 * ends it, and everything later finds nothing.
 *
 * @module
 */

import { errorOf } from '../error.js';

/** @import { CallError, Message, Outcome, Target } from '../wire/contract.js' */
/** @import { Written } from '../wire/write.js' */

/**
 * A call that has begun and not ended.
 *
 * @typedef {object} PendingCall
 * @property {Target} target
 * @property {string} method
 * @property {(value: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {Written | undefined} message The arguments; `undefined` once the guest has them.
 * @property {object | undefined} keep What must not be collected before the call has ended.
 * @property {(() => void) | undefined} disarm Stops its signal and its timeout.
 */

/** The pending calls of one guest. */
export class PendingCalls {
  #resultOf;
  #release;

  /** @type {Map<number, PendingCall>} */
  #pending = new Map();

  /** @type {{ pending: PendingCall, outcome: Outcome<Message> }[]} Calls that have ended while another one is being settled. */
  #ended = [];
  #settling = false;

  /**
   * @param {(outcome: Outcome<Message>, target: Target, method: string) => any} resultOf reads a result, or throws why there is none
   * @param {(json: string) => void} release gives back what a result names that nobody takes
   */
  constructor(resultOf, release) {
    this.#resultOf = resultOf;
    this.#release = release;
  }

  get size() {
    return this.#pending.size;
  }

  /**
   * @param {number} call
   * @param {PendingCall} pending
   */
  add(call, pending) {
    this.#pending.set(call, pending);
  }

  /** @param {number} call */
  get(call) {
    return this.#pending.get(call);
  }

  /**
   * Takes a call out of the table. The caller ends it.
   *
   * @param {number} call
   */
  take(call) {
    const pending = this.#pending.get(call);
    if (!pending) return undefined;
    this.#pending.delete(call);
    pending.disarm?.();
    return pending;
  }

  /**
   * Ends a call with its outcome. A call that is not pending is left alone.
   *
   * @param {number} call
   * @param {Outcome<Message>} outcome
   */
  settle(call, outcome) {
    const pending = this.take(call);
    if (!pending) {
      // It was cancelled.
      if (outcome.tag === 'ok') this.#release(outcome.val.json);
      return;
    }
    if (this.#settling) {
      // A reviver has called the guest. Settling one call after the other keeps the stack as it is.
      this.#ended.push({ pending, outcome });
      return;
    }
    this.#settling = true;
    try {
      this.#resolve(pending, outcome);
      for (const { pending, outcome } of this.#ended) this.#resolve(pending, outcome);
    } finally {
      this.#ended.length = 0;
      this.#settling = false;
    }
  }

  /**
   * @param {PendingCall} pending
   * @param {Outcome<Message>} outcome
   */
  #resolve({ target, method, resolve, reject }, outcome) {
    try {
      resolve(this.#resultOf(outcome, target, method));
    } catch (error) {
      reject(error);
    }
  }

  /**
   * Rejects all calls: the guest is gone.
   *
   * @param {CallError} end
   */
  rejectAll(end) {
    for (const call of [...this.#pending.keys()]) {
      const pending = this.take(call);
      pending?.reject(errorOf(end, calledOf(pending.target, pending.method)));
    }
  }
}

/**
 * Returns what errors say of the call that they belong to.
 *
 * @param {Target} target
 * @param {string | undefined} method
 */
export function calledOf(target, method) {
  return { assembly: target.tag === 'assembly' ? target.val : undefined, method };
}
