/**
 * `DotNetObject`, the page's proxy for an object that a guest has handed out.
 *
 * @module
 */

import { checkOptions } from '../call-options.js';
import { dispose } from '../dispose.js';
import { DotNetError } from '../error.js';

/** @import { CallOptions } from '../call-options.js' */

/**
 * What a proxy needs of the guest or host that has its object.
 *
 * @typedef {object} ObjectOwner
 * @property {(assembly: string | null, method: string, object: number | null, args: unknown[] | null) => any} invokeDotNetMethod
 * @property {(assembly: string | null, method: string, object: number | null, args: unknown[] | null, keep?: object,
 *   options?: CallOptions) => Promise<any>} invokeDotNetMethodAsync Keeps `keep` alive until the call has ended.
 * @property {(object: number) => void} releaseObject
 */

/**
 * Whether a value can be the id of an object.
 *
 * @param {unknown} id
 * @returns {id is number}
 */
export function isObjectId(id) {
  return Number.isSafeInteger(id) && /** @type {number} */ (id) > 0;
}

/**
 * Returns what a proxy's object belongs to.
 *
 * @type {(object: DotNetObject) => ObjectOwner}
 */
export let ownerOf;

/**
 * Returns the id of a proxy's object.
 *
 * @type {(object: DotNetObject) => number}
 */
export let idOf;

/** @type {WeakMap<object, ObjectOwner>} What the objects of placeholders belong to. */
const placeholders = new WeakMap();

/**
 * Returns what a placeholder's object belongs to; `undefined` for a placeholder that no proxy has made.
 *
 * @param {object} placeholder
 */
export function ownerOfPlaceholder(placeholder) {
  return placeholders.get(placeholder);
}

/**
 * An object of a guest. It lives there until `dispose()`, or until its proxies in the page have been collected.
 *
 * Two proxies may stand for one object: disposing of either ends both.
 */
export class DotNetObject {
  #id;
  #owner;
  #disposed = false;

  static {
    ownerOf = (object) => object.#owner;
    idOf = (object) => object.#id;
  }

  /**
   * Calls return proxies; a page has no need to make one.
   *
   * @param {number} id
   * @param {ObjectOwner} owner
   */
  constructor(id, owner) {
    this.#id = id;
    this.#owner = owner;
  }

  /**
   * Calls a method of the object and returns its result at once.
   *
   * @template [T=unknown]
   * @param {string} method
   * @param {...unknown} args
   * @returns {T}
   * @throws {DotNetError}
   */
  invokeMethod(method, ...args) {
    this.#checkLive(method);
    return this.#owner.invokeDotNetMethod(null, method, this.#id, args);
  }

  /**
   * Calls a method of the object. The promise rejects, whatever goes wrong.
   *
   * @template [T=unknown]
   * @param {string} method
   * @param {...unknown} args
   * @returns {Promise<T>}
   */
  invokeMethodAsync(method, ...args) {
    return this.#invoke(method, args);
  }

  /**
   * The object's `invokeMethodAsync` for calls that can be cancelled or time out.
   *
   * @param {CallOptions} options
   * @returns {{ invokeMethodAsync: <T = unknown>(method: string, ...args: unknown[]) => Promise<T> }}
   * @throws {DotNetError} when the options are wrong
   */
  with(options) {
    const checked = checkOptions(options);
    return { invokeMethodAsync: (method, ...args) => this.#invoke(method, args, checked) };
  }

  /**
   * @param {string} method
   * @param {unknown[]} args
   * @param {CallOptions} [options]
   * @returns {Promise<any>}
   */
  #invoke(method, args, options) {
    try {
      this.#checkLive(method);
      return this.#owner.invokeDotNetMethodAsync(null, method, this.#id, args, this, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Releases the object. Earlier calls are still delivered and answered. It never fails, and does nothing a second time.
   */
  dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#owner.releaseObject(this.#id);
  }

  /** `using helper = …` disposes of the object. */
  [dispose]() {
    this.dispose();
  }

  /** A name like those of the platform's own objects: frameworks do not wrap what has one. */
  get [Symbol.toStringTag]() {
    return 'DotNetObject';
  }

  /**
   * Returns the placeholder of this object. A copy of it stands for nothing.
   *
   * @returns {{ __dotNetObject: number }}
   */
  serializeAsArg() {
    const placeholder = { __dotNetObject: this.#id };
    placeholders.set(placeholder, this.#owner);
    return placeholder;
  }

  /** @returns {{ __dotNetObject: number }} */
  toJSON() {
    return this.serializeAsArg();
  }

  /** @param {string} method */
  #checkLive(method) {
    if (this.#disposed) {
      throw new DotNetError(
        'no-such-object',
        `There is no tracked object with id '${this.#id}' to call '${method}' on: this DotNetObject was already disposed.`,
        { method },
      );
    }
  }
}
