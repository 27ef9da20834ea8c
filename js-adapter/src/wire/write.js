/**
 * Values of the page as messages: JSON with Blazor's placeholders, and byte arrays beside it.
 *
 * Most messages are plain JSON, and `JSON.stringify` is several times slower with a replacer. So a value is looked at first, and
 * is written with a replacer only where something in it travels as a placeholder.
 *
 * @module
 */

import { DotNetError, badArguments, isTextTooLong, messageOf, tooLarge } from '../error.js';
import { MAX_BYTES, longestText } from '../limits.js';
import { DotNetObject, idOf, ownerOf, ownerOfPlaceholder } from '../proxy/dotnet-object.js';
import { bytesOf } from './bytes.js';
import { checkDepth } from './depth.js';
import { withFloats } from './integers.js';
import { bytesOfNumbers, kindOf, kindOfArray } from './numbers.js';
import { isFlat, isPlain, isPrimitive } from './values.js';

/** @import { MessageContext, PageObject } from './context.js' */
/** @import { Message } from './contract.js' */

/**
 * A message, and the page's objects that it gives to the other side.
 *
 * @typedef {Message & { retained: PageObject[] | undefined }} Written
 */

/** @type {Uint8Array[]} */
const NO_BYTES = [];

/**
 * Writes the arguments of a call, or its result. The byte arrays of the message are views of the caller's own, not copies.
 *
 * @param {unknown} value
 * @param {MessageContext} context
 * @param {string} what it is, for the error
 * @returns {Written}
 * @throws {DotNetError} of kind `bad-arguments` when it cannot be written, and `too-large` when there is too much of it
 */
export function write(value, context, what) {
  try {
    // A replacer makes `stringify` several times slower, and most messages hold nothing that needs one.
    if (isFlat(value)) return { json: textFor(context, stringify(value)), bytes: NO_BYTES, retained: undefined };
    if (isPlain(value, 1)) {
      const json = stringify(value);
      if (!mayHaveObjects(json)) return { json: textFor(context, json), bytes: NO_BYTES, retained: undefined };
    }
    return writeWithReplacer(value, context);
  } catch (cause) {
    if (cause instanceof DotNetError) throw cause;
    if (isTextTooLong(cause)) {
      throw tooLarge(`${what} has more as JSON than the ${longestText()} characters that this engine can hold in one text.`, cause);
    }
    throw badArguments(`${what} cannot be written as JSON: ${messageOf(cause)}`, cause);
  }
}

/**
 * Whether a text may name objects, which the page has copied from somewhere.
 *
 * @param {string} json
 */
function mayHaveObjects(json) {
  return json.includes('"__') && (json.includes('"__jsObjectId"') || json.includes('"__dotNetObject"'));
}

/**
 * @param {unknown} value
 * @param {((key: string, value: any) => any)} [replacer]
 */
function stringify(value, replacer) {
  // A function as such has no text.
  return JSON.stringify(value, replacer) ?? 'null';
}

/**
 * @param {MessageContext} context
 * @param {string} json
 */
function textFor(context, json) {
  return context.numbers ? withFloats(json) : json;
}

/**
 * The bytes of a value that travels beside the text. Reads them without the array's own members, which a page may have replaced.
 *
 * @param {unknown} value
 * @returns {Uint8Array}
 * @throws {DotNetError} when it is detached, or lies
 */
export function bytesBeside(value) {
  const bytes = kindOf(value) ? bytesOfNumbers(value) : bytesOf(/** @type {Uint8Array} */ (value), 0, /** @type {Uint8Array} */ (value).length);
  if (bytes.length > MAX_BYTES) throw tooLarge(`A byte array has ${bytes.length} bytes, and ${MAX_BYTES} is the limit.`);
  return bytes;
}

const OF_ANOTHER_GUEST =
  'This DotNetObject is of another guest or a copy: it can be passed only to the guest that it came from, and as it came.';

/**
 * Whether a value is an object of a guest or host that another package has handed out: a second copy of this one, or
 * Microsoft's.
 *
 * @param {any} value
 */
function isForeignObject(value) {
  return typeof value.serializeAsArg === 'function';
}

/**
 * @param {unknown} value
 * @param {MessageContext} context
 * @returns {Written}
 */
function writeWithReplacer(value, context) {
  /** @type {unknown[]} */
  const beside = [];
  /** @type {PageObject[]} */
  const retained = [];
  /** @type {(this: any, key: string, value: any) => any} */
  const replacer = function (key, value) {
    // A page may have given a `toJSON` to all of them.
    if (context.numbers && typeof this[key] === 'bigint') return { '__byte[]': beside.push(this[key]) - 1, __as: 'BigInt' };
    if (isPrimitive(value)) return value;
    // `value` is what `toJSON` made of it, if there is one: Node's Buffer is a Uint8Array that has one.
    const original = ArrayBuffer.isView(value) || value instanceof DotNetObject ? value : this[key];
    if (ArrayBuffer.isView(original)) {
      if (kindOfArray.call(original) === 'Uint8Array') return { '__byte[]': beside.push(original) - 1 };
      const kind = context.numbers ? kindOf(original) : undefined;
      if (kind) return { '__byte[]': beside.push(original) - 1, __as: kind };
    } else if (original instanceof DotNetObject) {
      if (ownerOf(original) !== context.owner) throw badArguments(OF_ANOTHER_GUEST);
      return { __dotNetObject: idOf(original) };
    } else if (Object.hasOwn(value, '__dotNetObject') || isForeignObject(value)) {
      if (ownerOfPlaceholder(value) !== context.owner) throw badArguments(OF_ANOTHER_GUEST);
    } else if (Object.hasOwn(value, '__jsObjectId')) {
      const entry = context.resolveReference(value);
      if (entry) retained.push(entry);
    } else {
      context.check(value);
    }
    return value;
  };
  const json = textFor(context, stringify(value, replacer));
  checkDepth(json, badArguments);
  const message = { json, bytes: beside.map(bytesBeside), retained };
  context.retain(retained);
  return message;
}
