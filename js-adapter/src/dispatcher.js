/// <reference lib="esnext.disposable" preserve="true" />

/**
 * `Dispatcher`, one running guest: the calls that are under way, and its end.
 *
 * @module
 */

import { bind } from './binding.js';
import { isObjectId } from './dotnet-object.js';
import { DotNetError, describeValue, messageOf } from './error.js';
import { MAX_ARGUMENTS, MAX_PENDING_CALLS } from './limits.js';
import { Alarm } from './schedule.js';
import { Turnstile } from './turnstile.js';
import { read, write } from './wire.js';

/** @import { Binding, GuestModule, Page } from './binding.js' */
/** @import { Assembly, CallError, Message, Outcome, Target } from './contract.js' */
/** @import { ObjectOwner } from './dotnet-object.js' */

/**
 * A call that has begun and not ended.
 *
 * @typedef {object} PendingCall
 * @property {Target} target
 * @property {string} method
 * @property {(value: any) => void} resolve
 * @property {(error: unknown) => void} reject
 */

/** @type {CallError} */
const NO_PAGE_CALLS = {
  kind: 'unsupported',
  message: 'This version of dotwit cannot call functions of the page.',
};

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

  /** @type {Assembly[]} */
  #assemblies = [];

  /** @type {Map<number, PendingCall>} */
  #pending = new Map();
  #lastCall = 0;

  /** @type {{ pending: PendingCall, outcome: Outcome<Message> }[]} Calls that have ended while another is being settled. */
  #ended = [];
  #settling = false;

  #turnstile = new Turnstile();

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
   * @returns {Promise<Dispatcher>}
   */
  static async start(module) {
    const dispatcher = new Dispatcher();
    try {
      await dispatcher.#instantiate(module);
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

  /** @param {GuestModule} module */
  async #instantiate(module) {
    // An instance may call the page while it is being made, which counts as being on the stack.
    this.#turnstile.enter();
    try {
      this.#guest = await bind(module, this.#page());
    } catch (cause) {
      throw new DotNetError('failed', `The guest cannot be instantiated: ${this.#panic ?? messageOf(cause)}`, { cause });
    } finally {
      this.#turnstile.leave();
    }
  }

  /** @returns {Page} */
  #page() {
    return {
      endInvoke: (call, outcome) => this.#settle(call, outcome),
      invokeJs: () => ({ tag: 'err', val: NO_PAGE_CALLS }),
      beginInvokeJs: (call) => this.#deliver(() => this.#guest.endInvokeJs(call, { tag: 'err', val: NO_PAGE_CALLS })),
      cancelInvokeJs: () => {},
      releaseJs: () => {},
      endRead: () => {},
      readJsStream: (call) => this.#deliver(() => this.#guest.endReadJs(call, { tag: 'err', val: NO_PAGE_CALLS })),
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

  /** Whether the guest can be called: it has neither trapped nor been stopped. */
  get running() {
    return this.#end === undefined;
  }

  /** How many objects of the guest the page can name now; 0 when the guest is gone. */
  get liveObjects() {
    return this.#end ? 0 : this.#enter(() => this.#guest.live());
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
   * @returns {Promise<any>}
   */
  invokeDotNetMethodAsync(assembly, method, object, args) {
    return new Promise((resolve, reject) => {
      // A throw in here rejects the promise.
      const target = targetOf(assembly, object, method);
      const message = this.#prepare(target, method, args);
      this.#checkRunning(target, method);
      if (this.#pending.size >= MAX_PENDING_CALLS) {
        throw errorOf(
          {
            kind: 'too-many',
            message: `The call of '${method}' would be number ${this.#pending.size + 1} of those that are pending; a guest can have ${MAX_PENDING_CALLS} at most.`,
          },
          target,
          method,
        );
      }
      if (this.#turnstile.busy) {
        // The page may change its arrays before the call is delivered.
        message.bytes = message.bytes.map((array) => new Uint8Array(array));
      }
      const call = ++this.#lastCall;
      this.#pending.set(call, { target, method, resolve, reject });
      this.#turnstile.whenFree(() => this.#begin(call, target, method, message));
    });
  }

  /**
   * Gives an object up, after the calls that were made before. Never fails: what is no id of an object is ignored.
   *
   * @param {number} object
   */
  releaseObject(object) {
    if (isObjectId(object)) this.#deliver(() => this.#guest.release(object));
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
   * @returns {Message}
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
      return write(args, this);
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
   * Begins a call that is registered as pending. Never throws.
   *
   * @param {number} call
   * @param {Target} target
   * @param {string} method
   * @param {Message} message
   */
  #begin(call, target, method, message) {
    try {
      const outcome = this.#enter(() => this.#guest.beginInvoke(call, target, method, message));
      if (outcome) this.#settle(call, outcome);
    } catch (cause) {
      // A trap has rejected this call with all the others; without one, there was no room on the stack to enter.
      this.#pending.get(call)?.reject(this.#end ? errorOf(this.#end, target, method) : cause);
      this.#pending.delete(call);
    }
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
    const pending = this.#pending.get(call);
    if (!pending) return;
    // It has ended now, whatever becomes of the guest.
    this.#pending.delete(call);
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
      this,
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
    this.#end ??= reason;
    this.#alarm.clear();
    this.#turnstile.clear();
    // The dispatcher may stay with the page for long; the guest's memory need not.
    this.#guest = /** @type {any} */ (undefined);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { target, method, reject } of pending) reject(errorOf(this.#end, target, method));
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
