/**
 * `DotNetError`, the one error type of this package, and its kinds.
 *
 * @module
 */

/** @import { CallError, ErrorKind } from './wire/contract.js' */

/**
 * What a `DotNetError` may have beside its kind and message.
 *
 * @typedef {object} ErrorContext
 * @property {string} [assembly] The assembly that was called, if the call was static.
 * @property {string} [method] The id of the method that was called.
 * @property {string} [detail] More for developers, such as a stack.
 * @property {unknown} [cause] The error behind this one.
 */

/** A call that failed, or a guest that could not be started. */
export class DotNetError extends Error {
  /**
   * @param {ErrorKind} kind
   * @param {string} message
   * @param {ErrorContext} [context]
   */
  constructor(kind, message, context = {}) {
    super(message, context);

    /** What went wrong, for programs. */
    this.kind = kind;

    /** The assembly that was called; `undefined` if the call named an object, or if there was no call. */
    this.assembly = context.assembly;

    /** The id of the method that was called; `undefined` if there was no call. */
    this.method = context.method;

    /** More for developers, such as a stack or a cause. The other side may withhold it. */
    this.detail = context.detail;
  }
}

// On the prototype, as with the language's own errors, so that it is not printed with each error.
Object.defineProperty(DotNetError.prototype, 'name', { value: 'DotNetError', writable: true, configurable: true });

/**
 * Returns the error for a call that failed.
 *
 * @param {CallError} failure
 * @param {{ assembly?: string, method?: string }} [called]
 */
export function errorOf({ kind, message, detail }, called) {
  return new DotNetError(kind, message, { ...called, detail });
}

/**
 * Returns the error for what is larger than there is room for.
 *
 * @param {string} message which names both sizes
 * @param {unknown} [cause]
 */
export function tooLarge(message, cause) {
  return new DotNetError('too-large', message, { cause });
}

/**
 * Returns the error for something that a call cannot be made with.
 *
 * @param {string} message
 * @param {unknown} [cause]
 */
export function badArguments(message, cause) {
  return new DotNetError('bad-arguments', message, { cause });
}

/**
 * Returns the error for something that the page cannot do for a guest.
 *
 * @param {string} message
 */
export function jsFailed(message) {
  return new DotNetError('js-failed', message);
}

/**
 * Whether an error of kind `too-large` was thrown.
 *
 * @param {unknown} thrown
 * @returns {thrown is DotNetError}
 */
export function isTooLarge(thrown) {
  return thrown instanceof DotNetError && thrown.kind === 'too-large';
}

/** The messages of V8, Firefox and Safari for a text that is longer than they can hold. */
const TOO_LONG = ['Invalid string length', 'allocation size overflow', 'Out of memory'];

/**
 * Whether an engine has thrown that a text is longer than it can hold. This uses no regular expressions, which need more of a stack that
 * may be full.
 *
 * @param {any} thrown
 */
export function isTextTooLong(thrown) {
  return thrown?.code === 'ERR_STRING_TOO_LONG' || TOO_LONG.includes(messageOf(thrown));
}

/**
 * Describes a value for an error message, in few words and without running code of the value.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function describeValue(value) {
  switch (typeof value) {
    case 'string':
      return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
    case 'object':
      return value === null ? 'null' : isArray(value) ? 'an array' : 'an object';
    case 'function':
      return 'a function';
    case 'bigint':
      return `${value}n`;
    default:
      return String(value);
  }
}

/**
 * Whether a name is empty or white space.
 *
 * @param {string} name
 */
export function isBlank(name) {
  const first = name.charCodeAt(0);
  // Trimming costs more than all other checks of a call.
  return !(first > 0x20 && first < 0x7f) && name.trim() === '';
}

/** @param {unknown} value */
function isArray(value) {
  try {
    return Array.isArray(value);
  } catch {
    // A revoked proxy.
    return false;
  }
}

/**
 * Returns the message of a value that was thrown.
 *
 * @param {unknown} thrown
 * @returns {string}
 */
export function messageOf(thrown) {
  try {
    // Errors of any realm have one.
    const message = /** @type {any} */ (thrown)?.message;
    if (typeof message === 'string') return message;
  } catch {
    // A revoked proxy, or a getter that throws.
  }
  return describeValue(thrown);
}
