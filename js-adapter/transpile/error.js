/**
 * `TranspileError`: what the user of `dotwit-transpile` can put right.
 *
 * @module
 */

/** A guest that cannot be transpiled, or a folder that cannot be written; the message is one sentence for the user. */
export class TranspileError extends Error {}

TranspileError.prototype.name = 'TranspileError';
