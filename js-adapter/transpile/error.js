/**
 * `TranspileError`, for what the user of `dotwit-transpile` can put right.
 *
 * @module
 */

/** A guest that cannot be transpiled, or a folder that cannot be written; the message is one sentence for the user. */
export class TranspileError extends Error {}

TranspileError.prototype.name = 'TranspileError';

/**
 * Returns the last line of an error, in which the tools of WebAssembly say what is wrong and where.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function reasonOf(error) {
  const lines = (error instanceof Error ? error.message : String(error)).trim().split('\n');
  return lines[lines.length - 1].replace(/\.$/, '');
}
