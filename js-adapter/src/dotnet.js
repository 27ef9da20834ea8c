/**
 * `DotNet`, the object that pages call: the one that Blazor's pages have under that name.
 *
 * @module
 */

import { attachDispatcher } from './blazor/call-dispatcher.js';
import { findJSFunction } from './blazor/js-functions.js';
import { checkOptions } from './call-options.js';
import { liveReferences } from './live.js';
import { currentSignal } from './page/functions.js';
import { JSCallResultType, JSCallType, findObjectMember } from './page/members.js';
import {
  createJSObjectReference,
  createJSStreamReference,
  disposeJSObjectReference,
  disposeJSObjectReferenceById,
} from './page/objects.js';
import { DotNetObject } from './proxy/dotnet-object.js';
import { dispatcherOf, lastCircuit } from './registry.js';
import { attachReviver } from './wire/read.js';

/** @import { CallOptions } from './call-options.js' */

/**
 * Calls a static method of the guest that has the assembly, and returns its result at once: the value, or `null`.
 *
 * @template [T=unknown]
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
 * Calls a static method of the guest that has the assembly. The promise rejects, whatever goes wrong; nothing is thrown, not even when
 * no guest is running.
 *
 * @template [T=unknown]
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
 * @returns {{ invokeMethodAsync: <T = unknown>(assembly: string, method: string, ...args: unknown[]) => Promise<T> }}
 * @throws {import('./error.js').DotNetError} when the options are wrong
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
  // Not an async function, which would wrap this promise in another one.
  try {
    return dispatcherOf(assembly, method).invokeDotNetMethodAsync(assembly, method, null, args, undefined, options);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Calls the guests of this page by name. `start()` makes it a global, too, for plain scripts, unless there is another one. */
export const DotNet = {
  JSCallType,
  JSCallResultType,
  DotNetObject,
  attachDispatcher,
  attachReviver,
  /** The guest on a server that was started last: what pages of Blazor call by the global `Blazor`. */
  get circuit() {
    return lastCircuit();
  },
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
