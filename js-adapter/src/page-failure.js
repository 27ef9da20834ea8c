/**
 * What a guest is told of a failure of the page.
 *
 * @module
 */

import { DotNetError, messageOf } from './error.js';

/** @import { CallError, Outcome } from './contract.js' */

/** What is wrong with the call itself, and not with what the page does. */
const OWN_KINDS = ['protocol', 'too-large', 'too-many', 'unsupported'];

/** What is longer tells developers nothing more, and could end the guest that is told. */
const MAX_TEXT = 64 * 1024;

/** Errors behind errors that are told of. */
const MAX_CAUSES = 8;

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
 * The text of whatever was thrown: what has a message is an error, of whatever realm and class, and what has none is made a
 * string, as Blazor does.
 *
 * @param {any} thrown
 * @returns {{ message: string, detail: string | undefined }}
 */
export function textOf(thrown) {
  const message = textIn(thrown, 'message');
  if (message === undefined) return { message: short(stringOf(thrown)), detail: undefined };
  const detail = [describe(thrown, message), ...behind(thrown).map((cause) => `Caused by: ${describe(cause, textIn(cause, 'message'))}`)];
  return { message: short(message), detail: short(detail.filter(Boolean).join('\n')) || undefined };
}

/**
 * An error for developers: its name and its message, which the stacks of some engines begin with, and its stack.
 *
 * @param {unknown} error
 * @param {string | undefined} message
 * @returns {string}
 */
function describe(error, message) {
  if (message === undefined) return stringOf(error);
  const name = textIn(error, 'name');
  const stack = textIn(error, 'stack');
  const code = read(error, 'code');
  // What no class has named is known by its code, if at all.
  if (!name) return stack ?? (typeof code === 'number' || typeof code === 'string' ? `code ${code}: ${message}` : '');
  const head = message ? `${name}: ${message}` : name;
  if (!stack) return head;
  return stack.startsWith(head) ? stack : `${head}\n${stack}`;
}

/**
 * The errors behind an error: what has caused it, and what it aggregates.
 *
 * @param {unknown} error
 */
function behind(error) {
  const causes = [];
  for (let next = [error]; next.length > 0 && causes.length < MAX_CAUSES; ) {
    const found = next.flatMap((one) => [read(one, 'cause'), ...listIn(one, 'errors')]).filter((one) => one !== undefined);
    next = found.slice(0, MAX_CAUSES - causes.length);
    causes.push(...next);
  }
  return causes;
}

/**
 * A property of whatever was thrown, which may throw itself.
 *
 * @param {any} thrown
 * @param {string} name
 * @returns {unknown}
 */
function read(thrown, name) {
  try {
    return thrown?.[name];
  } catch {
    return undefined;
  }
}

/**
 * @param {unknown} thrown
 * @param {string} name
 */
function textIn(thrown, name) {
  const value = read(thrown, name);
  return typeof value === 'string' ? value : undefined;
}

/**
 * @param {unknown} thrown
 * @param {string} name
 * @returns {unknown[]}
 */
function listIn(thrown, name) {
  try {
    const value = /** @type {any} */ (thrown)?.[name];
    return Array.isArray(value) ? value.slice(0, MAX_CAUSES) : [];
  } catch {
    return [];
  }
}

/** @param {unknown} thrown */
function stringOf(thrown) {
  try {
    return thrown ? String(thrown) : 'null';
  } catch {
    return messageOf(thrown);
  }
}

/** @param {string} text */
function short(text) {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
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
