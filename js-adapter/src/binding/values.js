/**
 * The records of `dotwit:interop` in a guest's memory, as the component model's canonical ABI lays them out: these types and no others.
 * Names in parentheses are functions of `CanonicalABI.md` of the component model.
 *
 * What reads takes the flat values of a type, or the address of a stored one.
 *
 * @module
 */

import { ERROR_KINDS } from '../wire/contract.js';
import { GuestMemory, tooLong } from './memory.js';

/** @import { Assembly, CallError, ErrorKind, Message, Method, ObjectType, Outcome, Parameter } from '../wire/contract.js' */

/**
 * The sizes of the types, and the offsets of their fields, in bytes. All are aligned to 4 bytes; a string or a list is an address
 * followed by a length, and the value of an `option` or a `result` follows its discriminant.
 */
const LAYOUT = {
  pointer: 4,
  list: { size: 8 },
  option: { value: 4 },
  message: { json: 0, bytes: 8 },
  callError: { kind: 0, message: 4, detail: 12 },
  outcome: { size: 28, value: 4 },
  optionalOutcome: { size: 32, value: 4 },
  assembly: { size: 24, name: 0, methods: 8, types: 16 },
  objectType: { size: 28, name: 0, methods: 8, docs: 16 },
  method: { size: 48, id: 0, name: 8, parameters: 16, returns: 24, isAsync: 32, docs: 36 },
  parameter: { size: 16, name: 0, type: 8 },
};

/** A text that is too long is searched in pieces of this size, which overlap by the longest placeholder. */
const PIECE = 1 << 20;
const LONGEST_PLACEHOLDER = 64;

const latin1 = new TextDecoder('latin1');

/** @type {Uint8Array[]} */
const NO_ARRAYS = [];

/**
 * Reads the flat values of a `result` whose `err` is a `call-error`.
 *
 * @template T
 * @typedef {(discriminant: number, a: number, b: number, c: number, d: number, e: number, f: number) => T} Flat
 */

/** The values in the memory of one guest. */
export class GuestValues extends GuestMemory {
  /**
   * Reads a `message`.
   *
   * @param {number} json
   * @param {number} jsonSize
   * @param {number} bytes
   * @param {number} bytesCount
   * @returns {Message}
   */
  message(json, jsonSize, bytes, bytesCount) {
    const text = this.text(json, jsonSize);
    if (text === undefined) return this.#unread(json, jsonSize, tooLong(jsonSize));
    if (bytesCount === 0) return { json: text, bytes: NO_ARRAYS };
    try {
      return { json: text, bytes: this.list(bytes, bytesCount, LAYOUT.list.size, (at) => this.array(this.u32(at), this.u32(at + LAYOUT.pointer))) };
    } catch (error) {
      if (this.trapError || !(error instanceof RangeError)) throw error;
      return this.#unread(json, jsonSize, `The page has no room for the byte arrays: ${error.message}`);
    }
  }

  /**
   * Returns what is left of a message that the page cannot hold: the references in it, which are to be given back.
   *
   * @param {number} json
   * @param {number} jsonSize
   * @param {string} message
   * @returns {Message}
   */
  #unread(json, jsonSize, message) {
    const start = json >>> 0;
    const end = start + (jsonSize >>> 0);
    const names = [];
    for (let at = start; at < end; at += PIECE) {
      const piece = latin1.decode(this.bytes.subarray(at, Math.min(at + PIECE + LONGEST_PLACEHOLDER, end)));
      for (const { 0: name, index } of piece.matchAll(/\{"__dotNet(?:Object|Stream)":\d+/g)) if (index < PIECE) names.push(`${name}}`);
    }
    return { json: `[${names}]`, bytes: NO_ARRAYS, failure: { kind: 'too-large', message } };
  }

  /**
   * Reads a `call-error`.
   *
   * @param {number} kind
   * @param {number} message
   * @param {number} messageSize
   * @param {number} hasDetail
   * @param {number} detail
   * @param {number} detailSize
   * @returns {CallError}
   */
  #callError(kind, message, messageSize, hasDetail, detail, detailSize) {
    return {
      kind: this.caseOf(ERROR_KINDS, kind, 'error-kind'),
      message: this.text(message, messageSize) ?? tooLong(messageSize),
      detail: this.#flag(hasDetail) ? this.text(detail, detailSize) : undefined,
    };
  }

  /**
   * Reads an enum.
   *
   * @template T
   * @param {readonly T[]} cases
   * @param {number} index
   * @param {string} type
   * @returns {T}
   */
  caseOf(cases, index, type) {
    const found = cases[index];
    if (found === undefined) throw this.trap(`${index >>> 0} is not a case of ${type}`);
    return found;
  }

  /**
   * Reads which of two cases a `result` or an `option` has.
   *
   * @param {number} discriminant
   */
  #flag(discriminant) {
    if (discriminant === 1) return true;
    if (discriminant !== 0) throw this.trap(`${discriminant >>> 0} is not a case of a type with two cases`);
    return false;
  }

  /**
   * Reads the flat values of a `result<message, call-error>` (`lift_flat_variant`).
   *
   * @type {Flat<Outcome<Message>>}
   */
  messageOutcome = (discriminant, a, b, c, d, e, f) => {
    if (this.#flag(discriminant)) return { tag: 'err', val: this.#callError(a, b, c, d, e, f) };
    return { tag: 'ok', val: this.message(a, b, c, d) };
  };

  /**
   * Reads the flat values of a `result<list<u8>, call-error>`.
   *
   * @type {Flat<Outcome<Uint8Array>>}
   */
  arrayOutcome = (discriminant, a, b, c, d, e, f) => {
    if (this.#flag(discriminant)) return { tag: 'err', val: this.#callError(a, b, c, d, e, f) };
    try {
      return { tag: 'ok', val: this.array(a, b) };
    } catch (error) {
      if (this.trapError || !(error instanceof RangeError)) throw error;
      return { tag: 'err', val: { kind: 'too-large', message: `The page has no room for ${b >>> 0} bytes: ${error.message}` } };
    }
  };

  /**
   * Reads the flat values of a `result<list<assembly>, call-error>`.
   *
   * @type {Flat<Outcome<Assembly[]>>}
   */
  manifestOutcome = (discriminant, a, b, c, d, e, f) => {
    if (this.#flag(discriminant)) return { tag: 'err', val: this.#callError(a, b, c, d, e, f) };
    return { tag: 'ok', val: this.list(a, b, LAYOUT.assembly.size, this.#assembly) };
  };

  /**
   * Reads a stored outcome (`load_variant`): its flat values follow each other, each in 4 bytes. Of the bytes of a discriminant only the
   * first one counts.
   *
   * @template T
   * @param {number} address
   * @param {Flat<T>} outcome reads the flat values
   * @returns {T}
   */
  stored(address, outcome) {
    const start = this.within(address, LAYOUT.outcome.size, 4, 'a result');
    const at = start + LAYOUT.outcome.value;
    const bytes = this.bytes;
    const discriminant = bytes[start];
    return outcome(
      discriminant,
      discriminant === 0 ? this.u32(at) : bytes[at],
      this.u32(at + 4),
      this.u32(at + 8),
      discriminant === 0 ? this.u32(at + 12) : bytes[at + 12],
      this.u32(at + 16),
      this.u32(at + 20),
    );
  }

  /**
   * Reads a stored `option` of an outcome.
   *
   * @template T
   * @param {number} address
   * @param {Flat<T>} outcome reads the flat values
   * @returns {T | undefined}
   */
  storedOptional(address, outcome) {
    const at = this.within(address, LAYOUT.optionalOutcome.size, 4, 'an option');
    return this.#flag(this.bytes[at]) ? this.stored(at + LAYOUT.optionalOutcome.value, outcome) : undefined;
  }

  /** @param {number} at */
  #storedString(at) {
    return this.string(this.u32(at), this.u32(at + LAYOUT.pointer));
  }

  /** @param {number} at */
  #storedOptionalString(at) {
    return this.#flag(this.bytes[at]) ? this.#storedString(at + LAYOUT.option.value) : undefined;
  }

  /**
   * @template T
   * @param {number} at
   * @param {number} size
   * @param {(at: number) => T} element
   */
  #storedList(at, size, element) {
    return this.list(this.u32(at), this.u32(at + LAYOUT.pointer), size, element);
  }

  #assembly = (/** @type {number} */ at) => ({
    name: this.#storedString(at + LAYOUT.assembly.name),
    methods: this.#storedList(at + LAYOUT.assembly.methods, LAYOUT.method.size, this.#method),
    types: this.#storedList(at + LAYOUT.assembly.types, LAYOUT.objectType.size, this.#objectType),
  });

  /** @type {(at: number) => ObjectType} */
  #objectType = (at) => ({
    name: this.#storedString(at + LAYOUT.objectType.name),
    methods: this.#storedList(at + LAYOUT.objectType.methods, LAYOUT.method.size, this.#method),
    docs: this.#storedOptionalString(at + LAYOUT.objectType.docs),
  });

  /** @type {(at: number) => Method} */
  #method = (at) => ({
    id: this.#storedString(at + LAYOUT.method.id),
    name: this.#storedString(at + LAYOUT.method.name),
    parameters: this.#storedList(at + LAYOUT.method.parameters, LAYOUT.parameter.size, this.#parameter),
    returns: this.#storedString(at + LAYOUT.method.returns),
    // Any byte but 0 is `true`.
    isAsync: this.bytes[at + LAYOUT.method.isAsync] !== 0,
    docs: this.#storedOptionalString(at + LAYOUT.method.docs),
  });

  /** @type {(at: number) => Parameter} */
  #parameter = (at) => ({
    name: this.#storedString(at + LAYOUT.parameter.name),
    type: this.#storedString(at + LAYOUT.parameter.type),
  });

  /**
   * Stores a `result<message, call-error>` where the guest wants it (`store_variant`).
   *
   * @param {Outcome<Message>} outcome
   * @param {number} address
   */
  storeMessageOutcome(outcome, address) {
    const start = this.within(address, LAYOUT.outcome.size, 4, 'the place for a result');
    const at = start + LAYOUT.outcome.value;
    if (outcome.tag === 'ok') {
      const { json, bytes } = outcome.val;
      this.#storeString(at + LAYOUT.message.json, json);
      this.#storePair(at + LAYOUT.message.bytes, this.writeArrays(bytes), bytes.length);
      this.bytes[start] = 0;
    } else {
      const { kind, message, detail } = outcome.val;
      const { callError, option } = LAYOUT;
      this.#storeString(at + callError.message, message);
      if (detail !== undefined) this.#storeString(at + callError.detail + option.value, detail);
      this.bytes[start] = 1;
      this.bytes[at + callError.kind] = indexOfKind(kind);
      this.bytes[at + callError.detail] = detail === undefined ? 0 : 1;
    }
  }

  /**
   * @param {number} at
   * @param {string} text
   */
  #storeString(at, text) {
    this.#storePair(at, this.writeString(text), this.written);
  }

  /**
   * @param {number} at
   * @param {number} address
   * @param {number} length
   */
  #storePair(at, address, length) {
    this.view.setUint32(at, address, true);
    this.view.setUint32(at + LAYOUT.pointer, length, true);
  }
}

/**
 * Returns the number of a kind of error.
 *
 * @param {ErrorKind} kind
 */
export function indexOfKind(kind) {
  const index = ERROR_KINDS.indexOf(kind);
  if (index < 0) throw new TypeError(`'${kind}' is not a kind of error`);
  return index;
}
