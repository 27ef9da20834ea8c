/// <reference lib="esnext.disposable" preserve="true" />

/**
 * `DotNetObject`, the page's proxy for an object that a guest has handed out.
 *
 * @module
 */

import { DotNetError } from '../error.js';
import { checkOptions } from '../call-options.js';

/** @import { CallOptions } from '../call-options.js' */

/**
 * What a proxy needs of the side that its object lives on.
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
 * The side that a proxy's object lives on.
 *
 * @type {(object: DotNetObject) => ObjectOwner}
 */
export let ownerOf;

/**
 * Gives the id of a proxy's object.
 *
 * @type {(object: DotNetObject) => number}
 */
export let idOf;

/** @type {WeakMap<object, ObjectOwner>} Whom the object belongs to that a placeholder stands for. */
const placeholders = new WeakMap();

/**
 * The side that a placeholder's object lives on; nothing for what no proxy has made.
 *
 * @param {object} placeholder
 */
export function ownerOfPlaceholder(placeholder) {
  return placeholders.get(placeholder);
}

/**
 * An object of a guest. It lives there until `dispose()`, or until the page has lost sight of it for good.
 *
 * Two proxies may stand for one object: disposing either ends both.
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
   * Proxies come out of calls; a page has no need to make one.
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
   * @template [T=any]
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
   * Calls a method of the object. Whatever goes wrong rejects the promise.
   *
   * @template [T=any]
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
   * @returns {{ invokeMethodAsync: <T = any>(method: string, ...args: unknown[]) => Promise<T> }}
   * @throws {DotNetError} when the options are none
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
   * Gives the object up. Calls made before it are still delivered and answered; it never fails, and a second time does
   * nothing.
   */
  dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#owner.releaseObject(this.#id);
  }

  /** `using helper = …` disposes. */
  [Symbol.dispose]() {
    this.dispose();
  }

  /** A name as the platform's own objects have one: frameworks leave those alone that they cannot wrap. */
  get [Symbol.toStringTag]() {
    return 'DotNetObject';
  }

  /**
   * What stands for this object on the wire. A copy of it stands for nothing.
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

// An engine without explicit resource management has made a method named 'undefined' of that.
if (!Symbol.dispose) Reflect.deleteProperty(DotNetObject.prototype, 'undefined');
