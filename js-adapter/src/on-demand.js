/**
 * Where `parts.js` comes from: loaded on demand, or by `static.js` with the package.
 *
 * @module
 */

import { DotNetError, messageOf } from './error.js';

/** @typedef {typeof import('./parts.js')} Parts */

/** @type {Parts | undefined} */
let parts;

/**
 * Takes the parts from a module that is there already.
 *
 * @param {Parts} module
 */
export function useParts(module) {
  parts = module;
}

/**
 * @returns {Promise<Parts>}
 * @throws {DotNetError}
 */
export async function loadParts() {
  try {
    return (parts ??= await import('./parts.js'));
  } catch (cause) {
    throw new DotNetError(
      'failed',
      `Cannot load dotwit's own parts.js: ${messageOf(cause)} (where import() is not allowed, import 'dotwit/static')`,
      { cause },
    );
  }
}
