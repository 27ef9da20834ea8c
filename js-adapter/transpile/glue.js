/**
 * jco's part: the core modules of a component, and the JavaScript that joins them.
 *
 * @module
 */

import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { TranspileError, reasonOf } from './error.js';

/**
 * jco's log for its own developers, which asks Node for its environment at every step of every call: half of what a call of
 * WASI costs there.
 */
const DEBUG_LOG = /_debugLog=\(\.\.\.\w+\)=>\{globalThis\?\.process\?\.env\?\.JCO_DEBUG&&console\.debug\(\.\.\.\w+\)\}/;

/**
 * What jco made of a component.
 *
 * @typedef {object} Glue
 * @property {Record<string, Uint8Array>} files
 * @property {string[]} imports The interfaces that the component imports, without their versions.
 */

/**
 * Has jco transpile a component.
 *
 * @param {Uint8Array} component
 * @param {string} file its name, for the error
 * @returns {Promise<Glue>}
 */
export async function glueOf(component, file) {
  try {
    const { files, imports } = await transpileBytes(component, {
      // One name for every guest: the folder's files are known, whatever the component is called.
      name: 'guest',
      // Imports are given at run time, and core modules are loaded by the folder's own entry.
      instantiation: 'async',
      nodejsCompat: false,
      // The adapter tells the error of a call, which is thrown as it is, from a trap, which is an Error.
      noComponentErrorWrapping: true,
      // Half the size for a page to load.
      minify: true,
    });
    const glue = new TextDecoder().decode(files['guest.js']);
    return { files: { ...files, 'guest.js': new TextEncoder().encode(glue.replace(DEBUG_LOG, '_debugLog=()=>{}')) }, imports };
  } catch (error) {
    throw new TranspileError(`jco cannot transpile '${file}': ${reasonOf(error)}.`);
  }
}
