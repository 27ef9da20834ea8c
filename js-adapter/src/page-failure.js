/**
 * What a guest is told of a failure of the page.
 *
 * @module
 */

import { DotNetError, messageOf } from './error.js';

/** @import { CallError, Outcome } from './contract.js' */

/** What is wrong with the call itself, and not with what the page does. */
const OWN_KINDS = ['protocol', 'too-large', 'too-many', 'unsupported'];

/**
 * What the guest is told of something that was thrown.
 *
 * @param {any} thrown
 * @param {boolean} own whether it was thrown by this package, and not by functions of the page
 * @returns {CallError}
 */
export function failureOf(thrown, own) {
  const kind = own && thrown instanceof DotNetError && OWN_KINDS.includes(thrown.kind) ? thrown.kind : 'js-failed';
  return { kind, ...textOf(thrown) };
}

/**
 * The text of whatever was thrown, as Blazor has it: what is no error is made a string.
 *
 * @param {any} thrown
 * @returns {{ message: string, detail: string | undefined }}
 */
export function textOf(thrown) {
  try {
    if (thrown instanceof Error) return { message: String(thrown.message), detail: thrown.stack && String(thrown.stack) };
    return { message: thrown ? String(thrown) : 'null', detail: undefined };
  } catch {
    return { message: messageOf(thrown), detail: undefined };
  }
}

/**
 * What a guest is told of bytes that it has asked for.
 *
 * @param {() => Uint8Array} piece
 * @returns {Outcome<Uint8Array>}
 */
export function outcomeOf(piece) {
  try {
    return { tag: 'ok', val: piece() };
  } catch (thrown) {
    return { tag: 'err', val: failureOf(thrown, true) };
  }
}
