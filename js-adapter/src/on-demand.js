/**
 * What is needed only to start guests, and is loaded with the first one. `static.js` brings it along.
 *
 * @module
 */

import { DotNetError, messageOf } from './error.js';

/** What is loaded on demand, by name. */
const loaders = {
  /** How a guest is called, wherever it runs. */
  guest: () => import('./guest/dispatcher.js'),
  /** How a guest in this thread is opened. */
  binding: () => import('./binding/open.js'),
  /** How a guest in a worker is opened. */
  worker: () => import('./worker/open.js'),
  /** How a guest on a server is opened, and stays reachable. */
  circuit: () => import('./circuit/open.js'),
};

/** @typedef {typeof loaders} Loaders */

/** @type {{ [name in keyof Loaders]?: Awaited<ReturnType<Loaders[name]>> }} */
const loaded = {};

/**
 * Takes modules from an entry that has imported them.
 *
 * @param {typeof loaded} modules
 */
export function provide(modules) {
  Object.assign(loaded, modules);
}

/**
 * Loads a module.
 *
 * @template {keyof Loaders} N
 * @param {N} name
 * @returns {Promise<Awaited<ReturnType<Loaders[N]>>>}
 * @throws {DotNetError}
 */
export async function loadPart(name) {
  try {
    return /** @type {any} */ (loaded[name] ??= /** @type {any} */ (await loaders[name]()));
  } catch (cause) {
    throw new DotNetError(
      'failed',
      `Cannot load dotwit's own ${name} modules: ${messageOf(cause)} (where import() is not allowed, import 'dotwit/static')`,
      { cause },
    );
  }
}
