/**
 * `PageCalls`, what one guest has asked of the page and not been answered yet.
 *
 * @module
 */

import { DotNetError, checkCount, describeValue, errorOf, tooMany } from './error.js';
import { MAX_OPEN_STREAMS, MAX_PENDING_CALLS } from './limits.js';
import { findMember, useMember } from './members.js';
import { importModule } from './module-url.js';
import { failureOf, outcomeOf } from './page-failure.js';
import { createJSObjectReference, noSuchObject, placeholderOf } from './page-objects.js';
import { readPiece } from './page-streams.js';
import { isThenable, read, write } from './wire.js';

/** @import { CallError, Message, Operation, Outcome, ResultType } from './contract.js' */
/** @import { Guest } from './guest.js' */
/** @import { GuestSide } from './guest-side.js' */
/** @import { PageObject } from './page-objects.js' */
/** @import { Written } from './wire.js' */

/**
 * A call of the page that has begun and not ended.
 *
 * @typedef {object} PageCall
 * @property {AbortController | undefined} controller Made when the page asks for the signal.
 */

/** @type {PageCall | undefined} The call whose function is at its beginning. */
let current;

/**
 * The signal of the call that a guest has made to the function of the page that is running: it aborts when the guest gives
 * the call up, or is gone. Functions ask for it before they first await.
 *
 * @returns {AbortSignal}
 * @throws {DotNetError} outside of such a function
 */
export function currentSignal() {
  if (!current) {
    throw new DotNetError(
      'unsupported',
      'currentSignal() is for functions that a guest calls, before they first await.',
    );
  }
  current.controller ??= new AbortController();
  return current.controller.signal;
}

/**
 * Finds what a host calls: gives a function that does it, for the call that it gets and with the arguments.
 *
 * @param {(id: number) => object | undefined} objects
 * @param {number} target the id of the object that the path starts from
 * @param {string} identifier
 * @param {Operation} operation
 * @returns {(call: PageCall, args: any[]) => any}
 * @throws {DotNetError} when there is no such object or member
 */
export function find(objects, target, identifier, operation) {
  if (target === 0 && identifier === 'import' && operation === 'call') return (_call, args) => importModule(args[0]);
  const object = objects(target);
  if (!object) throw noSuchObject(target);
  const member = findMember(object, identifier, operation);
  return (call, args) => {
    const outer = current;
    current = call;
    try {
      return useMember(member, args);
    } finally {
      current = outer;
    }
  };
}

/** What one guest has asked of the page. */
export class PageCalls {
  #guest;
  #side;
  #objects;

  /** @type {Map<bigint, PageCall>} */
  #pending = new Map();

  /** How many reads are under way. */
  #reads = 0;

  /**
   * @param {Guest} guest
   * @param {GuestSide} side
   */
  constructor(guest, side) {
    this.#guest = guest;
    this.#side = side;
    this.#objects = (/** @type {number} */ id) => side.pageObject(id);
  }

  /**
   * Calls, constructs, reads or assigns at once. Never throws.
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
    let own = true;
    try {
      const args = this.#argsOf(message);
      own = false;
      const value = find(this.#objects, target, identifier, operation)({ controller: undefined }, args);
      own = true;
      if (want === 'json' && isThenable(value)) {
        Promise.resolve(value).catch(() => {});
        throw new DotNetError('unsupported', `'${identifier}' answers with a promise: call it asynchronously.`);
      }
      return { tag: 'ok', val: this.#resultOf(value, identifier, want) };
    } catch (thrown) {
      return { tag: 'err', val: failureOf(thrown, own) };
    }
  }

  /**
   * The same, to be ended later. Never throws.
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
    if (this.#pending.size >= MAX_PENDING_CALLS) {
      const error = tooMany(this.#pending.size + 1, MAX_PENDING_CALLS, "the page's functions that the guest waits for");
      this.#side.giveBack(message.json);
      this.#tell(id, { tag: 'err', val: failureOf(error, true) });
      return;
    }
    /** @type {PageCall} */
    const call = { controller: undefined };
    this.#pending.set(id, call);
    let own = true;
    try {
      const args = this.#argsOf(message);
      own = false;
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
      this.#fail(id, call, failureOf(thrown, own));
    }
  }

  /**
   * The guest gives a call up. Never throws.
   *
   * @param {bigint} id
   */
  cancel(id) {
    const call = this.#pending.get(id);
    if (call) this.#fail(id, call, { kind: 'cancelled', message: 'The call was cancelled by the guest.' });
  }

  /**
   * Reads bytes of an object of the page. Never throws.
   *
   * @param {bigint} id
   * @param {number} target
   * @param {number} offset
   * @param {number} length
   */
  readStream(id, target, offset, length) {
    if (this.#guest.end) return;
    const room = this.#reads < MAX_OPEN_STREAMS;
    const error = room ? undefined : tooMany(this.#reads + 1, MAX_OPEN_STREAMS, "the page's streams that the guest reads");
    if (room) this.#reads++;
    readPiece(error ?? this.#side.pageObject(target) ?? noSuchObject(target), offset, length, (piece) =>
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
   * The guest is gone: what it has asked for is aborted, and nobody is told.
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
   * Ends a call of the guest's.
   *
   * @param {bigint} id
   * @param {Outcome<Message>} outcome
   */
  #tell(id, outcome) {
    this.#guest.answer(
      (binding, outcome) => binding.endInvokeJs(id, outcome),
      () => outcome,
      () => outcome.tag === 'ok' && this.#side.pageObjects.withdraw(/** @type {Written} */ (outcome.val).granted),
    );
  }

  /**
   * @param {Message} message
   * @returns {any[]}
   */
  #argsOf({ json, bytes, failure }) {
    if (failure) {
      this.#side.giveBack(json);
      throw errorOf(failure);
    }
    const args = json === '[]' ? [] : read(json, this.#side, (index) => bytes[index], undefined, checkArguments);
    // The guest may be at this for long, and what it has released must not pile up.
    this.#side.pageObjects.flush(1000);
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
    if (want === 'json') return write(value, this.#side, `The result of '${identifier}'`);
    const asStream = want === 'stream';
    if (!asStream && value == null) return written(JSON.stringify(createJSObjectReference(null)));
    const entry = this.#side.pageObjects.give(value, asStream);
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
    // A call that was cancelled has ended, and its result gives nothing to anybody.
    if (this.#pending.get(id) !== call) return;
    try {
      const message = this.#resultOf(value, identifier, want);
      if (this.#pending.get(id) === call) {
        this.#guest.detach(message);
        this.#pending.delete(id);
        this.#tell(id, { tag: 'ok', val: message });
      } else {
        // Writing runs code of the page, which has ended the call.
        this.#side.pageObjects.withdraw(message.granted);
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

/** @param {unknown} args */
function checkArguments(args) {
  if (!Array.isArray(args)) throw new DotNetError('protocol', `The arguments must be a JSON array, not ${describeValue(args)}.`);
  checkCount(args);
}

/**
 * @param {string} json
 * @param {PageObject[]} [granted]
 * @returns {Written}
 */
function written(json, granted) {
  return { json, bytes: [], granted };
}
