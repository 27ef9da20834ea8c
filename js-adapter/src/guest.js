/**
 * `Guest`, one instance of a transpiled guest: who enters it when, and its end.
 *
 * @module
 */

import { DotNetError, errorOf, isTooLarge, messageOf, tooLarge } from './error.js';
import { loadParts } from './on-demand.js';
import { Alarm } from './schedule.js';
import { Turnstile } from './turnstile.js';
import { Typed } from './typed.js';

/** @import { Binding, GuestModule, Page } from './binding.js' */
/** @import { Assembly, CallError, Message, Outcome } from './contract.js' */

/** @type {CallError} The end of a guest that has trapped, until there is room on the stack for the details. */
const TRAPPED = { kind: 'guest-trapped', message: 'The guest has trapped and can no longer be called.' };

/** One instance of a guest. */
export class Guest {
  /** @type {Binding} There before anybody enters, and gone with the guest: who holds this may hold it for long. */
  #binding = /** @type {any} */ (undefined);

  /** @type {Binding['kind']} */
  #kind = 'wrapper';

  #typed = new Typed((run) => this.#callTyped(run));

  /** @type {Record<string, any>} */
  #exports = {};

  #turnstile;
  #onEnd;

  #alarm = new Alarm(() => this.deliver((binding) => binding.runReady()));

  /** @type {string | undefined} What the guest has said before it traps. */
  #panic;

  /** @type {CallError | undefined} */
  #end;

  #lastCall = 0;

  /**
   * @param {() => void} onFree runs when the guest has got off the stack; must not throw
   * @param {(end: CallError) => void} onEnd ends all that waits for the guest; runs again when it could not be finished
   */
  constructor(onFree, onEnd) {
    this.#turnstile = new Turnstile(onFree);
    this.#onEnd = onEnd;
  }

  /**
   * Makes the instance.
   *
   * @param {GuestModule} module
   * @param {Omit<Page, 'wakeAfter' | 'reportPanic'>} page
   * @param {Binding['kind'] | 'auto'} [choice]
   * @param {Record<string, object>} [imports] what it imports beside WASI and the page
   * @returns {Promise<Assembly[]>} what it offers
   * @throws {DotNetError}
   */
  async start(module, page, choice = 'auto', imports = {}) {
    try {
      await this.#instantiate(module, page, choice, imports);
      this.admit();
      const manifest = this.enter((binding) => binding.describe());
      this.admit();
      if (manifest.tag === 'err') throw errorOf(manifest.val);
      return manifest.val;
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /**
   * @param {GuestModule} module
   * @param {Omit<Page, 'wakeAfter' | 'reportPanic'>} page
   * @param {Binding['kind'] | 'auto'} choice
   * @param {Record<string, object>} imports
   */
  async #instantiate(module, page, choice, imports) {
    // An instance may call the page while it is being made, which counts as being on the stack.
    this.#turnstile.enter();
    try {
      const { bind } = await loadParts();
      this.#binding = await bind(
        module,
        {
          ...page,
          wakeAfter: (nanoseconds) => {
            if (!this.#end) this.#alarm.set(nanoseconds);
          },
          reportPanic: (message, location) => {
            this.#panic = `panicked at ${location}: ${message}`;
          },
        },
        choice,
        this.#typed.imports(imports),
      );
      this.#kind = this.#binding.kind;
      this.#exports = this.#typed.exports(this.#binding.exports);
    } catch (cause) {
      throw new DotNetError('failed', `The guest cannot be instantiated: ${this.#panic ?? messageOf(cause)}`, { cause });
    } finally {
      this.#turnstile.leave();
    }
  }

  /** How its functions are called. */
  get kind() {
    return this.#kind;
  }

  /** What it exports beside the methods that are called by name. */
  get exports() {
    return this.#exports;
  }

  /** Why it can no longer be called. */
  get end() {
    return this.#end;
  }

  /** How many of its objects can be named now; 0 when it is gone. */
  get liveObjects() {
    return this.#end ? 0 : this.enter((binding) => binding.live());
  }

  /** A number for a call, which no other call of this guest has had. */
  nextCall() {
    return ++this.#lastCall;
  }

  /**
   * Calls into the guest. Who calls this uses what came out, and then admits those who wait.
   *
   * @template T
   * @param {(binding: Binding) => T} run
   * @returns {T}
   * @throws {DotNetError} when the guest traps, or when it has no room for what it gets and was not entered
   */
  enter(run) {
    this.#turnstile.enter();
    try {
      const result = run(this.#binding);
      // After a trap in a call that was nested in this one, what the guest answers is worth nothing.
      if (this.#end?.kind === 'guest-trapped') throw this.#end;
      return result;
    } catch (cause) {
      if (isTooLarge(cause) && !this.#end) throw cause;
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
    this.admit();
    if (this.#end) throw errorOf(this.#end);
    try {
      return this.enter(run);
    } finally {
      this.admit();
    }
  }

  /** Has those enter who wait, if the guest is off the stack. */
  admit() {
    this.#turnstile.admit();
  }

  /**
   * Runs a job that enters, once the guest is off the stack.
   *
   * @param {() => void} job must not throw, and admits nobody
   */
  whenFree(job) {
    this.#turnstile.whenFree(job);
  }

  /**
   * Has the guest told something, once it is off the stack. Never throws.
   *
   * @param {(binding: Binding) => void} tell
   */
  deliver(tell) {
    if (this.#end) return;
    this.#turnstile.whenFree(() => {
      try {
        this.enter(tell);
      } catch {
        // A trap: it ends the guest and with it the pending calls, which is where it is reported.
      }
    });
  }

  /**
   * Has the guest told how something of its own has ended, or that it has no room for what came of it. Never throws.
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
        if (!isTooLarge(thrown)) throw thrown;
        refused?.();
        end(binding, { tag: 'err', val: { kind: thrown.kind, message: thrown.message } });
      }
    });
  }

  /**
   * Makes a message that has to wait independent of the page, which may change its arrays meanwhile.
   *
   * @param {Message} message
   * @throws {DotNetError} when there is no room for its arrays twice
   */
  detach(message) {
    if (message.bytes.length > 0 && this.#turnstile.busy) message.bytes = message.bytes.map(copyOf);
  }

  /** Ends the guest. */
  stop() {
    this.finish({ kind: 'disconnected', message: 'The guest was stopped and can no longer be called.' });
  }

  /**
   * Nothing reaches the guest from now on. The first reason stays.
   *
   * @param {CallError} reason
   */
  finish(reason) {
    this.#end ??= reason;
    this.#alarm.clear();
    this.#turnstile.clear();
    this.#typed.close();
    this.#binding = /** @type {any} */ (undefined);
    this.#onEnd(this.#end);
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
    this.finish(end);
    return errorOf(end);
  }
}

/** @param {Uint8Array} array */
function copyOf(array) {
  try {
    return new Uint8Array(array);
  } catch (cause) {
    throw tooLarge(`The page has no room for a copy of ${array.length} bytes: ${messageOf(cause)}`, cause);
  }
}
