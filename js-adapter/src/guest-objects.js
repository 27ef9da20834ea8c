/**
 * The objects of one guest that the page holds.
 *
 * @module
 */

import { idOf } from './dotnet-object.js';
import { tooMany } from './error.js';
import { MAX_LIVE_REFERENCES } from './limits.js';

/** @import { DotNetObject } from './dotnet-object.js' */

/**
 * The page's proxies for the objects of one guest. An object that the page has lost sight of is forgotten, with the number
 * of times that it came: the guest may be naming it once more just then.
 */
export class GuestObjects {
  #forget;

  /** @type {Map<number, { proxies: number, times: number }>} How many proxies there are, and how many there have been. */
  #held = new Map();

  /** @type {FinalizationRegistry<number>} */
  #lost = new FinalizationRegistry((id) => this.#lose(id));

  /** @param {(object: number, times: number) => void} forget */
  constructor(forget) {
    this.#forget = forget;
  }

  /**
   * Notes a proxy that a message has brought.
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
      if (this.#held.size >= MAX_LIVE_REFERENCES) {
        throw tooMany(this.#held.size + 1, MAX_LIVE_REFERENCES, "the guest's objects that the page holds");
      }
      this.#held.set(id, { proxies: 1, times: 1 });
    }
    this.#lost.register(object, id, object);
  }

  /**
   * A proxy that was added is not handed out after all, and whoever has taken it back takes care of the object.
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
   * The page has disposed of an object; its proxies need no care any more.
   *
   * @param {number} id
   */
  dispose(id) {
    this.#held.delete(id);
  }

  /** The guest is gone. */
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
