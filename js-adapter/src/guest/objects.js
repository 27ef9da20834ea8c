/**
 * `GuestObjects`, the objects of one guest that the page holds.
 *
 * @module
 */

import { tooMany } from '../limits.js';
import { idOf } from '../proxy/dotnet-object.js';

/** @import { Limits } from '../limits.js' */
/** @import { DotNetObject } from '../proxy/dotnet-object.js' */

/**
 * The page's proxies for the objects of one guest. A collected proxy is reported with the number of times that its object came,
 * because the guest may be sending the object again at that moment.
 */
export class GuestObjects {
  #forget;

  /** @type {Map<number, { proxies: number, times: number }>} For each object, how many proxies are alive, and how many times it came. */
  #held = new Map();

  /** @type {FinalizationRegistry<number>} */
  #lost = new FinalizationRegistry((id) => this.#lose(id));

  #limits;

  /**
   * @param {(object: number, times: number) => void} forget
   * @param {Limits} limits
   */
  constructor(forget, limits) {
    this.#forget = forget;
    this.#limits = limits;
  }

  /** How many there are. */
  get size() {
    return this.#held.size;
  }

  /**
   * Adds a proxy that a message has brought.
   *
   * @param {DotNetObject} object
   * @throws {DotNetError} when there are too many objects
   */
  add(object) {
    const id = idOf(object);
    const held = this.#held.get(id);
    if (held) {
      held.proxies++;
      held.times++;
    } else {
      const { references } = this.#limits;
      if (this.#held.size >= references) {
        throw tooMany(this.#held.size + 1, references, "the guest's objects that the page holds");
      }
      this.#held.set(id, { proxies: 1, times: 1 });
    }
    this.#lost.register(object, id, object);
  }

  /**
   * Takes back a proxy that is not handed out after all. The caller releases the object.
   *
   * @param {DotNetObject} object
   */
  remove(object) {
    this.#lost.unregister(object);
    const id = idOf(object);
    const held = this.#held.get(id);
    if (!held) return;
    held.times--;
    if (--held.proxies === 0 && held.times === 0) this.#held.delete(id);
  }

  /**
   * Drops an object that the page has disposed of, with all its proxies.
   *
   * @param {number} id
   */
  dispose(id) {
    this.#held.delete(id);
  }

  /** Drops everything: the guest is gone. */
  clear() {
    this.#held.clear();
  }

  /** @param {number} id */
  #lose(id) {
    const held = this.#held.get(id);
    if (!held || --held.proxies > 0) return;
    this.#held.delete(id);
    this.#forget(id, held.times);
  }
}
