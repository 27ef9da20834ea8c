/**
 * `Reader`, which takes the fields of a frame from its bytes, and refuses what is not there or too large, by name.
 *
 * @module
 */

import { DotNetError } from '../error.js';
import { ERROR_KINDS } from '../wire/contract.js';
import { MAX_BYTE_ARRAYS, MAX_DETAIL, MAX_ERROR_MESSAGE, MAX_RELEASES } from './wire.js';

/** @import { CallError, ErrorKind, Message, Outcome } from '../wire/contract.js' */

/** The most bytes of a varint: 8 × 7 bits are more than the 53 of the largest number. */
const MAX_VARINT = 8;

const OUTCOMES = /** @type {const} */ (['ok', 'err']);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What is left of some bytes. */
export class Reader {
  #bytes;
  #what;
  #at = 0;

  /**
   * @param {Uint8Array} bytes
   * @param {string} what they are, for errors: `A 'call' frame`
   */
  constructor(bytes, what) {
    this.#bytes = bytes;
    this.#what = what;
  }

  /** How many bytes are left. */
  get rest() {
    return this.#bytes.length - this.#at;
  }

  /** @throws {DotNetError} when something is left */
  end() {
    if (this.rest > 0) throw this.wrong(`goes on for ${this.rest} bytes after its last field`);
  }

  /** @param {string} field */
  u8(field) {
    if (this.rest === 0) throw this.wrong(`ends where its ${field} should be`);
    return this.#bytes[this.#at++];
  }

  /**
   * Reads an unsigned LEB128 of at most 2^53 - 1, in its shortest form.
   *
   * @param {string} field
   */
  varint(field) {
    let value = 0;
    for (let size = 0, scale = 1; size < MAX_VARINT; size++, scale *= 128) {
      const byte = this.u8(field);
      value += (byte & 0x7f) * scale;
      if (byte & 0x80) continue;
      if ((byte === 0 && size > 0) || value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    throw this.wrong(`has a ${field} that is not a varint in its shortest form, of at most 2^53 - 1`);
  }

  /**
   * Reads a number that has a limit.
   *
   * @param {string} field
   * @param {number} max
   * @param {ErrorKind} kind of the error for a larger one
   */
  #upTo(field, max, kind) {
    const value = this.varint(field);
    if (value > max) throw this.#error(kind, `has a ${field} of ${value}, and ${max} is the limit`);
    return value;
  }

  /**
   * Takes bytes, as a view.
   *
   * @param {string} field
   * @param {number} [max] how many there may be
   */
  slice(field, max = Infinity) {
    return this.#take(this.#upTo(`${field} length`, max, 'too-large'), field);
  }

  /**
   * @param {number} length
   * @param {string} field
   */
  #take(length, field) {
    if (length > this.rest) throw this.wrong(`ends within its ${field}: ${length} bytes are missing, and ${this.rest} follow`);
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  /**
   * @param {string} field
   * @param {number} [max] how many bytes it may have
   */
  text(field, max) {
    try {
      return utf8.decode(this.slice(field, max));
    } catch (error) {
      throw error instanceof DotNetError ? error : this.wrong(`has a ${field} that is not UTF-8`);
    }
  }

  /**
   * @template T
   * @param {readonly T[]} cases
   * @param {string} field
   * @returns {T}
   */
  oneOf(cases, field) {
    const index = this.u8(field);
    if (index >= cases.length) throw this.wrong(`has the ${field} ${index}, and ${cases.length - 1} is the last`);
    return cases[index];
  }

  /** @returns {Message} */
  message() {
    const json = this.text('JSON text');
    const lengths = this.#list('byte arrays', MAX_BYTE_ARRAYS, () => this.varint('byte array length'));
    // Copies, because the page keeps them for longer than the socket's message, and may move their buffers elsewhere.
    return { json, bytes: lengths.map((length) => this.#take(length, 'byte array').slice()) };
  }

  /**
   * @template T
   * @param {string} field
   * @param {number} max
   * @param {() => T} item reads one
   * @returns {T[]}
   */
  #list(field, max, item) {
    return Array.from({ length: this.#upTo(`number of ${field}`, max, 'too-many') }, item);
  }

  /**
   * @template T
   * @param {() => T} value reads it
   * @returns {Outcome<T>}
   */
  outcome(value) {
    const tag = this.oneOf(OUTCOMES, 'outcome');
    return tag === 'ok' ? { tag, val: value() } : { tag, val: this.error() };
  }

  /**
   * Reads an error. A kind that this version does not know reads as `failed`: the server may be younger.
   *
   * @returns {CallError}
   */
  error() {
    const kind = ERROR_KINDS[this.u8('error kind')] ?? 'failed';
    const message = this.text('error message', MAX_ERROR_MESSAGE);
    const detail = this.oneOf([undefined, () => this.text('error detail', MAX_DETAIL)], 'mark of a detail')?.();
    return { kind, message, detail };
  }

  /**
   * Reads objects with the number of references to each that are given back.
   *
   * @returns {[object: number, times: number][]}
   */
  releases() {
    return this.#list('objects', MAX_RELEASES, () => [this.varint('object'), this.u32('number of references')]);
  }

  /** @param {string} field */
  u32(field) {
    return this.#upTo(field, 0xffff_ffff, 'protocol');
  }

  /** @param {string} how it is wrong */
  wrong(how) {
    return this.#error('protocol', how);
  }

  /**
   * @param {ErrorKind} kind
   * @param {string} how
   */
  #error(kind, how) {
    return new DotNetError(kind, `${this.#what} ${how}.`);
  }
}
