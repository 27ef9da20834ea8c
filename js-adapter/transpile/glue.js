/**
 * jco's part: the core modules of a component, and the JavaScript that joins them.
 *
 * @module
 */

import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { TranspileError, reasonOf } from './error.js';

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
    return await transpileBytes(component, {
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
  } catch (error) {
    throw new TranspileError(`jco cannot transpile '${file}': ${reasonOf(error)}.`);
  }
}
