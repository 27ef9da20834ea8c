/**
 * `GuestInstance`, one instance of a guest: the order in which it is entered, its alarm, and its end.
 *
 * Everything that calls a guest goes through `enter`, which turns what the guest throws into its end: a guest that has trapped is
 * never entered again, and everything that waits for it ends once, with the first reason.
 *
 * @module
 */

import { DotNetError, errorOf, isTooLarge, messageOf, tooLarge } from '../error.js';
import { LIMITS } from '../limits.js';
import { Alarm } from '../timers.js';
import { EntryQueue } from './entry-queue.js';
import { WitInterfaces } from './interfaces.js';

/** @import { Assembly, CallError, Message, Outcome } from '../wire/contract.js' */
/** @import { Binding, Open, Page } from './binding.js' */

/** What an instance adds to the page. @typedef {'wakeAfter' | 'reportPanic' | 'typedImports' | 'guestLeft' | 'end'} OwnFunctions */

/** @type {CallError} The end of a guest that has trapped, until there is room on the stack for the details. */
const TRAPPED = { kind: 'guest-trapped', message: 'The guest has trapped and can no longer be called.' };

/** One instance of a guest. */
export class GuestInstance {
  /** @type {Binding} Set before anything enters, and dropped with the guest: references to this object may outlive it for long. */
  #binding = /** @type {any} */ (undefined);

  /** @type {Binding['kind']} */
  #kind = 'wrapper';

  /** @type {string | undefined} */
  #elsewhere;

  /** @type {Assembly[]} */
  #assemblies = [];

  #interfaces = new WitInterfaces((run) => this.#callExport(run));

  /** @type {Record<string, any>} */
  #exports = {};

  /** The limits that it is held to, which its binding may change when it is opened. */
  limits = { ...LIMITS };

  #queue;
  #onEnd;

  #alarm = new Alarm(() => this.deliver((binding) => binding.runReady()));

  /** @type {string | undefined} The panic that the guest has reported before its trap. */
  #panic;

  /** @type {CallError | undefined} */
  #end;

  #lastCall = 0;

  /**
   * @param {() => void} onFree runs when the guest is off the stack; must not throw
   * @param {(end: CallError) => void} onEnd ends all that waits for the guest; runs again when it could not finish
   */
  constructor(onFree, onEnd) {
    this.#queue = new EntryQueue(onFree);
    this.#onEnd = onEnd;
  }

  /**
   * Opens the guest and reads what it offers.
   *
   * @param {Open} open
   * @param {Omit<Page, OwnFunctions>} page
   * @throws {DotNetError}
   */
  async start(open, page) {
    try {
      await this.#open(open, page);
      // A guest elsewhere may have gone since it was opened.
      if (this.#end) throw errorOf(this.#end);
      this.drain();
      const manifest = this.enter((binding) => binding.describe());
      this.drain();
      if (manifest.tag === 'err') throw errorOf(manifest.val);
      this.#assemblies = manifest.val;
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /**
   * @param {Open} open
   * @param {Omit<Page, OwnFunctions>} page
   */
  async #open(open, page) {
    // A guest may call the page while it is being instantiated, which counts as being on the stack.
    this.#queue.enter();
    try {
      this.#binding = await open({
        ...page,
        wakeAfter: (nanoseconds) => {
          if (!this.#end) this.#alarm.set(nanoseconds);
        },
        reportPanic: (message, location) => {
          this.#panic = `panicked at ${location}: ${message}`;
        },
        typedImports: (interfaces) => this.#interfaces.imports(interfaces),
        guestLeft: () => this.drain(),
        end: (reason) => this.finish(reason),
      });
      this.#kind = this.#binding.kind;
      this.#elsewhere = this.#binding.elsewhere;
      Object.assign(this.limits, this.#binding.limits);
      this.#exports = this.#interfaces.exports(this.#binding.exports);
    } catch (cause) {
      throw new DotNetError('failed', `The guest cannot be instantiated: ${this.#panic ?? messageOf(cause)}`, { cause });
    } finally {
      this.#queue.leave();
    }
  }

  /** What it offers. */
  get assemblies() {
    return this.#assemblies;
  }

  /** How its functions are called. */
  get kind() {
    return this.#kind;
  }

  /** Where it runs if not on this thread; it cannot be called synchronously then. */
  get elsewhere() {
    return this.#elsewhere;
  }

  /** What it exports beside the methods that are called by name. */
  get exports() {
    return this.#exports;
  }

  /** Why it can no longer be called. */
  get end() {
    return this.#end;
  }

  /** How many of its objects can be named now; 0 when it is gone, and `undefined` when only the page has counted. */
  get liveObjects() {
    return this.#end ? 0 : this.enter((binding) => binding.live());
  }

  /** Returns a number that no other call of this guest has had. */
  nextCall() {
    return ++this.#lastCall;
  }

  /**
   * Calls into the guest. The caller uses the result, and then drains the queue.
   *
   * @template T
   * @param {(binding: Binding) => T} run
   * @returns {T}
   * @throws {DotNetError} when the guest traps, or what refuses this call alone, when the guest has no room for what it gets and was not entered
   */
  enter(run) {
    this.#queue.enter();
    try {
      const result = run(this.#binding);
      // A call nested in this one has trapped: the result means nothing.
      if (this.#end?.kind === 'guest-trapped') throw this.#end;
      return result;
    } catch (cause) {
      if (isRefusal(cause, this.#elsewhere) && !this.#end) throw cause;
      // Set without a call, because the stack may be full: whatever fails from here on, the guest is not entered again.
      this.#end ??= TRAPPED;
      throw this.#trapped(cause);
    } finally {
      this.#queue.leave();
    }
  }

  /**
   * Calls a function that the guest exports with types.
   *
   * @param {() => any} run
   */
  #callExport(run) {
    this.drain();
    if (this.#end) throw errorOf(this.#end);
    try {
      return this.enter(run);
    } finally {
      this.drain();
    }
  }

  /** Runs the jobs that wait, if the guest is off the stack. */
  drain() {
    this.#queue.drain();
  }

  /**
   * Runs a job that enters the guest, now or once the guest is off the stack.
   *
   * @param {() => void} job must neither throw nor drain the queue
   */
  enqueue(job) {
    this.#queue.enqueue(job);
  }

  /**
   * Tells the guest something once it is off the stack. Never throws.
   *
   * @param {(binding: Binding) => void} tell
   */
  deliver(tell) {
    if (this.#end) return;
    this.#queue.enqueue(() => {
      try {
        this.enter(tell);
      } catch {
        // A trap, which the pending calls report.
      }
    });
  }

  /**
   * Tells the guest how an operation of its own has ended, or that it has no room for the result. Never throws.
   *
   * @template T
   * @param {(binding: Binding, outcome: Outcome<T>) => void} end
   * @param {() => Outcome<T>} outcome
   * @param {() => void} [refused] runs when there is no room
   */
  answer(end, outcome, refused) {
    this.deliver((binding) => {
      try {
        end(binding, outcome());
      } catch (thrown) {
        if (!isRefusal(thrown, this.#elsewhere)) throw thrown;
        refused?.();
        end(binding, { tag: 'err', val: { kind: thrown.kind, message: thrown.message } });
      }
    });
  }

  /**
   * Copies the byte arrays of a message that has to wait, because the page may change them meanwhile.
   *
   * @param {Message} message
   * @throws {DotNetError} when there is no room for its arrays twice
   */
  detach(message) {
    if (message.bytes.length > 0 && this.#queue.busy) message.bytes = message.bytes.map(copyOf);
  }

  /** Ends the guest. */
  stop() {
    this.finish({ kind: 'disconnected', message: 'The guest was stopped and can no longer be called.' });
  }

  /**
   * Ends the guest: nothing reaches it from now on. The first reason stays.
   *
   * @param {CallError} reason
   */
  finish(reason) {
    this.#end ??= reason;
    this.#alarm.clear();
    this.#queue.clear();
    this.#interfaces.close();
    this.#binding?.dispose?.();
    this.#binding = /** @type {any} */ (undefined);
    this.#onEnd(this.#end);
  }

  /**
   * Ends a guest that has thrown.
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
    this.finish(end);
    return errorOf(end);
  }
}

/**
 * Whether an error was thrown that refuses one call, and says nothing about the guest: there is no room for it. A guest in this thread can
 * only lack memory: too many of something is what a function of the page has thrown through its stack.
 *
 * @param {unknown} thrown
 * @param {string} [elsewhere] where the guest runs if not in this thread
 * @returns {thrown is DotNetError}
 */
function isRefusal(thrown, elsewhere) {
  return isTooLarge(thrown) || (!!elsewhere && /** @type {any} */ (thrown)?.kind === 'too-many');
}

/** @param {Uint8Array} array */
function copyOf(array) {
  try {
    return new Uint8Array(array);
  } catch (cause) {
    throw tooLarge(`The page has no room for a copy of ${array.length} bytes: ${messageOf(cause)}`, cause);
  }
}
