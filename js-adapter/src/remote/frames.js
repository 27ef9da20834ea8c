/**
 * The frames by which a page and a guest that runs elsewhere talk: `[name, ...fields]`. A frame stands for one call of a function of
 * `Binding` or `Page`, under the name of that function; a few more begin and end a connection.
 *
 * Neither side trusts the other: a frame is checked in full before anything is done with it.
 *
 * @module
 */

import { ERROR_KINDS, OPERATIONS, RESULT_TYPES } from '../wire/contract.js';

/** @typedef {[name: string, ...fields: any[]]} Frame */

/** @typedef {(value: any) => boolean} Check */

/** @type {Check} An id or a size. */
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
/** @type {Check} */
const isBytes = (value) => value instanceof Uint8Array;
/** @type {Check} The number that a guest has given to a call. */
const isGuestCall = (value) => typeof value === 'bigint';
/** @type {Check} */
const isString = (value) => typeof value === 'string';
/** @type {Check} */
const isObject = (value) => typeof value === 'object' && value !== null;
/** @type {(isValid: Check) => Check} */
const optional = (isValid) => (value) => value === undefined || isValid(value);
/** @type {(isValid: Check) => Check} */
const listOf = (isValid) => (value) => Array.isArray(value) && value.every(isValid);
/** @type {(cases: readonly string[]) => Check} */
const oneOf = (cases) => (value) => cases.includes(value);

/** @type {Check} */
const isError = (value) => isObject(value) && oneOf(ERROR_KINDS)(value.kind) && isString(value.message) && optional(isString)(value.detail);
/** @type {Check} */
const isMessage = (value) => isObject(value) && isString(value.json) && listOf(isBytes)(value.bytes) && optional(isError)(value.failure);
/** @type {(isValid: Check) => Check} */
const outcomeOf = (isValid) => (value) => isObject(value) && (value.tag === 'ok' ? isValid(value.val) : value.tag === 'err' && isError(value.val));
/** @type {Check} */
const isTarget = (value) => isObject(value) && (value.tag === 'object' ? isCount(value.val) : value.tag === 'assembly' && isString(value.val));
/** @type {Check} */
const isMethod = (value) => isObject(value) && isString(value.id) && Array.isArray(value.parameters);
/** @type {Check} */
const isType = (value) => isObject(value) && isString(value.name) && listOf(isMethod)(value.methods);
/** @type {Check} */
const isAssembly = (value) => isType(value) && listOf(isType)(value.types);

/** @type {Record<string, Check[]>} The frames from the page to the guest, with the checks of their fields. */
export const TO_GUEST = {
  beginInvoke: [isCount, isTarget, isString, isMessage],
  cancelInvoke: [isCount],
  endInvokeJs: [isGuestCall, outcomeOf(isMessage)],
  release: [isCount],
  forget: [isCount, isCount],
  read: [isCount, isCount, isCount],
  close: [isCount],
  endReadJs: [isGuestCall, outcomeOf(isBytes)],
  /** The page ends the guest. */
  stop: [],
};

/** @type {Record<string, Check[]>} The frames from the guest to the page, with the checks of their fields. */
export const TO_PAGE = {
  /** The guest is being loaded. Repeated until it has started. */
  loading: [],
  /** The guest runs: how its functions are called, and what it offers. */
  started: [oneOf(['direct', 'wrapper']), listOf(isAssembly)],
  /** How many objects of the guest the page can name. Sent when that has changed. */
  live: [isCount],
  /** The guest is about to be entered, and is off the stack again. Sent only when the page asks for it. */
  entered: [],
  left: [],
  beginInvokeJs: [isGuestCall, Number.isSafeInteger, isString, oneOf(OPERATIONS), oneOf(RESULT_TYPES), isMessage],
  cancelInvokeJs: [isGuestCall],
  releaseJs: [Number.isSafeInteger],
  readJsStream: [isGuestCall, Number.isSafeInteger, isCount, isCount],
  endInvoke: [isCount, outcomeOf(isMessage)],
  endRead: [isCount, outcomeOf(isBytes)],
  /** The guest is gone, or could not be started. */
  end: [isError],
};

/**
 * Whether a value that came in is a frame of a table.
 *
 * @param {Record<string, Check[]>} table
 * @param {any} value
 * @returns {value is Frame}
 */
export function isFrame(table, value) {
  if (!Array.isArray(value) || !isString(value[0]) || !Object.hasOwn(table, value[0])) return false;
  const checks = table[value[0]];
  return value.length === checks.length + 1 && checks.every((isValid, index) => isValid(value[index + 1]));
}
