/**
 * What a guest is told of a failure of the page.
 *
 * @module
 */

import { DotNetError, messageOf } from '../error.js';

/** @import { CallError } from '../wire/contract.js' */

/** The kinds of what is wrong with the call itself, and not with a function of the page. */
const INTERNAL_KINDS = ['protocol', 'too-large', 'too-many', 'unsupported'];

/** Longer texts tell developers nothing more, and could end the guest that gets them. */
const MAX_TEXT = 64 * 1024;

/** How many causes of an error are told. */
const MAX_CAUSES = 8;

/**
 * Returns what the guest is told of a value that was thrown.
 *
 * @param {any} thrown
 * @param {boolean} isInternal whether this package has thrown it, and not a function of the page
 * @returns {CallError}
 */
export function failureOf(thrown, isInternal) {
  const kind = isInternal && thrown instanceof DotNetError && INTERNAL_KINDS.includes(thrown.kind) ? thrown.kind : 'js-failed';
  return { kind, ...textOf(thrown) };
}

/**
 * Returns the text of a value that was thrown. One with a message is an error, of any realm and class; any other becomes a string, as
 * in Blazor.
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
 * Describes an error to developers: its name and its message, with which the stacks of some engines begin, and its stack.
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
  // An error of a class without a name is known by its code, if at all.
  if (!name) return stack ?? (typeof code === 'number' || typeof code === 'string' ? `code ${code}: ${message}` : '');
  const head = message ? `${name}: ${message}` : name;
  if (!stack) return head;
  return stack.startsWith(head) ? stack : `${head}\n${stack}`;
}

/**
 * Returns the errors behind an error: its causes, and those that it aggregates.
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
 * Returns a property of a value that was thrown. Reading it may throw.
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
