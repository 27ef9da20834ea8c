/**
 * The seam between a guest and what calls it. Types only: nothing loads this module at run time.
 *
 * A guest is opened by a function `(page: Page) => Promise<Binding>`, and nothing but that function knows where the guest runs and
 * how its functions are reached: `binding/` has the one for a guest in this thread, `worker/` the one for a guest in a worker,
 * and `circuit/` the one for a guest on a server.
 *
 * - `Binding` has the functions that a guest exports, for the page to call. `Page` has those that a guest imports, for the guest to
 *   call. Both have the names and the rules of `wit/`.
 * - A function of `Binding` returns the outcome, or `undefined` when it comes later by a function of `Page`: `beginInvoke` then ends
 *   with `endInvoke`, and `read` with `endRead`, exactly once each.
 * - What a function of `Binding` throws is a trap, and ends the guest. The exception is a `DotNetError` of kind `too-large` or
 *   `too-many`: there is no room for what the guest was to get, and it was not entered.
 * - A binding whose guest runs on the thread of its caller calls `Page` only while it is itself being called. One whose guest runs
 *   elsewhere sets `elsewhere`, calls `Page` between the tasks of its thread, calls `guestLeft` after what belongs together, and
 *   reports the end of the guest by `end`. It takes its own copies of byte arrays, as the page may change its own when a call returns.
 * - Nothing calls a binding after its `dispose`, nor before the promise of it has resolved.
 *
 * @module
 */

/** @import { Limits } from '../limits.js' */
/** @import { Assembly, CallError, Message, Operation, Outcome, ResultType, Target } from '../wire/contract.js' */

/**
 * A guest, as the page calls it.
 *
 * @typedef {object} Binding
 * @property {'direct' | 'wrapper' | 'circuit'} kind How the guest's functions are called: directly or by jco's wrapper where it runs, or over
 *   a circuit, by a server.
 * @property {string} [elsewhere] Where the guest runs if not on this thread, for messages: `in a worker`. It cannot be called
 *   synchronously.
 * @property {Record<string, any>} exports All that the guest exports, as jco gives it; nothing where it runs elsewhere.
 * @property {(target: Target, method: string, args: Message) => Outcome<Message>} invoke
 * @property {(call: number, target: Target, method: string, args: Message) => Outcome<Message> | undefined} beginInvoke
 * @property {(call: number) => void} cancelInvoke
 * @property {(call: bigint, outcome: Outcome<Message>) => void} endInvokeJs
 * @property {() => void} runReady
 * @property {(object: number) => void} release
 * @property {(object: number, times: number) => void} forget
 * @property {Partial<Limits>} [limits] What its calls are held to where it runs, if that differs from `limits.js`.
 * @property {() => number | undefined} live For a guest elsewhere, as of its last report; `undefined` if it makes none: the page's own count
 *   has to do.
 * @property {(call: number, stream: number, max: number) => Outcome<Uint8Array> | undefined} read
 * @property {(stream: number) => void} close
 * @property {(call: bigint, outcome: Outcome<Uint8Array>) => void} endReadJs
 * @property {() => Outcome<Assembly[]>} describe
 * @property {() => void} [dispose] Ends the guest where garbage collection does not. Must not throw.
 */

/**
 * The page, as a guest calls it. No function throws: that would trap the guest. Calls that the guest has numbered keep their numbers
 * as 64 bits.
 *
 * @typedef {object} Page
 * @property {(target: number, identifier: string, operation: Operation, want: ResultType, args: Message) => Outcome<Message>} invokeJs
 * @property {(message: Message) => void} rollback Takes back the references of a result of `invokeJs` for which the guest has no room.
 * @property {(call: bigint, target: number, identifier: string, operation: Operation, want: ResultType, args: Message) => void}
 *   beginInvokeJs
 * @property {(call: bigint) => void} cancelInvokeJs
 * @property {(object: number, times?: number) => void} releaseJs Gives back one reference, or several.
 * @property {(call: bigint, object: number, offset: number, length: number) => void} readJsStream
 * @property {(call: number, outcome: Outcome<Message>) => void} endInvoke
 * @property {(call: number, outcome: Outcome<Uint8Array>) => void} endRead
 * @property {(nanoseconds: number) => void} wakeAfter
 * @property {(message: string, location: string) => void} reportPanic
 * @property {(interfaces: Record<string, object>) => Record<string, object>} typedImports Prepares the functions that the guest imports
 *   by WIT interfaces of its own.
 * @property {() => void} guestLeft A guest that runs elsewhere is off its stack: what it has released can go.
 * @property {(reason: CallError) => void} end A guest that runs elsewhere is gone.
 */

/** Opens a guest. Rejects when it cannot be instantiated. @typedef {(page: Page) => Promise<Binding>} Open */

export {};
