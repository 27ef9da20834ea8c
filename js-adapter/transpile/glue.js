/**
 * jco's part: the core modules of a component, and the JavaScript that joins them.
 *
 * @module
 */

import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { TranspileError, reasonOf } from './error.js';

/**
 * Useless parts of jco's JavaScript, and their replacements.
 *
 * @type {[part: RegExp, replacement: string][]}
 */
const DEAD = [
  // A log for jco's developers, which reads Node's environment at each step of each call: half the cost of a call of WASI there.
  [/_debugLog=\(\.\.\.\w+\)=>\{globalThis\?\.process\?\.env\?\.JCO_DEBUG&&console\.debug\(\.\.\.\w+\)\}/, '_debugLog=()=>{}'],
  // A directive that no engine knows, and of which Rollup warns.
  [/^"use components";/, ''],
  // A loader of core modules for when none is given. It names no file, so bundlers would take the whole folder along.
  [/getCoreModule\|\|\(getCoreModule=(\w+)=>fetchCompile\(new URL\(`\.\/\$\{\1\}`,import\.meta\.url\)\)\);/, ''],
  [/fetchCompile=(\w+)=>fetch\(\1\)\.then\(WebAssembly\.compileStreaming\),/, ''],
];

/**
 * What jco makes of a component.
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
      // The error of a call is then thrown as it is, by which the adapter tells it from a trap, an Error.
      noComponentErrorWrapping: true,
      // Half the size for a page to load.
      minify: true,
    });
    const glue = DEAD.reduce((source, [part, replacement]) => source.replace(part, replacement), new TextDecoder().decode(files['guest.js']));
    return { files: { ...files, 'guest.js': new TextEncoder().encode(glue) }, imports };
  } catch (error) {
    throw new TranspileError(`jco cannot transpile '${file}': ${reasonOf(error)}.`);
  }
}
