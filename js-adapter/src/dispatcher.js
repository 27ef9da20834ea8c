/// <reference lib="esnext.disposable" preserve="true" />

/**
 * `Dispatcher`, one running guest: the calls that are under way, and its end.
 *
 * @module
 */

import { bind } from './binding.js';
import { watch } from './cancel.js';
import { isObjectId } from './dotnet-object.js';
import { DotNetError, describeValue, messageOf } from './error.js';
import { GuestSide } from './guest-side.js';
import { MAX_ARGUMENTS, MAX_PENDING_CALLS } from './limits.js';
import { PageCalls } from './page-calls.js';
import { Alarm } from './schedule.js';
import { Turnstile } from './turnstile.js';
import { Typed } from './typed.js';
import { read, write } from './wire.js';

/** @import { Binding, GuestModule, Page } from './binding.js' */
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
 * @property {Written} message
 * @property {object | undefined} keep What must live until the call has ended.
 * @property {boolean} begun Whether the guest has been told.
 * @property {(() => void) | undefined} unwatch Ends the watch over it.
 */

/** @type {CallError} The end of a guest that has trapped, until there is room on the stack for the details. */
const TRAPPED = { kind: 'guest-trapped', message: 'The guest has trapped and can no longer be called.' };

/**
 * One running guest.
 *
 * @implements {ObjectOwner}
 */
export class Dispatcher {
  /** @type {Binding} Set by `start`, before anybody else has the dispatcher. */
  #guest = /** @type {any} */ (undefined);

  /** @type {Binding['kind']} */
  #binding = 'wrapper';

  /** @type {Assembly[]} */
  #assemblies = [];

  /** @type {Map<number, PendingCall>} */
  #pending = new Map();
  #lastCall = 0;

  /** @type {{ pending: PendingCall, outcome: Outcome<Message> }[]} Calls that have ended while another is being settled. */
  #ended = [];
  #settling = false;

  #side = new GuestSide(this, (object, times) => this.#deliver(() => this.#guest.forget(object, times)), {
    read: (stream, max, end) => this.#read(stream, max, end),
    close: (stream) => this.#deliver(() => this.#guest.close(stream)),
  });

  #pageCalls = new PageCalls(this.#side, {
    endInvoke: (call, outcome) => {
      if (outcome.tag === 'ok') this.#detach(outcome.val);
      this.#deliver(() => this.#guest.endInvokeJs(call, outcome));
    },
    endRead: (call, piece) => this.#deliver(() => this.#guest.endReadJs(call, piece())),
  });

  /** @type {Map<number, (outcome: Outcome<Uint8Array>) => void>} Reads of the guest's streams that have not ended. */
  #reads = new Map();

  #turnstile = new Turnstile(() => this.#side.pageObjects.flush());

  #typed = new Typed((run) => this.#callTyped(run));

  /** @type {Record<string, any>} */
  #exports = {};

  #alarm = new Alarm(() => this.#deliver(() => this.#guest.runReady()));

  /** @type {string | undefined} What the guest has said before it traps. */
  #panic;

  /** @type {CallError | undefined} Why the guest can no longer be called. */
  #end;

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
    try {
      await dispatcher.#instantiate(module, binding, imports);
      dispatcher.#turnstile.admit();
      const manifest = dispatcher.#enter(() => dispatcher.#guest.describe());
      dispatcher.#turnstile.admit();
      if (manifest.tag === 'err') throw errorOf(manifest.val);
      dispatcher.#assemblies = manifest.val;
    } catch (error) {
      dispatcher.stop();
      throw error;
    }
    return dispatcher;
  }

  /**
   * @param {GuestModule} module
   * @param {Binding['kind'] | 'auto'} [binding]
   * @param {Record<string, object>} [imports]
   */
  async #instantiate(module, binding, imports = {}) {
    // An instance may call the page while it is being made, which counts as being on the stack.
    this.#turnstile.enter();
    try {
      this.#guest = await bind(module, this.#page(), binding, this.#typed.imports(imports));
      this.#exports = this.#typed.exports(this.#guest.exports);
      this.#binding = this.#guest.kind;
    } catch (cause) {
      throw new DotNetError('failed', `The guest cannot be instantiated: ${this.#panic ?? messageOf(cause)}`, { cause });
    } finally {
      this.#turnstile.leave();
    }
  }

  /** @returns {Page} */
  #page() {
    const pageCalls = this.#pageCalls;
    return {
      endInvoke: (call, outcome) => this.#settle(call, outcome),
      invokeJs: (target, identifier, operation, want, args) =>
        this.#end ? { tag: 'err', val: this.#end } : pageCalls.invoke(target, identifier, operation, want, args),
      beginInvokeJs: (call, target, identifier, operation, want, args) => {
        if (!this.#end) pageCalls.begin(call, target, identifier, operation, want, args);
      },
      cancelInvokeJs: (call) => pageCalls.cancel(call),
      releaseJs: (object) => this.#side.pageObjects.release(object),
      endRead: (call, outcome) => this.#endRead(call, outcome),
      readJsStream: (call, object, offset, length) => {
        if (!this.#end) pageCalls.readStream(call, object, offset, length);
      },
      wakeAfter: (nanoseconds) => {
        if (!this.#end) this.#alarm.set(nanoseconds);
      },
      reportPanic: (message, location) => {
        this.#panic = `panicked at ${location}: ${message}`;
      },
    };
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
    return this.#exports;
  }

  /** How the guest's functions are called: `direct`, by the component model's canonical ABI, or by jco's `wrapper`. */
  get binding() {
    return this.#binding;
  }

  /** Whether the guest can be called: it has neither trapped nor been stopped. */
  get running() {
    return this.#end === undefined;
  }

  /** How many objects of the guest the page can name now; 0 when the guest is gone. */
  get liveObjects() {
    return this.#end ? 0 : this.#enter(() => this.#guest.live());
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
    this.#turnstile.admit();
    const message = this.#prepare(target, method, args);
    this.#checkRunning(target, method);
    let outcome;
    try {
      outcome = this.#enter(() => this.#guest.invoke(target, method, message));
    } catch (cause) {
      // A trap, told with what was called; or there was no room on the stack to enter.
      throw this.#end ? errorOf(this.#end, target, method) : cause;
    }
    try {
      return this.#resultOf(outcome, target, method);
    } finally {
      this.#turnstile.admit();
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
      const call = ++this.#lastCall;
      const unwatch = options && watch(options, contextOf(target, method), (error) => this.#cancel(call, error));
      try {
        const message = this.#prepare(target, method, args);
        this.#checkRunning(target, method);
        this.#checkPending(target, method, message);
        this.#detach(message);
        this.#pending.set(call, { target, method, resolve, reject, message, keep, begun: false, unwatch });
      } catch (error) {
        unwatch?.();
        throw error;
      }
      this.#turnstile.whenFree(() => this.#begin(call));
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
    throw errorOf(
      {
        kind: 'too-many',
        message: `The call of '${method}' would be number ${this.#pending.size + 1} of those that are pending; a guest can have ${MAX_PENDING_CALLS} at most.`,
      },
      target,
      method,
    );
  }

  /**
   * The page may change its arrays before a message that has to wait is delivered.
   *
   * @param {Message} message
   */
  #detach(message) {
    if (message.bytes.length > 0 && this.#turnstile.busy) message.bytes = message.bytes.map((array) => new Uint8Array(array));
  }

  /**
   * Gives an object up, after the calls that were made before. Never fails: what is no id of an object is ignored.
   *
   * @param {number} object
   */
  releaseObject(object) {
    if (!isObjectId(object)) return;
    this.#side.guestObjects.dispose(object);
    this.#deliver(() => this.#guest.release(object));
  }

  /**
   * Ends the guest: what is pending rejects with kind `disconnected`, and so does whatever is called later.
   */
  stop() {
    this.#finish({ kind: 'disconnected', message: 'The guest was stopped and can no longer be called.' });
    for (const done of this.#onStop.splice(0)) done();
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
    if (typeof method !== 'string' || method.trim() === '') {
      throw errorOf(
        { kind: 'bad-arguments', message: `The id of a method must be a string that is not empty, not ${describeValue(method)}.` },
        target,
      );
    }
    if (args && args.length > MAX_ARGUMENTS) {
      throw errorOf(
        { kind: 'too-many', message: `The call of '${method}' has ${args.length} arguments; a call can have ${MAX_ARGUMENTS} at most.` },
        target,
        method,
      );
    }
    try {
      return write(args ?? null, this.#side, 'The arguments');
    } catch (thrown) {
      if (!(thrown instanceof DotNetError)) throw thrown;
      const { kind, message, cause } = thrown;
      throw new DotNetError(kind, `Cannot call '${method}': ${message}`, { ...contextOf(target, method), cause });
    }
  }

  /**
   * @param {Target} target
   * @param {string} method
   */
  #checkRunning(target, method) {
    if (!this.#end) return;
    // The stack may have been too full to reject what was pending then.
    this.#finish(this.#end);
    throw errorOf(this.#end, target, method);
  }

  /**
   * Begins a call if it is pending still. Never throws.
   *
   * @param {number} call
   */
  #begin(call) {
    const pending = this.#pending.get(call);
    if (!pending) return;
    pending.begun = true;
    const { target, method, message } = pending;
    try {
      const outcome = this.#enter(() => this.#guest.beginInvoke(call, target, method, message));
      if (outcome) this.#settle(call, outcome);
    } catch (cause) {
      // A trap has rejected this call with all the others; without one, there was no room on the stack to enter.
      this.#take(call)?.reject(this.#end ? errorOf(this.#end, target, method) : cause);
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
    if (pending.begun) {
      this.#deliver(() => this.#guest.cancelInvoke(call));
    } else {
      this.#side.pageObjects.withdraw(pending.message.granted);
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
   * Reads from a stream of the guest.
   *
   * @param {number} stream
   * @param {number} max
   * @param {(outcome: Outcome<Uint8Array>) => void} end
   */
  #read(stream, max, end) {
    if (this.#end) {
      end({ tag: 'err', val: this.#end });
      return;
    }
    const call = ++this.#lastCall;
    this.#reads.set(call, end);
    this.#turnstile.whenFree(() => {
      try {
        const outcome = this.#enter(() => this.#guest.read(call, stream, max));
        if (outcome) this.#endRead(call, outcome);
      } catch {
        // A trap, which has ended all reads.
      }
    });
  }

  /**
   * @param {number} call
   * @param {Outcome<Uint8Array>} outcome
   */
  #endRead(call, outcome) {
    const end = this.#reads.get(call);
    this.#reads.delete(call);
    end?.(outcome);
  }

  /**
   * Has the guest told something, once it is off the stack. Never throws.
   *
   * @param {() => void} tell
   */
  #deliver(tell) {
    if (this.#end) return;
    this.#turnstile.whenFree(() => {
      try {
        this.#enter(tell);
      } catch {
        // A trap: it ends the guest and with it the pending calls, which is where it is reported.
      }
    });
  }

  /**
   * Calls into the guest. Who calls this uses what came out, and then admits those who wait.
   *
   * @template T
   * @param {() => T} run
   * @returns {T}
   */
  #enter(run) {
    this.#turnstile.enter();
    try {
      const result = run();
      // After a trap in a call that was nested in this one, what the guest answers is worth nothing.
      if (this.#end?.kind === 'guest-trapped') throw this.#end;
      return result;
    } catch (cause) {
      // Without a call, because the stack may be full: whatever else fails, the guest is entered no more.
      this.#end ??= TRAPPED;
      throw this.#trapped(cause);
    } finally {
      this.#turnstile.leave();
    }
  }

  /**
   * Calls a function that the guest exports with types.
   *
   * @param {() => any} run
   */
  #callTyped(run) {
    this.#turnstile.admit();
    if (this.#end) throw errorOf(this.#end);
    try {
      return this.#enter(run);
    } finally {
      this.#turnstile.admit();
    }
  }

  /**
   * What a function of the guest throws is a trap: the guest is at its end, and every pending call with it.
   *
   * @param {unknown} cause
   * @returns {DotNetError}
   */
  #trapped(cause) {
    if (this.#end === TRAPPED) {
      this.#end = {
        kind: 'guest-trapped',
        message: `The guest has trapped and can no longer be called: ${this.#panic ?? messageOf(cause)}`,
        detail: cause instanceof Error ? cause.stack : undefined,
      };
    }
    const end = /** @type {CallError} */ (this.#end);
    this.#finish(end);
    return errorOf(end);
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
      if (outcome.tag === 'ok' && !this.#end) this.#side.giveBack(outcome.val.json);
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
    if (outcome.tag === 'err') throw errorOf(outcome.val, target, method);
    const { json, bytes } = outcome.val;
    return read(
      json,
      this.#side,
      (index) => bytes[index],
      (message, context) =>
        new DotNetError('protocol', `The result of '${method}' cannot be read. ${message}`, { ...contextOf(target, method), ...context }),
    );
  }

  /**
   * Nothing reaches the guest from now on, and what is pending is rejected. The first reason stays.
   *
   * @param {CallError} reason
   */
  #finish(reason) {
    const end = (this.#end ??= reason);
    this.#alarm.clear();
    this.#turnstile.clear();
    // The dispatcher may stay with the page for long; the guest's memory need not.
    this.#typed.close();
    this.#guest = /** @type {any} */ (undefined);
    for (const call of [...this.#pending.keys()]) {
      const pending = this.#take(call);
      pending?.reject(errorOf(end, pending.target, pending.method));
    }
    for (const call of [...this.#reads.keys()]) this.#endRead(call, { tag: 'err', val: end });
    this.#side.clear();
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
 * @param {Target} [target]
 * @param {string} [method]
 */
function contextOf(target, method) {
  return { assembly: target?.tag === 'assembly' ? target.val : undefined, method };
}

/**
 * @param {CallError} failure
 * @param {Target} [target]
 * @param {string} [method]
 */
function errorOf({ kind, message, detail }, target, method) {
  return new DotNetError(kind, message, { ...contextOf(target, method), detail });
}
