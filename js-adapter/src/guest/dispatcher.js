/**
 * `Dispatcher`, one running guest: how it is called, and how its calls end.
 *
 * @module
 */

import { cancelAfter } from '../call-options.js';
import { DotNetError, describeValue, errorOf, isBlank } from '../error.js';
import { checkCount, tooMany } from '../limits.js';
import { PageCalls } from '../page/calls.js';
import { isObjectId } from '../proxy/dotnet-object.js';
import { read, readPlain } from '../wire/read.js';
import { write } from '../wire/write.js';
import { Exchange } from './exchange.js';
import { GuestInstance } from './instance.js';
import { PendingCalls, calledOf } from './pending-calls.js';
import { StartedGuest } from './started-guest.js';

/** @import { CallOptions } from '../call-options.js' */
/** @import { CallError, Message, Outcome, Target } from '../wire/contract.js' */
/** @import { Written } from '../wire/write.js' */
/** @import { Open } from './binding.js' */

/** One running guest. */
export class Dispatcher extends StartedGuest {
  #guest;
  #exchange;
  #pageCalls;

  #calls = new PendingCalls(
    (outcome, target, method) => this.#resultOf(outcome, target, method),
    (json) => this.#exchange.release(json),
  );

  /** @type {(() => void)[]} What runs when the guest is stopped. */
  #onStop = [];

  /**
   * @internal
   * @param {GuestInstance} guest
   */
  constructor(guest) {
    super(guest);
    this.#guest = guest;
    this.#exchange = new Exchange(this, guest);
    this.#pageCalls = new PageCalls(guest, this.#exchange);
  }

  /**
   * Opens a guest and reads what it offers.
   *
   * @internal
   * @param {Open} open
   * @returns {Promise<Dispatcher>}
   */
  static async start(open) {
    const guest = new GuestInstance(
      () => exchange.pageObjects.flush(),
      (end) => dispatcher.#finish(end),
    );
    const dispatcher = new this(guest);
    const exchange = dispatcher.#exchange;
    const calls = dispatcher.#calls;
    const pageCalls = dispatcher.#pageCalls;
    await guest.start(open, {
      endInvoke: (call, outcome) => calls.settle(call, outcome),
      endRead: (call, outcome) => exchange.streams.endRead(call, outcome),
      invokeJs: (target, identifier, operation, want, args) => pageCalls.invoke(target, identifier, operation, want, args),
      beginInvokeJs: (call, target, identifier, operation, want, args) =>
        pageCalls.begin(call, target, identifier, operation, want, args),
      rollback: (message) => exchange.pageObjects.rollback(/** @type {Written} */ (message).retained),
      cancelInvokeJs: (call) => pageCalls.cancel(call),
      releaseJs: (object, times) => exchange.pageObjects.release(object, times),
      readJsStream: (call, object, offset, length) => pageCalls.readStream(call, object, offset, length),
    });
    return dispatcher;
  }

  /** @override */
  get liveObjects() {
    return this.#guest.liveObjects ?? this.#exchange.guestObjects.size;
  }

  /** How many objects of the page the guest holds. */
  get livePageObjects() {
    return this.#exchange.pageObjects.size;
  }

  /** How many streams of the guest the page has open. */
  get liveStreams() {
    return this.#exchange.streams.size;
  }

  /**
   * Calls a static method of this guest and returns its result at once.
   *
   * @template [T=unknown]
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
   * Calls a static method of this guest. The promise rejects, whatever goes wrong.
   *
   * @template [T=unknown]
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
   * @internal
   * @param {string | null} assembly
   * @param {string} method
   * @param {number | null | undefined} object
   * @param {unknown[] | null | undefined} args
   * @returns {any}
   * @throws {DotNetError}
   */
  invokeDotNetMethod(assembly, method, object, args) {
    const target = targetOf(assembly, object, method);
    if (this.#guest.elsewhere) this.#refuseSync(target, method);
    // What the page asked for earlier goes first, unless it has to wait anyway.
    this.#guest.drain();
    const message = this.#prepare(target, method, args);
    this.#checkRunning(target, method);
    let outcome;
    try {
      outcome = this.#guest.enter((binding) => binding.invoke(target, method, message));
    } catch (cause) {
      throw this.#notCalled(cause, target, method, message);
    }
    try {
      return this.#resultOf(outcome, target, method);
    } finally {
      this.#guest.drain();
    }
  }

  /**
   * Calls a static method, or a method of an object. The promise rejects, whatever goes wrong.
   *
   * @internal
   * @param {string | null} assembly
   * @param {string} method
   * @param {number | null | undefined} object
   * @param {unknown[] | null | undefined} args
   * @param {object} [keep] what must not be collected before the call has ended
   * @param {CallOptions} [options]
   * @returns {Promise<any>}
   */
  invokeDotNetMethodAsync(assembly, method, object, args, keep, options) {
    return new Promise((resolve, reject) => {
      // A throw in here rejects the promise.
      const target = targetOf(assembly, object, method);
      const call = this.#guest.nextCall();
      const disarm = options && cancelAfter(options, calledOf(target, method), (error) => this.#cancel(call, error));
      try {
        const message = this.#prepare(target, method, args);
        this.#checkRunning(target, method);
        this.#checkPending(target, method, message);
        this.#guest.detach(message);
        this.#calls.add(call, { target, method, resolve, reject, message, keep, disarm });
      } catch (error) {
        disarm?.();
        throw error;
      }
      this.#guest.enqueue(() => this.#begin(call));
    });
  }

  /**
   * Gives up an object, after the calls that were made before. Never fails: an id that cannot be an object's is ignored.
   *
   * @internal
   * @param {number} object
   */
  releaseObject(object) {
    if (!isObjectId(object)) return;
    this.#exchange.guestObjects.dispose(object);
    this.#guest.deliver((binding) => binding.release(object));
  }

  /** @override */
  stop() {
    super.stop();
    for (const done of this.#onStop.splice(0)) done();
  }

  /** A name like those of the platform's own objects: frameworks do not wrap what has one. */
  get [Symbol.toStringTag]() {
    return 'Dispatcher';
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
   * @returns {never}
   */
  #refuseSync(target, method) {
    this.#checkRunning(target, method);
    const message = `Cannot call '${method}' synchronously: the guest runs ${this.#guest.elsewhere}. Use invokeMethodAsync.`;
    throw new DotNetError('unsupported', message, calledOf(target, method));
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
      throw new DotNetError('bad-arguments', message, calledOf(target, undefined));
    }
    try {
      checkCount(args, this.#guest.limits.arguments);
      return write(args ?? null, this.#exchange, 'The arguments');
    } catch (thrown) {
      throw thrown instanceof DotNetError ? withCalled(thrown, target, method) : thrown;
    }
  }

  /**
   * @param {Target} target
   * @param {string} method
   */
  #checkRunning(target, method) {
    const { end } = this.#guest;
    if (!end) return;
    // The stack may have been too full to reject the pending calls when the guest ended.
    this.#guest.finish(end);
    throw errorOf(end, calledOf(target, method));
  }

  /**
   * @param {Target} target
   * @param {string} method
   * @param {Written} message
   */
  #checkPending(target, method, message) {
    const { pending } = this.#guest.limits;
    if (this.#calls.size < pending) return;
    this.#exchange.pageObjects.rollback(message.retained);
    throw withCalled(tooMany(this.#calls.size + 1, pending, 'the calls that are pending'), target, method);
  }

  /**
   * Begins a call that is still pending. Never throws.
   *
   * @param {number} call
   */
  #begin(call) {
    const pending = this.#calls.get(call);
    if (!pending?.message) return;
    const { target, method, message } = pending;
    pending.message = undefined;
    try {
      const outcome = this.#guest.enter((binding) => binding.beginInvoke(call, target, method, message));
      if (outcome) this.#calls.settle(call, outcome);
    } catch (cause) {
      // A trap has rejected this call with all the others; otherwise there was no room to enter the guest.
      this.#calls.take(call)?.reject(this.#notCalled(cause, target, method, message));
    }
  }

  /**
   * Returns the error for a call that the guest could not take: its trap, with what was called; or there was no room to enter, on the
   * stack or in the guest.
   *
   * @param {unknown} cause
   * @param {Target} target
   * @param {string} method
   * @param {Written} message
   */
  #notCalled(cause, target, method, message) {
    const { end } = this.#guest;
    if (end) return errorOf(end, calledOf(target, method));
    this.#exchange.pageObjects.rollback(message.retained);
    return cause instanceof DotNetError ? withCalled(cause, target, method) : cause;
  }

  /**
   * Ends a pending call before the guest does.
   *
   * @param {number} call
   * @param {DotNetError} error
   */
  #cancel(call, error) {
    const pending = this.#calls.take(call);
    if (!pending) return;
    pending.reject(error);
    if (pending.message) {
      this.#exchange.pageObjects.rollback(pending.message.retained);
    } else {
      this.#guest.deliver((binding) => binding.cancelInvoke(call));
    }
  }

  /**
   * @param {Outcome<Message>} outcome
   * @param {Target} target
   * @param {string} method
   * @returns {any}
   */
  #resultOf(outcome, target, method) {
    if (outcome.tag === 'err') throw errorOf(outcome.val, calledOf(target, method));
    const { json, bytes, failure } = outcome.val;
    if (failure) {
      this.#exchange.release(json);
      throw errorOf(failure, calledOf(target, method));
    }
    const plain = readPlain(json);
    if (plain !== undefined) return plain;
    return read(
      json,
      this.#exchange,
      (index) => bytes[index],
      (message, more) =>
        new DotNetError(more?.kind ?? 'protocol', `The result of '${method}' cannot be read. ${message}`, { ...calledOf(target, method), ...more }),
    );
  }

  /** @param {CallError} end */
  #finish(end) {
    this.#calls.rejectAll(end);
    this.#exchange.clear(end);
    this.#pageCalls.abort(end);
  }
}

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
 * Returns an error that was found before the guest was called, with what was to be called.
 *
 * @param {DotNetError} error
 * @param {Target} target
 * @param {string} method
 */
function withCalled({ kind, message, cause }, target, method) {
  return new DotNetError(kind, `Cannot call '${method}': ${message}`, { ...calledOf(target, method), cause });
}
