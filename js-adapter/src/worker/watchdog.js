/**
 * `Watchdog`, a limit on how long something stays silent, in milliseconds.
 *
 * A page that was busy for long finds its timer due before it has read the messages that have come meanwhile. So when the time is over,
 * the page gets a little more, in which it reads them.
 *
 * @module
 */

import { after } from '../timers.js';

/** How much more. */
const GRACE = 100;

/** One limit. */
export class Watchdog {
  #onLate;

  /** @type {(() => void) | undefined} */
  #clear;

  /** @param {() => void} onLate */
  constructor(onLate) {
    this.#onLate = onLate;
  }

  /**
   * Begins to wait, anew if it waits already.
   *
   * @param {number} milliseconds
   */
  start(milliseconds) {
    this.stop();
    this.#clear = after(milliseconds, () => {
      this.#clear = after(GRACE, this.#onLate);
    });
  }

  /** Waits no longer. */
  stop() {
    this.#clear?.();
    this.#clear = undefined;
  }
}
