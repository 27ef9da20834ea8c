/**
 * `Backoff`, which says how long to wait before the next try. Pure: it has neither a clock nor timers.
 *
 * The first try comes at once, and those after it at random within a time that doubles (*full jitter*), so that the pages of a server that
 * was away do not all return in the same moment.
 *
 * @module
 */

/**
 * @typedef {object} RetryOptions
 * @property {number} first How many milliseconds the first try waits at least.
 * @property {number} max How many milliseconds a try waits at most, unless the server asks for more.
 */

/** Within which time the first tries of many pages are spread, in milliseconds. A person does not notice it. */
const SPREAD = 100;

/** What doubles, in milliseconds. */
const BASE = 250;

/** The longest wait, in milliseconds: a person who looks at the page has a server that is back within it. */
const MAX = 10_000;

/** The waits between the tries of one circuit. */
export class Backoff {
  #first;
  #max;
  #random;
  #tries = 0;

  /**
   * @param {Partial<RetryOptions>} [options]
   * @param {() => number} [random] returns a number from 0 to 1
   */
  constructor({ first = 0, max = MAX } = {}, random = Math.random) {
    this.#first = first;
    this.#max = max;
    this.#random = random;
  }

  /** How many tries there were since the last reset. */
  get tries() {
    return this.#tries;
  }

  /**
   * Returns how long to wait before the next try, in milliseconds.
   *
   * @param {number} [least] what the server has asked for
   */
  next(least = 0) {
    const tries = this.#tries++;
    const wait = tries === 0 ? this.#first + this.#random() * SPREAD : this.#random() * Math.min(this.#max, BASE * 2 ** (tries - 1));
    return Math.max(least, wait);
  }

  /** The page has woken up, or is connected: the next try is a first one. */
  reset() {
    this.#tries = 0;
  }
}
