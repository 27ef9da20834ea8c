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
    if (this.rest > 0) throw this.wrong(`has ${this.rest} bytes after its last field, where it should end`);
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
    for (let index = 0, scale = 1; index < MAX_VARINT && index < this.rest; index++, scale *= 128) {
      const byte = this.#bytes[this.#at + index];
      value += (byte & 0x7f) * scale;
      if (byte & 0x80) continue;
      if (byte === 0 && index > 0) throw this.wrong(`has a ${field} that is not a varint in its shortest form`);
      if (value > Number.MAX_SAFE_INTEGER) throw this.wrong(`has a ${field} beyond 2^53 - 1, which is the largest number`);
      this.#at += index + 1;
      return value;
    }
    throw this.wrong(this.rest < MAX_VARINT ? `ends within its ${field}` : `has a ${field} of more than ${MAX_VARINT} bytes, which no varint has`);
  }

  /** @param {string} field */
  #u32(field) {
    const value = this.varint(field);
    if (value > 0xffff_ffff) throw this.wrong(`has the ${field} ${value}, and 2^32 - 1 is the largest`);
    return value;
  }

  /**
   * Takes bytes, as a view.
   *
   * @param {string} field
   */
  slice(field) {
    const length = this.varint(field);
    if (length > this.rest) throw this.wrong(`says that its ${field} has ${length} bytes, and ${this.rest} follow`);
    return this.#take(length);
  }

  /** @param {number} length */
  #take(length) {
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  /**
   * @param {string} field
   * @param {number} [max] how many bytes it may have
   */
  text(field, max = Infinity) {
    const bytes = this.slice(field);
    if (bytes.length > max) throw this.#beyond('too-large', `has a ${field} of ${bytes.length} bytes, and ${max} is the limit`);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.wrong(`has a ${field} that is not UTF-8`);
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
    if (index >= cases.length) throw this.wrong(`has the ${field} ${index}, and ${cases.length - 1} is the last one`);
    return cases[index];
  }

  /**
   * @param {string} field
   * @param {number} max
   * @param {number} size how many bytes each has at least
   */
  #count(field, max, size) {
    const count = this.varint(field);
    if (count > max) throw this.#beyond('too-many', `names ${count} ${field}, and ${max} is the limit`);
    if (count * size > this.rest) throw this.wrong(`names ${count} ${field}, for which its last ${this.rest} bytes have no room`);
    return count;
  }

  /** @returns {Message} */
  message() {
    const json = this.text('JSON text');
    const count = this.#count('byte arrays', MAX_BYTE_ARRAYS, 1);
    const lengths = Array.from({ length: count }, () => this.varint('byte array'));
    const total = lengths.reduce((sum, length) => sum + length, 0);
    if (total > this.rest) throw this.wrong(`says that its byte arrays have ${total} bytes, and ${this.rest} follow`);
    // Copies, because the page keeps them for longer than the socket's message, and may move their buffers elsewhere.
    return { json, bytes: lengths.map((length) => this.#take(length).slice()) };
  }

  /**
   * @template T
   * @param {() => T} value reads it
   * @returns {Outcome<T>}
   */
  outcome(value) {
    const tag = this.u8('outcome');
    if (tag === 0) return { tag: 'ok', val: value() };
    if (tag === 1) return { tag: 'err', val: this.error() };
    throw this.wrong(`has the outcome ${tag}, where 0 is a value and 1 is an error`);
  }

  /**
   * Reads an error. A kind that this version does not know reads as `failed`: the server may be younger.
   *
   * @returns {CallError}
   */
  error() {
    const kind = ERROR_KINDS[this.u8('error kind')] ?? 'failed';
    const message = this.text('error message', MAX_ERROR_MESSAGE);
    const mark = this.u8('mark of a detail');
    if (mark > 1) throw this.wrong(`has the mark ${mark} of a detail, where 0 is none and 1 is one`);
    return { kind, message, detail: mark === 1 ? this.text('error detail', MAX_DETAIL) : undefined };
  }

  /**
   * Reads objects with the number of references to each that are given back.
   *
   * @returns {[object: number, times: number][]}
   */
  releases() {
    const count = this.#count('objects', MAX_RELEASES, 2);
    return Array.from({ length: count }, () => [this.varint('object'), this.#u32('number of references')]);
  }

  /** Reads the number of bytes that are asked for. */
  size() {
    return this.#u32('length');
  }

  /** @param {string} how it is wrong */
  wrong(how) {
    return this.#beyond('protocol', how);
  }

  /**
   * @param {ErrorKind} kind
   * @param {string} how
   */
  #beyond(kind, how) {
    return new DotNetError(kind, `${this.#what} ${how}.`);
  }
}
