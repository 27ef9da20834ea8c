/**
 * Attached dispatchers: hosts of the shape that Blazor's own have, which a page gives to `DotNet.attachDispatcher`.
 *
 * As in Blazor, nothing detaches a dispatcher, and a stream that a host supplies stays until the page asks for it.
 *
 * @module
 */

import { cancelAfter } from '../call-options.js';
import { DotNetStream } from '../proxy/dotnet-stream.js';
import { DotNetError, badArguments, describeValue } from '../error.js';
import { textOf } from '../page/failure.js';
import { pageObject, referenced } from '../page/objects.js';
import { addDispatcher } from '../registry.js';
import { read } from '../wire/read.js';
import { write } from '../wire/write.js';
import { findJSFunction, resultAs } from './js-functions.js';

/** @import { CallOptions } from '../call-options.js' */
/** @import { ObjectOwner } from '../proxy/dotnet-object.js' */
/** @import { MessageContext } from '../wire/context.js' */

/**
 * What a host implements to be called: Blazor's `DotNetCallDispatcher`.
 *
 * @typedef {object} DotNetCallDispatcher
 * @property {(assembly: string | null, method: string, object: number | null, argsJson: string) => string | null}
 *   [invokeDotNetFromJS] Answers a call at once; absent in hosts that cannot.
 * @property {(callId: number, assembly: string | null, method: string, object: number | null, argsJson: string) => void}
 *   beginInvokeDotNetFromJS Begins a call that ends with `endInvokeDotNetFromJS`.
 * @property {(callId: number, succeeded: boolean, resultOrError: any) => void} endInvokeJSFromDotNet Takes the end of a
 *   call that the host has made to the page.
 * @property {(index: number, data: Uint8Array) => void} sendByteArray Takes a byte array of the call that follows.
 */

/**
 * Attaches a host. As long as it is the only one, it gets the static calls whose assembly no guest has.
 *
 * @param {DotNetCallDispatcher} host
 * @returns {AttachedDispatcher} for the host to call, and for calls of this host alone
 */
export function attachDispatcher(host) {
  if (typeof host?.beginInvokeDotNetFromJS !== 'function') {
    throw badArguments(`A dispatcher is an object with a function beginInvokeDotNetFromJS, not ${describeValue(host)} without it.`);
  }
  const dispatcher = new AttachedDispatcher(host);
  addDispatcher(dispatcher);
  return dispatcher;
}

/**
 * One attached host: Blazor's `ICallDispatcher`.
 *
 * @implements {ObjectOwner}
 */
export class AttachedDispatcher {
  #host;

  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: unknown) => void, disarm?: () => void, assembly?: string, method: string }>} */
  #pending = new Map();
  #lastCall = 0;

  /** @type {Map<number, Uint8Array>} Byte arrays of the message that follows. */
  #received = new Map();

  /** @type {Map<number, PendingStream>} Streams that were supplied and not asked for yet, or asked for and not supplied. */
  #streams = new Map();

  /** @type {MessageContext} */
  #side;

  /** @param {DotNetCallDispatcher} host */
  constructor(host) {
    this.#host = host;
    this.#side = {
      owner: this,
      // Blazor has neither.
      numbers: false,
      pageObject,
      resolveReference: referenced,
      check: () => {},
      // Such a host gives nothing back; the page disposes of it.
      retain: (entries) => {
        for (const entry of entries) entry.shared = true;
      },
      stream: (id, contentType) => new DotNetStream(() => this.getDotNetStreamPromise(id), contentType),
      receive: () => {},
      release: () => {},
    };
  }

  /** @returns {DotNetCallDispatcher} the object that was attached */
  getDotNetCallDispatcher() {
    return this.#host;
  }

  /**
   * Calls a static method of this host and returns its result at once.
   *
   * @template [T=unknown]
   * @param {string} assembly
   * @param {string} method
   * @param {...unknown} args
   * @returns {T}
   * @throws {DotNetError}
   */
  invokeDotNetStaticMethod(assembly, method, ...args) {
    return this.invokeDotNetMethod(assembly, method, null, args);
  }

  /**
   * Calls a static method of this host. The promise rejects, whatever goes wrong.
   *
   * @template [T=unknown]
   * @param {string} assembly
   * @param {string} method
   * @param {...unknown} args
   * @returns {Promise<T>}
   */
  invokeDotNetStaticMethodAsync(assembly, method, ...args) {
    return this.invokeDotNetMethodAsync(assembly, method, null, args);
  }

  /**
   * Calls a static method, or a method of an object, and returns its result at once.
   *
   * @param {string | null} assembly
   * @param {string} method
   * @param {number | null} object
   * @param {unknown[] | null | undefined} args
   * @returns {any}
   * @throws {DotNetError}
   */
  invokeDotNetMethod(assembly, method, object, args) {
    if (!this.#host.invokeDotNetFromJS) {
      throw new DotNetError(
        'unsupported',
        `This dispatcher cannot answer '${method}' at once: it has no synchronous calls. Use invokeMethodAsync.`,
        { assembly: assembly ?? undefined, method },
      );
    }
    const json = this.#write(args ?? null, 'The arguments');
    const result = this.#host.invokeDotNetFromJS(assembly, method, object, json);
    return result ? this.#read(result) : null;
  }

  /**
   * Calls a static method, or a method of an object. The promise rejects, whatever goes wrong.
   *
   * @param {string | null} assembly
   * @param {string} method
   * @param {number | null} object
   * @param {unknown[] | null | undefined} args
   * @param {object} [_keep]
   * @param {CallOptions} [options]
   * @returns {Promise<any>}
   */
  invokeDotNetMethodAsync(assembly, method, object, args, _keep, options) {
    return new Promise((resolve, reject) => {
      // A throw in here rejects the promise.
      if (assembly && object) {
        throw new DotNetError(
          'bad-arguments',
          `The call of '${method}' names both the assembly '${assembly}' and object ${object}; a call names one of them.`,
          { assembly, method },
        );
      }
      const called = { assembly: assembly ?? undefined, method };
      // The host cannot be told; its answer finds the promise rejected.
      const disarm = options && cancelAfter(options, called, reject);
      const call = this.#lastCall + 1;
      try {
        const json = this.#write(args ?? null, 'The arguments');
        this.#lastCall = call;
        this.#pending.set(call, { resolve, reject, disarm, ...called });
        this.#host.beginInvokeDotNetFromJS(call, assembly, method, object, json);
      } catch (error) {
        disarm?.();
        this.#pending.delete(call);
        throw error;
      }
    });
  }

  /**
   * Ends a call that `beginInvokeDotNetFromJS` has begun.
   *
   * @param {string} callId
   * @param {boolean} succeeded
   * @param {string | null} resultOrError the result's JSON, where an empty one means null; or the text of the error
   * @throws {Error} when no such call is pending
   */
  endInvokeDotNetFromJS(callId, succeeded, resultOrError) {
    const call = Number.parseInt(callId, 10);
    const pending = this.#pending.get(call);
    if (!pending) throw new Error(`There is no pending call with id '${callId}'.`);
    this.#pending.delete(call);
    const { resolve, reject, disarm, assembly, method } = pending;
    disarm?.();
    if (!succeeded) {
      reject(new DotNetError('failed', String(resultOrError), { assembly, method }));
      return;
    }
    try {
      resolve(resultOrError ? this.#read(resultOrError) : null);
    } catch (error) {
      reject(error);
    }
  }

  /**
   * Uses a member of the page's objects for the host, and returns the result at once. Throws what goes wrong.
   *
   * @param {string} identifier
   * @param {string | null} argsJson
   * @param {number} resultType one of `JSCallResultType`
   * @param {number} targetInstanceId
   * @param {number} [callType] one of `JSCallType`
   * @returns {string | null} the result's JSON, where an empty one means null
   */
  invokeJSFromDotNet(identifier, argsJson, resultType, targetInstanceId, callType) {
    const result = resultAs(this.processJSCall(targetInstanceId, identifier, callType, argsJson), resultType);
    return result == null ? null : this.#write(result, 'The result');
  }

  /**
   * Uses a member of the page's objects for the host, and tells it the result. The promise never rejects.
   *
   * @param {number} asyncHandle falsy when the host does not want the result
   * @param {string} identifier
   * @param {string | null} argsJson
   * @param {number} resultType one of `JSCallResultType`
   * @param {number} targetInstanceId
   * @param {number} [callType] one of `JSCallType`
   * @returns {Promise<void>}
   */
  async beginInvokeJSFromDotNet(asyncHandle, identifier, argsJson, resultType, targetInstanceId, callType) {
    try {
      const value = this.processJSCall(targetInstanceId, identifier, callType, argsJson);
      if (!asyncHandle) return;
      const json = this.#write([asyncHandle, true, resultAs(await value, resultType)], 'The result');
      this.#host.endInvokeJSFromDotNet(asyncHandle, true, json);
    } catch (thrown) {
      if (!asyncHandle) return;
      const { message, detail } = textOf(thrown);
      const text = detail ? `${message}\n${detail}` : message;
      this.#host.endInvokeJSFromDotNet(asyncHandle, false, JSON.stringify([asyncHandle, false, text]));
    }
  }

  /**
   * Uses a member of the page's objects for the host, and returns what the member returns.
   *
   * @param {number} targetInstanceId
   * @param {string} identifier
   * @param {number | undefined} callType one of `JSCallType`
   * @param {string | null} argsJson
   * @returns {any}
   */
  processJSCall(targetInstanceId, identifier, callType, argsJson) {
    // The arguments are read first, because their byte arrays must be taken even where there is no such function.
    const args = argsJson ? this.#read(argsJson) : null;
    return findJSFunction(identifier, targetInstanceId, callType ?? undefined)(...(args ?? []));
  }

  /**
   * Takes a byte array of the message that follows.
   *
   * @param {number} id
   * @param {Uint8Array} data
   */
  receiveByteArray(id, data) {
    this.#received.set(id, data);
  }

  /**
   * Returns a byte array that has been received, once.
   *
   * @param {number} id
   * @returns {Uint8Array | null}
   */
  processByteArray(id) {
    const array = this.#received.get(id) ?? null;
    this.#received.delete(id);
    return array;
  }

  /**
   * Takes a stream of the host, which a message has named or will name.
   *
   * @param {number} streamId
   * @param {ReadableStream<Uint8Array>} stream
   */
  supplyDotNetStream(streamId, stream) {
    this.#meet(streamId).resolve(stream);
  }

  /**
   * Returns a stream of the host, which has been supplied or will be.
   *
   * @param {number} streamId
   * @returns {Promise<ReadableStream<Uint8Array>>}
   */
  getDotNetStreamPromise(streamId) {
    return this.#meet(streamId).promise;
  }

  /**
   * Returns the promise of a stream, for whichever comes first, the supply or the request, and then for the other.
   *
   * @param {number} streamId
   * @returns {PendingStream}
   */
  #meet(streamId) {
    let pending = this.#streams.get(streamId);
    if (pending) {
      this.#streams.delete(streamId);
    } else {
      pending = pendingStream();
      this.#streams.set(streamId, pending);
    }
    return pending;
  }

  /**
   * Releases an object with the call that Blazor reserves for that. Never fails; an error is only logged.
   *
   * @param {number} object
   */
  releaseObject(object) {
    this.invokeDotNetMethodAsync(null, '__Dispose', object, null).catch((error) => console.error(error));
  }

  /**
   * @param {unknown} value
   * @param {string} what
   * @returns {string}
   */
  #write(value, what) {
    const { json, bytes } = write(value, this.#side, what);
    bytes.forEach((array, index) => this.#host.sendByteArray(index, array));
    return json;
  }

  /** @param {string} json */
  #read(json) {
    // As in Blazor, an array that was not received, or is named a second time, is null.
    return read(json, this.#side, (id) => this.processByteArray(id));
  }
}

/**
 * @typedef {object} PendingStream
 * @property {Promise<ReadableStream<Uint8Array>>} promise
 * @property {(stream: ReadableStream<Uint8Array>) => void} resolve
 */

/** @returns {PendingStream} */
function pendingStream() {
  /** @type {any} */
  const pending = {};
  pending.promise = new Promise((resolve) => {
    pending.resolve = resolve;
  });
  return pending;
}
