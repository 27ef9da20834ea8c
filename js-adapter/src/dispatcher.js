/// <reference lib="esnext.disposable" preserve="true" />

/**
 * `Dispatcher`, one running guest: the calls that are under way, and its end.
 *
 * @module
 */

import { watch } from './cancel.js';
import { isObjectId } from './dotnet-object.js';
import { DotNetError, checkCount, describeValue, errorOf, isBlank, isTooLarge, tooMany } from './error.js';
import { Guest } from './guest.js';
import { GuestSide } from './guest-side.js';
import { MAX_PENDING_CALLS } from './limits.js';
import { PageCalls } from './page-calls.js';
import { read, readPlain, write } from './wire.js';

/** @import { Binding, GuestModule } from './binding.js' */
/** @import { CallOptions } from './cancel.js' */
/** @import { Assembly, CallError, Message, Outcome, Target } from './contract.js' */
/** @import { ObjectOwner } from './dotnet-object.js' */
/** @import { Written } from './wire.js' */

/**
 * A call that has begun and not ended.
 *
 * @typedef {object} PendingCall
 * @property {Target} target
 * @property {string} method
 * @property {(value: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {Written | undefined} message What the guest is to be told; `undefined` once it has been.
 * @property {object | undefined} keep What must live until the call has ended.
 * @property {(() => void) | undefined} unwatch Ends the watch over it.
 */

/**
 * One running guest.
 *
 * @implements {ObjectOwner}
 */
export class Dispatcher {
  #guest = new Guest(
    () => this.#side.pageObjects.flush(),
    (end) => this.#finish(end),
  );

  #side = new GuestSide(this, this.#guest);

  #pageCalls = new PageCalls(this.#guest, this.#side);

  /** @type {Assembly[]} */
  #assemblies = [];

  /** @type {Map<number, PendingCall>} */
  #pending = new Map();

  /** @type {{ pending: PendingCall, outcome: Outcome<Message> }[]} Calls that have ended while another is being settled. */
  #ended = [];
  #settling = false;

  /** @type {(() => void)[]} What runs when the guest is stopped. */
  #onStop = [];

  /**
   * Instantiates a guest and reads what it offers.
   *
   * @param {GuestModule} module
   * @param {Binding['kind'] | 'auto'} [binding]
   * @param {Record<string, object>} [imports] what the guest imports beside WASI and the page
   * @returns {Promise<Dispatcher>}
   */
  static async start(module, binding, imports) {
    const dispatcher = new Dispatcher();
    const pageCalls = dispatcher.#pageCalls;
    dispatcher.#assemblies = await dispatcher.#guest.start(
      module,
      {
        endInvoke: (call, outcome) => dispatcher.#settle(call, outcome),
        endRead: (call, outcome) => dispatcher.#side.streams.endRead(call, outcome),
        invokeJs: (target, identifier, operation, want, args) => pageCalls.invoke(target, identifier, operation, want, args),
        beginInvokeJs: (call, target, identifier, operation, want, args) =>
          pageCalls.begin(call, target, identifier, operation, want, args),
        withdraw: (message) => dispatcher.#side.pageObjects.withdraw(/** @type {Written} */ (message).granted),
        cancelInvokeJs: (call) => pageCalls.cancel(call),
        releaseJs: (object) => dispatcher.#side.pageObjects.release(object),
        readJsStream: (call, object, offset, length) => pageCalls.readStream(call, object, offset, length),
      },
      binding,
      imports,
    );
    return dispatcher;
  }

  /** What the guest offers. */
  get assemblies() {
    return this.#assemblies;
  }

  /**
   * What the guest exports beside the methods that are called by name: the functions of its own WIT interfaces, as jco gives
   * them, by the interfaces' names.
   */
  get exports() {
    return this.#guest.exports;
  }

  /** How the guest's functions are called: `direct`, by the component model's canonical ABI, or by jco's `wrapper`. */
  get binding() {
    return this.#guest.kind;
  }

  /** Whether the guest can be called: it has neither trapped nor been stopped. */
  get running() {
    return this.#guest.end === undefined;
  }

  /** How many objects of the guest the page can name now; 0 when the guest is gone. */
  get liveObjects() {
    return this.#guest.liveObjects;
  }

  /** How many objects of the page the guest holds. */
  get livePageObjects() {
    return this.#side.pageObjects.size;
  }

  /** How many streams of the guest the page has open. */
  get liveStreams() {
    return this.#side.streams.size;
  }

  /**
   * Calls a static method of this guest and returns its result at once.
   *
   * @template [T=any]
   * @param {string} assembly
   * @param {string} method
   * @param {...unknown} args
   * @returns {T}
   * @throws {DotNetError}
   */
  invokeMethod(assembly, method, ...args) {
    return this.invokeDotNetMethod(assembly, method, null, args);
  }

  /**
   * Calls a static method of this guest. Whatever goes wrong rejects the promise.
   *
   * @template [T=any]
   * @param {string} assembly
   * @param {string} method
   * @param {...unknown} args
   * @returns {Promise<T>}
   */
  invokeMethodAsync(assembly, method, ...args) {
    return this.invokeDotNetMethodAsync(assembly, method, null, args);
  }

  /**
   * Calls a static method, or a method of an object, and returns its result at once.
   *
   * @param {string | null} assembly
   * @param {string} method
   * @param {number | null | undefined} object
   * @param {unknown[] | null | undefined} args
   * @returns {any}
   * @throws {DotNetError}
   */
  invokeDotNetMethod(assembly, method, object, args) {
    const target = targetOf(assembly, object, method);
    // What the page asked for earlier goes first, unless it has to wait anyway.
    this.#guest.admit();
    const message = this.#prepare(target, method, args);
    this.#checkRunning(target, method);
    let outcome;
    try {
      outcome = this.#guest.enter((binding) => binding.invoke(target, method, message));
    } catch (cause) {
      // A trap, told with what was called; or there was no room to enter, on the stack or in the guest.
      throw this.#why(cause, target, method, message);
    }
    try {
      return this.#resultOf(outcome, target, method);
    } finally {
      this.#guest.admit();
    }
  }

  /**
   * Calls a static method, or a method of an object. Whatever goes wrong rejects the promise.
   *
   * @param {string | null} assembly
   * @param {string} method
   * @param {number | null | undefined} object
   * @param {unknown[] | null | undefined} args
   * @param {object} [keep] what must live until the call has ended
   * @param {CallOptions} [options]
   * @returns {Promise<any>}
   */
  invokeDotNetMethodAsync(assembly, method, object, args, keep, options) {
    return new Promise((resolve, reject) => {
      // A throw in here rejects the promise.
      const target = targetOf(assembly, object, method);
      const call = this.#guest.nextCall();
      const unwatch = options && watch(options, contextOf(target, method), (error) => this.#cancel(call, error));
      try {
        const message = this.#prepare(target, method, args);
        this.#checkRunning(target, method);
        this.#checkPending(target, method, message);
        this.#guest.detach(message);
        this.#pending.set(call, { target, method, resolve, reject, message, keep, unwatch });
      } catch (error) {
        unwatch?.();
        throw error;
      }
      this.#guest.whenFree(() => this.#begin(call));
    });
  }

  /**
   * @param {Target} target
   * @param {string} method
   * @param {Written} message
   */
  #checkPending(target, method, message) {
    if (this.#pending.size < MAX_PENDING_CALLS) return;
    this.#side.pageObjects.withdraw(message.granted);
    throw withContext(tooMany(this.#pending.size + 1, MAX_PENDING_CALLS, 'the calls that are pending'), target, method);
  }

  /**
   * Gives an object up, after the calls that were made before. Never fails: what is no id of an object is ignored.
   *
   * @param {number} object
   */
  releaseObject(object) {
    if (!isObjectId(object)) return;
    this.#side.guestObjects.dispose(object);
    this.#guest.deliver((binding) => binding.release(object));
  }

  /**
   * Ends the guest: what is pending rejects with kind `disconnected`, and so does whatever is called later.
   */
  stop() {
    this.#guest.stop();
    for (const done of this.#onStop.splice(0)) done();
  }

  /** A name as the platform's own objects have one: frameworks leave those alone that they cannot wrap. */
  get [Symbol.toStringTag]() {
    return 'Dispatcher';
  }

  /** `using guest = await start(…)` stops. */
  [Symbol.dispose]() {
    this.stop();
  }

  /**
   * Has `task` run when the guest is stopped.
   *
   * @internal
   * @param {() => void} task
   */
  onStop(task) {
    this.#onStop.push(task);
  }

  /**
   * @param {Target} target
   * @param {string} method
   * @param {unknown[] | null | undefined} args
   * @returns {Written}
   */
  #prepare(target, method, args) {
    if (typeof method !== 'string' || isBlank(method)) {
      const message = `The id of a method must be a string that is not empty, not ${describeValue(method)}.`;
      throw new DotNetError('bad-arguments', message, contextOf(target, undefined));
    }
    try {
      checkCount(args);
      return write(args ?? null, this.#side, 'The arguments');
    } catch (thrown) {
      throw thrown instanceof DotNetError ? withContext(thrown, target, method) : thrown;
    }
  }

  /**
   * @param {Target} target
   * @param {string} method
   */
  #checkRunning(target, method) {
    const { end } = this.#guest;
    if (!end) return;
    // The stack may have been too full to reject what was pending then.
    this.#guest.finish(end);
    throw errorOf(end, contextOf(target, method));
  }

  /**
   * Why the guest could not be called: its end, with what was called, or that there was no room to enter.
   *
   * @param {unknown} cause
   * @param {Target} target
   * @param {string} method
   * @param {Written} message
   */
  #why(cause, target, method, message) {
    const { end } = this.#guest;
    if (end) return errorOf(end, contextOf(target, method));
    this.#side.pageObjects.withdraw(message.granted);
    return isTooLarge(cause) ? withContext(cause, target, method) : cause;
  }

  /**
   * Begins a call if it is pending still. Never throws.
   *
   * @param {number} call
   */
  #begin(call) {
    const pending = this.#pending.get(call);
    if (!pending?.message) return;
    const { target, method, message } = pending;
    pending.message = undefined;
    try {
      const outcome = this.#guest.enter((binding) => binding.beginInvoke(call, target, method, message));
      if (outcome) this.#settle(call, outcome);
    } catch (cause) {
      // A trap has rejected this call with all the others; without one, there was no room to enter.
      this.#take(call)?.reject(this.#why(cause, target, method, message));
    }
  }

  /**
   * Ends a pending call before the guest does.
   *
   * @param {number} call
   * @param {DotNetError} error
   */
  #cancel(call, error) {
    const pending = this.#take(call);
    if (!pending) return;
    pending.reject(error);
    if (pending.message) {
      this.#side.pageObjects.withdraw(pending.message.granted);
    } else {
      this.#guest.deliver((binding) => binding.cancelInvoke(call));
    }
  }

  /**
   * Takes a call out of those that are pending: whoever gets it ends it.
   *
   * @param {number} call
   */
  #take(call) {
    const pending = this.#pending.get(call);
    if (!pending) return undefined;
    this.#pending.delete(call);
    pending.unwatch?.();
    return pending;
  }

  /**
   * Ends a pending call. A call that is not pending is left alone: it may have ended with the guest.
   *
   * @param {number} call
   * @param {Outcome<Message>} outcome
   */
  #settle(call, outcome) {
    // It has ended now, whatever becomes of the guest.
    const pending = this.#take(call);
    if (!pending) {
      // It was cancelled, and what it brings is nobody's.
      if (outcome.tag === 'ok') this.#side.giveBack(outcome.val.json);
      return;
    }
    if (this.#settling) {
      // A reviver has called the guest. One settles after the other, so that however many do, the stack stays as it is.
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
   * @param {Outcome<Message>} outcome
   * @param {Target} target
   * @param {string} method
   * @returns {any}
   */
  #resultOf(outcome, target, method) {
    if (outcome.tag === 'err') throw errorOf(outcome.val, contextOf(target, method));
    const { json, bytes, failure } = outcome.val;
    if (failure) {
      this.#side.giveBack(json);
      throw errorOf(failure, contextOf(target, method));
    }
    const plain = readPlain(json);
    if (plain !== undefined) return plain;
    return read(
      json,
      this.#side,
      (index) => bytes[index],
      (message, context) =>
        new DotNetError(context?.kind ?? 'protocol', `The result of '${method}' cannot be read. ${message}`, { ...contextOf(target, method), ...context }),
    );
  }

  /**
   * The guest is gone: what is pending is rejected.
   *
   * @param {CallError} end
   */
  #finish(end) {
    for (const call of [...this.#pending.keys()]) {
      const pending = this.#take(call);
      pending?.reject(errorOf(end, contextOf(pending.target, pending.method)));
    }
    this.#side.clear(end);
    this.#pageCalls.abort(end);
  }
}

// An engine without explicit resource management has made a method named 'undefined' of that.
if (!Symbol.dispose) Reflect.deleteProperty(Dispatcher.prototype, 'undefined');

/**
 * @param {string | null} assembly
 * @param {number | null | undefined} object
 * @param {string} method
 * @returns {Target}
 */
function targetOf(assembly, object, method) {
  if (object != null) {
    if (isObjectId(object)) return { tag: 'object', val: object };
    throw new DotNetError('bad-arguments', `The id of an object must be a positive integer, not ${describeValue(object)}.`, { method });
  }
  if (typeof assembly === 'string') return { tag: 'assembly', val: assembly };
  throw new DotNetError('bad-arguments', `The name of an assembly must be a string, not ${describeValue(assembly)}.`, { method });
}

/**
 * @param {Target} target
 * @param {string | undefined} method
 */
function contextOf(target, method) {
  return { assembly: target.tag === 'assembly' ? target.val : undefined, method };
}

/**
 * An error that was found before the guest was called, with what was to be called.
 *
 * @param {DotNetError} error
 * @param {Target} target
 * @param {string} method
 */
function withContext({ kind, message, cause }, target, method) {
  return new DotNetError(kind, `Cannot call '${method}': ${message}`, { ...contextOf(target, method), cause });
}
