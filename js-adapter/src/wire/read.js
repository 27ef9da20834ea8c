/**
 * Messages as values of the page: JSON in which placeholders are revived.
 *
 * `JSON.parse` is several times slower with a reviver, so a text is searched first for what may be a placeholder.
 *
 * @module
 */

import { DotNetError, badArguments, describeValue, messageOf } from '../error.js';
import { DotNetObject, isObjectId } from '../proxy/dotnet-object.js';
import { SHORTEST_TOO_DEEP, checkDepth } from './depth.js';
import { findInexact, inexactMessage, mayHaveInexact } from './integers.js';
import { noNumbers, numbersOf } from './numbers.js';
import { isPrimitive } from './values.js';

/** @import { DotNetStream } from '../proxy/dotnet-stream.js' */
/** @import { MessageContext } from './context.js' */
/** @import { Fail } from './depth.js' */

/**
 * Gets a value that came in, and its key, and returns that value or another one in its place.
 *
 * @typedef {(key: string, value: any) => any} Reviver
 */

/** @type {Reviver[]} */
const revivers = [];

/**
 * Adds a function that sees every value that comes in, after the placeholders have been revived and after the revivers
 * that were added before it.
 *
 * @param {Reviver} reviver
 */
export function attachReviver(reviver) {
  if (typeof reviver !== 'function') {
    throw badArguments(`A reviver is a function (key, value) => value, not ${describeValue(reviver)}.`);
  }
  revivers.push(reviver);
}

/**
 * Reads a value that came in.
 *
 * @param {string} json
 * @param {MessageContext} context
 * @param {(index: number) => Uint8Array | null | undefined} bytes returns the byte array with an index
 * @param {Fail} [fail]
 * @param {(value: any) => void} [check] throws when the value is not what it should be
 * @returns {any}
 * @throws {DotNetError} what `fail` makes; errors that a reviver of the page throws are passed on
 */
export function read(json, context, bytes, fail = protocolError, check) {
  // A reviver makes `parse` several times slower, so it is used only where there may be something to revive.
  const placeholders = mayHavePlaceholders(json);
  if (!placeholders && revivers.length === 0) {
    checkDepth(json, fail);
    checkIntegers(json, context, fail);
    const value = parse(json, fail);
    check?.(value);
    return value;
  }
  /** @type {{ thrown: unknown } | undefined} */
  let failure;
  /** @type {(DotNetObject | DotNetStream)[]} */
  const received = [];
  try {
    checkDepth(json, fail);
    checkIntegers(json, context, fail);
    const value = JSON.parse(json, (key, initial) => {
      let value = placeholders ? revive(initial, context, bytes, received, fail) : initial;
      for (const reviver of revivers) {
        try {
          value = reviver(key, value);
        } catch (thrown) {
          failure = { thrown };
          throw thrown;
        }
      }
      return value;
    });
    check?.(value);
    if (received.length > 0) context.receive(received);
    return value;
  } catch (thrown) {
    context.release(json);
    if (failure) throw failure.thrown;
    throw thrown instanceof DotNetError ? thrown : notJson(thrown, fail);
  }
}

/**
 * Reads a value in the quickest way, if it has nothing to revive or to check.
 *
 * @param {string} json
 * @returns {any} `undefined`, which no JSON text gives, when it takes `read`
 */
export function readPlain(json) {
  if (revivers.length > 0 || json.length >= SHORTEST_TOO_DEEP || mayHavePlaceholders(json) || mayHaveInexact(json)) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/**
 * Whether a JSON text may have placeholders: a key that begins with two underscores, escaped or not.
 *
 * @param {string} json
 */
export function mayHavePlaceholders(json) {
  const first = json.charCodeAt(0);
  // Numbers, strings and the like have no keys, and begin with neither a space nor a bracket nor a brace.
  if (first > 0x20 && first !== 0x5b && first !== 0x7b) return false;
  return json.includes('"__') || json.includes('\\u005');
}

/**
 * @param {string} json
 * @param {Fail} fail
 */
function parse(json, fail) {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw notJson(cause, fail);
  }
}

/**
 * @param {unknown} cause
 * @param {Fail} fail
 */
function notJson(cause, fail) {
  return fail(`The text is not JSON: ${messageOf(cause)}`, { cause });
}

/** @type {Fail} */
function protocolError(message, more) {
  return new DotNetError(more?.kind ?? 'protocol', message, more);
}

/**
 * @param {string} json
 * @param {MessageContext} context
 * @param {Fail} fail
 */
function checkIntegers(json, context, fail) {
  const inexact = context.numbers ? findInexact(json) : undefined;
  if (inexact !== undefined) throw fail(inexactMessage(inexact), { kind: 'too-large' });
}

/**
 * @param {any} value
 * @param {MessageContext} context
 * @param {(index: number) => Uint8Array | null | undefined} bytes
 * @param {(DotNetObject | DotNetStream)[]} received
 * @param {Fail} fail
 */
function revive(value, context, bytes, received, fail) {
  if (value === null || typeof value !== 'object') return value;
  if (Object.hasOwn(value, '__dotNetObject')) {
    const object = new DotNetObject(checkId(value.__dotNetObject, 'an object', fail), context.owner);
    received.push(object);
    return object;
  }
  if (Object.hasOwn(value, '__jsObjectId')) {
    const id = value.__jsObjectId;
    const object = context.pageObject(id);
    if (object) return object;
    const name = isPrimitive(id) ? id : describeValue(id);
    throw new DotNetError('no-such-object', `JS object instance with Id '${name}' does not exist. It may have been disposed.`);
  }
  if (Object.hasOwn(value, '__byte[]')) {
    const index = value['__byte[]'];
    const array = Number.isSafeInteger(index) ? bytes(index) : undefined;
    if (array === undefined) throw fail(`The text names byte array ${describeValue(index)}, which did not come with it.`);
    if (!context.numbers || !array || !Object.hasOwn(value, '__as')) return array;
    const numbers = numbersOf(value.__as, array);
    if (numbers === undefined) throw fail(noNumbers(value.__as, array));
    return numbers;
  }
  if (Object.hasOwn(value, '__dotNetStream')) {
    const type = value.__contentType;
    const stream = context.stream(checkId(value.__dotNetStream, 'a stream', fail), typeof type === 'string' ? type : undefined);
    received.push(stream);
    return stream;
  }
  return value;
}

/**
 * @param {unknown} id
 * @param {string} what
 * @param {Fail} fail
 * @returns {number}
 */
function checkId(id, what, fail) {
  if (isObjectId(id)) return id;
  throw fail(`The id of ${what} must be a positive integer, not ${describeValue(id)}.`);
}
