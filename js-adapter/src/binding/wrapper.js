/**
 * `WrapperBinding`, a guest through the wrapper that jco has generated, which lifts and lowers all types of the guest's component.
 *
 * @module
 */

import { isTextTooLong } from '../error.js';
import { longestText } from '../limits.js';
import { VERSION, plainName } from '../version.js';

/** @import { Binding, Page } from '../guest/binding.js' */
/** @import { CallError, Message, Operation, Outcome, ResultType, Target } from '../wire/contract.js' */

/** @implements {Binding} */
export class WrapperBinding {
  /** @type {'wrapper'} */
  kind = 'wrapper';

  #invocation;
  #references;
  #streams;
  #manifest;

  /**
   * @param {Record<string, any>} exports what jco gives
   */
  constructor(exports) {
    this.exports = exports;
    const exported = (/** @type {string} */ name) => interfaceOf(exports, name);
    this.#invocation = exported('invocation');
    this.#references = exported('references');
    this.#streams = exported('streams');
    this.#manifest = exported('manifest');
  }

  /** @type {Binding['invoke']} */
  invoke(target, method, args) {
    return whole(outcomeOf(() => this.#invocation.invoke(lowerTarget(target), method, args)));
  }

  /** @type {Binding['beginInvoke']} */
  beginInvoke(call, target, method, args) {
    try {
      return whole(this.#invocation.beginInvoke(BigInt(call), lowerTarget(target), method, args));
    } catch (thrown) {
      return { tag: 'err', val: tooLong(thrown) };
    }
  }

  /** @type {Binding['cancelInvoke']} */
  cancelInvoke(call) {
    this.#invocation.cancelInvoke(BigInt(call));
  }

  /** @type {Binding['endInvokeJs']} */
  endInvokeJs(call, outcome) {
    this.#invocation.endInvokeJs(call, outcome);
  }

  runReady() {
    this.#invocation.runReady();
  }

  /** @type {Binding['release']} */
  release(object) {
    this.#references.release(BigInt(object));
  }

  /** @type {Binding['forget']} */
  forget(object, times) {
    this.#references.forget(BigInt(object), times);
  }

  live() {
    return this.#references.live();
  }

  /** @type {Binding['read']} */
  read(call, stream, max) {
    return this.#streams.read(BigInt(call), BigInt(stream), max);
  }

  /** @type {Binding['close']} */
  close(stream) {
    this.#streams.close(BigInt(stream));
  }

  /** @type {Binding['endReadJs']} */
  endReadJs(call, outcome) {
    this.#streams.endReadJs(call, outcome);
  }

  /** @type {Binding['describe']} */
  describe() {
    return outcomeOf(() => this.#manifest.describe());
  }
}

/**
 * Returns an interface of the contract, of any version that is understood.
 *
 * @param {Record<string, any>} exports what jco gives
 * @param {string} name
 */
export function interfaceOf(exports, name) {
  const wanted = `dotwit:interop/${name}`;
  const found = Object.entries(exports).find(([key, value]) => value && plainName(key) === wanted);
  if (!found) throw new Error(`it does not export ${wanted}@${VERSION}`);
  return found[1];
}

/**
 * Returns the page as jco's wrapper calls it.
 *
 * @param {Page} page
 */
export function pageImports(page) {
  return {
    /** @type {(target: bigint, identifier: string, operation: Operation, want: ResultType, args: Message) => Message} */
    invokeJs: (target, identifier, operation, want, args) => valueOf(page.invokeJs(Number(target), identifier, operation, want, args)),
    /** @type {(call: bigint, target: bigint, identifier: string, operation: Operation, want: ResultType, args: Message) => void} */
    beginInvokeJs: (call, target, identifier, operation, want, args) =>
      page.beginInvokeJs(call, Number(target), identifier, operation, want, args),
    cancelInvokeJs: (/** @type {bigint} */ call) => page.cancelInvokeJs(call),
    releaseJs: (/** @type {bigint} */ object) => page.releaseJs(Number(object)),
    /** @type {(call: bigint, object: bigint, offset: bigint, length: number) => void} */
    readJsStream: (call, object, offset, length) => page.readJsStream(call, Number(object), Number(offset), length),
    endInvoke: (/** @type {bigint} */ call, /** @type {Outcome<Message>} */ outcome) => page.endInvoke(Number(call), whole(outcome)),
    endRead: (/** @type {bigint} */ call, /** @type {Outcome<Uint8Array>} */ outcome) => page.endRead(Number(call), outcome),
    wakeAfter: (/** @type {bigint} */ nanoseconds) => page.wakeAfter(Number(nanoseconds)),
    reportPanic: (/** @type {string} */ message, /** @type {string} */ location) => page.reportPanic(message, location),
  };
}

/** @param {Target} target */
function lowerTarget(target) {
  return target.tag === 'object' ? { tag: 'object', val: BigInt(target.val) } : target;
}

/**
 * Returns the outcome of an export. jco throws its `err` as it is, and a trap throws an `Error`.
 *
 * @template T
 * @param {() => T} run
 * @returns {Outcome<T>}
 */
function outcomeOf(run) {
  try {
    return { tag: 'ok', val: run() };
  } catch (thrown) {
    return { tag: 'err', val: thrown instanceof Error ? tooLong(thrown) : /** @type {CallError} */ (thrown) };
  }
}

/**
 * Returns the failure of a call whose result is longer than this engine can hold, which the guest survives.
 *
 * @param {unknown} thrown
 * @returns {CallError}
 * @throws anything else that was thrown: a trap
 */
function tooLong(thrown) {
  if (!isTextTooLong(thrown)) throw thrown;
  return textTooLong();
}

/** @returns {CallError} */
function textTooLong() {
  return { kind: 'too-large', message: `The result is more than this engine can hold in one text: ${longestText()} characters are its limit.` };
}

/**
 * Returns an outcome, or the failure that its text is too long: Chromium silently reads such a text as an empty one.
 *
 * @template {Outcome<Message> | undefined} O
 * @param {O} outcome
 * @returns {O | Outcome<Message>}
 */
function whole(outcome) {
  const isNothing = outcome?.tag === 'ok' && outcome.val.json === '' && /\bChrome\//.test(globalThis.navigator?.userAgent);
  return isNothing ? { tag: 'err', val: textTooLong() } : outcome;
}

/**
 * Returns the value of an import. jco takes what is thrown as its `err`.
 *
 * @template T
 * @param {Outcome<T>} outcome
 * @returns {T}
 */
function valueOf(outcome) {
  if (outcome.tag === 'err') throw outcome.val;
  return outcome.val;
}
