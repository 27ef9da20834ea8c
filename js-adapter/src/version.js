/**
 * The contract that this adapter speaks.
 *
 * @module
 */

/** The version of `dotwit:interop`. */
export const VERSION = '0.1.0';

/** The contract, as a transpiled folder names it. */
export const CONTRACT = `dotwit:interop@${VERSION}`;
