/**
 * Between JavaScript values and messages: JSON with Blazor's placeholders, and byte arrays beside it.
 *
 * @module
 */

import { DotNetError, describeValue, messageOf } from './error.js';
import { DotNetObject, isObjectId, ownerOf } from './dotnet-object.js';

/** @import { ObjectOwner } from './dotnet-object.js' */
/** @import { Message } from './contract.js' */

/**
 * Looks at a value that came in, under its key, and returns it or what shall stand in its place.
 *
 * @typedef {(key: string, value: any) => any} Reviver
 */

/** @type {Uint8Array[]} */
const NO_BYTES = [];

/**
 * Makes the error for a value that came in and cannot be read.
 *
 * @typedef {(message: string, context?: { cause: unknown }) => DotNetError} Fail
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
    throw new DotNetError('bad-arguments', `A reviver is a function (key, value) => value, not ${describeValue(reviver)}.`);
  }
  revivers.push(reviver);
}

/**
 * Writes the arguments of a call. The byte arrays of the message are views of the caller's own, not copies.
 *
 * @param {unknown[] | null | undefined} args
 * @param {ObjectOwner} owner whose objects may be among the arguments
 * @returns {Message}
 * @throws {DotNetError} of kind `bad-arguments`
 */
export function write(args, owner) {
  try {
    // A replacer makes `stringify` several times slower, and most calls pass nothing that needs one.
    return args == null || args.every(isPrimitive) ? { json: JSON.stringify(args ?? null), bytes: NO_BYTES } : writeDeep(args, owner);
  } catch (cause) {
    if (cause instanceof DotNetError) throw cause;
    throw new DotNetError('bad-arguments', `The arguments cannot be written as JSON: ${messageOf(cause)}`, { cause });
  }
}

/** @param {unknown} value */
function isPrimitive(value) {
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}

/** @type {(this: unknown) => string | undefined} Names the kind of a typed array of any realm, whatever it claims to be. */
const kindOfArray = /** @type {any} */ (Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)).get;

/**
 * The same bytes without what a page may have made of the array. All other code of the page has run by now.
 *
 * @param {Uint8Array} array
 * @returns {Uint8Array}
 * @throws when it is detached, or lies
 */
function plain(array) {
  return new Uint8Array(array.buffer, array.byteOffset, array.length);
}

/**
 * @param {unknown[]} args
 * @param {ObjectOwner} owner
 * @returns {Message}
 */
function writeDeep(args, owner) {
  /** @type {Uint8Array[]} */
  const bytes = [];
  /** @type {(this: any, key: string, value: any) => any} */
  const replacer = function (key, value) {
    if (isPrimitive(value)) return value;
    // `value` is what `toJSON` made of it, if there is one: Node's Buffer is a Uint8Array that has one.
    const original = this[key];
    if (kindOfArray.call(original) === 'Uint8Array') {
      return { '__byte[]': bytes.push(original) - 1 };
    }
    if (original instanceof DotNetObject && ownerOf(original) !== owner) {
      throw new DotNetError(
        'bad-arguments',
        'A DotNetObject can be passed only to the guest that it came from; this one is of another guest.',
      );
    }
    return value;
  };
  const json = JSON.stringify(args, replacer);
  return { json, bytes: bytes.map(plain) };
}

/**
 * Reads a value that came in.
 *
 * @param {string} json
 * @param {ObjectOwner} owner whose objects the placeholders name
 * @param {(index: number) => Uint8Array | null | undefined} bytes the byte array with an index
 * @param {Fail} fail
 * @returns {any}
 * @throws {DotNetError} of kind `protocol`; what a reviver of the page throws comes out as it is
 */
export function read(json, owner, bytes, fail = protocolError) {
  // A reviver makes `parse` several times slower, so it is used only where there may be something to revive.
  const placeholders = json.includes('"__');
  if (!placeholders && revivers.length === 0) return parse(json, fail);
  /** @type {{ thrown: unknown } | undefined} */
  let failure;
  try {
    return JSON.parse(json, (key, initial) => {
      let value = placeholders ? revive(initial, owner, bytes, fail) : initial;
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
  } catch (thrown) {
    if (failure) throw failure.thrown;
    throw thrown instanceof DotNetError ? thrown : notJson(thrown, fail);
  }
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
  return fail(`The answer is not JSON: ${messageOf(cause)}`, { cause });
}

/** @type {Fail} */
function protocolError(message, context) {
  return new DotNetError('protocol', message, context);
}

/**
 * @param {any} value
 * @param {ObjectOwner} owner
 * @param {(index: number) => Uint8Array | null | undefined} bytes
 * @param {Fail} fail
 */
function revive(value, owner, bytes, fail) {
  if (value === null || typeof value !== 'object') return value;
  if (Object.hasOwn(value, '__dotNetObject')) {
    const id = value.__dotNetObject;
    if (!isObjectId(id)) throw fail(`The id of an object must be a positive integer, not ${describeValue(id)}.`);
    return new DotNetObject(id, owner);
  }
  if (Object.hasOwn(value, '__byte[]')) {
    const index = value['__byte[]'];
    const array = Number.isSafeInteger(index) ? bytes(index) : undefined;
    if (array === undefined) throw fail(`The answer names byte array ${describeValue(index)}, which did not come with it.`);
    return array;
  }
  return value;
}
