/**
 * Objects of the page that others can name by an id: the references that the page has made, and which of them a guest
 * holds.
 *
 * A guest names only what a message has given it, so it cannot reach what was given to another one. Hosts that others
 * attach share one table, as in Blazor.
 *
 * @module
 */

import { DotNetError, badArguments, tooMany } from './error.js';
import { MAX_LIVE_REFERENCES } from './limits.js';
import { abandon, lengthOf, streamable } from './page-streams.js';

/** @import { StreamSource } from './pulled-source.js' */

/**
 * What stands for an object of the page in a message. `disposeJSObjectReference` ends it.
 *
 * @typedef {object} JSObjectReference
 * @property {number} __jsObjectId
 */

/**
 * What stands in a message for an object of the page that can be read as a stream.
 *
 * @typedef {object} JSStreamReference
 * @property {number} __jsStreamReferenceLength
 * @property {number} __jsObjectId
 */

/**
 * An object under its id.
 *
 * @typedef {object} PageObject
 * @property {number} id
 * @property {object} object
 * @property {number} holders How many guests hold it.
 * @property {boolean} shared Whether it was given to a host that never gives anything back.
 * @property {boolean} disposed
 */

/** The id of the global object, which is always there. */
const GLOBAL = 0;

/** The id of what stands for `null` where a reference is expected. */
const NULL = -1;

/** @type {Map<number, PageObject>} What can be named at all. */
const named = new Map();

/**
 * Gives what a reference stands for: a guest may let go of it and get it again. Every copy of this package has references of
 * its own, and knows those of others by this name.
 */
const ENTRY = Symbol.for('dotwit.reference');

/** @type {WeakSet<PageObject>} What the references of this copy stand for. */
const entries = new WeakSet();

/** A reference: an object of its own kind, which frameworks that wrap plain objects leave alone. */
class Reference {
  /**
   * @param {object} placeholder
   * @param {PageObject} entry
   */
  constructor(placeholder, entry) {
    Object.assign(this, placeholder);
    // Through a proxy, too, this is a function, and what it gives is not wrapped. A proxy may give another function for it.
    Object.defineProperty(this, ENTRY, { value: () => entry, configurable: true });
    entries.add(entry);
  }

  get [Symbol.toStringTag]() {
    return 'JSObjectReference';
  }
}

/** @type {Set<PageObjects>} */
const holders = new Set();

let lastId = 0;

/**
 * Makes a reference to an object or a function, which a message can carry. `null` and `undefined` have one that reads as
 * null.
 *
 * @param {unknown} object
 * @returns {JSObjectReference}
 * @throws {DotNetError} for anything else
 */
export function createJSObjectReference(object) {
  if (object == null) return { __jsObjectId: NULL };
  return referenceTo(enter(object), false);
}

/**
 * Makes a reference to bytes, which a message can carry and the other side read piece by piece. What comes piece by piece
 * itself, such as a stream, is read once, and needs its length, which a `Response` may have in its headers.
 *
 * @param {Blob | ArrayBuffer | ArrayBufferView | StreamSource} source
 * @param {{ length?: number }} [options]
 * @returns {JSStreamReference}
 * @throws {DotNetError} for anything else
 */
export function createJSStreamReference(source, options) {
  return /** @type {JSStreamReference} */ (referenceTo(enter(streamable(source, options)), true));
}

/**
 * @param {PageObject} entry
 * @param {boolean} asStream
 */
function referenceTo(entry, asStream) {
  return /** @type {any} */ (new Reference(placeholderOf(entry, asStream), entry));
}

/**
 * Ends a reference: nobody can name its object by it any more. Anything else is ignored, and so is a second time.
 *
 * @param {unknown} reference
 */
export function disposeJSObjectReference(reference) {
  const id = /** @type {any} */ (reference)?.__jsObjectId;
  if (typeof id !== 'number') return;
  // A guest may have let go of it, and the page may send it again.
  const entry = entryOf(reference);
  if (!entry) dispose(named.get(id));
  else if (entries.has(entry)) dispose(entry);
}

/**
 * What a reference of any copy of this package stands for.
 *
 * @param {any} reference
 * @returns {PageObject | undefined}
 */
function entryOf(reference) {
  return reference?.[ENTRY]?.();
}

/**
 * Ends a reference by its id.
 *
 * @param {number} id
 */
export function disposeJSObjectReferenceById(id) {
  dispose(named.get(id));
}

/** @param {PageObject | undefined} entry */
function dispose(entry) {
  if (!entry) return;
  entry.disposed = true;
  named.delete(entry.id);
  for (const holder of holders) holder.drop(entry.id);
  abandon(entry.object);
}

/**
 * The object with an id, whoever it was given to.
 *
 * @param {number} id
 * @returns {object | undefined}
 */
export function pageObject(id) {
  return id === GLOBAL ? globalThis : named.get(id)?.object;
}

/** How many objects of the page have an id. */
export function countPageObjects() {
  return named.size;
}

/**
 * Gives an object an id of its own, even if it has one already.
 *
 * @param {unknown} object
 * @returns {PageObject}
 */
function enter(object) {
  if (typeof object !== 'object' && typeof object !== 'function') {
    throw badArguments(`Cannot create a JSObjectReference from the value '${String(object)}'.`);
  }
  const entry = { id: ++lastId, object: /** @type {object} */ (object), holders: 0, shared: false, disposed: false };
  named.set(entry.id, entry);
  return entry;
}

/**
 * The error for an object that there is none of.
 *
 * @param {number} id
 */
export function noSuchObject(id) {
  return new DotNetError('no-such-object', `JS object instance with ID ${id} does not exist (has it been disposed?).`);
}

/**
 * What stands for an object in a message.
 *
 * @param {PageObject} entry
 * @param {boolean} asStream
 * @returns {JSObjectReference | JSStreamReference}
 */
export function placeholderOf({ id, object }, asStream) {
  if (!asStream) return { __jsObjectId: id };
  return { __jsStreamReferenceLength: lengthOf(object), __jsObjectId: id };
}

/**
 * The object of the page that a value in a message stands for.
 *
 * @param {any} value
 * @returns {PageObject | undefined}
 * @throws {DotNetError} for a reference of another copy of this package
 */
export function referenced(value) {
  const entry = entryOf(value);
  if (!entry || entries.has(entry)) return entry;
  throw badArguments('This reference is of another copy of dotwit: make one with the DotNet of the guest that gets it.');
}

/** The objects of the page that one guest holds. */
export class PageObjects {
  /** @type {Map<number, { entry: PageObject, count: number }>} How often each was given to the guest and not given back. */
  #held = new Map();

  /** @type {number[]} What the guest has given back and may name in the answer that it is about to give. */
  #released = [];

  constructor() {
    holders.add(this);
  }

  /** How many objects the guest holds. */
  get size() {
    return this.#held.size;
  }

  /**
   * The object that the guest names.
   *
   * @param {number} id
   * @returns {object | undefined}
   */
  get(id) {
    return id === GLOBAL ? globalThis : this.#held.get(id)?.entry.object;
  }

  /**
   * Whether the guest may be given what a copy of a reference names: it names it already.
   *
   * @param {number} id
   * @returns {PageObject | undefined}
   */
  held(id) {
    return this.#held.get(id)?.entry;
  }

  /**
   * Notes that a message gives objects to the guest, each as often as it is in the list: all of them or none.
   *
   * @param {PageObject[]} entries
   * @throws {DotNetError} when they are too many
   */
  grant(entries) {
    for (const [index, entry] of entries.entries()) {
      const held = this.#held.get(entry.id);
      if (held) {
        held.count++;
      } else if (!entry.disposed) {
        if (this.#held.size >= MAX_LIVE_REFERENCES) this.flush();
        if (this.#held.size >= MAX_LIVE_REFERENCES) {
          const error = tooMany(this.#held.size + 1, MAX_LIVE_REFERENCES, "the page's objects that the guest holds");
          this.withdraw(entries.slice(0, index));
          throw error;
        }
        this.#hold(entry);
      }
    }
  }

  /** @param {PageObject} entry */
  #hold(entry) {
    entry.holders++;
    named.set(entry.id, entry);
    this.#held.set(entry.id, { entry, count: 1 });
  }

  /**
   * Gives the guest an object that it has asked for.
   *
   * @param {unknown} object
   * @param {boolean} asStream
   * @returns {PageObject}
   * @throws {DotNetError} when it cannot be given
   */
  give(object, asStream) {
    // A function that knows the length of its stream answers with a reference, which has it.
    const made = asStream && referenced(object);
    const entry = made && lengthOf(made.object) >= 0 ? made : enter(asStream ? streamable(object) : object);
    try {
      this.grant([entry]);
    } catch (error) {
      named.delete(entry.id);
      throw error;
    }
    return entry;
  }

  /**
   * Takes back what a message that was not delivered would have given.
   *
   * @param {PageObject[] | undefined} entries
   */
  withdraw(entries) {
    for (const { id } of entries ?? []) this.#release(id);
  }

  /**
   * The guest gives up one share of an object. It may still name it in what it answers from where it stands.
   *
   * @param {number} id
   */
  release(id) {
    this.#released.push(id);
  }

  /**
   * What the guest has released is gone: it is off the stack.
   *
   * @param {number} [most] how much it may have released for that to wait
   */
  flush(most = 0) {
    // Setting the length of an array costs more than asking for it, and every call comes by here.
    if (this.#released.length <= most) return;
    for (const id of this.#released) this.#release(id);
    this.#released.length = 0;
  }

  /** @param {number} id */
  #release(id) {
    const held = this.#held.get(id);
    if (!held || --held.count > 0) return;
    this.#held.delete(id);
    const { entry } = held;
    if (--entry.holders > 0 || entry.shared) return;
    named.delete(id);
    abandon(entry.object);
  }

  /**
   * The page has disposed of an object.
   *
   * @param {number} id
   */
  drop(id) {
    this.#held.delete(id);
  }

  /** The guest is gone, and holds nothing. */
  clear() {
    holders.delete(this);
    this.#released.length = 0;
    for (const [id, held] of this.#held) {
      held.count = 1;
      this.#release(id);
    }
  }
}
