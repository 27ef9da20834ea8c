/**
 * Looks at a file before it is transpiled, so that the error for a file that is not a guest says what the file is.
 *
 * @module
 */

import { readFile } from 'node:fs/promises';
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import { VERSION, isUnderstood } from '../src/version.js';
import { TranspileError, reasonOf } from './error.js';

/** What a guest exports. */
const INTERFACES = ['invocation', 'references', 'streams', 'manifest'];

/** A header is the magic of both formats, and then the version of one of them. */
const MAGIC = Buffer.from('\0asm');
const CORE_MODULE = Buffer.from([1, 0, 0, 0]);
const COMPONENT = Buffer.from([0x0d, 0, 1, 0]);

/**
 * Reads a guest.
 *
 * @param {string} file
 * @returns {Promise<{ bytes: Uint8Array, contract: string }>} what is in it, and the contract that it was built for
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
  const exported = [...wit.matchAll(/^ {2}export ([\w-]+:[^\s;]+|[\w-]+)/gm)].map(([, name]) => name);
  const [contract] = INTERFACES.map((name) => contractOf(`dotwit:interop/${name}`, exported, refuse));
  const newWasi = wit.match(/^\s*import (wasi:\S+@(?!0\.2\.)\S+);/m)?.[1];
  if (newWasi) throw refuse(`imports ${newWasi}; guests can use WASI 0.2.`);
  return { bytes, contract };
}

/**
 * Returns the contract that an interface of a guest belongs to, with its full version.
 *
 * @param {string} wanted
 * @param {string[]} exported
 * @param {(what: string) => TranspileError} refuse
 */
function contractOf(wanted, exported, refuse) {
  const version = exported.find((name) => name.startsWith(`${wanted}@`))?.slice(wanted.length + 1);
  if (version === undefined) {
    const exports = exported.length > 0 ? exported.join(', ') : 'nothing';
    throw refuse(`is a component that does not export ${wanted}@${VERSION}: it exports ${exports}. A guest says \`dotwit::export!\`.`);
  }
  const contract = `dotwit:interop@${version}`;
  if (!isUnderstood(contract)) {
    throw refuse(
      `exports ${wanted}@${version}, and this dotwit-transpile speaks version ${VERSION} of it: build the guest with the dotwit of this dotwit-transpile.`,
    );
  }
  return contract;
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
