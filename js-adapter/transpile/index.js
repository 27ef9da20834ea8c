/**
 * Turns a guest into a folder that `start({ component })` loads, in Node and from any static server.
 *
 * @module
 */

import { isDirect } from './canon.js';
import { glueOf } from './glue.js';
import { entryOf } from './entry.js';
import { inspectGuest } from './inspect.js';
import { assertReplaceable, replaceFolder } from './folder.js';
import { bundleWasi } from './wasi.js';

export { TranspileError } from './error.js';

/**
 * A transpiled guest.
 *
 * @typedef {object} Transpiled
 * @property {string} folder Where it is.
 * @property {string[]} files The names of its files.
 * @property {string[]} missing Imports of the guest that neither WASI nor `start` provides.
 */

/**
 * Transpiles the guest in a file into a folder of its own.
 *
 * @param {string} file a component that exports `dotwit:interop`
 * @param {string} folder created, or replaced if an earlier call has made it
 * @returns {Promise<Transpiled>}
 * @throws {import('./error.js').TranspileError} when the file is not a guest, or the folder was not made by this function
 */
export async function transpile(file, folder) {
  const { bytes: component, contract } = await inspectGuest(file);
  await assertReplaceable(folder);
  const glue = await glueOf(component, file);
  const wasi = await bundleWasi(glue.imports);
  const files = { ...glue.files, 'wasi.js': wasi.source, ...entryOf(Object.keys(glue.files), contract, isDirect(component) ? 'direct' : 'wrapper') };
  await replaceFolder(folder, files);
  return { folder, files: Object.keys(files), missing: wasi.missing };
}
