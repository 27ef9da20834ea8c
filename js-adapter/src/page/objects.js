/**
 * Objects of the page under their ids, and the references to them that the page makes.
 *
 * There is one table of ids for the whole page, which attached hosts use as it is, as in Blazor. A guest can name only the objects
 * that messages have given to it: `held-objects.js`.
 *
 * @module
 */

import { DotNetError, badArguments } from '../error.js';
import { abandon, lengthOf, streamable } from './streams.js';

/** @import { PageObject } from '../wire/context.js' */
/** @import { StreamSource } from './pulled-source.js' */

/**
 * The placeholder of an object of the page in messages. `disposeJSObjectReference` ends it.
 *
 * @typedef {object} JSObjectReference
 * @property {number} __jsObjectId
 */

/**
 * The placeholder of an object of the page that can be read as a stream.
 *
 * @typedef {object} JSStreamReference
 * @property {number} __jsStreamReferenceLength
 * @property {number} __jsObjectId
 */

/** The id of the global object, which is always there. */
export const GLOBAL = 0;

/** The id of the reference that reads as `null`. */
const NULL = -1;

/** @type {Map<number, PageObject>} The objects that have an id. */
export const named = new Map();

/**
 * The key under which a reference has its entry, which it keeps when a guest lets go of the object and gets it again. Each copy of
 * this package makes references of its own, and recognizes those of other copies by this key.
 */
const ENTRY = Symbol.for('dotwit.reference');

/** @type {WeakSet<PageObject>} The entries that this copy of the package has made. */
const entries = new WeakSet();

/** A reference. It has a class of its own, because frameworks wrap plain objects. */
class Reference {
  /**
   * @param {object} placeholder
   * @param {PageObject} entry
   */
  constructor(placeholder, entry) {
    Object.assign(this, placeholder);
    // A function, whose result no proxy wraps. Configurable, so that a proxy may wrap the function itself.
    Object.defineProperty(this, ENTRY, { value: () => entry, configurable: true });
    entries.add(entry);
  }

  get [Symbol.toStringTag]() {
    return 'JSObjectReference';
  }
}

/** @type {Set<{ drop: (id: number) => void }>} What is told when the page disposes of an object. */
export const holders = new Set();

let lastId = 0;

/**
 * Makes a reference to an object or a function, for arguments and results. The one to `null` or `undefined` reads as null.
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
 * Makes a reference to bytes that the other side reads in pieces. A source that itself comes in pieces, such as a stream, is read
 * once and needs its length, which a `Response` may have in its headers.
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
 * Ends a reference: its object can no longer be named by it. Anything else is ignored, and so is a second time.
 *
 * @param {unknown} reference
 */
export function disposeJSObjectReference(reference) {
  const id = /** @type {any} */ (reference)?.__jsObjectId;
  if (typeof id !== 'number') return;
  // Its entry may be without an id: a guest has let go of it, and the page may send it again.
  const entry = entryOf(reference);
  if (!entry) dispose(named.get(id));
  else if (entries.has(entry)) dispose(entry);
}

/**
 * Returns the entry of a reference, which any copy of this package may have made.
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
 * Returns the object with an id, whether a guest holds it or not.
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
 * Makes an entry for an object, even if the object has one already.
 *
 * @param {unknown} object
 * @returns {PageObject}
 */
export function enter(object) {
  if (typeof object !== 'object' && typeof object !== 'function') {
    throw badArguments(`Cannot create a JSObjectReference from the value '${String(object)}'.`);
  }
  const entry = { id: ++lastId, object: /** @type {object} */ (object), holders: 0, shared: false, disposed: false };
  named.set(entry.id, entry);
  return entry;
}

/**
 * Makes the error for an id that names nothing.
 *
 * @param {number} id
 */
export function noSuchObject(id) {
  return new DotNetError('no-such-object', `JS object instance with ID ${id} does not exist (has it been disposed?).`);
}

/**
 * Returns the placeholder of an object.
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
 * Returns the entry that a value of a message refers to, if it is a reference.
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
