/**
 * `Writer`, which writes the fields of a frame, and the frame's kind and length before them.
 *
 * @module
 */

import { DotNetError, messageOf, tooLarge } from '../error.js';
import { ERROR_KINDS } from '../wire/contract.js';
import { MAX_BYTE_ARRAYS, MAX_DETAIL, MAX_ERROR_MESSAGE, MAX_NAME } from './wire.js';

/** @import { CallError, Message, Outcome } from '../wire/contract.js' */

const encoder = new TextEncoder();

/** Room for the two numbers before the first frame of a message, which are known when it is sent: it needs no copy then. */
const MESSAGE_HEAD = 16;

/** That, and room for a frame's kind and length, which are known when its body is. */
const HEAD = MESSAGE_HEAD + 9;

/** How large the buffer is that is kept between frames: most fit, and a large one does not stay. */
const KEPT = 64 * 1024;

/** @param {number} value */
export function sizeOfVarint(value) {
  let size = 1;
  for (; value > 0x7f; value = Math.floor(value / 128)) size++;
  return size;
}

/**
 * Writes an unsigned LEB128 in its shortest form.
 *
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} value
 * @returns {number} where it ends
 */
export function putVarint(bytes, at, value) {
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes[at++] = (value % 128) | 0x80;
  bytes[at++] = value;
  return at;
}

/** Writes one frame after the other. */
export class Writer {
  #bytes = new Uint8Array(KEPT);
  #at = HEAD;

  /**
   * Returns a frame with the body that was written since the last one. In its buffer there is room for a message's head before it.
   *
   * @param {number} kind
   * @returns {Uint8Array<ArrayBuffer>}
   */
  frame(kind) {
    const end = this.#at;
    const start = HEAD - 1 - sizeOfVarint(end - HEAD);
    this.#at = start;
    this.u8(kind);
    this.varint(end - HEAD);
    const from = start - MESSAGE_HEAD;
    // A large buffer does not stay here, and need not be copied.
    const whole = this.#bytes.length > KEPT ? this.#bytes.subarray(from, end) : this.#bytes.slice(from, end);
    this.reset();
    return whole.subarray(MESSAGE_HEAD);
  }

  /** How many bytes the body has so far. */
  get size() {
    return this.#at - HEAD;
  }

  /** Drops the body that was begun. */
  reset() {
    this.#at = HEAD;
    if (this.#bytes.length > KEPT) this.#bytes = new Uint8Array(KEPT);
  }

  /** @param {number} byte */
  u8(byte) {
    this.#reserve(1);
    this.#bytes[this.#at++] = byte;
  }

  /** @param {number} value */
  varint(value) {
    this.#reserve(8);
    this.#at = putVarint(this.#bytes, this.#at, value);
  }

  /** @param {Uint8Array} bytes */
  bytes(bytes) {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** @param {Uint8Array} bytes which no length precedes */
  raw(bytes) {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /**
   * Writes a text in place: its length stands before it, and is known after it.
   *
   * @param {string} text
   * @returns {number} how many bytes it has
   */
  text(text) {
    // UTF-8 has at most three bytes for each unit of UTF-16.
    this.#reserve(8 + text.length * 3);
    const guess = sizeOfVarint(text.length);
    const start = this.#at + guess;
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(start));
    const size = sizeOfVarint(written);
    if (size > guess) this.#bytes.copyWithin(start - guess + size, start, start + written);
    this.varint(written);
    this.#at += written;
    return written;
  }

  /**
   * Writes the name of an assembly or a method.
   *
   * @param {string} name
   * @throws {DotNetError}
   */
  name(name) {
    const size = this.text(name);
    if (size > MAX_NAME) throw tooLarge(`The name '${name.slice(0, 40)}…' has ${size} bytes, and ${MAX_NAME} is the limit.`);
  }

  /**
   * @param {Message} message
   * @throws {DotNetError}
   */
  message({ json, bytes }) {
    if (bytes.length > MAX_BYTE_ARRAYS) {
      throw new DotNetError('too-many', `The message has ${bytes.length} byte arrays, and ${MAX_BYTE_ARRAYS} is the limit of a circuit.`);
    }
    this.text(json);
    this.varint(bytes.length);
    for (const array of bytes) this.varint(array.length);
    for (const array of bytes) this.raw(array);
  }

  /**
   * @template T
   * @param {Outcome<T>} outcome
   * @param {(value: T) => void} value writes it
   */
  outcome(outcome, value) {
    this.u8(outcome.tag === 'ok' ? 0 : 1);
    if (outcome.tag === 'ok') value(outcome.val);
    else this.error(outcome.val);
  }

  /**
   * Writes an error. Texts that are longer than their limits are cut: an end that is not sent would be worse.
   *
   * @param {CallError} error
   */
  error({ kind, message, detail }) {
    this.u8(ERROR_KINDS.indexOf(kind));
    this.text(beginning(message, MAX_ERROR_MESSAGE));
    this.u8(detail === undefined ? 0 : 1);
    if (detail !== undefined) this.text(beginning(detail, MAX_DETAIL));
  }

  /** @param {number} size */
  #reserve(size) {
    const needed = this.#at + size;
    if (needed <= this.#bytes.length) return;
    try {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#at));
      this.#bytes = larger;
    } catch (cause) {
      throw tooLarge(`There is no room for a frame of ${needed} bytes: ${messageOf(cause)}`, cause);
    }
  }
}

/**
 * Returns the beginning of a text, of at most `max` bytes.
 *
 * @param {string} text
 * @param {number} max
 */
function beginning(text, max) {
  if (text.length * 3 <= max) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(max));
  return text.slice(0, read);
}
