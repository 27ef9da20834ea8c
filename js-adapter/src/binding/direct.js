/**
 * `DirectBinding`, a guest without jco's wrapper: this calls the functions of its core module, and implements those that it imports of
 * the page, by the component model's canonical ABI (`CanonicalABI.md`, sections *Flattening*, *Lifting* and *Lowering*). jco joins the
 * core modules and does everything else, such as WASI.
 *
 * What the ABI says about these functions, each of which is written out below: parameters are passed flat, as no function has more than
 * `MAX_FLAT_PARAMS` (16). A result of more than one flat value (`MAX_FLAT_RESULTS`) is stored: an export returns its address, and an
 * import gets the address in one more parameter. `target` has a `u64` in one case and an address in the other, so its payload is an
 * `i64` in both. The `cabi_post_` function of an export frees what it has returned.
 *
 * @module
 */

import { isTooLarge } from '../error.js';
import { plainName } from '../version.js';
import { OPERATIONS, RESULT_TYPES } from '../wire/contract.js';
import { Tasks } from './tasks.js';
import { GuestValues, indexOfKind } from './values.js';
import { interfaceOf } from './wrapper.js';

/** @import { Binding, Page } from '../guest/binding.js' */
/** @import { InstantiateCore } from './bind.js' */
/** @import { CallError, Message, Target } from '../wire/contract.js' */

/**
 * The guest's functions, how each is named in the core module, and how many flat parameters it has.
 *
 * @type {{ [name in keyof Functions]: [name: string, parameters: number] }}
 */
const FUNCTIONS = {
  invoke: ['invocation#invoke', 9],
  beginInvoke: ['invocation#begin-invoke', 10],
  cancelInvoke: ['invocation#cancel-invoke', 1],
  endInvokeJs: ['invocation#end-invoke-js', 8],
  runReady: ['invocation#run-ready', 0],
  release: ['references#release', 1],
  forget: ['references#forget', 2],
  live: ['references#live', 0],
  read: ['streams#read', 3],
  close: ['streams#close', 1],
  endReadJs: ['streams#end-read-js', 8],
  describe: ['manifest#describe', 0],
};

/**
 * @typedef {object} Functions
 * @property {(tag: number, target: bigint, targetSize: number, method: number, methodSize: number, json: number, jsonSize: number,
 *   bytes: number, bytesCount: number) => number} invoke
 * @property {(call: bigint, tag: number, target: bigint, targetSize: number, method: number, methodSize: number, json: number,
 *   jsonSize: number, bytes: number, bytesCount: number) => number} beginInvoke
 * @property {(call: bigint) => void} cancelInvoke
 * @property {EndFunction} endInvokeJs
 * @property {() => void} runReady
 * @property {(object: bigint) => void} release
 * @property {(object: bigint, times: number) => void} forget
 * @property {() => number} live
 * @property {(call: bigint, stream: bigint, max: number) => number} read
 * @property {(stream: bigint) => void} close
 * @property {EndFunction} endReadJs
 * @property {() => number} describe
 */

/**
 * Ends a call, with the flat values of its outcome.
 *
 * @typedef {(call: bigint, tag: number, a: number, b: number, c: number, d: number, e: number, f: number) => void} EndFunction
 */

/** Frees what an export has returned (`post-return`). @typedef {(address: number) => void} PostReturn */

/**
 * A function of the page, with the flat values that WebAssembly calls it with.
 *
 * @template {any[]} Flat
 * @typedef {(...flat: Flat) => void} PageFunction
 */

/** What the guest's core module imports of the page, without the version. */
const PAGE = 'dotwit:interop/page';

/** @implements {Binding} */
export class DirectBinding {
  /** @type {'direct'} */
  kind = 'direct';

  /** @type {Record<string, any>} */
  exports = {};

  #page;
  #tasks = new Tasks();

  // Of the guest's own core module, once it has been instantiated.
  #memory = /** @type {GuestValues} */ (/** @type {unknown} */ (undefined));
  #functions = /** @type {Functions} */ (/** @type {unknown} */ (undefined));
  #after = /** @type {{ [name in 'invoke' | 'beginInvoke' | 'read' | 'describe']: PostReturn }} */ (/** @type {unknown} */ (undefined));

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
  }

  /**
   * Instantiates a core module for jco: the guest's own with functions of this class in place of jco's, any other as it is.
   *
   * @type {InstantiateCore}
   */
  instantiateCore = async (module, imports = {}) => {
    if (!this.#isGuest(module, imports)) return WebAssembly.instantiate(module, imports);
    const { exports } = await WebAssembly.instantiate(module, this.#importsInPlaceOf(imports));
    const own = Object.fromEntries(Object.entries(exports).map(([name, item]) => [plainName(name), item]));
    const functions = Object.entries(FUNCTIONS).map(([key, [name, parameters]]) => {
      const found = /** @type {Function} */ (own[coreName(name)]);
      return found.length === parameters ? [key, found] : undefined;
    });
    // Other types than those of the contract, which jco may know.
    if (functions.includes(undefined)) return WebAssembly.instantiate(module, imports);

    const { memory, cabi_realloc } = /** @type {any} */ (exports);
    this.#memory = new GuestValues(memory, cabi_realloc);
    this.#functions = /** @type {any} */ (Object.fromEntries(/** @type {any} */ (functions)));
    const after = (/** @type {keyof Functions} */ key) => /** @type {PostReturn} */ (own[`cabi_post_${coreName(FUNCTIONS[key][0])}`]) ?? (() => {});
    this.#after = /** @type {any} */ ({
      invoke: after('invoke'),
      beginInvoke: after('beginInvoke'),
      read: after('read'),
      describe: after('describe'),
    });
    const perform = (/** @type {string} */ name) => plainName(name) === coreName(FUNCTIONS.runReady[0]);
    return { exports: Object.fromEntries(Object.entries(exports).map(([name, item]) => [name, perform(name) ? this.#tasks.perform : item])) };
  };

  /**
   * Takes the exports of the guest, which is complete.
   *
   * @param {Record<string, any>} exports what jco gives
   * @returns {boolean} whether the guest can be called: one of its core modules has the functions of the contract
   */
  attach(exports) {
    if (!this.#functions) return false;
    this.exports = exports;
    this.#tasks.open(interfaceOf(exports, 'invocation').runReady);
    return true;
  }

  /** @type {Binding['invoke']} */
  invoke(target, method, args) {
    const result = this.#call(undefined, target, method, args);
    const outcome = this.#memory.stored(result, this.#memory.messageOutcome);
    this.#postReturn(this.#after.invoke, result);
    return outcome;
  }

  /** @type {Binding['beginInvoke']} */
  beginInvoke(call, target, method, args) {
    const result = this.#call(call, target, method, args);
    const outcome = this.#memory.storedOptional(result, this.#memory.messageOutcome);
    this.#postReturn(this.#after.beginInvoke, result);
    return outcome;
  }

  /**
   * Calls `begin-invoke`, or `invoke` without a number for the call, and returns the address of the result.
   *
   * @param {number | undefined} call
   * @param {Target} target
   * @param {string} method
   * @param {Message} args
   */
  #call(call, target, method, args) {
    const memory = this.#memory;
    const tag = target.tag === 'object' ? 1 : 0;
    const name = BigInt(target.tag === 'object' ? target.val : memory.writeString(target.val));
    const nameSize = tag ? 0 : memory.written;
    const id = memory.writeString(method);
    const idSize = memory.written;
    const json = memory.writeString(args.json);
    const jsonSize = memory.written;
    const bytes = memory.writeArrays(args.bytes);
    const count = args.bytes.length;
    const result =
      call === undefined
        ? this.#functions.invoke(tag, name, nameSize, id, idSize, json, jsonSize, bytes, count)
        : this.#functions.beginInvoke(BigInt(call), tag, name, nameSize, id, idSize, json, jsonSize, bytes, count);
    memory.enter();
    return result;
  }

  /** @type {Binding['cancelInvoke']} */
  cancelInvoke(call) {
    this.#functions.cancelInvoke(BigInt(call));
    this.#memory.enter();
  }

  /** @type {Binding['endInvokeJs']} */
  endInvokeJs(call, outcome) {
    const memory = this.#memory;
    if (outcome.tag === 'err') {
      this.#fail(this.#functions.endInvokeJs, call, outcome.val);
    } else {
      const json = memory.writeString(outcome.val.json);
      const jsonSize = memory.written;
      const bytes = memory.writeArrays(outcome.val.bytes);
      this.#functions.endInvokeJs(call, 0, json, jsonSize, bytes, outcome.val.bytes.length, 0, 0);
    }
    memory.enter();
  }

  runReady() {
    this.#functions.runReady();
    this.#memory.enter();
  }

  /** @type {Binding['release']} */
  release(object) {
    this.#functions.release(BigInt(object));
    this.#memory.enter();
  }

  /** @type {Binding['forget']} */
  forget(object, times) {
    this.#functions.forget(BigInt(object), times);
    this.#memory.enter();
  }

  live() {
    const count = this.#functions.live();
    this.#memory.enter();
    return count >>> 0;
  }

  /** @type {Binding['read']} */
  read(call, stream, max) {
    const memory = this.#memory;
    const result = this.#functions.read(BigInt(call), BigInt(stream), max);
    memory.enter();
    const outcome = memory.storedOptional(result, memory.arrayOutcome);
    this.#postReturn(this.#after.read, result);
    return outcome;
  }

  /** @type {Binding['close']} */
  close(stream) {
    this.#functions.close(BigInt(stream));
    this.#memory.enter();
  }

  /** @type {Binding['endReadJs']} */
  endReadJs(call, outcome) {
    if (outcome.tag === 'err') {
      this.#fail(this.#functions.endReadJs, call, outcome.val);
    } else {
      this.#functions.endReadJs(call, 0, this.#memory.writeArray(outcome.val), outcome.val.length, 0, 0, 0, 0);
    }
    this.#memory.enter();
  }

  /** @type {Binding['describe']} */
  describe() {
    const result = this.#functions.describe();
    this.#memory.enter();
    const outcome = this.#memory.stored(result, this.#memory.manifestOutcome);
    this.#postReturn(this.#after.describe, result);
    return outcome;
  }

  /**
   * Ends a call with the flat values of an error.
   *
   * @param {EndFunction} end
   * @param {bigint} call
   * @param {CallError} error
   */
  #fail(end, call, { kind, message, detail }) {
    const memory = this.#memory;
    const text = memory.writeString(message);
    const textSize = memory.written;
    const more = detail === undefined ? 0 : memory.writeString(detail);
    const moreSize = detail === undefined ? 0 : memory.written;
    end(call, 1, indexOfKind(kind), text, textSize, detail === undefined ? 0 : 1, more, moreSize);
  }

  /**
   * @param {PostReturn} after
   * @param {number} result
   */
  #postReturn(after, result) {
    this.#memory.mayLeave = false;
    after(result);
    this.#memory.mayLeave = true;
  }

  /**
   * Whether a core module is the guest's own: it has all functions under their usual names, and every import can be replaced.
   *
   * @param {WebAssembly.Module} module
   * @param {WebAssembly.Imports} imports
   */
  #isGuest(module, imports) {
    const exported = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [plainName(name), kind]));
    const functions = Object.values(FUNCTIONS).map(([name]) => coreName(name));
    const ours = this.#pageImports();
    return (
      this.#functions === undefined &&
      exported.get('memory') === 'memory' &&
      [...functions, 'cabi_realloc'].every((name) => exported.get(name) === 'function') &&
      WebAssembly.Module.imports(module).every(
        // An import that may suspend is not a function here.
        ({ module, name }) => typeof imports[module]?.[name] === 'function' && (plainName(module) !== PAGE || name in ours),
      )
    );
  }

  /**
   * @param {WebAssembly.Imports} imports
   * @returns {WebAssembly.Imports}
   */
  #importsInPlaceOf(imports) {
    return Object.fromEntries(
      Object.entries(imports).map(([module, functions]) => [
        module,
        plainName(module) === PAGE
          ? this.#pageImports()
          : Object.fromEntries(Object.entries(functions).map(([name, lowered]) => [name, this.#tasks.inTask(name, lowered)])),
      ]),
    );
  }

  /**
   * Returns the page as the core module calls it.
   *
   * @returns {Record<string, (...args: any[]) => any>}
   */
  #pageImports() {
    const page = this.#page;
    return {
      /** @type {PageFunction<[bigint, number, number, number, number, number, number, number, number, number]>} */
      'invoke-js': (target, identifier, identifierSize, operation, want, json, jsonSize, bytes, bytesCount, result) => {
        const memory = this.#beginRead();
        const outcome = page.invokeJs(
          Number(target),
          memory.string(identifier, identifierSize),
          memory.caseOf(OPERATIONS, operation, 'operation'),
          memory.caseOf(RESULT_TYPES, want, 'result-type'),
          memory.message(json, jsonSize, bytes, bytesCount),
        );
        memory.enter();
        try {
          memory.storeMessageOutcome(outcome, result);
        } catch (thrown) {
          if (!isTooLarge(thrown)) throw thrown;
          if (outcome.tag === 'ok') page.rollback(outcome.val);
          this.#storeFailure(thrown.message, result);
        }
      },
      /** @type {PageFunction<[bigint, bigint, number, number, number, number, number, number, number, number]>} */
      'begin-invoke-js': (call, target, identifier, identifierSize, operation, want, json, jsonSize, bytes, bytesCount) => {
        const memory = this.#beginRead();
        page.beginInvokeJs(
          BigInt.asUintN(64, call),
          Number(target),
          memory.string(identifier, identifierSize),
          memory.caseOf(OPERATIONS, operation, 'operation'),
          memory.caseOf(RESULT_TYPES, want, 'result-type'),
          memory.message(json, jsonSize, bytes, bytesCount),
        );
      },
      /** @type {PageFunction<[bigint]>} */
      'cancel-invoke-js': (call) => page.cancelInvokeJs(BigInt.asUintN(64, call)),
      /** @type {PageFunction<[bigint]>} */
      'release-js': (object) => page.releaseJs(Number(object)),
      /** @type {PageFunction<[bigint, bigint, bigint, number]>} */
      'read-js-stream': (call, object, offset, length) =>
        page.readJsStream(BigInt.asUintN(64, call), Number(object), unsigned(offset), length >>> 0),
      /** @type {PageFunction<[bigint, number, number, number, number, number, number, number]>} */
      'end-invoke': (call, tag, a, b, c, d, e, f) =>
        page.endInvoke(unsigned(call), this.#beginRead().messageOutcome(tag, a, b, c, d, e, f)),
      /** @type {PageFunction<[bigint, number, number, number, number, number, number, number]>} */
      'end-read': (call, tag, a, b, c, d, e, f) =>
        page.endRead(unsigned(call), this.#beginRead().arrayOutcome(tag, a, b, c, d, e, f)),
      /** @type {PageFunction<[bigint]>} */
      'wake-after': (nanoseconds) => page.wakeAfter(unsigned(nanoseconds)),
      /** @type {PageFunction<[number, number, number, number]>} */
      'report-panic': (message, messageSize, location, locationSize) => {
        const memory = this.#beginRead();
        page.reportPanic(memory.string(message, messageSize), memory.string(location, locationSize));
      },
    };
  }

  /**
   * Stores the error that there is no room for a result. Without room for that either, the guest traps: it is on the stack.
   *
   * @param {string} message
   * @param {number} result
   */
  #storeFailure(message, result) {
    try {
      this.#memory.storeMessageOutcome({ tag: 'err', val: { kind: 'too-large', message } }, result);
    } catch {
      throw this.#memory.trap('it has no room for an error');
    }
  }

  /** Begins a crossing in which the guest hands values to the page. */
  #beginRead() {
    const memory = this.#memory;
    if (!memory) throw new WebAssembly.RuntimeError('the guest calls the page with something in memory before it is instantiated');
    if (!memory.mayLeave) throw memory.trap('it calls the page while it allocates or frees memory');
    memory.enter();
    return memory;
  }
}

/**
 * Returns the name that `wit-component` gives to a function in the core module, without the version.
 *
 * @param {string} name
 */
function coreName(name) {
  return `dotwit:interop/${name}`;
}

/**
 * Returns a `u64` as a number.
 *
 * @param {bigint} value as it comes out of WebAssembly, signed
 */
function unsigned(value) {
  return Number(BigInt.asUintN(64, value));
}
