/**
 * `PageCalls`, what one guest has asked of the page and not been answered yet.
 *
 * @module
 */

import { DotNetError, describeValue, messageOf } from './error.js';
import { MAX_ARGUMENTS, MAX_OPEN_STREAMS, MAX_PENDING_CALLS } from './limits.js';
import { findMember, useMember } from './members.js';
import { importModule } from './module-url.js';
import { NULL_REFERENCE, bytesOf, placeholderOf } from './page-objects.js';
import { read, write } from './wire.js';

/** @import { CallError, Message, Operation, Outcome, ResultType } from './contract.js' */
/** @import { GuestSide } from './guest-side.js' */
/** @import { PageObject } from './page-objects.js' */
/** @import { Written } from './wire.js' */

/**
 * A call of the page that has begun and not ended.
 *
 * @typedef {object} PageCall
 * @property {AbortController | undefined} controller Made when the page asks for the signal.
 */

/**
 * How the guest is told.
 *
 * @typedef {object} Teller
 * @property {(call: bigint, outcome: Outcome<Message>) => void} endInvoke
 * @property {(call: bigint, piece: () => Outcome<Uint8Array>) => void} endRead Asks for the piece when it can be delivered.
 */

/** @type {PageCall | undefined} The call whose function is at its beginning. */
let current;

/**
 * The signal of the call that a guest has made to the function of the page that is running: it aborts when the guest gives
 * the call up, or is gone. Functions ask for it before they first await.
 *
 * @returns {AbortSignal}
 * @throws {DotNetError} outside of such a function
 */
export function currentSignal() {
  if (!current) {
    throw new DotNetError(
      'unsupported',
      'No guest is calling a function of the page now. DotNet.currentSignal() is for such a function, before it first awaits.',
    );
  }
  current.controller ??= new AbortController();
  return current.controller.signal;
}

/**
 * Finds what a host calls: gives a function that does it, for the call that it gets and with the arguments.
 *
 * @param {(id: number) => object | undefined} objects
 * @param {number} target the id of the object that the path starts from
 * @param {string} identifier
 * @param {Operation} operation
 * @returns {(call: PageCall, args: any[]) => any}
 * @throws {DotNetError} when there is no such object or member
 */
export function find(objects, target, identifier, operation) {
  if (target === 0 && identifier === 'import' && operation === 'call') return (_call, args) => importModule(args[0]);
  const object = objects(target);
  if (!object) throw noSuchObject(target);
  const member = findMember(object, identifier, operation);
  return (call, args) => {
    const outer = current;
    current = call;
    try {
      return useMember(member, args);
    } finally {
      current = outer;
    }
  };
}

/**
 * The error for an object that there is none of.
 *
 * @param {number} id
 */
function noSuchObject(id) {
  return new DotNetError('no-such-object', `JS object instance with ID ${id} does not exist (has it been disposed?).`);
}

/**
 * Whether there is something to await.
 *
 * @param {any} value
 * @returns {value is PromiseLike<any>}
 */
function isThenable(value) {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && typeof value.then === 'function';
}

/** What one guest has asked of the page. */
export class PageCalls {
  #side;
  #objects;
  #tell;

  /** @type {Map<bigint, PageCall>} */
  #pending = new Map();

  /** How many reads are under way. */
  #reads = 0;

  /**
   * @param {GuestSide} side
   * @param {Teller} tell
   */
  constructor(side, tell) {
    this.#side = side;
    this.#objects = (/** @type {number} */ id) => side.pageObject(id);
    this.#tell = tell;
  }

  /** How many calls have not ended. */
  get size() {
    return this.#pending.size;
  }

  /**
   * Calls, constructs, reads or assigns at once. Never throws.
   *
   * @param {number} target
   * @param {string} identifier
   * @param {Operation} operation
   * @param {ResultType} want
   * @param {Message} message
   * @returns {Outcome<Message>}
   */
  invoke(target, identifier, operation, want, message) {
    let own = true;
    try {
      const args = this.#argsOf(message);
      own = false;
      const value = find(this.#objects, target, identifier, operation)({ controller: undefined }, args);
      own = true;
      if (want === 'json' && isThenable(value)) {
        Promise.resolve(value).catch(() => {});
        throw new DotNetError('unsupported', `'${identifier}' answers with a promise, which a synchronous call cannot wait for: call it asynchronously.`);
      }
      return { tag: 'ok', val: this.#resultOf(value, identifier, want) };
    } catch (thrown) {
      return { tag: 'err', val: failureOf(thrown, own) };
    }
  }

  /**
   * The same, to be ended later. Never throws.
   *
   * @param {bigint} id
   * @param {number} target
   * @param {string} identifier
   * @param {Operation} operation
   * @param {ResultType} want
   * @param {Message} message
   */
  begin(id, target, identifier, operation, want, message) {
    if (this.#pending.size >= MAX_PENDING_CALLS) {
      this.#tell.endInvoke(id, {
        tag: 'err',
        val: {
          kind: 'too-many',
          message: `The call of '${identifier}' would be number ${this.#pending.size + 1} of the page's functions that are pending; a guest can have ${MAX_PENDING_CALLS} at most.`,
        },
      });
      return;
    }
    /** @type {PageCall} */
    const call = { controller: undefined };
    this.#pending.set(id, call);
    let own = true;
    try {
      const args = this.#argsOf(message);
      own = false;
      const value = find(this.#objects, target, identifier, operation)(call, args);
      if (!isThenable(value)) {
        this.#end(id, call, value, identifier, want);
        return;
      }
      Promise.resolve(value).then(
        (result) => this.#end(id, call, result, identifier, want),
        (thrown) => this.#fail(id, call, failureOf(thrown, false)),
      );
    } catch (thrown) {
      this.#fail(id, call, failureOf(thrown, own));
    }
  }

  /**
   * The guest gives a call up. Never throws.
   *
   * @param {bigint} id
   */
  cancel(id) {
    const call = this.#pending.get(id);
    if (call) this.#fail(id, call, { kind: 'cancelled', message: 'The call was cancelled by the guest.' });
  }

  /**
   * Reads bytes of an object of the page. Never throws.
   *
   * @param {bigint} id
   * @param {number} target
   * @param {number} offset
   * @param {number} length
   */
  readStream(id, target, offset, length) {
    if (this.#reads >= MAX_OPEN_STREAMS) {
      const error = new DotNetError(
        'too-many',
        `This would be stream number ${this.#reads + 1} of the page that is being read; a guest can read ${MAX_OPEN_STREAMS} at most at the same time.`,
      );
      this.#tell.endRead(id, () => ({ tag: 'err', val: failureOf(error, true) }));
      return;
    }
    this.#reads++;
    const end = (/** @type {() => Uint8Array} */ piece) =>
      this.#tell.endRead(id, () => {
        this.#reads--;
        try {
          return { tag: 'ok', val: piece() };
        } catch (thrown) {
          return { tag: 'err', val: failureOf(thrown, true) };
        }
      });
    const source = this.#side.pageObject(target);
    if (source instanceof Blob) {
      const part = source.slice(offset, offset + length).arrayBuffer();
      part.then(
        (buffer) => end(() => whole(new Uint8Array(buffer), length)),
        (thrown) =>
          end(() => {
            throw thrown;
          }),
      );
    } else {
      // The bytes are those of the moment in which they are delivered, and are not copied before.
      end(() => {
        if (!source) throw noSuchObject(target);
        if (ArrayBuffer.isView(source)) return bytesOf(source, offset, length);
        if (source instanceof ArrayBuffer) return bytesOf(new Uint8Array(source), offset, length);
        throw new DotNetError('js-failed', `Supplied value is not a typed array or blob, but ${describeValue(source)}.`);
      });
    }
  }

  /**
   * The guest is gone: what it has asked for is aborted, and nobody is told.
   *
   * @param {CallError} reason
   */
  abort(reason) {
    this.#reads = 0;
    const calls = [...this.#pending.values()];
    this.#pending.clear();
    for (const { controller } of calls) controller?.abort(new DotNetError(reason.kind, reason.message));
  }

  /**
   * @param {Message} message
   * @returns {any[]}
   */
  #argsOf({ json, bytes }) {
    return json === '[]' ? [] : read(json, this.#side, (index) => bytes[index], undefined, checkArguments);
  }

  /**
   * @param {any} value
   * @param {string} identifier
   * @param {ResultType} want
   * @returns {Written}
   */
  #resultOf(value, identifier, want) {
    if (want === 'nothing') return written('null');
    if (want === 'json') return write(value, this.#side, `The result of '${identifier}'`);
    const asStream = want === 'stream';
    if (!asStream && (value === null || value === undefined)) return written(JSON.stringify(NULL_REFERENCE));
    const entry = this.#side.pageObjects.give(value, asStream);
    return written(JSON.stringify(placeholderOf(entry, asStream)), [entry]);
  }

  /**
   * @param {bigint} id
   * @param {PageCall} call
   * @param {any} value
   * @param {string} identifier
   * @param {ResultType} want
   */
  #end(id, call, value, identifier, want) {
    // A call that was cancelled has ended, and its result gives nothing to anybody.
    if (this.#pending.get(id) !== call) return;
    try {
      const message = this.#resultOf(value, identifier, want);
      if (this.#pending.get(id) === call) {
        this.#pending.delete(id);
        this.#tell.endInvoke(id, { tag: 'ok', val: message });
      } else {
        // Writing runs code of the page, which has ended the call.
        this.#side.pageObjects.withdraw(message.granted);
      }
    } catch (thrown) {
      this.#fail(id, call, failureOf(thrown, true));
    }
  }

  /**
   * @param {bigint} id
   * @param {PageCall} call
   * @param {CallError} failure
   */
  #fail(id, call, failure) {
    if (this.#pending.get(id) !== call) return;
    this.#pending.delete(id);
    this.#tell.endInvoke(id, { tag: 'err', val: failure });
    if (failure.kind === 'cancelled') call.controller?.abort(new DotNetError(failure.kind, failure.message));
  }
}

/** @param {unknown} args */
function checkArguments(args) {
  if (!Array.isArray(args)) throw new DotNetError('protocol', `The arguments must be a JSON array, not ${describeValue(args)}.`);
  if (args.length > MAX_ARGUMENTS) {
    throw new DotNetError('too-many', `The call has ${args.length} arguments; a call can have ${MAX_ARGUMENTS} at most.`);
  }
}

/**
 * @param {string} json
 * @param {PageObject[]} [granted]
 * @returns {Written}
 */
function written(json, granted) {
  return { json, bytes: [], granted };
}

/**
 * @param {Uint8Array} bytes
 * @param {number} length
 */
function whole(bytes, length) {
  if (bytes.length === length) return bytes;
  throw new DotNetError('js-failed', `The blob has ${bytes.length} of the ${length} bytes that were asked for.`);
}

/** What is wrong with the call itself, and not with what the page does. */
const OWN_KINDS = ['protocol', 'too-many', 'unsupported'];

/**
 * What the guest is told of something that was thrown.
 *
 * @param {any} thrown
 * @param {boolean} own whether it was thrown by this package, and not by functions of the page
 * @returns {CallError}
 */
function failureOf(thrown, own) {
  const kind = own && thrown instanceof DotNetError && OWN_KINDS.includes(thrown.kind) ? thrown.kind : 'js-failed';
  return { kind, ...textOf(thrown) };
}

/**
 * The text of whatever was thrown, as Blazor has it: what is no error is made a string.
 *
 * @param {any} thrown
 * @returns {{ message: string, detail: string | undefined }}
 */
export function textOf(thrown) {
  try {
    if (thrown instanceof Error) return { message: String(thrown.message), detail: thrown.stack && String(thrown.stack) };
    return { message: thrown ? String(thrown) : 'null', detail: undefined };
  } catch {
    return { message: messageOf(thrown), detail: undefined };
  }
}
