/**
 * Looks at a file before anything is made of it, so that what is no guest is refused with what it is instead.
 *
 * @module
 */

import { readFile } from 'node:fs/promises';
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import { TranspileError, reasonOf } from './error.js';

/** The version of `dotwit:interop` that guests are made for. */
export const VERSION = '0.1.0';

/** What a guest exports, all of one version. */
const EXPORTS = ['invocation', 'references', 'streams', 'manifest'].map((name) => `dotwit:interop/${name}`);

/** The second half of a header says which of the two formats follows the magic of both. */
const MAGIC = Buffer.from('\0asm');
const CORE_MODULE = Buffer.from([1, 0, 0, 0]);
const COMPONENT = Buffer.from([0x0d, 0, 1, 0]);

/**
 * Reads a guest.
 *
 * @param {string} file
 * @returns {Promise<Uint8Array>}
 * @throws {TranspileError}
 */
export async function inspectGuest(file) {
  const bytes = await read(file);
  const refuse = (/** @type {string} */ what) => new TranspileError(`'${file}' ${what}`);
  if (bytes.length === 0) throw refuse('is empty; a component was expected.');
  if (!bytes.subarray(0, 4).equals(MAGIC)) throw refuse('is not WebAssembly; a component was expected.');
  const format = bytes.subarray(4, 8);
  if (format.equals(CORE_MODULE)) {
    throw refuse(
      'is a core WebAssembly module, not a component: build the guest for wasm32-wasip2, or make a component of it with `dotwit componentize`.',
    );
  }
  if (!format.equals(COMPONENT)) throw refuse('is WebAssembly of an unknown format; a component was expected.');

  let wit;
  try {
    wit = await componentWit(bytes);
  } catch (error) {
    throw refuse(`is a damaged component: ${reasonOf(error)}.`);
  }
  for (const name of EXPORTS) {
    const version = wit.match(new RegExp(`^\\s*export ${name}@(\\S+);`, 'm'))?.[1];
    if (version === undefined) {
      throw refuse(`is a component without the export ${name}@${VERSION}, so it is no guest of dotwit.`);
    }
    if (version !== VERSION) {
      throw refuse(`is a guest for ${name}@${version}; this version of dotwit needs ${name}@${VERSION}.`);
    }
  }
  const newWasi = wit.match(/^\s*import (wasi:\S+@(?!0\.2\.)\S+);/m)?.[1];
  if (newWasi) throw refuse(`imports ${newWasi}; guests can use WASI 0.2.`);
  return bytes;
}

/** @param {string} file */
async function read(file) {
  try {
    return await readFile(file);
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : code === 'EACCES' ? 'it may not be read' : message;
    throw new TranspileError(`Cannot read '${file}': ${reason}.`);
  }
}
