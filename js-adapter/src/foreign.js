/**
 * Dispatchers that others attach: objects of the shape that Blazor's own hosts give to `DotNet.attachDispatcher`.
 *
 * @module
 */

import { DotNetError, describeValue } from './error.js';
import { addForeign } from './registry.js';
import { read, write } from './wire.js';

/** @import { ObjectOwner } from './dotnet-object.js' */

/**
 * What a host implements to be called: Blazor's `DotNetCallDispatcher`.
 *
 * @typedef {object} DotNetCallDispatcher
 * @property {(assembly: string | null, method: string, object: number | null, argsJson: string) => string | null}
 *   [invokeDotNetFromJS] Answers a call at once; a host that cannot has no such function.
 * @property {(callId: number, assembly: string | null, method: string, object: number | null, argsJson: string) => void}
 *   beginInvokeDotNetFromJS Begins a call that ends with `endInvokeDotNetFromJS`.
 * @property {(callId: number, succeeded: boolean, resultOrError: any) => void} endInvokeJSFromDotNet Takes the end of a
 *   call that the host has made to the page.
 * @property {(index: number, data: Uint8Array) => void} sendByteArray Takes a byte array of the call that follows.
 */

/**
 * Attaches a host. Static calls whose assembly no guest has go to it while it is the only one.
 *
 * @param {DotNetCallDispatcher} host
 * @returns {ForeignDispatcher} what the host calls, and what calls this host whatever the assembly
 */
export function attachDispatcher(host) {
  if (typeof host?.beginInvokeDotNetFromJS !== 'function') {
    throw new DotNetError(
      'bad-arguments',
      `A dispatcher is an object with a function beginInvokeDotNetFromJS, not ${describeValue(host)} without it.`,
    );
  }
  const dispatcher = new ForeignDispatcher(host);
  addForeign(dispatcher);
  return dispatcher;
}

/**
 * One attached host: Blazor's `ICallDispatcher`.
 *
 * @implements {ObjectOwner}
 */
export class ForeignDispatcher {
  #host;

  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: unknown) => void, assembly?: string, method: string }>} */
  #pending = new Map();
  #lastCall = 0;

  /** @type {Map<number, Uint8Array>} Byte arrays of the answer that follows them. */
  #received = new Map();

  /** @param {DotNetCallDispatcher} host */
  constructor(host) {
    this.#host = host;
  }

  /** @returns {DotNetCallDispatcher} the object that was attached */
  getDotNetCallDispatcher() {
    return this.#host;
  }

  /**
   * Calls a static method of this host and returns its result at once.
   *
   * @template [T=any]
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
   * Calls a static method of this host. Whatever goes wrong rejects the promise.
   *
   * @template [T=any]
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
    const json = this.#write(args);
    const result = this.#host.invokeDotNetFromJS(assembly, method, object, json);
    return result ? this.#read(result) : null;
  }

  /**
   * Calls a static method, or a method of an object. Whatever goes wrong rejects the promise.
   *
   * @param {string | null} assembly
   * @param {string} method
   * @param {number | null} object
   * @param {unknown[] | null | undefined} args
   * @returns {Promise<any>}
   */
  invokeDotNetMethodAsync(assembly, method, object, args) {
    return new Promise((resolve, reject) => {
      // A throw in here rejects the promise.
      if (assembly && object) {
        throw new DotNetError(
          'bad-arguments',
          `The call of '${method}' names both the assembly '${assembly}' and object ${object}; a call names one of them.`,
          { assembly, method },
        );
      }
      const json = this.#write(args);
      const call = ++this.#lastCall;
      this.#pending.set(call, { resolve, reject, assembly: assembly ?? undefined, method });
      try {
        this.#host.beginInvokeDotNetFromJS(call, assembly, method, object, json);
      } catch (error) {
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
   * @param {string | null} resultOrError the result's JSON, where nothing means null; or the text of the error
   * @throws {Error} when no such call is pending
   */
  endInvokeDotNetFromJS(callId, succeeded, resultOrError) {
    const call = Number.parseInt(callId, 10);
    const pending = this.#pending.get(call);
    if (!pending) throw new Error(`There is no pending call with id '${callId}'.`);
    this.#pending.delete(call);
    const { resolve, reject, assembly, method } = pending;
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
   * Takes a byte array of the answer that follows.
   *
   * @param {number} id
   * @param {Uint8Array} data
   */
  receiveByteArray(id, data) {
    this.#received.set(id, data);
  }

  /**
   * Gives an object up with the call that Blazor reserves for it. Never fails; an error is only logged.
   *
   * @param {number} object
   */
  releaseObject(object) {
    this.invokeDotNetMethodAsync(null, '__Dispose', object, null).catch((error) => console.error(error));
  }

  /**
   * @param {unknown[] | null | undefined} args
   * @returns {string}
   */
  #write(args) {
    const { json, bytes } = write(args, this);
    bytes.forEach((array, index) => this.#host.sendByteArray(index, array));
    return json;
  }

  /** @param {string} json */
  #read(json) {
    return read(json, this, (id) => {
      // An array is given out once; where it is named again there is null, as in Blazor.
      const array = this.#received.get(id) ?? null;
      this.#received.delete(id);
      return array;
    });
  }
}
