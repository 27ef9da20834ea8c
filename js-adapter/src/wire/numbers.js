/**
 * Numbers that JSON cannot express: typed arrays and `bigint`s. They travel as bytes beside the text, in which
 * `{"__byte[]": i, "__as": kind}` stands for them.
 *
 * @module
 */

import { badArguments, describeValue, messageOf } from '../error.js';

const prototype = Object.getPrototypeOf(Uint8Array.prototype);

/**
 * Returns a getter of typed arrays of any realm, which works even where a page has replaced the member.
 *
 * @param {string | symbol} name
 * @returns {(this: unknown) => any}
 */
const getter = (name) => /** @type {any} */ (Object.getOwnPropertyDescriptor(prototype, name)).get;

/** @type {(this: unknown) => string | undefined} The kind of a typed array: the name of its constructor. */
export const kindOfArray = getter(Symbol.toStringTag);

const bufferOf = getter('buffer');
const offsetOf = getter('byteOffset');
const lengthOf = getter('byteLength');

const KINDS = new Set(
  ['Int8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float16', 'Float32', 'Float64', 'BigInt64', 'BigUint64'].map(
    (kind) => `${kind}Array`,
  ),
);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Returns the kind of a value that travels as bytes and is not a `Uint8Array`.
 *
 * @param {unknown} value
 * @returns {string | undefined}
 */
export function kindOf(value) {
  if (typeof value === 'bigint') return 'BigInt';
  const kind = kindOfArray.call(value);
  return kind !== undefined && KINDS.has(kind) ? kind : undefined;
}

/**
 * Returns the bytes of such a value, not copied.
 *
 * @param {unknown} value
 * @returns {Uint8Array}
 * @throws {DotNetError} when the array is detached
 */
export function bytesOfNumbers(value) {
  if (typeof value === 'bigint') return encoder.encode(String(value));
  try {
    return new Uint8Array(bufferOf.call(value), offsetOf.call(value), lengthOf.call(value));
  } catch (cause) {
    throw badArguments(`The numbers of an array cannot be read: ${messageOf(cause)}`, cause);
  }
}

/**
 * Returns the value of such a kind with these bytes.
 *
 * @param {unknown} kind
 * @param {Uint8Array} bytes
 * @returns {any} `undefined` when the bytes are not a value of that kind
 */
export function numbersOf(kind, bytes) {
  if (kind === 'BigInt') {
    const digits = decoder.decode(bytes);
    return /^-?\d+$/.test(digits) ? BigInt(digits) : undefined;
  }
  const Type = typeof kind === 'string' && KINDS.has(kind) ? /** @type {any} */ (globalThis)[kind] : undefined;
  const size = Type?.BYTES_PER_ELEMENT;
  if (!(bytes.length % size === 0)) return undefined;
  const { buffer, byteOffset, length } = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new Type(buffer, byteOffset, length / size);
}

/**
 * Returns the message of the error for such bytes.
 *
 * @param {unknown} kind
 * @param {Uint8Array} bytes
 */
export function noNumbers(kind, bytes) {
  return `The text names ${bytes.length} bytes as ${describeValue(kind)}, which they are not here.`;
}
