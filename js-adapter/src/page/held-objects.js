/**
 * `HeldObjects`, the objects of the page that one guest holds, and that it can name.
 *
 * Each message that names an object gives the guest one more reference, which it gives back when it has no more use for it.
 *
 * @module
 */

import { LIMITS, tooMany } from '../limits.js';
import { GLOBAL, enter, holders, named, referenced } from './objects.js';
import { abandon, lengthOf, streamable } from './streams.js';

/** @import { Limits } from '../limits.js' */
/** @import { PageObject } from '../wire/context.js' */

/** The objects of the page that one guest holds. */
export class HeldObjects {
  /** @type {Map<number, { entry: PageObject, count: number }>} How many references to each the guest has. */
  #held = new Map();

  /** @type {number[]} What the guest has given back while it was on the stack: the result that it is about to return may name it. */
  #released = [];

  #limits;

  /** @param {Limits} [limits] */
  constructor(limits = LIMITS) {
    this.#limits = limits;
    holders.add(this);
  }

  /** How many objects the guest holds. */
  get size() {
    return this.#held.size;
  }

  /**
   * Returns the object that the guest names.
   *
   * @param {number} id
   * @returns {object | undefined}
   */
  get(id) {
    return id === GLOBAL ? globalThis : this.#held.get(id)?.entry.object;
  }

  /**
   * Returns the entry of an object that the guest holds already.
   *
   * @param {number} id
   * @returns {PageObject | undefined}
   */
  held(id) {
    return this.#held.get(id)?.entry;
  }

  /**
   * Counts the references that a message gives to the guest, one for each entry in the list: all of them or none.
   *
   * @param {PageObject[]} entries
   * @throws {DotNetError} when they are too many
   */
  retain(entries) {
    for (const [index, entry] of entries.entries()) {
      const held = this.#held.get(entry.id);
      if (held) {
        held.count++;
      } else if (!entry.disposed) {
        const { references } = this.#limits;
        if (this.#held.size >= references) this.flush();
        if (this.#held.size >= references) {
          const error = tooMany(this.#held.size + 1, references, "the page's objects that the guest holds");
          this.rollback(entries.slice(0, index));
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
   * Returns a new entry for an object that the guest has asked for, and counts the reference.
   *
   * @param {unknown} object
   * @param {boolean} asStream
   * @returns {PageObject}
   * @throws {DotNetError} when it cannot be given
   */
  give(object, asStream) {
    // A function of the page that knows the length of its stream answers with a reference, which has the length.
    const made = asStream && referenced(object);
    const entry = made && lengthOf(made.object) >= 0 ? made : enter(asStream ? streamable(object) : object);
    try {
      this.retain([entry]);
    } catch (error) {
      named.delete(entry.id);
      throw error;
    }
    return entry;
  }

  /**
   * Takes back the references of a message that was not delivered.
   *
   * @param {PageObject[] | undefined} entries
   */
  rollback(entries) {
    for (const { id } of entries ?? []) this.#release(id);
  }

  /**
   * The guest gives up references to an object. The result that it is about to return may still name the object.
   *
   * @param {number} id
   * @param {number} [times]
   */
  release(id, times = 1) {
    if (times > 1) times = Math.min(times, this.#held.get(id)?.count ?? 0);
    for (; times > 0; times--) this.#released.push(id);
  }

  /**
   * Drops what the guest has released. It is off the stack.
   *
   * @param {number} [most] up to so many released references wait
   */
  flush(most = 0) {
    // Setting the length of an array costs more than reading it, and every call passes here.
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
