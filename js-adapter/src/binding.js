/**
 * How the functions of a guest are called. This is the only module that knows: it turns the exports of a transpiled
 * guest into a `Binding`, and a `Page` into what the guest imports. Whatever a function of a `Binding` throws is a trap.
 *
 * @module
 */

/** @import { Assembly, CallError, Message, Operation, Outcome, ResultType, Target } from './contract.js' */

const VERSION = '0.1.0';

/** The contract that this adapter speaks, as a transpiled folder names it. */
export const CONTRACT = `dotwit:interop@${VERSION}`;

/**
 * A transpiled guest: the namespace of its `index.js`.
 *
 * @typedef {object} GuestModule
 * @property {string} contract The contract that the guest was built for.
 * @property {(imports: Record<string, object>) => Promise<Record<string, any>>} instantiate Makes an instance that imports
 *   these beside WASI, and resolves to its exports.
 */

/**
 * A guest, as the page calls it. Whatever is `undefined` where an outcome may be ends later, by a function of `Page`.
 *
 * @typedef {object} Binding
 * @property {(target: Target, method: string, args: Message) => Outcome<Message>} invoke
 * @property {(call: number, target: Target, method: string, args: Message) => Outcome<Message> | undefined} beginInvoke
 * @property {(call: number) => void} cancelInvoke
 * @property {(call: bigint, outcome: Outcome<Message>) => void} endInvokeJs
 * @property {() => void} runReady
 * @property {(object: number) => void} release
 * @property {(object: number, times: number) => void} forget
 * @property {() => number} live
 * @property {(call: number, stream: number, max: number) => Outcome<Uint8Array> | undefined} read
 * @property {(stream: number) => void} close
 * @property {(call: bigint, outcome: Outcome<Uint8Array>) => void} endReadJs
 * @property {() => Outcome<Assembly[]>} describe
 */

/**
 * The page, as a guest calls it. Nothing here may throw: it would trap the guest. Calls that the guest has numbered keep
 * their numbers as 64 bits.
 *
 * @typedef {object} Page
 * @property {(target: number, identifier: string, operation: Operation, want: ResultType, args: Message) => Outcome<Message>} invokeJs
 * @property {(call: bigint, target: number, identifier: string, operation: Operation, want: ResultType, args: Message) => void}
 *   beginInvokeJs
 * @property {(call: bigint) => void} cancelInvokeJs
 * @property {(object: number) => void} releaseJs
 * @property {(call: bigint, object: number, offset: number, length: number) => void} readJsStream
 * @property {(call: number, outcome: Outcome<Message>) => void} endInvoke
 * @property {(call: number, outcome: Outcome<Uint8Array>) => void} endRead
 * @property {(nanoseconds: number) => void} wakeAfter
 * @property {(message: string, location: string) => void} reportPanic
 */

/**
 * Instantiates a guest.
 *
 * @param {GuestModule} module
 * @param {Page} page
 * @returns {Promise<Binding>}
 */
export async function bind(module, page) {
  const exports = await module.instantiate({ 'dotwit:interop/page': importsOf(page) });
  const [invocation, references, streams, manifest] = ['invocation', 'references', 'streams', 'manifest'].map((name) => {
    const found = exports[`dotwit:interop/${name}@${VERSION}`];
    if (!found) throw new Error(`it does not export dotwit:interop/${name}@${VERSION}`);
    return found;
  });
  return {
    invoke: (target, method, args) => outcomeOf(() => invocation.invoke(lowerTarget(target), method, args)),
    beginInvoke: (call, target, method, args) => invocation.beginInvoke(BigInt(call), lowerTarget(target), method, args),
    cancelInvoke: (call) => invocation.cancelInvoke(BigInt(call)),
    endInvokeJs: (call, outcome) => invocation.endInvokeJs(call, outcome),
    runReady: () => invocation.runReady(),
    release: (object) => references.release(BigInt(object)),
    forget: (object, times) => references.forget(BigInt(object), times),
    live: () => references.live(),
    read: (call, stream, max) => streams.read(BigInt(call), BigInt(stream), max),
    close: (stream) => streams.close(BigInt(stream)),
    endReadJs: (call, outcome) => streams.endReadJs(call, outcome),
    describe: () => outcomeOf(() => manifest.describe()),
  };
}

/**
 * What the guest imports.
 *
 * @param {Page} page
 */
function importsOf(page) {
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
    endInvoke: (/** @type {bigint} */ call, /** @type {Outcome<Message>} */ outcome) => page.endInvoke(Number(call), outcome),
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
 * The outcome of an export whose `err` jco throws: as it is, where a trap throws an `Error`.
 *
 * @template T
 * @param {() => T} run
 * @returns {Outcome<T>}
 */
function outcomeOf(run) {
  try {
    return { tag: 'ok', val: run() };
  } catch (thrown) {
    if (thrown instanceof Error) throw thrown;
    return { tag: 'err', val: /** @type {CallError} */ (thrown) };
  }
}

/**
 * The value of an import whose `err` jco takes as what is thrown.
 *
 * @template T
 * @param {Outcome<T>} outcome
 * @returns {T}
 */
function valueOf(outcome) {
  if (outcome.tag === 'err') throw outcome.val;
  return outcome.val;
}
