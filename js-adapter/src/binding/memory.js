/**
 * Values in a guest's memory, as the component model's canonical ABI lays them out: the few types that `dotwit:interop` is
 * made of, and no others. Names in parentheses are sections and functions of `CanonicalABI.md` of the component model.
 *
 * What a guest hands over is not trusted: what lies outside its memory or means nothing is a trap, told in words.
 *
 * @module
 */

import { tooLarge } from '../error.js';
import { MAX_BYTES, longestText } from '../limits.js';

/** @import { Assembly, CallError, Message, Method, ObjectType, Outcome, Parameter } from '../contract.js' */
/** @import { ErrorKind } from '../error.js' */

/**
 * Strings up to this length are written by a loop as long as they are ASCII: to begin with, the classes of the Encoding
 * standard cost 250 to 500 ns in a page and 120 in Node. Measured, a loop takes as long at 190 characters in Firefox, 240 in
 * Chromium and 50 in Node.
 */
const SHORT_TO_WRITE = 96;

/** The same for those that are read, which a loop does more slowly: as long at 80 in Chromium, 50 in Firefox, 35 in Node. */
const SHORT_TO_READ = 64;

/**
 * How much a guest can have read for it in one crossing, at least; more if its memory is larger. Lists may overlap, so
 * that a small memory could describe more than any page could hold.
 */
const MIN_BUDGET = 16 * 1024 * 1024;

/** What has fewer bytes is given back with the guest's own, or not worth it. */
const LARGE = 64 * 1024;

/** @type {ErrorKind[]} `error-kind` of `wit/`, in its order. */
const ERROR_KINDS = [
  'no-such-assembly',
  'no-such-method',
  'no-such-object',
  'bad-arguments',
  'failed',
  'guest-trapped',
  'cancelled',
  'timed-out',
  'too-large',
  'too-many',
  'disconnected',
  'unsupported',
  'reentrant',
  'js-failed',
  'protocol',
];

/** How much of a text is looked at together that is too long, and more than the name of an object has. */
const PIECE = 1 << 20;
const LONGEST_NAME = 64;

const latin1 = new TextDecoder('latin1');
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * What reads the flat values of a `result` whose `err` is a `call-error`.
 *
 * @template T
 * @typedef {(discriminant: number, a: number, b: number, c: number, d: number, e: number, f: number) => T} Flat
 */

/** @type {Uint8Array[]} */
const NO_ARRAYS = [];

/**
 * The memory of one guest.
 *
 * What reads takes the flat values of a type, or the address of a stored one; what writes takes memory from the guest, which
 * owns it from then on. Addresses and lengths come out of WebAssembly as signed numbers and are made unsigned where they
 * are first used.
 */
export class GuestMemory {
  /** @type {WebAssembly.Memory} */
  #memory;

  /** @type {(old: number, oldSize: number, align: number, size: number) => number} The guest's `cabi_realloc`. */
  #realloc;

  // Views of the whole memory. When it grows, which any crossing may do, they are detached and have no length any more.
  #bytes = new Uint8Array();
  #view = new DataView(this.#bytes.buffer);

  #budget = 0;

  /** @type {{ address: number, size: number }[]} The large things that are being written for one crossing. */
  #large = [];

  /** How many bytes the string has that was written last. */
  written = 0;

  /** Whether the guest may call the page; not while it gives out or takes back memory (`may_leave`). */
  mayLeave = true;

  /** @type {Error | undefined} The first trap. A guest may have caught what was thrown, and must not go on. */
  fault;

  /**
   * @param {WebAssembly.Memory} memory
   * @param {(old: number, oldSize: number, align: number, size: number) => number} realloc
   */
  constructor(memory, realloc) {
    this.#memory = memory;
    this.#realloc = realloc;
  }

  /** The guest was on the stack: its memory may be another, and what is read from now on belongs to one crossing. */
  enter() {
    if (this.fault) throw this.fault;
    this.#refresh();
    if (this.#large.length > 0) this.#large = [];
    const size = this.#bytes.length;
    this.#budget = size > MIN_BUDGET ? size : MIN_BUDGET;
  }

  #refresh() {
    if (this.#bytes.length > 0) return;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#view = new DataView(this.#memory.buffer);
  }

  /**
   * What is thrown for a guest that breaks the ABI.
   *
   * @param {string} what
   */
  trap(what) {
    const fault = new WebAssembly.RuntimeError(`the guest breaks the canonical ABI: ${what}`);
    this.fault ??= fault;
    return fault;
  }

  /**
   * Checks that something lies within the memory, and returns its address.
   *
   * @param {number} address
   * @param {number} size
   * @param {number} align
   * @param {string} what
   */
  #within(address, size, align, what) {
    const start = address >>> 0;
    if (start + size > this.#bytes.length) {
      throw this.trap(`${what} of ${size} bytes at ${start} lies outside of its memory of ${this.#bytes.length} bytes`);
    }
    if (start % align !== 0) throw this.trap(`${what} at ${start} is not aligned to ${align} bytes`);
    this.#budget -= size;
    if (this.#budget < 0) throw this.trap(`${what} of ${size} bytes is too much, after what it has handed over before it in one call`);
    return start;
  }

  /** @param {number} address of a `u32`, checked */
  #u32(address) {
    return this.#view.getUint32(address, true);
  }

  /**
   * Reads a `string` (`load_string_from_range`).
   *
   * @param {number} address
   * @param {number} size
   * @returns {string}
   */
  string(address, size) {
    const text = this.#text(address, size);
    if (text === undefined) throw this.trap(tooLong(size));
    return text;
  }

  /**
   * The same, or nothing where this engine cannot hold it.
   *
   * @param {number} address
   * @param {number} size
   * @returns {string | undefined}
   */
  #text(address, size) {
    const length = size >>> 0;
    const start = this.#within(address, length, 1, 'a string');
    const end = start + length;
    const bytes = this.#bytes;
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
    const start = this.#within(address, length, 1, 'a byte array');
    return this.#bytes.slice(start, start + length);
  }

  /**
   * Reads a list of anything.
   *
   * @template T
   * @param {number} address
   * @param {number} count
   * @param {number} size of an element; all that there are align to 4 bytes
   * @param {(address: number) => T} element
   * @returns {T[]}
   */
  #list(address, count, size, element) {
    const length = count >>> 0;
    const start = this.#within(address, length * size, 4, 'a list');
    const list = [];
    for (let index = 0; index < length; index++) list.push(element(start + index * size));
    return list;
  }

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
    const text = this.#text(json, jsonSize);
    if (text === undefined) return this.#unread(json, jsonSize, tooLong(jsonSize));
    if (bytesCount === 0) return { json: text, bytes: NO_ARRAYS };
    try {
      return { json: text, bytes: this.#list(bytes, bytesCount, 8, (at) => this.array(this.#u32(at), this.#u32(at + 4))) };
    } catch (error) {
      if (this.fault || !(error instanceof RangeError)) throw error;
      return this.#unread(json, jsonSize, `The page has no room for the byte arrays: ${error.message}`);
    }
  }

  /**
   * What is left of a message that the page cannot hold: what it names, for that is to be given back.
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
      const piece = latin1.decode(this.#bytes.subarray(at, Math.min(at + PIECE + LONGEST_NAME, end)));
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
      message: this.#text(message, messageSize) ?? tooLong(messageSize),
      detail: this.#flag(hasDetail) ? this.#text(detail, detailSize) : undefined,
    };
  }

  /**
   * Reads an enum.
   *
   * @template T
   * @param {T[]} cases
   * @param {number} index
   * @param {string} type
   * @returns {T}
   */
  caseOf(cases, index, type) {
    const found = cases[index];
    if (found === undefined) throw this.trap(`${index >>> 0} is no case of ${type}`);
    return found;
  }

  /**
   * Reads which of two cases a `result` or an `option` has.
   *
   * @param {number} discriminant
   */
  #flag(discriminant) {
    if (discriminant === 1) return true;
    if (discriminant !== 0) throw this.trap(`${discriminant >>> 0} is no case of a type with two cases`);
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
      if (this.fault || !(error instanceof RangeError)) throw error;
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
    return { tag: 'ok', val: this.#list(a, b, 24, this.#assembly) };
  };

  /**
   * Reads one of these as it is stored (`load_variant`): its flat values one after the other, each in 4 bytes, but that
   * discriminants have 1 byte before 3 that mean nothing.
   *
   * @template T
   * @param {number} address
   * @param {Flat<T>} outcome which
   * @returns {T}
   */
  stored(address, outcome) {
    const at = this.#within(address, 28, 4, 'a result');
    const bytes = this.#bytes;
    const discriminant = bytes[at];
    return outcome(
      discriminant,
      discriminant === 0 ? this.#u32(at + 4) : bytes[at + 4],
      this.#u32(at + 8),
      this.#u32(at + 12),
      discriminant === 0 ? this.#u32(at + 16) : bytes[at + 16],
      this.#u32(at + 20),
      this.#u32(at + 24),
    );
  }

  /**
   * Whether a stored `option` of one of these is `some`, which then begins 4 bytes further on.
   *
   * @param {number} address
   */
  isSome(address) {
    return this.#flag(this.#bytes[this.#within(address, 32, 4, 'an option')]);
  }

  /** @param {number} at */
  #storedString(at) {
    return this.string(this.#u32(at), this.#u32(at + 4));
  }

  /** @param {number} at */
  #storedOptionalString(at) {
    return this.#flag(this.#bytes[at]) ? this.#storedString(at + 4) : undefined;
  }

  /**
   * @template T
   * @param {number} at
   * @param {number} size
   * @param {(at: number) => T} element
   */
  #storedList(at, size, element) {
    return this.#list(this.#u32(at), this.#u32(at + 4), size, element);
  }

  #assembly = (/** @type {number} */ at) => ({
    name: this.#storedString(at),
    methods: this.#storedList(at + 8, 48, this.#method),
    types: this.#storedList(at + 16, 28, this.#objectType),
  });

  /** @type {(at: number) => ObjectType} */
  #objectType = (at) => ({
    name: this.#storedString(at),
    methods: this.#storedList(at + 8, 48, this.#method),
    docs: this.#storedOptionalString(at + 16),
  });

  /** @type {(at: number) => Method} */
  #method = (at) => ({
    id: this.#storedString(at),
    name: this.#storedString(at + 8),
    parameters: this.#storedList(at + 16, 16, this.#parameter),
    returns: this.#storedString(at + 24),
    // `bool` is the one type of which every value but 0 is true.
    isAsync: this.#bytes[at + 32] !== 0,
    docs: this.#storedOptionalString(at + 36),
  });

  /** @type {(at: number) => Parameter} */
  #parameter = (at) => ({ name: this.#storedString(at), type: this.#storedString(at + 8) });

  /**
   * Takes memory from the guest, or another size of what was taken.
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
      // So guests say that they have no memory left, and nothing else of them has begun.
      if (this.fault || !isUnreachable(cause)) throw cause;
      throw this.#noRoom(size, cause);
    } finally {
      this.mayLeave = true;
    }
    this.#refresh();
    if (oldSize > LARGE) this.#large.pop();
    if (size > LARGE) this.#large.push({ address, size });
    if (address + size > this.#bytes.length || address % align !== 0) {
      throw this.trap(`it gave ${address} as the place for ${size} bytes, aligned to ${align}, in its memory of ${this.#bytes.length}`);
    }
    return address;
  }

  /**
   * The error for what the guest cannot take. What was written beside it shrinks to nothing, for nobody will read it.
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
      const bytes = this.#bytes;
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
    let { read, written } = encoder.encodeInto(text, this.#bytes.subarray(address, address + length));
    if (read < length) {
      // Not all is ASCII, and a unit of UTF-16 may take three bytes.
      const most = written + (length - read) * 3;
      address = this.#allocate(address, length, 1, most);
      written += encoder.encodeInto(text.slice(read), this.#bytes.subarray(address + written, address + most)).written;
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
    this.#bytes.set(array, address);
    return address;
  }

  /**
   * Writes a `list<list<u8>>`.
   *
   * @param {Uint8Array[]} arrays
   * @returns {number}
   */
  writeArrays(arrays) {
    // Most messages have none. What is empty may be anywhere that is aligned.
    if (arrays.length === 0) return 4;
    const address = this.#allocate(0, 0, 4, arrays.length * 8);
    let at = address;
    for (const array of arrays) {
      const start = this.writeArray(array);
      this.#view.setUint32(at, start, true);
      this.#view.setUint32(at + 4, array.length, true);
      at += 8;
    }
    return address;
  }

  /**
   * Stores a `result<message, call-error>` where the guest wants it (`store_variant`).
   *
   * @param {Outcome<Message>} outcome
   * @param {number} address
   */
  storeMessageOutcome(outcome, address) {
    const at = this.#within(address, 28, 4, 'the place for a result');
    if (outcome.tag === 'ok') {
      this.#storeString(at + 4, outcome.val.json);
      const { bytes } = outcome.val;
      const list = this.writeArrays(bytes);
      this.#bytes[at] = 0;
      this.#view.setUint32(at + 12, list, true);
      this.#view.setUint32(at + 16, bytes.length, true);
    } else {
      const { kind, message, detail } = outcome.val;
      this.#storeString(at + 8, message);
      if (detail !== undefined) this.#storeString(at + 20, detail);
      this.#bytes[at] = 1;
      this.#bytes[at + 4] = indexOfKind(kind);
      this.#bytes[at + 16] = detail === undefined ? 0 : 1;
    }
  }

  /**
   * @param {number} at
   * @param {string} text
   */
  #storeString(at, text) {
    const address = this.writeString(text);
    this.#view.setUint32(at, address, true);
    this.#view.setUint32(at + 4, this.written, true);
  }
}

/** @param {number} size in bytes */
function tooLong(size) {
  return `A text of ${size >>> 0} bytes is more than this engine can hold: ${longestText()} characters are its limit.`;
}

/**
 * Whether the guest has trapped where it says so itself, as its allocators do.
 *
 * @param {unknown} thrown
 */
function isUnreachable(thrown) {
  return thrown instanceof WebAssembly.RuntimeError && /unreachable/i.test(thrown.message);
}

/**
 * Reads ASCII.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @returns {string | undefined} `undefined` when it is none
 */
function asciiOf(bytes, start, end) {
  let text = '';
  let at = start;
  // Eight at a time, because each addition makes a string.
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at];
    const b = bytes[at + 1];
    const c = bytes[at + 2];
    const d = bytes[at + 3];
    const e = bytes[at + 4];
    const f = bytes[at + 5];
    const g = bytes[at + 6];
    const h = bytes[at + 7];
    if ((a | b | c | d | e | f | g | h) > 0x7f) return undefined;
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/**
 * The number that a kind of error has.
 *
 * @param {ErrorKind} kind
 */
export function indexOfKind(kind) {
  const index = ERROR_KINDS.indexOf(kind);
  if (index < 0) throw new TypeError(`'${kind}' is no kind of error`);
  return index;
}
