/**
 * Between JavaScript values and messages: JSON with Blazor's placeholders, and byte arrays beside it.
 *
 * @module
 */

import { DotNetError, badArguments, describeValue, isTextTooLong, messageOf, tooLarge } from './error.js';
import { DotNetObject, idOf, isObjectId, ownerOf, ownerOfPlaceholder } from './dotnet-object.js';
import { endOfString, findInexact, inexactMessage, mayHaveInexact, withFloats } from './integers.js';
import { MAX_BYTES, MAX_DEPTH, longestText } from './limits.js';
import { bytesOfNumbers, kindOf, kindOfArray, noNumbers, numbersOf } from './numbers.js';
import { bytesOf } from './page-streams.js';

/** @import { Message } from './contract.js' */
/** @import { ErrorKind } from './error.js' */
/** @import { ObjectOwner } from './dotnet-object.js' */
/** @import { DotNetStream } from './dotnet-stream.js' */
/** @import { PageObject } from './page-objects.js' */

/**
 * Looks at a value that came in, under its key, and returns it or what shall stand in its place.
 *
 * @typedef {(key: string, value: any) => any} Reviver
 */

/**
 * The other side of the messages, which knows what the placeholders stand for.
 *
 * @typedef {object} Side
 * @property {ObjectOwner} owner Whom its objects belong to.
 * @property {boolean} numbers Whether it knows numbers that JSON has no place for, and tells floats from integers.
 * @property {(id: number) => object | undefined} pageObject The object of the page that it names.
 * @property {(placeholder: { __jsObjectId: unknown }) => PageObject | undefined} lend The object of the page that a placeholder
 *   in a message would give it. Throws when that is not the page's to give.
 * @property {(value: object) => void} check Throws when a value must not be written as JSON has it.
 * @property {(entries: PageObject[]) => void} grant Notes what a message gives it, of the page's objects: all or, when it
 *   throws, none.
 * @property {(id: number, contentType?: string) => DotNetStream} stream One of its streams.
 * @property {(received: (DotNetObject | DotNetStream)[]) => void} receive Notes what a message has brought. Throws when it
 *   is too much.
 * @property {(json: string) => void} giveBack Gives back what a message brings and nobody will have.
 */

/**
 * A message, and the page's objects that it gives to the other side.
 *
 * @typedef {Message & { granted: PageObject[] | undefined }} Written
 */

/**
 * Makes the error for a value that came in and cannot be read.
 *
 * @typedef {(message: string, context?: { cause?: unknown, kind?: ErrorKind }) => DotNetError} Fail
 */

/** @type {Uint8Array[]} */
const NO_BYTES = [];

/** The shortest text that can nest deeper than the limit: brackets and nothing else. */
const SHORTEST_TOO_DEEP = 2 * (MAX_DEPTH + 1);


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
 * Writes the arguments of a call, or its result. The byte arrays of the message are views of the caller's own, not copies.
 *
 * @param {unknown} value
 * @param {Side} side
 * @param {string} what it is, for the error
 * @returns {Written}
 * @throws {DotNetError} of kind `bad-arguments` when it cannot be written, and `too-large` when there is too much of it
 */
export function write(value, side, what) {
  try {
    // A replacer makes `stringify` several times slower, and most messages hold nothing that needs one.
    if (isFlat(value)) return { json: textFor(side, stringify(value)), bytes: NO_BYTES, granted: undefined };
    if (isPlain(value, 1)) {
      const json = stringify(value);
      if (!mayHaveObjects(json)) return { json: textFor(side, json), bytes: NO_BYTES, granted: undefined };
    }
    return writeWithCare(value, side);
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
 * @param {Side} side
 * @param {string} json
 */
function textFor(side, json) {
  return side.numbers ? withFloats(json) : json;
}

/**
 * Whether JSON alone writes a value as it shall be written: there is nothing in it but what JSON knows.
 *
 * @param {any} value
 * @param {number} depth
 * @returns {boolean}
 */
function isPlain(value, depth) {
  if (isPrimitive(value)) return true;
  if (depth > MAX_DEPTH || typeof value === 'function') return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Array.prototype) {
    for (let index = 0; index < value.length; index++) {
      if (!isPlain(value[index], depth + 1)) return false;
    }
    return true;
  }
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) {
    if (!isPlain(value[key], depth + 1)) return false;
  }
  return true;
}

/**
 * Whether a value is an array that nothing is in but primitives, as the arguments of most calls are.
 *
 * @param {any} value
 */
function isFlat(value) {
  if (!Array.isArray(value) || Object.getPrototypeOf(value) !== Array.prototype) return false;
  for (let index = 0; index < value.length; index++) {
    if (!isPrimitive(value[index])) return false;
  }
  return true;
}

/** @param {unknown} value */
function isPrimitive(value) {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'bigint');
}

/**
 * The bytes of what is beside a text, without what a page may have made of an array. All other code of the page has run by now.
 *
 * @param {unknown} value
 * @returns {Uint8Array}
 * @throws {DotNetError} when it is detached, or lies
 */
export function plain(value) {
  const bytes = kindOf(value) ? bytesOfNumbers(value) : bytesOf(/** @type {Uint8Array} */ (value), 0, /** @type {Uint8Array} */ (value).length);
  if (bytes.length > MAX_BYTES) throw tooLarge(`A byte array has ${bytes.length} bytes, and ${MAX_BYTES} is the limit.`);
  return bytes;
}

const OF_ANOTHER_GUEST =
  'This DotNetObject is of another guest or a copy: it can be passed only to the guest that it came from, and as it came.';

/**
 * Whether there is something to await.
 *
 * @param {any} value
 * @returns {value is PromiseLike<any>}
 */
export function isThenable(value) {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && typeof value.then === 'function';
}

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
 * Refuses what JSON has nothing but `{}` for, and the page has surely meant otherwise. Blazor sends that.
 *
 * @param {any} value
 * @throws {DotNetError}
 */
export function checkSendable(value) {
  if (isThenable(value)) throw badArguments('A promise cannot be sent, only what it resolves to: an await is missing.');
  // A node of a document, of whatever realm.
  if (typeof value.cloneNode === 'function' && typeof value.nodeType === 'number') {
    throw badArguments(
      'A node of a document has no JSON: send DotNet.createJSObjectReference(node), or return it where the guest asks for a JsObjectReference.',
    );
  }
}

/**
 * @param {unknown} value
 * @param {Side} side
 * @returns {Written}
 */
function writeWithCare(value, side) {
  /** @type {unknown[]} */
  const beside = [];
  /** @type {PageObject[]} */
  const granted = [];
  /** @type {(this: any, key: string, value: any) => any} */
  const replacer = function (key, value) {
    // A page may have given a `toJSON` to all of them.
    if (side.numbers && typeof this[key] === 'bigint') return { '__byte[]': beside.push(this[key]) - 1, __as: 'BigInt' };
    if (isPrimitive(value)) return value;
    // `value` is what `toJSON` made of it, if there is one: Node's Buffer is a Uint8Array that has one.
    const original = ArrayBuffer.isView(value) || value instanceof DotNetObject ? value : this[key];
    if (ArrayBuffer.isView(original)) {
      if (kindOfArray.call(original) === 'Uint8Array') return { '__byte[]': beside.push(original) - 1 };
      const kind = side.numbers ? kindOf(original) : undefined;
      if (kind) return { '__byte[]': beside.push(original) - 1, __as: kind };
    } else if (original instanceof DotNetObject) {
      if (ownerOf(original) !== side.owner) throw badArguments(OF_ANOTHER_GUEST);
      return { __dotNetObject: idOf(original) };
    } else if (Object.hasOwn(value, '__dotNetObject') || isForeignObject(value)) {
      if (ownerOfPlaceholder(value) !== side.owner) throw badArguments(OF_ANOTHER_GUEST);
    } else if (Object.hasOwn(value, '__jsObjectId')) {
      const entry = side.lend(value);
      if (entry) granted.push(entry);
    } else {
      side.check(value);
    }
    return value;
  };
  const json = textFor(side, stringify(value, replacer));
  checkDepth(json, badArguments);
  const message = { json, bytes: beside.map(plain), granted };
  side.grant(granted);
  return message;
}

/**
 * Reads a value that came in.
 *
 * @param {string} json
 * @param {Side} side
 * @param {(index: number) => Uint8Array | null | undefined} bytes the byte array with an index
 * @param {Fail} [fail]
 * @param {(value: any) => void} [check] throws when the value is not what it should be
 * @returns {any}
 * @throws {DotNetError} what `fail` makes; what a reviver of the page throws comes out as it is
 */
export function read(json, side, bytes, fail = protocolError, check) {
  // A reviver makes `parse` several times slower, so it is used only where there may be something to revive.
  const placeholders = mayHavePlaceholders(json);
  if (!placeholders && revivers.length === 0) {
    checkDepth(json, fail);
    checkIntegers(json, side, fail);
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
    checkIntegers(json, side, fail);
    const value = JSON.parse(json, (key, initial) => {
      let value = placeholders ? revive(initial, side, bytes, received, fail) : initial;
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
    if (received.length > 0) side.receive(received);
    return value;
  } catch (thrown) {
    side.giveBack(json);
    if (failure) throw failure.thrown;
    throw thrown instanceof DotNetError ? thrown : notJson(thrown, fail);
  }
}

/**
 * Reads a value in the quickest way, if that is enough.
 *
 * @param {string} json
 * @returns {any} `undefined`, which is no value of JSON, when it takes `read` to know what it is
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
 * Whether there may be something to revive in a JSON text: a key that begins with two underscores, however it is written.
 *
 * @param {string} json
 */
function mayHavePlaceholders(json) {
  const first = json.charCodeAt(0);
  // Numbers, strings and the like have no keys, and begin with neither a space nor a bracket nor a brace.
  if (first > 0x20 && first !== 0x5b && first !== 0x7b) return false;
  return json.includes('"__') || json.includes('\\u005');
}

/**
 * The objects and streams that a message brings, by their ids and as often as it names them.
 *
 * @param {string} json
 * @returns {{ objects: number[], streams: number[] }}
 */
export function named(json) {
  /** @type {number[]} */
  const objects = [];
  /** @type {number[]} */
  const streams = [];
  if (mayHavePlaceholders(json)) {
    try {
      JSON.parse(json, (_key, value) => {
        if (value === null || typeof value !== 'object') return value;
        if (Object.hasOwn(value, '__dotNetObject')) objects.push(value.__dotNetObject);
        else if (Object.hasOwn(value, '__dotNetStream')) streams.push(value.__dotNetStream);
        return value;
      });
    } catch {
      // What is no JSON brings nothing.
    }
  }
  return { objects: objects.filter(isObjectId), streams: streams.filter(isObjectId) };
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
function protocolError(message, context) {
  return new DotNetError(context?.kind ?? 'protocol', message, context);
}

/**
 * @param {string} json
 * @param {Fail} fail
 */
function checkDepth(json, fail) {
  if (json.length < SHORTEST_TOO_DEEP) return;
  const depth = depthOf(json);
  if (depth > MAX_DEPTH) throw fail(`The JSON nests ${depth} deep, and ${MAX_DEPTH} is the limit.`);
}

/**
 * @param {string} json
 * @param {Side} side
 * @param {Fail} fail
 */
function checkIntegers(json, side, fail) {
  const inexact = side.numbers ? findInexact(json) : undefined;
  if (inexact !== undefined) throw fail(inexactMessage(inexact), { kind: 'too-large' });
}

/** @param {string} json */
function depthOf(json) {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case 0x22: // "
        at = endOfString(json, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > deepest) deepest = depth;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
    }
  }
  return deepest;
}

/**
 * @param {any} value
 * @param {Side} side
 * @param {(index: number) => Uint8Array | null | undefined} bytes
 * @param {(DotNetObject | DotNetStream)[]} received
 * @param {Fail} fail
 */
function revive(value, side, bytes, received, fail) {
  if (value === null || typeof value !== 'object') return value;
  if (Object.hasOwn(value, '__dotNetObject')) {
    const object = new DotNetObject(checkId(value.__dotNetObject, 'an object', fail), side.owner);
    received.push(object);
    return object;
  }
  if (Object.hasOwn(value, '__jsObjectId')) {
    const id = value.__jsObjectId;
    const object = side.pageObject(id);
    if (object) return object;
    const name = isPrimitive(id) ? id : describeValue(id);
    throw new DotNetError('no-such-object', `JS object instance with Id '${name}' does not exist. It may have been disposed.`);
  }
  if (Object.hasOwn(value, '__byte[]')) {
    const index = value['__byte[]'];
    const array = Number.isSafeInteger(index) ? bytes(index) : undefined;
    if (array === undefined) throw fail(`The text names byte array ${describeValue(index)}, which did not come with it.`);
    if (!side.numbers || !array || !Object.hasOwn(value, '__as')) return array;
    const numbers = numbersOf(value.__as, array);
    if (numbers === undefined) throw fail(noNumbers(value.__as, array));
    return numbers;
  }
  if (Object.hasOwn(value, '__dotNetStream')) {
    const type = value.__contentType;
    const stream = side.stream(checkId(value.__dotNetStream, 'a stream', fail), typeof type === 'string' ? type : undefined);
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
