/**
 * `PageCalls`, the calls of one guest to the page.
 *
 * @module
 */

import { DotNetError, describeValue, errorOf } from '../error.js';
import { LIMITS, checkCount, tooMany } from '../limits.js';
import { read } from '../wire/read.js';
import { isThenable } from '../wire/values.js';
import { write } from '../wire/write.js';
import { failureOf } from './failure.js';
import { find } from './functions.js';
import { createJSObjectReference, noSuchObject, placeholderOf } from './objects.js';
import { outcomeOf, readPiece } from './pieces.js';

/** @import { CallError, Message, Operation, Outcome, ResultType } from '../wire/contract.js' */
/** @import { MessageContext, PageObject } from '../wire/context.js' */
/** @import { Written } from '../wire/write.js' */
/** @import { Limits } from '../limits.js' */
/** @import { PageCall } from './functions.js' */
/** @import { HeldObjects } from './held-objects.js' */

/**
 * What the calls need of the guest that makes them.
 *
 * @typedef {object} CallingGuest
 * @property {CallError | undefined} end Why it is gone.
 * @property {Limits} limits
 * @property {<T>(end: (guest: Ends, outcome: Outcome<T>) => void, outcome: () => Outcome<T>, refused?: () => void) => void} answer
 *   Tells it how a call has ended, or that it has no room for the result.
 * @property {(message: Message) => void} detach Copies what the page may change, if the message has to wait.
 */

/**
 * The functions that end calls.
 *
 * @typedef {object} Ends
 * @property {(call: bigint, outcome: Outcome<Message>) => void} endInvokeJs
 * @property {(call: bigint, outcome: Outcome<Uint8Array>) => void} endReadJs
 */

/** The calls of one guest to the page, and its reads of the page's streams. */
export class PageCalls {
  #guest;
  #exchange;
  #objects;

  /** @type {Map<bigint, PageCall>} */
  #pending = new Map();

  /** How many reads are pending. */
  #reads = 0;

  /**
   * @param {CallingGuest} guest
   * @param {MessageContext & { pageObjects: HeldObjects }} exchange
   */
  constructor(guest, exchange) {
    this.#guest = guest;
    this.#exchange = exchange;
    this.#objects = (/** @type {number} */ id) => exchange.pageObject(id);
  }

  /**
   * Calls, constructs, reads or assigns, and returns the result at once. Never throws.
   *
   * @param {number} target
   * @param {string} identifier
   * @param {Operation} operation
   * @param {ResultType} want
   * @param {Message} message
   * @returns {Outcome<Message>}
   */
  invoke(target, identifier, operation, want, message) {
    if (this.#guest.end) return { tag: 'err', val: this.#guest.end };
    let isInternal = true;
    try {
      const args = this.#argsOf(message);
      isInternal = false;
      const value = find(this.#objects, target, identifier, operation)({ controller: undefined }, args);
      isInternal = true;
      if (want === 'json' && isThenable(value)) {
        Promise.resolve(value).catch(() => {});
        throw new DotNetError('unsupported', `'${identifier}' answers with a promise: call it asynchronously.`);
      }
      return { tag: 'ok', val: this.#resultOf(value, identifier, want) };
    } catch (thrown) {
      return { tag: 'err', val: failureOf(thrown, isInternal) };
    }
  }

  /**
   * The same for a call that ends later. Never throws.
   *
   * @param {bigint} id
   * @param {number} target
   * @param {string} identifier
   * @param {Operation} operation
   * @param {ResultType} want
   * @param {Message} message
   */
  begin(id, target, identifier, operation, want, message) {
    if (this.#guest.end) return;
    const { pending } = this.#guest.limits;
    if (this.#pending.size >= pending) {
      const error = tooMany(this.#pending.size + 1, pending, "the page's functions that the guest waits for");
      this.#exchange.release(message.json);
      this.#tell(id, { tag: 'err', val: failureOf(error, true) });
      return;
    }
    /** @type {PageCall} */
    const call = { controller: undefined };
    this.#pending.set(id, call);
    let isInternal = true;
    try {
      const args = this.#argsOf(message);
      isInternal = false;
      const value = find(this.#objects, target, identifier, operation)(call, args);
      if (!isThenable(value)) {
        this.#end(id, call, value, identifier, want);
        return;
      }
      Promise.resolve(value).then(
        (result) => this.#end(id, call, result, identifier, want),
        (thrown) => this.#fail(id, call, failureOf(thrown, false)),
      );
    } catch (thrown) {
      this.#fail(id, call, failureOf(thrown, isInternal));
    }
  }

  /**
   * The guest cancels a call. Never throws.
   *
   * @param {bigint} id
   */
  cancel(id) {
    const call = this.#pending.get(id);
    if (call) this.#fail(id, call, { kind: 'cancelled', message: 'The call was cancelled by the guest.' });
  }

  /**
   * Reads bytes of a stream of the page. Never throws.
   *
   * @param {bigint} id
   * @param {number} target
   * @param {number} offset
   * @param {number} length
   */
  readStream(id, target, offset, length) {
    if (this.#guest.end) return;
    // Those of a guest here: a server asks for several pieces of each stream at once.
    const { streams } = LIMITS;
    const room = this.#reads < streams;
    const error = room ? undefined : tooMany(this.#reads + 1, streams, "the page's streams that the guest reads");
    if (room) this.#reads++;
    readPiece(error ?? this.#exchange.pageObject(target) ?? noSuchObject(target), offset, length, (piece) =>
      this.#guest.answer(
        (binding, outcome) => binding.endReadJs(id, outcome),
        () => {
          if (room) this.#reads--;
          return outcomeOf(piece);
        },
      ),
    );
  }

  /**
   * Aborts all calls: the guest is gone.
   *
   * @param {CallError} reason
   */
  abort(reason) {
    this.#reads = 0;
    const calls = [...this.#pending.values()];
    this.#pending.clear();
    for (const { controller } of calls) controller?.abort(new DotNetError(reason.kind, reason.message));
  }

  /**
   * Tells the guest how a call has ended.
   *
   * @param {bigint} id
   * @param {Outcome<Message>} outcome
   */
  #tell(id, outcome) {
    this.#guest.answer(
      (binding, outcome) => binding.endInvokeJs(id, outcome),
      () => outcome,
      () => outcome.tag === 'ok' && this.#exchange.pageObjects.rollback(/** @type {Written} */ (outcome.val).retained),
    );
  }

  /**
   * @param {Message} message
   * @returns {any[]}
   */
  #argsOf({ json, bytes, failure }) {
    if (failure) {
      this.#exchange.release(json);
      throw errorOf(failure);
    }
    const args = json === '[]' ? [] : read(json, this.#exchange, (index) => bytes[index], undefined, (args) => checkArguments(args, this.#guest.limits.arguments));
    // A guest may call for long without leaving the stack, and what it has released must not pile up.
    this.#exchange.pageObjects.flush(1000);
    return args;
  }

  /**
   * @param {any} value
   * @param {string} identifier
   * @param {ResultType} want
   * @returns {Written}
   */
  #resultOf(value, identifier, want) {
    if (want === 'nothing') return written('null');
    if (want === 'json') return write(value, this.#exchange, `The result of '${identifier}'`);
    const asStream = want === 'stream';
    if (!asStream && value == null) return written(JSON.stringify(createJSObjectReference(null)));
    const entry = this.#exchange.pageObjects.give(value, asStream);
    return written(JSON.stringify(placeholderOf(entry, asStream)), [entry]);
  }

  /**
   * @param {bigint} id
   * @param {PageCall} call
   * @param {any} value
   * @param {string} identifier
   * @param {ResultType} want
   */
  #end(id, call, value, identifier, want) {
    // It was cancelled.
    if (this.#pending.get(id) !== call) return;
    try {
      const message = this.#resultOf(value, identifier, want);
      if (this.#pending.get(id) === call) {
        this.#guest.detach(message);
        this.#pending.delete(id);
        this.#tell(id, { tag: 'ok', val: message });
      } else {
        // Writing has run code of the page, which has ended the call.
        this.#exchange.pageObjects.rollback(message.retained);
      }
    } catch (thrown) {
      this.#fail(id, call, failureOf(thrown, true));
    }
  }

  /**
   * @param {bigint} id
   * @param {PageCall} call
   * @param {CallError} failure
   */
  #fail(id, call, failure) {
    if (this.#pending.get(id) !== call) return;
    this.#pending.delete(id);
    this.#tell(id, { tag: 'err', val: failure });
    if (failure.kind === 'cancelled') call.controller?.abort(new DotNetError(failure.kind, failure.message));
  }
}

/**
 * @param {unknown} args
 * @param {number} limit
 */
function checkArguments(args, limit) {
  if (!Array.isArray(args)) throw new DotNetError('protocol', `The arguments must be a JSON array, not ${describeValue(args)}.`);
  checkCount(args, limit);
}

/**
 * @param {string} json
 * @param {PageObject[]} [retained]
 * @returns {Written}
 */
function written(json, retained) {
  return { json, bytes: [], retained };
}
