/**
 * A guest's memory: its bounds, texts, byte arrays, and memory that is taken from the guest. Names in parentheses are functions of
 * `CanonicalABI.md` of the component model.
 *
 * The guest is not trusted: whatever lies outside its memory or has no meaning is a trap, with a message.
 *
 * @module
 */

import { tooLarge } from '../error.js';
import { MAX_BYTES, longestText } from '../limits.js';
import { asciiOf } from './strings.js';

/**
 * Strings of ASCII up to this length are written by a loop, because a call of the Encoding standard's classes costs 250 to 500 ns in a
 * page and 120 in Node. Measured, a loop takes as long at 190 characters in Firefox, 240 in Chromium and 50 in Node.
 */
const SHORT_TO_WRITE = 96;

/** The same for strings that are read: a loop takes as long at 80 characters in Chromium, 50 in Firefox and 35 in Node. */
const SHORT_TO_READ = 64;

/**
 * How many bytes are read for a guest in one crossing, at most; more if its memory is larger. Lists may overlap, so a small memory
 * could describe more than any page can hold.
 */
const MIN_BUDGET = 16 * 1024 * 1024;

/** Smaller allocations are not given back when a later one of the same message fails. */
const LARGE = 64 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The memory of one guest.
 *
 * Whatever is written goes into memory taken from the guest, which owns it from then on. Addresses and lengths come out of
 * WebAssembly as signed numbers, and are made unsigned where they are first used.
 */
export class GuestMemory {
  /** @type {WebAssembly.Memory} */
  #memory;

  /** @type {(old: number, oldSize: number, align: number, size: number) => number} The guest's `cabi_realloc`. */
  #realloc;

  /** All of the memory. When it grows, which any crossing may cause, this view is detached and has no length. */
  bytes = new Uint8Array();
  /** The same for numbers. */
  view = new DataView(this.bytes.buffer);

  #budget = 0;

  /** @type {{ address: number, size: number }[]} The large allocations of the current crossing. */
  #large = [];

  /** The size of the string that was written last, in bytes. */
  written = 0;

  /** Whether the guest may call the page: not while it allocates or frees memory (`may_leave`). */
  mayLeave = true;

  /** @type {Error | undefined} The first trap. It is thrown again at each crossing, because the guest may have caught it. */
  trapError;

  /**
   * @param {WebAssembly.Memory} memory
   * @param {(old: number, oldSize: number, align: number, size: number) => number} realloc
   */
  constructor(memory, realloc) {
    this.#memory = memory;
    this.#realloc = realloc;
  }

  /** Begins a crossing: the guest was on the stack, so its memory may have grown. */
  enter() {
    if (this.trapError) throw this.trapError;
    this.#refresh();
    if (this.#large.length > 0) this.#large = [];
    const size = this.bytes.length;
    this.#budget = size > MIN_BUDGET ? size : MIN_BUDGET;
  }

  #refresh() {
    if (this.bytes.length > 0) return;
    this.bytes = new Uint8Array(this.#memory.buffer);
    this.view = new DataView(this.#memory.buffer);
  }

  /**
   * Returns the error for a guest that breaks the ABI.
   *
   * @param {string} what
   */
  trap(what) {
    const trapError = new WebAssembly.RuntimeError(`the guest breaks the canonical ABI: ${what}`);
    this.trapError ??= trapError;
    return trapError;
  }

  /**
   * Checks that a value lies within the memory, and returns its address.
   *
   * @param {number} address
   * @param {number} size
   * @param {number} align
   * @param {string} what
   */
  within(address, size, align, what) {
    const start = address >>> 0;
    if (start + size > this.bytes.length) {
      throw this.trap(`${what} of ${size} bytes at ${start} lies outside of its memory of ${this.bytes.length} bytes`);
    }
    if (start % align !== 0) throw this.trap(`${what} at ${start} is not aligned to ${align} bytes`);
    this.#budget -= size;
    if (this.#budget < 0) throw this.trap(`${what} of ${size} bytes is too much, after what it has handed over before it in one call`);
    return start;
  }

  /** @param {number} address of a `u32`, checked */
  u32(address) {
    return this.view.getUint32(address, true);
  }

  /**
   * Reads a `string` (`load_string_from_range`).
   *
   * @param {number} address
   * @param {number} size
   * @returns {string}
   */
  string(address, size) {
    const text = this.text(address, size);
    if (text === undefined) throw this.trap(tooLong(size));
    return text;
  }

  /**
   * Reads a `string`, or returns `undefined` when this engine cannot hold it.
   *
   * @param {number} address
   * @param {number} size
   * @returns {string | undefined}
   */
  text(address, size) {
    const length = size >>> 0;
    const start = this.within(address, length, 1, 'a string');
    const end = start + length;
    const bytes = this.bytes;
    if (length <= SHORT_TO_READ) {
      const text = asciiOf(bytes, start, end);
      if (text !== undefined) return text;
    }
    if (length > LARGE && length > longestText()) return undefined;
    try {
      return decoder.decode(bytes.subarray(start, end));
    } catch (error) {
      if (error instanceof TypeError) throw this.trap(`a string of ${length} bytes at ${start} is not UTF-8`);
      // The page has no more memory, or no more stack.
      if (length > LARGE) return undefined;
      throw error;
    }
  }

  /**
   * Reads a `list<u8>`, as a copy (`load_list_from_range`).
   *
   * @param {number} address
   * @param {number} size
   * @returns {Uint8Array}
   */
  array(address, size) {
    const length = size >>> 0;
    const start = this.within(address, length, 1, 'a byte array');
    return this.bytes.slice(start, start + length);
  }

  /**
   * Reads a list.
   *
   * @template T
   * @param {number} address
   * @param {number} count
   * @param {number} size of an element; all elements are aligned to 4 bytes
   * @param {(address: number) => T} element
   * @returns {T[]}
   */
  list(address, count, size, element) {
    const length = count >>> 0;
    const start = this.within(address, length * size, 4, 'a list');
    const list = [];
    for (let index = 0; index < length; index++) list.push(element(start + index * size));
    return list;
  }

  /**
   * Takes memory from the guest, or resizes what was taken.
   *
   * @param {number} old
   * @param {number} oldSize
   * @param {number} align
   * @param {number} size
   * @returns {number}
   */
  #allocate(old, oldSize, align, size) {
    if (size > MAX_BYTES) throw this.#noRoom(size);
    this.mayLeave = false;
    let address;
    try {
      address = this.#realloc(old, oldSize, align, size) >>> 0;
    } catch (cause) {
      // The allocators of guests end so when no memory is left, and no other code of the guest has run.
      if (this.trapError || !isUnreachable(cause)) throw cause;
      throw this.#noRoom(size, cause);
    } finally {
      this.mayLeave = true;
    }
    this.#refresh();
    if (oldSize > LARGE) this.#large.pop();
    if (size > LARGE) this.#large.push({ address, size });
    if (address + size > this.bytes.length || address % align !== 0) {
      throw this.trap(`it gave ${address} as the place for ${size} bytes, aligned to ${align}, in its memory of ${this.bytes.length}`);
    }
    return address;
  }

  /**
   * Returns the error for what the guest cannot hold. The large allocations for the same message shrink to one byte: nobody will free them.
   *
   * @param {number} size
   * @param {unknown} [cause]
   */
  #noRoom(size, cause) {
    this.mayLeave = false;
    for (const large of this.#large.splice(0)) this.#realloc(large.address, large.size, 1, 1);
    this.mayLeave = true;
    const has = this.#memory.buffer.byteLength;
    return tooLarge(
      `The guest has no room for ${size} bytes: its memory has ${has}, ${MAX_BYTES} in one piece are the limit, and 4 GiB are in all.`,
      cause,
    );
  }

  /**
   * Writes a `string` (`store_string_to_utf8`). Its size is `written` afterwards.
   *
   * @param {string} text
   * @returns {number}
   */
  writeString(text) {
    const { length } = text;
    let address = this.#allocate(0, 0, 1, length);
    if (length <= SHORT_TO_WRITE) {
      const bytes = this.bytes;
      let index = 0;
      for (; index < length; index++) {
        const unit = text.charCodeAt(index);
        if (unit > 0x7f) break;
        bytes[address + index] = unit;
      }
      if (index === length) {
        this.written = length;
        return address;
      }
    }
    let { read, written } = encoder.encodeInto(text, this.bytes.subarray(address, address + length));
    if (read < length) {
      // Not all is ASCII, and a unit of UTF-16 may take three bytes.
      const most = written + (length - read) * 3;
      address = this.#allocate(address, length, 1, most);
      written += encoder.encodeInto(text.slice(read), this.bytes.subarray(address + written, address + most)).written;
      address = this.#allocate(address, most, 1, written);
    }
    this.written = written;
    return address;
  }

  /**
   * Writes a `list<u8>`.
   *
   * @param {Uint8Array} array
   * @returns {number}
   */
  writeArray(array) {
    const address = this.#allocate(0, 0, 1, array.length);
    this.bytes.set(array, address);
    return address;
  }

  /**
   * Writes a `list<list<u8>>`.
   *
   * @param {Uint8Array[]} arrays
   * @returns {number}
   */
  writeArrays(arrays) {
    // Most messages have none. An empty list may have any aligned address.
    if (arrays.length === 0) return 4;
    const address = this.#allocate(0, 0, 4, arrays.length * 8);
    let at = address;
    for (const array of arrays) {
      const start = this.writeArray(array);
      this.view.setUint32(at, start, true);
      this.view.setUint32(at + 4, array.length, true);
      at += 8;
    }
    return address;
  }
}

/**
 * Whether the guest has ended by an `unreachable` instruction, as its allocators do.
 *
 * @param {unknown} thrown
 */
function isUnreachable(thrown) {
  return thrown instanceof WebAssembly.RuntimeError && /unreachable/i.test(thrown.message);
}

/**
 * Returns what is wrong with a text of so many bytes.
 *
 * @param {number} size
 */
export function tooLong(size) {
  return `A text of ${size >>> 0} bytes is more than this engine can hold: ${longestText()} characters are its limit.`;
}
