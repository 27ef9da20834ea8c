/**
 * `DotNet`, the object that a page calls: what Blazor's pages know under that name.
 *
 * @module
 */

import { checkOptions } from './cancel.js';
import { DotNetObject } from './dotnet-object.js';
import { attachDispatcher, findJSFunction } from './foreign.js';
import { liveReferences } from './live.js';
import { JSCallResultType, JSCallType, findObjectMember } from './members.js';
import { currentSignal } from './page-calls.js';
import {
  createJSObjectReference,
  createJSStreamReference,
  disposeJSObjectReference,
  disposeJSObjectReferenceById,
} from './page-objects.js';
import { dispatcherOf } from './registry.js';
import { attachReviver } from './wire.js';

/** @import { CallOptions } from './cancel.js' */

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
  return begin(assembly, method, args);
}

/**
 * `invokeMethodAsync` for calls that can be cancelled or time out.
 *
 * @param {CallOptions} options
 * @returns {{ invokeMethodAsync: <T = any>(assembly: string, method: string, ...args: unknown[]) => Promise<T> }}
 * @throws {import('./error.js').DotNetError} when the options are none
 */
function withOptions(options) {
  const checked = checkOptions(options);
  return { invokeMethodAsync: (assembly, method, ...args) => begin(assembly, method, args, checked) };
}

/**
 * @param {string} assembly
 * @param {string} method
 * @param {unknown[]} args
 * @param {CallOptions} [options]
 * @returns {Promise<any>}
 */
function begin(assembly, method, args, options) {
  // Not an async function, which would make a second promise around this one.
  try {
    return dispatcherOf(assembly, method).invokeDotNetMethodAsync(assembly, method, null, args, undefined, options);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Calls the guests of this page by name. `start()` makes it a global too, for plain scripts, where there is no other. */
export const DotNet = {
  JSCallType,
  JSCallResultType,
  DotNetObject,
  attachDispatcher,
  attachReviver,
  createJSObjectReference,
  createJSStreamReference,
  currentSignal,
  disposeJSObjectReference,
  disposeJSObjectReferenceById,
  findJSFunction,
  findObjectMember,
  invokeMethod,
  invokeMethodAsync,
  liveReferences,
  with: withOptions,
};
