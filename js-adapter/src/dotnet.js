/**
 * `DotNet`, the object that a page calls: what Blazor's pages know under that name.
 *
 * @module
 */

import { DotNetObject } from './dotnet-object.js';
import { attachDispatcher } from './foreign.js';
import { dispatcherOf } from './registry.js';
import { attachReviver } from './wire.js';

/**
 * Calls a static method of the guest that has the assembly, and returns its result at once: the value, or `null`.
 *
 * @template [T=any]
 * @param {string} assembly
 * @param {string} method
 * @param {...unknown} args
 * @returns {T}
 * @throws {import('./error.js').DotNetError}
 */
function invokeMethod(assembly, method, ...args) {
  return dispatcherOf(assembly, method).invokeDotNetMethod(assembly, method, null, args);
}

/**
 * Calls a static method of the guest that has the assembly. Whatever goes wrong rejects the promise; nothing is thrown,
 * not even when no guest is running.
 *
 * @template [T=any]
 * @param {string} assembly
 * @param {string} method
 * @param {...unknown} args
 * @returns {Promise<T>}
 */
function invokeMethodAsync(assembly, method, ...args) {
  // Not an async function, which would make a second promise around this one.
  try {
    return dispatcherOf(assembly, method).invokeDotNetMethodAsync(assembly, method, null, args);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Calls the guests of this page by name. `start()` makes it a global too, for plain scripts, where there is no other. */
export const DotNet = { attachDispatcher, attachReviver, invokeMethod, invokeMethodAsync, DotNetObject };
