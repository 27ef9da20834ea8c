/**
 * Opens guests in this thread. Loaded with the first one.
 *
 * @module
 */

import { checkOptions } from '../start-options.js';
import { bind } from './bind.js';
import { loadGuest } from './load.js';

/** @import { Open } from '../guest/binding.js' */
/** @import { StartOptions } from '../start-options.js' */

/**
 * Loads a guest that is to run in this thread.
 *
 * @param {StartOptions} options
 * @param {string} caller the function that has the options, for errors
 * @param {boolean} [allowsWorker] whether the function has options for workers
 * @returns {Promise<Open>} what instantiates it
 * @throws {import('../error.js').DotNetError}
 */
export async function prepare(options, caller, allowsWorker) {
  const { component, binding, imports } = checkOptions(options, caller, allowsWorker);
  const module = await loadGuest(/** @type {any} */ (component));
  return (page) => bind(module, page, binding, imports);
}
